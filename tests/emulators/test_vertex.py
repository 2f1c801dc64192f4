"""The emulator refuses what Vertex refuses, so that a wrong adapter cannot pass for a right one."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from providers.google.account import ServiceAccount
from tests.emulators import media
from tests.emulators.service import serve
from tests.emulators.vertex import BUCKET, VertexEmulator

pytestmark = pytest.mark.integration
MODELS = "/v1beta1/projects/p/locations/us-central1/publishers/google/models"
PATH = f"{MODELS}/veo-3.1-generate-001:predictLongRunning"


class World:
    """The emulator, and a client with a token of its."""

    def __init__(self, emulator: VertexEmulator, client: httpx.AsyncClient) -> None:
        self.emulator = emulator
        self.client = client

    async def post(self, body: object, path: str = PATH) -> httpx.Response:
        return await self.client.post(path, json=body)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    emulator = VertexEmulator()
    async with serve(emulator) as address:
        token = await ServiceAccount.parse(emulator.account()).token()
        async with httpx.AsyncClient(
            base_url=address, trust_env=False, headers={"Authorization": f"Bearer {token}"}
        ) as client:
            yield World(emulator, client)


async def png() -> dict[str, str]:
    data = await media.picture("a fox")
    return {"mimeType": "image/png", "bytesBase64Encoded": base64.b64encode(data).decode()}


def asked(prompt: str | None = "a fox", instance: dict[str, Any] | None = None, **parameters: Any) -> dict[str, Any]:
    words = {"prompt": prompt} if prompt is not None else {}
    told = {"generateAudio": True, "storageUri": f"gs://{BUCKET}/veo/", **parameters}
    return {"instances": [words | (instance or {})], "parameters": told}


async def test_a_right_order_becomes_an_operation_and_a_video(world: World) -> None:
    name = (await world.post(asked(durationSeconds=4, aspectRatio="9:16"))).json()["name"]
    assert name.startswith("projects/p/locations/us-central1/publishers/google/models/veo-3.1-generate-001/operations/")
    look = PATH.replace("predictLongRunning", "fetchPredictOperation")
    answer = (await world.post({"operationName": name}, look)).json()
    assert answer["done"]
    (video,) = answer["response"]["videos"]
    listed = (await world.client.get(f"/storage/v1/b/{BUCKET}/o", params={"prefix": "veo/"})).json()
    assert [f"gs://{BUCKET}/{item['name']}" for item in listed["items"]] == [video["gcsUri"]]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "one instance"),
        ({"instances": [], "parameters": {}}, "one instance"),
        (asked(None), "prompt, image or video"),
        (asked(durationSeconds=5), "durationSeconds"),
        (asked(resolution="480p"), "resolution"),
        (asked(aspectRatio="1:1"), "aspectRatio"),
        (asked(sampleCount=5), "sampleCount"),
        (asked(sampleCount=True), "sampleCount"),
        (asked(generateAudio=None), "generateAudio"),
        (asked(generateAudio="yes"), "generateAudio"),
        (asked(personGeneration="disallow"), "personGeneration"),
        (asked(enhancePrompt=False), "enhancePrompt"),
        (asked(storageUri="https://bucket/veo"), "storageUri"),
        (asked(final_frame_hint="x"), "finalFrameHint"),
        (asked(instance={"end": {}}), "instances[0].end"),
        (asked(instance={"image": {"mimeType": "image/webp", "bytesBase64Encoded": ""}}), "image/webp"),
        (asked(instance={"image": {"mimeType": "image/png", "bytesBase64Encoded": "????"}}), "input image"),
        (asked(instance={"video": {"gcsUri": "gs://x/y.mp4", "mimeType": "video/mp4"}}), "cannot be read"),
        (asked() | {"labels": {"job": "UPPER"}}, "Label"),
        (asked() | {"callback": "x"}, "callback"),
    ],
)
async def test_a_wrong_order_is_an_invalid_argument(world: World, body: dict[str, Any], said: str) -> None:
    if body.get("parameters", {}).get("generateAudio", True) is None:
        del body["parameters"]["generateAudio"]
    response = await world.post(body)
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
    assert said in error["message"]
    assert world.emulator.jobs == {}


async def test_pictures_that_do_not_go_together_are_refused(world: World) -> None:
    image = await png()
    asset = {"image": image, "referenceType": "asset"}
    for instance, parameters in (
        ({"lastFrame": image}, {}),
        ({"image": image, "video": {"gcsUri": "gs://x/y.mp4", "mimeType": "video/mp4"}}, {}),
        ({"image": image, "referenceImages": [asset]}, {}),
        ({"referenceImages": [asset] * 4}, {}),
        ({"referenceImages": [{"image": image, "referenceType": "style"}]}, {}),
        ({"referenceImages": [asset]}, {"durationSeconds": 4}),
    ):
        assert (await world.post(asked("a fox", instance, **parameters))).status_code == 400
    assert (await world.post(asked("a fox", {"referenceImages": [asset] * 3}))).status_code == 200
    assert (await world.post(asked(None, {"image": image, "lastFrame": image}))).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        f"{MODELS}/veo-3.0-generate-001:predictLongRunning",
        f"{MODELS}/veo-3.1-generate-001:predict",
        f"{MODELS}/gemini-3-pro-image:generateContent",
        PATH.replace("us-central1", "global"),
    ],
)
async def test_what_is_gone_or_elsewhere_is_not_found(world: World, path: str) -> None:
    response = await world.post(asked(), path)
    assert (response.status_code, response.json()["error"]["status"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("header", ["", "Bearer ya29.made-up", "Basic eDp5"])
async def test_nothing_goes_without_a_token_from_here(world: World, header: str) -> None:
    response = await world.client.post(PATH, json=asked(), headers={"Authorization": header})
    assert (response.status_code, response.json()["error"]["status"]) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("form", [{}, {"grant_type": "password"}, {"assertion": "a.b.c"}])
async def test_tokens_are_for_signed_assertions_only(world: World, form: dict[str, str]) -> None:
    response = await world.client.post("/token", data=form)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")


async def test_an_operation_is_asked_for_at_its_model(world: World) -> None:
    name = (await world.post(asked())).json()["name"]
    other = f"{MODELS}/veo-3.1-fast-generate-001:fetchPredictOperation"
    assert (await world.post({"operationName": name}, other)).status_code == 400
    look = PATH.replace("predictLongRunning", "fetchPredictOperation")
    assert (await world.post({"operationName": f"{name}0"}, look)).status_code == 404


async def test_the_bucket_keeps_lists_gives_and_forgets(world: World) -> None:
    put = f"/upload/storage/v1/b/{BUCKET}/o"
    made = await world.client.post(put, params={"uploadType": "media", "name": "a/b.bin"}, content=b"bytes")
    assert made.json()["size"] == "5"
    assert (await world.client.post(put, content=b"bytes")).status_code == 400
    address = f"/storage/v1/b/{BUCKET}/o/a%2Fb.bin"
    assert (await world.client.get(address, params={"alt": "media"})).content == b"bytes"
    assert (await world.client.get(address)).json()["name"] == "a/b.bin"
    assert (await world.client.delete(address)).status_code == 204
    assert (await world.client.get(address, params={"alt": "media"})).status_code == 404
    assert (await world.client.get("/storage/v1/b/another/o")).status_code == 404


async def test_a_script_rules_the_next_calls_and_then_ends(world: World) -> None:
    await world.client.post("/emulator/script", json={"markers": "#status=503", "times": 2})
    assert [(await world.post(asked())).status_code for _ in range(3)] == [503, 503, 200]


async def test_it_runs_as_a_process_of_its_own_and_writes_an_account(tmp_path: Path) -> None:
    key = tmp_path / "account.json"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.emulators.vertex", "--account", str(key), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            address = (await process.stdout.readline()).decode().strip()
        assert json.loads(key.read_text())["token_uri"] == f"{address}/token"
        assert (await ServiceAccount.parse(str(key)).token()).startswith("ya29.")
    finally:
        process.terminate()
        await process.communicate()

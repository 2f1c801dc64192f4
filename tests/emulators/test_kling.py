"""The emulator refuses what Kling refuses, so that a wrong adapter cannot pass for a right one."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from providers.kling.signature import Signature
from tests.emulators.kling import KlingEmulator
from tests.emulators.service import serve

pytestmark = pytest.mark.integration
TEXT = {"model_name": "kling-v2-6", "prompt": "a fox"}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serve(KlingEmulator(key="access", secret="secret")) as address,
        httpx.AsyncClient(base_url=f"{address}/v1/videos", verify=False, trust_env=False) as client,
    ):
        yield client


async def post(
    client: httpx.AsyncClient,
    body: dict[str, Any],
    endpoint: str = "text2video",
    key: str = "access",
    sign: str = "secret",
) -> tuple[int, int]:
    """Return the status and the code of an answer."""
    headers = Signature(key, sign, time.time).headers()
    response = await client.post(f"/{endpoint}", json=body, headers=headers)
    return response.status_code, response.json()["code"]


async def test_a_right_request_is_accepted(client: httpx.AsyncClient) -> None:
    assert await post(client, TEXT) == (200, 0)


@pytest.mark.parametrize(
    ("endpoint", "body", "expected"),
    [
        ("text2video", {}, (404, 1203)),
        ("text2video", {**TEXT, "model_name": "kling-v2-1"}, (404, 1203)),
        ("text2video", {**TEXT, "prompt": ""}, (400, 1201)),
        ("text2video", {**TEXT, "duration": 5}, (400, 1201)),
        ("image2video", TEXT, (400, 1201)),
        ("image2video", {**TEXT, "image": "data:image/png;base64,AA"}, (400, 1201)),
        ("image2video", {**TEXT, "image": "AA", "image_tail": "AA", "mode": "std"}, (400, 1201)),
        ("omni-video", TEXT, (404, 1203)),
        ("video-extend", {"video_id": "404"}, (400, 1201)),
        ("effects", TEXT, (404, 1203)),
    ],
)
async def test_a_wrong_request_is_refused(
    client: httpx.AsyncClient, endpoint: str, body: dict[str, Any], expected: tuple[int, int]
) -> None:
    assert await post(client, body, endpoint) == expected


@pytest.mark.parametrize(("key", "sign"), [("another", "secret"), ("access", "another")])
async def test_a_wrong_signature_is_refused(client: httpx.AsyncClient, key: str, sign: str) -> None:
    assert await post(client, TEXT, key=key, sign=sign) == (401, 1000)


@pytest.mark.parametrize("token", ["", "Bearer x", "Bearer a.b.c", "Bearer e30.e30.AA"])
async def test_what_is_no_token_is_refused(client: httpx.AsyncClient, token: str) -> None:
    response = await client.post("/text2video", json=TEXT, headers={"Authorization": token} if token else {})
    assert (response.status_code, response.json()["code"]) == (401, 1000)


async def test_an_id_of_ours_is_taken_once(client: httpx.AsyncClient) -> None:
    assert await post(client, {**TEXT, "external_task_id": "ours"}) == (200, 0)
    assert await post(client, {**TEXT, "external_task_id": "ours"}) == (400, 1201)

"""The emulator refuses what Runway refuses and answers what the SDK's types accept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter
from runwayml.types import OrganizationRetrieveResponse, TaskRetrieveResponse
from runwayml.types.image_to_video_create_response import ImageToVideoCreateResponse

from tests.emulators.runway import VERSION, RunwayEmulator
from tests.emulators.service import serve

pytestmark = pytest.mark.integration
KEY = "key_0123456789abcdef"
TEXT = {"model": "gen4.5", "promptText": "a fox", "ratio": "1280:720", "duration": 5}
PICTURE = [{"uri": "https://example.com/1.png", "position": "first"}]
TURBO = {"model": "gen4_turbo", "promptImage": PICTURE, "ratio": "960:960"}
EDIT = {"model": "aleph2", "videoUri": "https://example.com/1.mp4", "promptText": "night"}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {KEY}", "X-Runway-Version": VERSION}
    async with (
        serve(RunwayEmulator(key=KEY)) as address,
        httpx.AsyncClient(base_url=f"{address}/v1", headers=headers, trust_env=False) as client,
    ):
        yield client


def without(body: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != name}


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("text_to_video", TEXT, 200),
        ("image_to_video", TURBO, 200),
        ("image_to_video", {**TEXT, "promptImage": "https://example.com/1.png"}, 200),
        ("video_to_video", EDIT, 200),
        ("text_to_video", {**TEXT, "ratio": "960:960"}, 400),
        ("text_to_video", without(TEXT, "duration"), 400),
        ("text_to_video", {**TEXT, "duration": "5"}, 400),
        ("text_to_video", {**TEXT, "duration": 11}, 400),
        ("text_to_video", {**TEXT, "seed": -1}, 400),
        ("text_to_video", {**TEXT, "promptText": "🦊" * 501}, 400),
        ("text_to_video", {**TEXT, "prompt": "a fox"}, 400),
        ("text_to_video", {**TEXT, "contentModeration": {"publicFigureThreshold": "off"}}, 400),
        ("text_to_video", {**TEXT, "model": "gen4_turbo"}, 400),
        ("text_to_video", {**TEXT, "model": "gen4"}, 400),
        ("image_to_video", {**TURBO, "model": "gen4"}, 400),
        ("image_to_video", without(TURBO, "promptImage"), 400),
        ("image_to_video", {**TURBO, "promptImage": [{**PICTURE[0], "position": "last"}]}, 400),
        ("image_to_video", {**TURBO, "promptImage": [*PICTURE, *PICTURE]}, 400),
        ("image_to_video", {**TURBO, "promptImage": [{**PICTURE[0], "uri": "http://example.com/1.png"}]}, 400),
        ("image_to_video", {**TURBO, "promptImage": [{**PICTURE[0], "uri": "runway://theirs"}]}, 400),
        ("video_to_video", {**EDIT, "model": "gen4_aleph"}, 400),
        ("video_to_video", {**EDIT, "duration": 5}, 400),
        ("video_to_video", {**EDIT, "targetAspectRatio": "5:4"}, 400),
        ("video_to_video", {**EDIT, "keyframes": [{"uri": "https://example.com/1.png"}]}, 400),
        ("video_to_video", {**EDIT, "keyframes": [{"uri": "https://example.com/1.png", "at": 0.5}] * 6}, 400),
    ],
)
async def test_only_right_orders_are_taken(
    client: httpx.AsyncClient, kind: str, body: dict[str, Any], status: int
) -> None:
    response = await client.post(f"/{kind}", json=body)
    assert response.status_code == status, response.text
    assert ("error" in response.json()) == (status != 200)


async def test_a_call_without_key_or_version_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.get("/organization", headers={"Authorization": ""})).status_code == 401
    assert (await client.get("/organization", headers={"X-Runway-Version": "2023-01-01"})).status_code == 400


@pytest.mark.parametrize("marker", ["", "#polls=3", "#polls=3 #throttled", "#fail", "#code=ASSET.INVALID"])
async def test_the_answers_pass_the_sdks_own_validation(client: httpx.AsyncClient, marker: str) -> None:
    made = await client.post("/text_to_video", json={**TEXT, "promptText": f"a fox {marker}"})
    task_id = ImageToVideoCreateResponse.model_validate(made.json()).id
    seen = TypeAdapter[Any](TaskRetrieveResponse).validate_python((await client.get(f"/tasks/{task_id}")).json())
    assert seen.id == task_id


async def test_the_organization_passes_the_sdks_own_validation(client: httpx.AsyncClient) -> None:
    told = OrganizationRetrieveResponse.model_validate((await client.get("/organization")).json())
    assert told.credit_balance > 0


async def test_an_upload_is_used_once_and_only_with_its_form(client: httpx.AsyncClient) -> None:
    ticket = (await client.post("/uploads", json={"filename": "a.mp4", "type": "ephemeral"})).json()
    file = {"file": ("a.mp4", b"film", "video/mp4")}
    async with httpx.AsyncClient(trust_env=False) as bucket:
        assert (await bucket.post(ticket["uploadUrl"], files=file)).status_code == 403
        assert (await bucket.post(ticket["uploadUrl"], files=file, data=ticket["fields"])).status_code == 204
        assert (await bucket.post(ticket["uploadUrl"], files=file, data=ticket["fields"])).status_code == 403
    right = await client.post("/video_to_video", json={**EDIT, "videoUri": ticket["runwayUri"]})
    assert right.status_code == 200


async def test_a_deleted_task_is_gone(client: httpx.AsyncClient) -> None:
    task_id = (await client.post("/text_to_video", json=TEXT)).json()["id"]
    assert (await client.delete(f"/tasks/{task_id}")).status_code == 204
    assert (await client.get(f"/tasks/{task_id}")).status_code == 404
    assert (await client.delete(f"/tasks/{task_id}")).status_code == 404

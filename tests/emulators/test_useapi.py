"""The emulator refuses what UseAPI refuses, so that a wrong adapter cannot pass for a right one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.emulators.service import serve
from tests.emulators.useapi import KLING, MIDJOURNEY, RUNWAY, UseApiEmulator

pytestmark = pytest.mark.integration


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serve(UseApiEmulator(key="token")) as address,
        httpx.AsyncClient(
            base_url=address, verify=False, trust_env=False, headers={"Authorization": "Bearer token"}
        ) as client,
    ):
        yield client


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (f"{KLING}/videos/text2video", {"model_name": "kling-v2-6", "prompt": "a fox"}, 200),
        (f"{KLING}/videos/text2video", {"model_name": "kling-v2-5-turbo", "prompt": "a fox"}, 400),
        (f"{KLING}/videos/text2video", {"model_name": "kling-v2-5", "mode": "pro", "prompt": "a fox"}, 400),
        (f"{KLING}/videos/image2video-frames", {"model_name": "kling-v2-6"}, 400),
        (f"{KLING}/videos/image2video-frames", {"model_name": "kling-v2-6", "image": "https://x.example/a"}, 400),
        (f"{KLING}/videos/omni", {"prompt": "a fox"}, 400),
        (f"{KLING}/videos/extend", {"prompt": "a fox"}, 404),
        (f"{RUNWAY}/videos/create", {"model": "gen4.5", "text_prompt": "a fox", "duration": 5}, 200),
        (f"{RUNWAY}/videos/create", {"model": "gen4.5", "text_prompt": "a fox", "duration": "5"}, 400),
        (f"{RUNWAY}/videos/create", {"model": "gen4", "text_prompt": "a fox"}, 400),
        (f"{RUNWAY}/videos/create", {"model": "gen4", "imageAssetId1": "theirs"}, 404),
        (f"{RUNWAY}/videos/create", {"model": "runway-gen4"}, 400),
        (f"{RUNWAY}/gen4/video", {"text_prompt": "night"}, 400),
        (f"{MIDJOURNEY}/jobs/imagine", {"prompt": "a fox", "stream": False}, 201),
        (f"{MIDJOURNEY}/jobs/imagine", {"stream": False}, 400),
        (f"{MIDJOURNEY}/jobs/button", {"jobid": "j1", "button": "U1", "stream": False}, 404),
    ],
)
async def test_a_request_is_taken_or_refused(
    client: httpx.AsyncClient, path: str, body: dict[str, Any], status: int
) -> None:
    assert (await client.post(path, json=body)).status_code == status


async def test_a_stream_is_no_answer(client: httpx.AsyncClient) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await client.post(f"{MIDJOURNEY}/jobs/imagine", json={"prompt": "a fox"})


@pytest.mark.parametrize("token", ["", "Bearer wrong"])
async def test_a_wrong_token_is_refused(client: httpx.AsyncClient, token: str) -> None:
    response = await client.get(f"{MIDJOURNEY}/jobs", headers={"Authorization": token})
    assert (response.status_code, response.json()) == (401, {"error": "Unauthorized", "code": 401})


async def test_the_proxy_opens_one_host_only(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{MIDJOURNEY}/proxy/cdn-midjourney", params={"url": "https://elsewhere.example/x"})
    assert answer.status_code == 400


async def test_what_was_asked_is_told_without_the_token(client: httpx.AsyncClient) -> None:
    await client.post(f"{MIDJOURNEY}/jobs/imagine", json={"prompt": "рыжая лиса", "stream": False})
    told = await client.get("/emulator/calls")
    assert told.json()["calls"][0]["body"]["prompt"] == "рыжая лиса"
    assert "token" not in told.text

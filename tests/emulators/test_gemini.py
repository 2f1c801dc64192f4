"""The emulator refuses what Google refuses, so that a wrong adapter cannot pass for a right one."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.emulators.gemini import GeminiEmulator, serve

pytestmark = pytest.mark.integration
PATH = "/v1/models/gemini-3-pro-image:generateContent"
HEADERS = {"x-goog-api-key": "secret"}


def asked(prompt: str = "a fox", **image_config: str) -> dict[str, Any]:
    return {
        "contents": [{"parts": [{"text": prompt}]}],
        "generationConfig": {"responseModalities": ["TEXT", "IMAGE"], "imageConfig": image_config},
    }


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with serve(GeminiEmulator(api_key="secret")) as address, aiohttp.ClientSession(address) as session:
        yield session


async def post(
    session: aiohttp.ClientSession, body: object, path: str = PATH, headers: dict[str, str] | None = None
) -> tuple[int, Any]:
    async with session.post(path, json=body, headers=HEADERS if headers is None else headers) as response:
        return response.status, await response.json()


async def test_a_right_request_gets_a_picture(session: aiohttp.ClientSession) -> None:
    status, body = await post(session, asked(aspectRatio="16:9", imageSize="2K"))
    assert status == 200
    assert "inlineData" in body["candidates"][0]["content"]["parts"][-1]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "contents"),
        ({"contents": [{"parts": []}]}, "contents"),
        (asked(imageSize="1k"), "image_size"),
        (asked(imageSize="512"), "image_size"),
        (asked(aspectRatio="7:5"), "aspect_ratio"),
        ({"contents": [{"parts": [{"text": "a fox"}]}]}, "modalities"),
        ({"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "????"}}]}]}, "input image"),
    ],
)
async def test_a_wrong_request_is_an_invalid_argument(
    session: aiohttp.ClientSession, body: dict[str, Any], said: str
) -> None:
    status, answer = await post(session, body)
    assert (status, answer["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert said in answer["error"]["message"]


async def test_a_key_belongs_into_the_header(session: aiohttp.ClientSession) -> None:
    assert (await post(session, asked(), f"{PATH}?key=secret"))[0] == 403
    assert (await post(session, asked(), headers={}))[0] == 403
    status, answer = await post(session, asked(), headers={"x-goog-api-key": "wrong"})
    assert (status, answer["error"]["details"][0]["reason"]) == (400, "API_KEY_INVALID")


@pytest.mark.parametrize("path", ["/v1/models/imagen-4:generateContent", "/v1/models/gemini-3-pro-image:predict"])
async def test_what_is_gone_is_not_found(session: aiohttp.ClientSession, path: str) -> None:
    assert (await post(session, asked(), path))[0] == 404


async def test_a_script_rules_the_next_calls_and_then_ends(session: aiohttp.ClientSession) -> None:
    assert (await post(session, {"markers": "#status=503", "times": 2}, "/emulator/script"))[0] == 200
    assert [(await post(session, asked()))[0] for _ in range(3)] == [503, 503, 200]


async def test_the_calls_are_told_without_the_key(session: aiohttp.ClientSession) -> None:
    await post(session, asked("рыжая лиса", imageSize="1K"))
    async with session.get("/emulator/calls") as response:
        text = await response.text()
        (call,) = (await response.json())["calls"]
    assert (call["prompt"], call["images"], call["config"]["imageConfig"]) == ("рыжая лиса", 0, {"imageSize": "1K"})
    assert "secret" not in text


async def test_it_runs_as_a_process_of_its_own() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.emulators.gemini", stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            address = (await process.stdout.readline()).decode().strip()
        async with aiohttp.ClientSession(address) as session:
            assert (await post(session, asked()))[0] == 200
    finally:
        process.terminate()
        await process.communicate()

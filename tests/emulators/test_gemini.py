"""The emulator refuses what Google refuses, so that a wrong adapter cannot pass for a right one."""

from __future__ import annotations

import asyncio
import json
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


WORDS = "/v1/models/gemini-3.8-flash:generateContent"


async def test_a_model_of_words_answers_by_the_schema(session: aiohttp.ClientSession) -> None:
    asked_for = {
        "contents": [{"parts": [{"text": "<wishes>\nnight\n</wishes>"}]}],
        "generation_config": {
            "response_mime_type": "application/json",
            "response_schema": {"type": "OBJECT", "properties": {"prompt_en": {}, "mood": {}}},
        },
    }
    status, body = await post(session, asked_for, WORDS)
    assert status == 200
    answer = json.loads(body["candidates"][0]["content"]["parts"][-1]["text"])
    assert answer["mood"]
    assert answer["prompt_en"].endswith("night")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (asked(imageSize="1K"), "modalities"),
        (
            {"contents": [{"parts": [{"text": "x"}]}], "generationConfig": {"responseSchema": {"type": "OBJECT"}}},
            "application/json",
        ),
        ({"contents": [{"parts": [{"fileData": {"fileUri": "https://example.org/v.mp4"}}]}]}, "Cannot fetch"),
        ({"contents": [{"parts": [{"fileData": {"fileUri": "files/not-there"}}]}]}, "Cannot fetch"),
        ({"contents": [{"parts": [{"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}}]}]}, "input image"),
    ],
)
async def test_a_model_of_words_refuses_what_google_refuses(
    session: aiohttp.ClientSession, body: dict[str, Any], said: str
) -> None:
    status, answer = await post(session, body, WORDS)
    assert (status, answer["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert said in answer["error"]["message"]


async def upload(session: aiohttp.ClientSession, size: int) -> str:
    headers = HEADERS | {
        "X-Goog-Upload-Protocol": "resumable",
        "X-Goog-Upload-Command": "start",
        "X-Goog-Upload-Header-Content-Type": "video/mp4",
        "X-Goog-Upload-Header-Content-Length": str(size),
    }
    async with session.post("/upload/v1/files", json={"file": {}}, headers=headers) as response:
        assert response.status == 200
        return response.headers["X-Goog-Upload-URL"]


async def send(session: aiohttp.ClientSession, url: str, data: bytes, offset: int, command: str) -> tuple[int, str]:
    headers = {"X-Goog-Upload-Offset": str(offset), "X-Goog-Upload-Command": command}
    async with session.post(url, data=data, headers=headers) as response:
        return response.status, response.headers["X-Goog-Upload-Status"]


async def test_a_file_comes_in_pieces_gets_ready_and_can_be_deleted(session: aiohttp.ClientSession) -> None:
    url = await upload(session, 8)
    assert await send(session, url, b"half", 0, "upload") == (200, "active")
    assert await send(session, url, b"half", 4, "upload, finalize") == (200, "final")
    async with session.get("/v1/files/file1", headers=HEADERS) as response:
        assert (await response.json())["state"] == "ACTIVE"
    async with session.delete("/v1/files/file1", headers=HEADERS) as response:
        assert response.status == 200
    async with session.get("/v1/files/file1", headers=HEADERS) as response:
        assert response.status == 403


async def test_a_piece_in_the_wrong_place_or_an_early_end_is_refused(session: aiohttp.ClientSession) -> None:
    url = await upload(session, 8)
    assert await send(session, url, b"half", 4, "upload") == (400, "cancelled")
    assert await send(session, url, b"half", 0, "upload, finalize") == (400, "cancelled")


async def test_files_need_the_key(session: aiohttp.ClientSession) -> None:
    async with session.get("/v1/files/file1") as response:
        assert response.status == 403


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

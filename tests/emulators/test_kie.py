"""The emulator refuses what KIE refuses, with a status of 200."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.emulators.kie import KieEmulator
from tests.emulators.service import serve

pytestmark = pytest.mark.integration


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serve(KieEmulator(key="key")) as address,
        httpx.AsyncClient(
            base_url=f"{address}/api/v1/mj", verify=False, trust_env=False, headers={"Authorization": "Bearer key"}
        ) as client,
    ):
        yield client


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/generate", {"taskType": "mj_txt2img", "prompt": "a fox"}, 200),
        ("/generate", {"taskType": "mj_video", "fileUrls": ["https://x.example/a"]}, 200),
        ("/generate", {"taskType": "mj_blend", "prompt": "a fox"}, 422),
        ("/generate", {"taskType": "mj_txt2img"}, 422),
        ("/generate", {"taskType": "mj_txt2img", "prompt": "a fox --turbo"}, 422),
        ("/generate", {"taskType": "mj_img2img", "prompt": "a fox"}, 422),
        ("/generate", {"taskType": "mj_video"}, 422),
        ("/generateUpscale", {"taskId": "nobody", "imageIndex": 0}, 422),
    ],
)
async def test_a_request_is_taken_or_refused_in_its_body(
    client: httpx.AsyncClient, path: str, body: dict[str, Any], code: int
) -> None:
    response = await client.post(path, json=body)
    assert (response.status_code, response.json()["code"]) == (200, code)


async def test_a_wrong_key_is_told_in_the_body(client: httpx.AsyncClient) -> None:
    response = await client.get("/record-info", params={"taskId": "a"}, headers={"Authorization": "Bearer x"})
    assert (response.status_code, response.json()["code"]) == (200, 401)


async def test_a_task_nobody_knows_is_null(client: httpx.AsyncClient) -> None:
    response = await client.get("/record-info", params={"taskId": "a"})
    assert response.json() == {"code": 422, "msg": "recordInfo is null", "data": None}

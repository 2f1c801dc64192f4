"""The emulator refuses what SnapGen refuses, so that a wrong adapter cannot pass for a right one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.emulators.service import serve
from tests.emulators.snapgen import SnapGenEmulator

pytestmark = pytest.mark.integration
FRAME = ("ref_images", ("a.jpg", b"\xff\xd8", "image/jpeg"))


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serve(SnapGenEmulator(key="key")) as address,
        httpx.AsyncClient(
            base_url=f"{address}/uapi/v1", verify=False, trust_env=False, headers={"x-api-key": "key"}
        ) as client,
    ):
        yield client


def form(**fields: str) -> list[tuple[str, tuple[None, str]]]:
    return [(name, (None, value)) for name, value in fields.items()]


@pytest.mark.parametrize(
    ("path", "fields", "frames", "status"),
    [
        ("/video-gen/veo", {"prompt": "a fox", "model": "veo-3.1"}, 0, 200),
        ("/video-gen/veo", {"prompt": "a fox", "model": "veo-3.1", "mode_image": "frame"}, 2, 200),
        ("/video-gen/veo", {"prompt": "a fox", "model": "veo-3.1", "mode_image": "frame"}, 3, 400),
        ("/video-gen/veo", {"prompt": "a fox", "model": "veo-3.1"}, 1, 400),
        ("/video-gen/veo", {"prompt": "a fox", "model": "sora-2"}, 0, 400),
        ("/video-gen/veo", {"model": "veo-3.1"}, 0, 400),
        ("/generate_image", {"prompt": "a fox", "model": "nano-banana-pro"}, 0, 200),
        ("/generate_image", {"prompt": "a fox", "model": "veo-3.1"}, 0, 400),
        ("/video-extend/veo", {"prompt": "more", "ref_history": "nobody"}, 0, 400),
    ],
)
async def test_a_form_is_taken_or_refused(
    client: httpx.AsyncClient, path: str, fields: dict[str, str], frames: int, status: int
) -> None:
    response = await client.post(path, files=[*form(**fields), *[FRAME] * frames])
    assert response.status_code == status
    if status == 200:
        assert (response.json()["status"], response.json()["used_credit"]) == (1, 0)


async def test_json_is_no_form(client: httpx.AsyncClient) -> None:
    response = await client.post("/video-gen/veo", json={"prompt": "a fox", "model": "veo-3.1"})
    assert response.status_code == 422


@pytest.mark.parametrize("headers", [{"x-api-key": "wrong"}, {"x-api-key": "", "Authorization": "Bearer key"}])
async def test_a_key_belongs_into_its_own_header(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    response = await client.get("/history/a", headers=headers)
    assert (response.status_code, response.json()["detail"]["error_code"]) == (401, "API_KEY_NOT_FOUND")

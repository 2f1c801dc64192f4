"""The emulator and the adapter that talks to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from providers.base import InputMedia, Job, Json, MediaKind, Provider
from providers.sora import SoraProvider
from tests.emulators.openai import OpenAiEmulator
from tests.emulators.service import serve
from tests.providers.contract import Case, Lookup

KEY = "sk-test-key-0123456789"


def video(prompt: str, *images: InputMedia, model: str = "sora-2", **params: Json) -> Job:
    """Return a job for a video."""
    return Job("job-1", model, MediaKind.VIDEO, prompt, images, params)


@pytest.fixture
async def emulator() -> AsyncIterator[OpenAiEmulator]:
    service = OpenAiEmulator(key=KEY)
    async with serve(service):
        yield service


@pytest.fixture
async def provider(emulator: OpenAiEmulator) -> AsyncIterator[SoraProvider]:
    provider = SoraProvider(KEY, base_url=f"{emulator.address}/v1", timeout=20)
    yield provider
    await provider.close()


@pytest.fixture
async def case(emulator: OpenAiEmulator) -> AsyncIterator[Case]:
    def make(base_url: str | None = None, timeout: float = 20, key: str = KEY) -> Provider:
        address = base_url or emulator.address
        slash = "/" if address.endswith("/") else ""
        return SoraProvider(key, base_url=f"{address.rstrip('/')}/v1{slash}", timeout=timeout)

    def orders() -> int:
        return sum(call.method == "POST" for call in emulator.calls)

    made = Case(emulator, make, video, (KEY,), Lookup.NEVER, orders, has_webhooks=False, tells_progress=True)
    yield made
    await made.provider.close()

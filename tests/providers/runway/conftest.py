"""The emulator and the adapter that talks to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from providers.base import InputMedia, Job, Json, MediaKind, Provider
from providers.runway import RunwayProvider
from tests.emulators.runway import RunwayEmulator
from tests.emulators.service import serve
from tests.providers.contract import Case, Lookup

KEY = "key_0123456789abcdef"


def video(prompt: str, *images: InputMedia, model: str = "gen4.5", **params: Json) -> Job:
    """Return a job for a video."""
    return Job("job-1", model, MediaKind.VIDEO, prompt, images, params)


@pytest.fixture
async def emulator() -> AsyncIterator[RunwayEmulator]:
    service = RunwayEmulator(key=KEY)
    async with serve(service):
        yield service


@pytest.fixture
async def provider(emulator: RunwayEmulator) -> AsyncIterator[RunwayProvider]:
    provider = RunwayProvider(KEY, base_url=emulator.address, timeout=20)
    yield provider
    await provider.close()


@pytest.fixture
async def case(emulator: RunwayEmulator) -> AsyncIterator[Case]:
    def make(base_url: str | None = None, timeout: float = 20, key: str = KEY) -> Provider:
        return RunwayProvider(key, base_url=base_url or emulator.address, timeout=timeout)

    def orders() -> int:
        return sum(call.method == "POST" and call.path != "/v1/uploads" for call in emulator.calls)

    made = Case(emulator, make, video, (KEY,), Lookup.NEVER, orders, has_webhooks=False, tells_progress=True)
    yield made
    await made.provider.close()

"""The emulator and the adapter that talks to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from providers.base import Job, Json, MediaKind
from providers.kling import KlingProvider
from tests.emulators.kling import KlingEmulator
from tests.emulators.service import serve
from tests.providers.contract import Case, Lookup

KEY = "access-key-0123456789"
SECRET = "secret-key-0123456789"


def video(prompt: str, *, model: str = "kling-v2-5-turbo", client_id: str = "job-1", **params: Json) -> Job:
    return Job(client_id, model, MediaKind.VIDEO, prompt, (), params)


@pytest.fixture
async def emulator() -> AsyncIterator[KlingEmulator]:
    service = KlingEmulator(key=KEY, secret=SECRET)
    async with serve(service):
        yield service


@pytest.fixture
async def case(emulator: KlingEmulator) -> AsyncIterator[Case]:
    def make(base_url: str | None = None, timeout: float = 20, key: str = KEY) -> KlingProvider:
        return KlingProvider(key, SECRET, base_url=base_url or emulator.address, timeout=timeout)

    case = Case(
        emulator,
        make,
        video,
        (KEY, SECRET),
        Lookup.ALWAYS,
        orders=lambda: sum(call.method == "POST" for call in emulator.calls),
    )
    yield case
    await case.provider.close()


@pytest.fixture
async def provider(case: Case) -> KlingProvider:
    assert isinstance(case.provider, KlingProvider)
    return case.provider

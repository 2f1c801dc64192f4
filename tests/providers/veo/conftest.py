"""The emulated Google Cloud and the adapter that talks to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from providers.base import InputMedia, Job, Json, MediaKind
from providers.google.account import ServiceAccount
from providers.veo import VeoProvider
from tests.emulators import google_errors
from tests.emulators.service import serve
from tests.emulators.vertex import BUCKET, VertexEmulator
from tests.providers.contract import Case, Lookup

KEY = "the-right-key-0123456789"
FAST = "veo-3.1-fast-generate-001"
OUTPUT = f"gs://{BUCKET}/veo"


class Clock:
    """A clock that goes only when it is told to."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def film(prompt: str, *images: InputMedia, model: str = FAST, client_id: str = "job-1", **params: Json) -> Job:
    return Job(client_id, model, MediaKind.VIDEO, prompt, images, params)


def simple(prompt: str) -> Job:
    return film(prompt)


def account(emulator: VertexEmulator, key: str = KEY) -> ServiceAccount:
    """Return an account with a key of this name; what cannot be a key in PEM is put there as it is."""
    import json

    known = json.loads(google_errors.service_account(emulator.address, key=key if "key" in key else KEY))
    if "key" not in key:
        known["private_key"] = key
    return ServiceAccount(known)


@pytest.fixture
async def emulator() -> AsyncIterator[VertexEmulator]:
    service = VertexEmulator(key=KEY)
    async with serve(service):
        yield service


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def case(emulator: VertexEmulator, clock: Clock) -> AsyncIterator[Case]:
    def make(base_url: str | None = None, timeout: float = 20, key: str = KEY) -> VeoProvider:
        address = base_url or emulator.address
        return VeoProvider(
            account(emulator, key), OUTPUT, base_url=address, storage_url=address, timeout=timeout, clock=clock
        )

    case = Case(
        emulator,
        make,
        simple,
        ("ya29.",),
        Lookup.BY_RESULT,
        orders=lambda: sum(call.path.endswith(":predictLongRunning") for call in emulator.calls),
        has_webhooks=False,
    )
    yield case
    await case.provider.close()


@pytest.fixture
async def provider(case: Case) -> VeoProvider:
    assert isinstance(case.provider, VeoProvider)
    return case.provider

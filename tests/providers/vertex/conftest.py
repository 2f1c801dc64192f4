"""The emulated Google Cloud and the adapter of Gemini on Vertex."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from providers.gemini import VertexProvider
from tests.emulators.service import serve
from tests.emulators.vertex import VertexEmulator
from tests.providers.veo.conftest import KEY, account


@pytest.fixture
async def emulator() -> AsyncIterator[VertexEmulator]:
    service = VertexEmulator(key=KEY)
    async with serve(service):
        yield service


@pytest.fixture
async def provider(emulator: VertexEmulator) -> AsyncIterator[VertexProvider]:
    provider = VertexProvider(account(emulator), base_url=emulator.address, timeout=20)
    yield provider
    await provider.close()

"""The emulator and the adapter that talks to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from providers.gemini import GeminiProvider
from tests.emulators.gemini import GeminiEmulator, serve

KEY = "AIza-test-key-0123456789"


@pytest.fixture
def emulator() -> GeminiEmulator:
    return GeminiEmulator(api_key=KEY)


@pytest.fixture
async def address(emulator: GeminiEmulator) -> AsyncIterator[str]:
    async with serve(emulator) as address:
        yield address


@pytest.fixture
async def provider(address: str) -> AsyncIterator[GeminiProvider]:
    provider = GeminiProvider(KEY, base_url=address, timeout=20)
    yield provider
    await provider.close()

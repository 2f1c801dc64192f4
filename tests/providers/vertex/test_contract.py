"""Gemini on Vertex keeps what every adapter keeps whose service answers at once."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from providers.errors import ContentBlocked
from providers.gemini import VertexProvider
from tests.emulators.vertex import VertexEmulator
from tests.providers.contract import InstantCase, InstantContract
from tests.providers.gemini.test_contract import picture, words
from tests.providers.veo.conftest import KEY, account


@pytest.fixture(params=[picture, words], ids=["pictures", "words"])
async def case(request: pytest.FixtureRequest, emulator: VertexEmulator) -> AsyncIterator[InstantCase]:
    def make(base_url: str | None = None, timeout: float = 20, key: str = KEY) -> VertexProvider:
        return VertexProvider(account(emulator, key), base_url=base_url or emulator.address, timeout=timeout)

    case = InstantCase(make, request.param, ("ya29.",), lambda: emulator.calls, {"#block": ContentBlocked})
    yield case
    await case.provider.close()


class TestVertex(InstantContract):
    """All of it."""

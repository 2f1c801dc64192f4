"""Gemini keeps what every adapter keeps whose service answers at once: pictures and words alike."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from providers.base import Job, MediaKind
from providers.errors import ContentBlocked
from providers.gemini import GeminiProvider
from tests.emulators.gemini import GeminiEmulator
from tests.providers.contract import InstantCase, InstantContract
from tests.providers.gemini.conftest import KEY
from tests.providers.media import photo


def picture(prompt: str) -> Job:
    return Job("job-1", "gemini-nano-banana-2.1", MediaKind.IMAGE, prompt)


def words(prompt: str) -> Job:
    return Job("job-1", "gemini-3.8-flash", MediaKind.TEXT, prompt, (photo(),) if prompt else ())


@pytest.fixture(params=[picture, words], ids=["pictures", "words"])
async def case(request: pytest.FixtureRequest, emulator: GeminiEmulator, address: str) -> AsyncIterator[InstantCase]:
    def make(base_url: str | None = None, timeout: float = 20, key: str = KEY) -> GeminiProvider:
        return GeminiProvider(key, base_url=base_url or address, timeout=timeout)

    case = InstantCase(make, request.param, (KEY,), lambda: emulator.calls, {"#block": ContentBlocked})
    yield case
    await case.provider.close()


class TestGemini(InstantContract):
    """All of it."""

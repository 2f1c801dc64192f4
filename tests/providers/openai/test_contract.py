"""GPT Image keeps what every adapter keeps whose service answers at once: new pictures and edits alike."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from providers.base import Job, Provider
from providers.openai import OpenAiProvider
from tests.emulators.openai import OpenAiEmulator
from tests.providers.contract import InstantCase, InstantContract
from tests.providers.media import photo
from tests.providers.openai.conftest import KEY, picture_job


def made(prompt: str) -> Job:
    return picture_job(prompt)


def edited(prompt: str) -> Job:
    return picture_job(prompt, photo())


@pytest.fixture(params=[made, edited], ids=["generate", "edit"])
async def case(request: pytest.FixtureRequest, emulator: OpenAiEmulator) -> AsyncIterator[InstantCase]:
    def make(base_url: str | None = None, timeout: float = 20, key: str = KEY) -> Provider:
        address = base_url or emulator.address
        slash = "/" if address.endswith("/") else ""
        return OpenAiProvider(key, base_url=f"{address.rstrip('/')}/v1{slash}", timeout=timeout)

    case = InstantCase(make, request.param, (KEY,), lambda: emulator.calls)
    yield case
    await case.provider.close()


class TestOpenAi(InstantContract):
    """All of it."""

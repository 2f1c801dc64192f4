"""The emulator and the adapter that talks to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from providers.base import Finished, InputMedia, Job, Json, MediaKind
from providers.openai import OpenAiProvider
from tests.emulators.openai import OpenAiEmulator
from tests.emulators.service import serve

KEY = "sk-test-key-0123456789"
MODEL = "gpt-image-2.6-flare"


@pytest.fixture
async def emulator() -> AsyncIterator[OpenAiEmulator]:
    service = OpenAiEmulator(key=KEY)
    async with serve(service):
        yield service


@pytest.fixture
async def provider(emulator: OpenAiEmulator) -> AsyncIterator[OpenAiProvider]:
    provider = OpenAiProvider(KEY, base_url=f"{emulator.address}/v1", timeout=20)
    yield provider
    await provider.close()


def picture_job(prompt: str, *images: InputMedia, model: str = MODEL, **params: Json) -> Job:
    """Return a job for pictures."""
    return Job("job-1", model, MediaKind.IMAGE, prompt, images, params)


async def make(
    provider: OpenAiProvider, prompt: str, *images: InputMedia, model: str = MODEL, **params: Json
) -> Finished:
    """Make pictures."""
    result = await provider.submit(picture_job(prompt, *images, model=model, **params))
    assert isinstance(result, Finished)
    return result

"""Pictures: one call for each of them, once more where the model stumbled."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING

from providers import options
from providers.base import Finished, Job, Json
from providers.errors import InvalidRequest, ProviderError
from providers.gemini import answers, models
from providers.gemini.answers import Answer
from providers.google import failures
from providers.google.sdk import Sdk

if TYPE_CHECKING:
    from google.genai import types
    from google.genai.client import AsyncClient

MOST_PICTURES = 4
ATTEMPTS = 2


async def make(sdk: Sdk, job: Job) -> Finished:
    """Make the pictures at the same time; some may be missing.

    Raises:
        ProviderError: not one was made.
    """
    if not job.prompt.strip() and not job.images:
        raise InvalidRequest("neither words nor a picture were given")
    size = options.text(job, "image_size")
    if size is not None:
        options.one_of("image_size", size, models.traits(job.model).sizes, job.model)
    quantity = _quantity(job.params.get("quantity", 1))
    outcomes = await asyncio.gather(*(_make_one(sdk, job) for _ in range(quantity)))
    media = tuple(answer.media for made in outcomes for answer in made.answers if answer.media is not None)
    if not media:
        raise failures.most_telling(made.failure for made in outcomes if made.failure is not None)
    costs = [answer.cost_usd for made in outcomes for answer in made.answers if answer.cost_usd is not None]
    blocked = sum(made.is_blocked for made in outcomes)
    return Finished(media, sum(costs, Decimal(0)) if costs else None, blocked=blocked)


class _Made:
    """What came of the calls for one picture: answers, and why there is no picture if there is none."""

    __slots__ = ("answers", "failure")

    def __init__(self, made: list[Answer], failure: ProviderError | None) -> None:
        self.answers = made
        self.failure = failure

    @property
    def is_blocked(self) -> bool:
        """True when the model made or refused this one and told why."""
        return bool(self.answers) and self.failure is self.answers[-1].refusal is not None


async def _make_one(sdk: Sdk, job: Job) -> _Made:
    """Ask for one picture, and once more if the model stumbled."""

    async def send(client: AsyncClient) -> types.GenerateContentResponse:
        return await client.models.generate_content(model=job.model, contents=_contents(job), config=_config(job))

    made: list[Answer] = []
    for _ in range(ATTEMPTS):
        try:
            answer = answers.read(job.model, await sdk.order(send))
        except ProviderError as error:
            return _Made(made, error)
        made.append(answer)
        if not answer.is_stumble:
            break
    return _Made(made, made[-1].refusal)


def _quantity(value: Json) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST_PICTURES:
        raise InvalidRequest(f"quantity {value!r} is not a number from 1 to {MOST_PICTURES}")
    return value


def _contents(job: Job) -> types.Content:
    from google.genai import types

    words = [types.Part.from_text(text=job.prompt)] if job.prompt.strip() else []
    return types.Content(
        role="user",
        parts=[*words, *(types.Part.from_bytes(data=image.data, mime_type=image.mime) for image in job.images)],
    )


def _config(job: Job) -> types.GenerateContentConfig:
    """Return the options. Text is asked for beside the picture, because a refusal comes as text."""
    from google.genai import types

    ratio, size = job.params.get("aspect_ratio"), job.params.get("image_size")
    image = types.ImageConfig(
        aspect_ratio=str(ratio) if ratio and ratio != "auto" else None,
        image_size=str(size) if size and models.traits(job.model).takes_size else None,
    )
    return types.GenerateContentConfig(
        response_modalities=["TEXT", "IMAGE"],
        image_config=image if image.aspect_ratio or image.image_size else None,
        # The SDK would send follow-up requests of its own, each of them paid for.
        automatic_continuation=False,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )

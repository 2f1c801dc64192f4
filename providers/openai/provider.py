"""The GPT Image adapter: one synchronous call for all pictures of a job, through the SDK's asynchronous client.

The vendor keeps nothing of a call: there is no job to poll, to cancel or to find, so a lost answer stays lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pydantic import Base64Bytes, Field

from providers.base import Failed, Finished, Job, LookupUnsupported, Media, Running, Submitted
from providers.errors import Ambiguous, TimedOut
from providers.http import Answer, Aside
from providers.openai import bodies, models
from providers.openai.bodies import Order
from providers.openai.client import OpenAiClient
from providers.sdk import Raw

if TYPE_CHECKING:
    from openai import AsyncOpenAI

TIMEOUT_SECONDS = 300.0


class Picture(Answer):
    """One picture, decoded while the answer is read, so that it is not kept twice."""

    data: Aside[Base64Bytes] = Field(default=None, alias="b64_json")


class Details(Answer):
    """Tokens by what they stand for."""

    text_tokens: int = 0
    image_tokens: int = 0


class Usage(Answer):
    """What the call used."""

    input_tokens: int = 0
    output_tokens: int = 0
    input_tokens_details: Details | None = None
    output_tokens_details: Details | None = None


class Made(Answer):
    """The answer to an order."""

    data: tuple[Picture, ...]
    usage: Aside[Usage] = None


class OpenAiProvider:
    """Makes and edits pictures with OpenAI's GPT Image models."""

    name = "openai"

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str | None = None,
        timeout: float = TIMEOUT_SECONDS,
        organization: str | None = None,
        project: str | None = None,
    ) -> None:
        """`timeout` is in seconds and for one call; `base_url` replaces OpenAI's address, ``/v1`` included.

        Raises:
            ValueError: the key cannot be sent in a header.
        """
        self._api = OpenAiClient(
            api_key, base_url=base_url, timeout=timeout, organization=organization, project=project
        )

    async def submit(self, job: Job) -> Submitted | Finished:
        """Make the pictures at once. Fewer than were ordered may come back; none at all is a lost answer."""
        # Masks are decoded and scaled, which takes a while.
        order = await asyncio.to_thread(bodies.order, job)
        client = await self._api.connect()
        made = await self._api.calls.order(_call(client, order, job.client_id), Made)
        mime = bodies.result_type(job)
        media = tuple(Media(mime, picture.data) for picture in made.data if picture.data)
        if not media:
            # They were most likely billed: to call this unavailable would let them be ordered and paid for again.
            raise Ambiguous("the answer holds no picture")
        return Finished(media, _cost(job.model, made.usage))

    async def poll(self, external_id: str) -> Running | Finished | Failed:
        """No job of this vendor is ever left running."""
        return Failed(TimedOut(f"OpenAI keeps no jobs of pictures, so {external_id} cannot finish"))

    async def cancel(self, external_id: str) -> None:
        """The vendor offers no way."""

    async def find(self, client_id: str) -> str | None:
        """Raise `LookupUnsupported`: the vendor lists no calls."""
        raise LookupUnsupported(f"OpenAI cannot tell what became of {client_id}")

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> str | None:  # noqa: ARG002 - the contract's names
        """The vendor sends no webhooks for these calls."""
        return None

    async def close(self) -> None:
        """Close connections; a later call opens new ones."""
        await self._api.close()


def _call(client: AsyncOpenAI, order: Order, client_id: str) -> Awaitable[Raw]:
    # OpenAI keeps our id beside its own: their support can tell by it what became of a call.
    fields: dict[str, Any] = {**order.fields, "extra_headers": {"X-Client-Request-Id": client_id}}
    images = client.images.with_raw_response
    if not order.pictures:
        return images.generate(**fields)
    if order.mask is not None:
        fields["mask"] = order.mask
    return images.edit(image=list(order.pictures), **fields)


def _cost(model: str, usage: Usage | None) -> Decimal | None:
    """Return what the call cost. Tokens that are not broken down are counted as image, the dearer ones."""
    if usage is None:
        return None
    given, output = usage.input_tokens_details, usage.output_tokens_details
    return models.cost(
        models.traits(model).prices,
        text=given.text_tokens if given else 0,
        image=given.image_tokens if given else usage.input_tokens,
        output_image=output.image_tokens if output else usage.output_tokens,
        output_text=output.text_tokens if output else 0,
    )

"""Copies what a provider made into our storage, at once and under keys that a repetition writes again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal

import httpx
import structlog

from core import db, ledger
from core.generations import endings
from core.generations.claims import Claim
from core.generations.failures import BadResult
from core.generations.states import Generation, Stage
from core.media import UnusableMedia, extension, inspect
from core.queue import outbox
from core.storage import StoredFile, storage
from core.types import IdempotencyKey, in_tokens
from providers.base import Finished, Media
from providers.errors import ProviderError, ProviderUnavailable

log = structlog.get_logger(__name__)

MAX_RESULT_BYTES = 500 * 1024 * 1024
FETCH_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
FETCH_AGAIN = timedelta(seconds=3)
DELIVERY_IS_LATE = timedelta(seconds=15)
"""Time after which somebody looks whether the delivery was lost."""


async def store(taken: Claim, finished: Finished) -> None:
    """Keep the results and have them delivered. What was ordered and not made is refunded; nothing usable is a failure.

    Raises:
        LeaseLost: somebody else owns the generation.
    """
    generation = taken.generation
    await taken.change(stage=Stage.STORING.value, cost_usd=finished.cost_usd)
    await taken.tell("made", files=len(finished.media))
    try:
        files = [file for n, media in enumerate(finished.media) if (file := await _keep(generation, n, media))]
    except ProviderError as error:
        # The job itself is done; asking for it again brings fresh links.
        await taken.tell("fetch_failed", code=error.code, detail=error.detail[:500])
        await taken.release(due=FETCH_AGAIN, stage=Stage.SUBMITTED.value)
        return
    if not files:
        await endings.fail(taken, BadResult(f"{len(finished.media)} files, none of them usable"))
        return
    async with db.transaction():
        await taken.release(
            due=DELIVERY_IS_LATE,
            stage=Stage.DELIVERING.value,
            results=db.to_json([file.to_dict() for file in files]),
            progress=100,
        )
        await _refund_missing(generation, len(files))
        await taken.tell("stored", files=[file.key for file in files])
        await outbox.publish_later("bot.deliver", {"run_code": generation.run_code})


async def _refund_missing(generation: Generation, made: int) -> None:
    missing = generation.quantity - made
    if missing > 0:
        await ledger.refund(
            generation.transaction_id,
            key=IdempotencyKey(f"refund:{generation.run_code}:undelivered"),
            amount=in_tokens(generation.tokens * Decimal(missing) / Decimal(generation.quantity)),
            reason=f"{made} of {generation.quantity} made",
        )


async def _keep(generation: Generation, number: int, media: Media) -> StoredFile | None:
    data = media.data if media.data is not None else await _fetch(media)
    try:
        found = await inspect(data)
    except UnusableMedia as error:
        log.error("generation.unusable_result", run_code=generation.run_code, declared=media.mime, error=str(error))
        return None
    folder = f"results/{generation.created_at:%Y/%m}"
    key = f"{folder}/{generation.run_code}-{number}.{extension(found.mime)}"
    size = await storage().put(key, data, mime=found.mime)
    return StoredFile(key, found.mime, size, found.width, found.height)


async def _fetch(media: Media) -> bytes:
    """Download a result into memory.

    Raises:
        ProviderUnavailable: it cannot be had, or is larger than anything that we ordered.
    """
    assert media.url is not None
    try:
        async with (
            httpx.AsyncClient(timeout=FETCH_TIMEOUT, follow_redirects=True) as client,
            client.stream("GET", media.url, headers=dict(media.headers)) as response,
        ):
            response.raise_for_status()
            pieces = [piece async for piece in _capped(response)]
    except httpx.HTTPError as error:
        raise ProviderUnavailable(f"the result cannot be fetched: {type(error).__name__}") from error
    return b"".join(pieces)


async def _capped(response: httpx.Response) -> AsyncIterator[bytes]:
    size = 0
    async for piece in response.aiter_bytes():
        size += len(piece)
        if size > MAX_RESULT_BYTES:
            raise ProviderUnavailable(f"the result has more than {MAX_RESULT_BYTES} bytes")
        yield piece

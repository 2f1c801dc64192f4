"""Copies what a provider made into our storage, at once and under keys that a repetition writes again.

What the bytes are decides: a picture is no video, whatever the provider says. A result that is larger than a picture
passes through a temporary file and is never in memory as a whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

import structlog

from core import db, films, ledger, media
from core.alerts import alert
from core.catalog import FollowUpKind
from core.generations import endings, fetching, repository
from core.generations.claims import Claim
from core.generations.failures import BadResult
from core.generations.states import Generation, Stage
from core.media import Inspected
from core.queue import outbox
from core.storage import FileNotStored, StorageRefused, StorageUnavailable, StoredFile, storage
from core.temporary import temporary_file
from core.types import IdempotencyKey, in_tokens
from providers.base import Finished, Media, MediaKind
from providers.errors import ContentBlocked, ProviderError

log = structlog.get_logger(__name__)

MOST_RESULTS: Final = 16
"""Vendors make four at most."""

LONGEST_TEXT: Final = 100_000
FETCH_AGAIN: Final = timedelta(seconds=3)
LONGEST_PAUSE: Final = timedelta(seconds=60)
PATIENCE_FOR_THE_REST: Final = 4
"""Rounds in which a result that cannot be fetched keeps the others back."""

STORAGE_PAUSES: Final = (1.0, 2.0, 4.0, 8.0)
"""Seconds before each further try to store a result."""

DELIVERY_IS_LATE: Final = timedelta(seconds=15)
"""Time after which somebody looks whether the delivery was lost."""

SHORTEST_ADDITION: Final = 0.5
"""Seconds. No provider adds fewer than four."""

TEXT: Final = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class _Kept:
    """What became of the results: those that are stored, and why the first of the others could not be fetched."""

    files: list[StoredFile]
    problem: ProviderError | None


async def store(taken: Claim, finished: Finished) -> None:
    """Keep the results and have them delivered. What was ordered and not made is refunded; nothing usable is a failure.

    Raises:
        LeaseLost: somebody else owns the generation.
    """
    # Who is asked once more for fresh links may not tell the cost again.
    cost = {} if finished.cost_usd is None else {"cost_usd": finished.cost_usd}
    await taken.change(stage=Stage.STORING.value, **cost)
    blocked = {"blocked": finished.blocked} if finished.blocked else {}
    await taken.tell("made", files=len(finished.media), **blocked)
    kept = await _keep_all(taken, finished)
    if kept.problem is not None and await _should_fetch_again(taken, kept):
        return
    if kept.files:
        await _hand_over(taken, kept.files, finished)
    elif finished.blocked:
        await endings.fail(taken, ContentBlocked(f"all of {finished.blocked} results were withheld"))
    else:
        await endings.fail(taken, BadResult(f"{len(finished.media)} files, none of them usable"))


async def _hand_over(taken: Claim, files: list[StoredFile], finished: Finished) -> None:
    generation = taken.generation
    async with db.transaction():
        await taken.release(
            due=DELIVERY_IS_LATE,
            stage=Stage.DELIVERING.value,
            results=db.to_json([file.to_dict() for file in files]),
            progress=100,
        )
        missing = max(0, generation.quantity - len(files))
        await _refund_missing(generation, missing)
        await taken.tell("stored", files=[file.key for file in files])
        if missing:
            await taken.tell("partial", ordered=generation.quantity, missing=missing, blocked=finished.blocked)
        await outbox.publish_later("bot.deliver", {"run_code": generation.run_code})


async def _refund_missing(generation: Generation, missing: int) -> None:
    if missing:
        await ledger.refund(
            generation.transaction_id,
            key=IdempotencyKey(f"refund:{generation.run_code}:undelivered"),
            amount=in_tokens(generation.tokens * Decimal(missing) / Decimal(generation.quantity)),
            reason=f"{generation.quantity - missing} of {generation.quantity} made",
        )


async def _should_fetch_again(taken: Claim, kept: _Kept) -> bool:
    """Ask the provider once more, which brings fresh links: the job itself is done. The others wait a few rounds."""
    assert kept.problem is not None
    rounds = await repository.count_of(taken.generation.id, "fetch_failed")
    await taken.tell("fetch_failed", code=kept.problem.code, detail=kept.problem.detail[:500])
    if kept.files and rounds >= PATIENCE_FOR_THE_REST:
        return False
    pause = min(FETCH_AGAIN * 2 ** min(rounds, 6), LONGEST_PAUSE)
    await taken.release(due=pause, stage=Stage.SUBMITTED.value)
    return True


async def _keep_all(taken: Claim, finished: Finished) -> _Kept:
    """Store every result. One that cannot be fetched does not keep the next from being tried."""
    files: list[StoredFile] = []
    problem: ProviderError | None = None
    for number, made in enumerate(_different(finished.media)):
        try:
            file = await _keep(taken, number, made, is_continuation=finished.is_continuation)
        except ProviderError as error:
            problem = problem or error
            continue
        if file is not None:
            files.append(file)
    return _Kept(files, problem)


def _different(made: Sequence[Media]) -> list[Media]:
    """Return the results without those that are named twice."""
    by_link = {one.url or f"data {number}": one for number, one in enumerate(made)}
    return list(by_link.values())[:MOST_RESULTS]


async def _keep(taken: Claim, number: int, made: Media, *, is_continuation: bool) -> StoredFile | None:
    """Store a result; None for one that is not what was ordered.

    Raises:
        ProviderError: it cannot be fetched.
    """
    generation = taken.generation
    if generation.kind is MediaKind.TEXT:
        return await _keep_text(generation, number, made)
    async with temporary_file() as path, temporary_file(".mp4") as joined:
        source: bytes | Path = path
        if made.data is None:
            await fetching.fetch(made, path)
        else:
            source = made.data
        try:
            found = await media.inspect(source)
        except media.UnusableMedia as error:
            log.error("generation.unusable_result", run_code=generation.run_code, declared=made.mime, error=str(error))
            return None
        if not found.mime.startswith(f"{generation.kind.value}/"):
            log.error("generation.wrong_result", run_code=generation.run_code, declared=made.mime, found=found.mime)
            return None
        before = await _film_before(generation, found, is_continuation=is_continuation)
        if before is not None:
            if isinstance(source, bytes):
                await asyncio.to_thread(path.write_bytes, source)
            if await _join(taken, before, path, joined):
                source, found = joined, await media.inspect(joined)
        key = f"{_stem(generation, number)}.{media.extension(found.mime)}"
        try:
            size = await _put(generation, key, source, found.mime)
        except StorageRefused as error:
            if error.code != "EntityTooLarge":
                # With the right key or bucket it will work: the result waits for that as long as it may.
                raise
            log.error("generation.result_too_large", run_code=generation.run_code, error=str(error))
            return None
    return StoredFile(key, found.mime, size, found.width, found.height, found.seconds)


async def _keep_text(generation: Generation, number: int, made: Media) -> StoredFile | None:
    data = (made.data or b"").strip()
    try:
        is_usable = 0 < len(data) <= LONGEST_TEXT and "\x00" not in data.decode()
    except UnicodeDecodeError:
        is_usable = False
    if not is_usable:
        log.error("generation.unusable_result", run_code=generation.run_code, declared=made.mime, bytes=len(data))
        return None
    key = f"{_stem(generation, number)}.txt"
    return StoredFile(key, TEXT, await _put(generation, key, data, TEXT))


async def _put(generation: Generation, key: str, source: bytes | Path, mime: str) -> int:
    """Store a file. What came with the answer itself exists nowhere else, so a short absence of the storage is waited
    for; any other result is asked for again."""
    for pause in STORAGE_PAUSES if generation.external_id is None else ():
        try:
            return await storage().put(key, source, mime=mime)
        except StorageUnavailable as error:
            log.warning("generation.storage_is_away", error=str(error), again_in=pause)
        await asyncio.sleep(pause)
    return await storage().put(key, source, mime=mime)


def _stem(generation: Generation, number: int) -> str:
    return f"results/{generation.created_at:%Y/%m}/{generation.run_code}-{number}"


async def _film_before(generation: Generation, made: Inspected, *, is_continuation: bool) -> StoredFile | None:
    """Return the film that this one has to be joined to; None where there is none, or the provider did it."""
    continuation = generation.continuation
    if continuation is None or continuation.kind is not FollowUpKind.EXTEND or generation.parent is None:
        return None
    parent = await repository.get(generation.parent)
    if not 1 <= continuation.number <= len(parent.results):
        return None
    before = parent.results[continuation.number - 1]
    # Not every provider says whether it hands over the whole film; a whole one is longer than what it began with.
    is_whole = made.seconds > before.seconds + SHORTEST_ADDITION
    return before if continuation.from_frame or is_continuation or not is_whole else None


async def _join(taken: Claim, before: StoredFile, added: Path, joined: Path) -> bool:
    """Put what was added after the film that it continues. What cannot be joined is delivered by itself."""
    async with temporary_file() as first:
        try:
            await storage().fetch_to(before.key, first)
            await films.join(first, added, joined)
        except (FileNotStored, films.FilmError) as error:
            await taken.tell("not_joined", error=str(error)[:500])
            run_code = taken.generation.run_code
            text = f"A continued film was delivered without its beginning. nb gen show {run_code}"
            await alert("generations:not_joined", text, error=error, run_code=run_code)
            return False
    await taken.tell("joined")
    return True

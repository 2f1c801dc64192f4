"""Every query about generations. Callers own the transaction."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from core import db
from core.catalog import CatalogModel
from core.generations.states import COLUMNS, JOINED, SOURCE, Continuation, Generation, Status, StoryEvent, from_row
from core.pricing import Quote
from core.queue import outbox
from core.storage import StoredFile
from core.types import IdempotencyKey, Language, TraceId, UserId

# ruff: noqa: S608  The interpolated parts are the constants COLUMNS, JOINED and SOURCE.

log = structlog.get_logger(__name__)

CURSOR_PATTERN = r"^[0-9]{1,16}-[0-9]{1,18}$"
"""A cursor: when the last generation of a page was created, in microseconds since 1970, and its id."""

_SELECT = f"SELECT {COLUMNS} FROM {SOURCE}"


class GenerationNotFound(Exception):
    """There is no generation of that code."""

    def __init__(self, run_code: str) -> None:
        super().__init__(f"There is no generation {run_code!r}")
        self.run_code = run_code


class BadCursor(ValueError):
    """The cursor is not one that a page returned."""


@dataclass(frozen=True, slots=True)
class NewGeneration:
    """What a row is made from."""

    run_code: str
    order_key: IdempotencyKey
    user_id: UserId
    chat_id: int
    model: CatalogModel
    transaction_id: int
    generation_type: str
    prompt: str
    images: tuple[StoredFile, ...]
    quote: Quote
    language: Language
    trace_id: TraceId
    parent: str | None
    source_url: str
    continuation: Continuation | None
    deadline_at: datetime


@dataclass(frozen=True, slots=True)
class Usage:
    """What limits are measured on, in the last 24 hours: jobs under way, orders of the model, seconds since one."""

    running: int
    today: int
    seconds_since_last: float | None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which generations a list shows; `is_ambiguous` those whose submission got no answer and was looked up."""

    status: Status | None = None
    model: str | None = None
    chat_id: int | None = None
    is_ambiguous: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list, newest first, and the cursor of the next part."""

    items: list[Generation]
    next_cursor: str | None


async def by_key(key: IdempotencyKey) -> Generation | None:
    """Return the generation that was ordered with this key."""
    row = await db.fetch_one(f"{_SELECT} WHERE generation.idempotency_key = $1", key)
    return None if row is None else from_row(row)


async def exists(key: IdempotencyKey) -> bool:
    """Say whether a generation was ordered with this key."""
    return bool(await db.fetch_value("SELECT EXISTS (SELECT FROM botapp_genrequest WHERE idempotency_key = $1)", key))


async def get(run_code: str) -> Generation:
    """Return a generation.

    Raises:
        GenerationNotFound: there is none of that code.
    """
    row = await db.fetch_one(f"{_SELECT} WHERE generation.run_code = $1", run_code)
    if row is None:
        raise GenerationNotFound(run_code)
    return from_row(row)


async def insert(new: NewGeneration) -> tuple[Generation, Usage] | None:
    """Write a queued generation, the first event of its story, and the task that takes it on after the commit.

    It comes back with what its user had used before it. None: the key belongs to a generation that was there before.
    """
    row = await db.fetch_one(
        f"""
        WITH usage AS (
            SELECT count(*) FILTER (WHERE status IN ('queued', 'processing') AND stage <> 'delivering') AS running,
                count(*) FILTER (WHERE is_alike) AS today,
                extract(epoch FROM now() - max(created_at) FILTER (WHERE is_alike))::float AS seconds_since_last
            FROM botapp_genrequest, LATERAL (
                SELECT ai_model_id = $5 AND status NOT IN ('error', 'cancelled') AS is_alike
            ) AS limits
            WHERE user_id = $3 AND created_at > now() - interval '1 day'
        ), generation AS (
            INSERT INTO botapp_genrequest (
                run_code, idempotency_key, user_id, chat_id, ai_model_id, transaction_id, generation_type, prompt,
                input_images, generation_params, quantity, cost, language, trace_id, deadline_at, typical_seconds,
                parent_request_id, source_url, continuation
            ) VALUES (
                $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
                (SELECT id FROM botapp_genrequest WHERE run_code = $17), $18, $19
            ) ON CONFLICT (idempotency_key) DO NOTHING RETURNING *
        ), event AS (
            INSERT INTO botapp_genevent (generation_id, event, detail) SELECT id, 'ordered', $20 FROM generation
        ), message AS (
            INSERT INTO botapp_outbox (task, arguments, trace_id) SELECT $21, $22::jsonb, $23 FROM generation
        )
        SELECT {COLUMNS}, usage.* FROM usage, generation {JOINED}
        """,
        new.run_code,
        new.order_key,
        new.user_id,
        new.chat_id,
        new.model.id,
        new.transaction_id,
        new.generation_type,
        new.prompt,
        db.to_json([image.to_dict() for image in new.images]),
        db.to_json(dict(new.quote.params)),
        _quantity(new.quote),
        new.quote.tokens,
        new.language,
        new.trace_id,
        new.deadline_at,
        new.model.typical_seconds,
        new.parent,
        new.source_url,
        None if new.continuation is None else db.to_json(asdict(new.continuation)),
        db.to_json({"model": new.model.slug, "tokens": str(new.quote.tokens), "key": new.order_key}),
        *outbox.message("generations.advance", {"run_code": new.run_code}),
    )
    if row is None:
        return None
    return from_row(row), Usage(row["running"], row["today"], row["seconds_since_last"])


async def of_user(user: UserId, *, limit: int = 10) -> list[Generation]:
    """Return a user's generations, newest first."""
    rows = await db.fetch(
        f"{_SELECT} WHERE generation.user_id = $1 ORDER BY generation.created_at DESC, generation.id DESC LIMIT $2",
        user,
        limit,
    )
    return [from_row(row) for row in rows]


async def page(wanted: Filter, *, limit: int, cursor: str | None = None) -> Page:
    """Return a part of the list of all generations.

    Raises:
        BadCursor: the cursor is not one that a page returned.
    """
    before_at, before_id = _decode(cursor) if cursor is not None else (None, None)
    rows = await db.fetch(
        f"""
        {_SELECT}
        WHERE ($1::text IS NULL OR generation.status = $1)
            AND ($2::text IS NULL OR model.slug = $2)
            AND ($3::bigint IS NULL OR generation.chat_id = $3)
            AND ($4::timestamptz IS NULL OR (generation.created_at, generation.id) < ($4, $5))
            AND (NOT $7 OR generation.id IN (SELECT generation_id FROM botapp_genevent WHERE event = 'lookup'))
        ORDER BY generation.created_at DESC, generation.id DESC LIMIT $6
        """,
        wanted.status.value if wanted.status else None,
        wanted.model,
        wanted.chat_id,
        before_at,
        before_id,
        limit + 1,
        wanted.is_ambiguous,
    )
    items = [from_row(row) for row in rows[:limit]]
    return Page(items, _encode(items[-1]) if len(rows) > limit else None)


async def where(condition: str, *arguments: object) -> list[Generation]:
    """Return generations by a condition that the caller wrote, which may order and limit them."""
    return [from_row(row) for row in await db.fetch(f"{_SELECT} WHERE {condition}", *arguments)]


async def children(generation_id: int) -> list[Generation]:
    """Return the jobs that repeat, change or continue a job, in their order."""
    return await where("generation.parent_request_id = $1 ORDER BY generation.id", generation_id)


async def attach_status_message(run_code: str, message_id: int) -> None:
    """Remember which message shows how the job stands."""
    await db.execute("UPDATE botapp_genrequest SET status_message_id = $2 WHERE run_code = $1", run_code, message_id)


async def story(run_code: str) -> list[StoryEvent]:
    """Return what happened to a job, in order."""
    rows = await db.fetch(
        """
        SELECT event.at, event.event, event.detail FROM botapp_genevent AS event
        JOIN botapp_genrequest AS generation ON generation.id = event.generation_id
        WHERE generation.run_code = $1 ORDER BY event.id
        """,
        run_code,
    )
    return [StoryEvent(row["at"], row["event"], json.loads(row["detail"])) for row in rows]


async def count_of(generation_id: int, event: str) -> int:
    """Return how often something happened to a job."""
    sql = "SELECT count(*) FROM botapp_genevent WHERE generation_id = $1 AND event = $2"
    return int(await db.fetch_value(sql, generation_id, event))


async def tell(generation_id: int, event: str, **detail: object) -> None:
    """Add a step to a job's story, and to the log of the trace it belongs to."""
    log.info(f"generation.{event}", generation_id=generation_id, **detail)
    await db.execute(
        "INSERT INTO botapp_genevent (generation_id, event, detail) VALUES ($1, $2, $3)",
        generation_id,
        event,
        db.to_json(detail),
    )


async def change(generation_id: int, **values: Any) -> None:  # noqa: ANN401  Columns have their own types.
    """Write columns of a generation."""
    columns = ", ".join(f'"{name}" = ${number}' for number, name in enumerate(values, start=2))
    await db.execute(
        f"UPDATE botapp_genrequest SET {columns}, updated_at = now() WHERE id = $1", generation_id, *values.values()
    )


def _quantity(price: Quote) -> int:
    quantity = price.params.get("quantity", 1)
    return quantity if isinstance(quantity, int) else 1


def _encode(last: Generation) -> str:
    return f"{round(last.created_at.timestamp() * 1_000_000)}-{last.id}"


def _decode(cursor: str) -> tuple[datetime, int]:
    if not re.fullmatch(CURSOR_PATTERN, cursor):
        raise BadCursor(cursor)
    microseconds, _, number = cursor.partition("-")
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(microseconds)), int(number)

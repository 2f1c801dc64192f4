"""Faults as operators read them: one by one, by kind, and what was done about them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from core import db


@dataclass(frozen=True, slots=True)
class KeptFault:
    """A fault as it is kept. `came_back` says that its kind had been resolved before."""

    id: int
    code: str
    fingerprint: str
    origin: str
    severity: str
    status: str
    occurred_at: datetime
    last_at: datetime
    times: int
    service: str
    commit: str
    handler: str
    error_class: str
    message: str
    stacktrace: str
    extra: Mapping[str, Any]
    trace_id: str
    user: int | None
    generation: str | None
    came_back: bool
    resolved_at: datetime | None
    resolved_by: str
    resolution: str


@dataclass(frozen=True, slots=True)
class Kind:
    """All faults with one fingerprint, of those that were asked for."""

    newest: KeptFault
    rows: int
    times: int
    open: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which faults are asked for. `user` is a Telegram id; `trace` may be the beginning of one, as users are told."""

    status: str | None = None
    severity: str | None = None
    origin: str | None = None
    service: str | None = None
    since: datetime | None = None
    fingerprint: str | None = None
    trace: str | None = None
    generation: str | None = None
    user: int | None = None


class FaultNotFound(Exception):
    """There is no fault, and no kind of faults, of this name."""


# ruff: noqa: S608  The interpolated parts are constants of this module.
_CAME_BACK: Final = """EXISTS (
    SELECT 1 FROM botapp_boterrorevent AS before WHERE before.fingerprint = fault.fingerprint
        AND before.status = 'resolved' AND before.occurred_at < fault.occurred_at AND before.id <> fault.id
) AND fault.status <> 'resolved'"""

_SELECTED: Final = f"""
    SELECT fault.*, generation.run_code, coalesce(person.chat_id, fault.chat_id) AS person, {_CAME_BACK} AS came_back
    FROM botapp_boterrorevent AS fault
    LEFT JOIN botapp_genrequest AS generation ON generation.id = fault.gen_request_id
    LEFT JOIN botapp_tguser AS person ON person.id = fault.user_id
"""

# What was folded into a row is found by its own trace, generation and user, too.
_WANTED: Final = """
    ($1::text IS NULL OR fault.status = $1 OR ($1 = 'open' AND fault.status <> 'resolved'))
    AND ($2::text IS NULL OR fault.severity = $2)
    AND ($3::text IS NULL OR fault.origin = $3)
    AND ($4::text IS NULL OR fault.service = $4)
    AND ($5::timestamptz IS NULL OR fault.last_at >= $5)
    AND ($6::text IS NULL OR fault.fingerprint = $6)
    AND ($7::text IS NULL OR starts_with(fault.trace_id, $7) OR EXISTS (
        SELECT 1 FROM jsonb_array_elements(fault.extra -> 'also') AS met WHERE starts_with(met ->> 'trace', $7)))
    AND ($8::text IS NULL OR fault.gen_request_id = (SELECT id FROM botapp_genrequest WHERE run_code = $8)
        OR fault.extra -> 'also' @> jsonb_build_array(jsonb_build_object('generation', $8::text)))
    AND ($9::bigint IS NULL OR fault.chat_id = $9
        OR fault.user_id = (SELECT id FROM botapp_tguser WHERE chat_id = $9)
        OR fault.extra -> 'also' @> jsonb_build_array(jsonb_build_object('user', $9::bigint)))
"""


async def newest(wanted: Wanted, *, limit: int, before: int | None = None) -> list[KeptFault]:
    """Return faults, the newest first, older than row `before` where it is given."""
    rows = await db.fetch(
        f"{_SELECTED} WHERE {_WANTED} AND ($10::bigint IS NULL OR fault.id < $10) ORDER BY fault.id DESC LIMIT $11",
        *_arguments(wanted),
        before,
        limit,
    )
    return [_kept(row) for row in rows]


async def get(code: str) -> KeptFault:
    """Return a fault by its code.

    Raises:
        FaultNotFound: there is none.
    """
    row = await db.fetch_one(f"{_SELECTED} WHERE fault.code = $1", code)
    if row is None:
        raise FaultNotFound(code)
    return _kept(row)


async def kinds(wanted: Wanted, *, limit: int, before: int | None = None) -> list[Kind]:
    """Return faults by their kind, the kind that was met last in a new row first. `before` is a row."""
    rows = await db.fetch(
        f"""
        WITH kind AS (
            SELECT fingerprint, max(id) AS newest, count(*) AS rows, sum(times) AS times,
                count(*) FILTER (WHERE status <> 'resolved') AS open, min(occurred_at) AS first_at,
                max(last_at) AS newest_at
            FROM botapp_boterrorevent AS fault WHERE {_WANTED}
            GROUP BY fingerprint HAVING $10::bigint IS NULL OR max(id) < $10
            ORDER BY newest DESC LIMIT $11
        )
        SELECT found.*, kind.rows, kind.times AS all_times, kind.open, kind.first_at, kind.newest_at
        FROM kind JOIN ({_SELECTED}) AS found ON found.id = kind.newest ORDER BY kind.newest DESC
        """,
        *_arguments(wanted),
        before,
        limit,
    )
    return [
        Kind(_kept(row), row["rows"], int(row["all_times"]), row["open"], row["first_at"], row["newest_at"])
        for row in rows
    ]


async def take(name: str) -> int:
    """Say that somebody looks into a fault, or into all new ones of a kind; return how many changed.

    Raises:
        FaultNotFound: nothing has this name.
    """
    await _exists(name)
    return await db.execute(
        "UPDATE botapp_boterrorevent SET status = 'in_progress' WHERE $1 IN (code, fingerprint) AND status = 'new'",
        name,
    )


async def resolve(name: str, *, by: str, resolution: str) -> int:
    """Close a fault, or all open ones of a kind; return how many changed. The next one of the kind is new again.

    Raises:
        FaultNotFound: nothing has this name.
    """
    await _exists(name)
    return await db.execute(
        """
        UPDATE botapp_boterrorevent SET status = 'resolved', resolved_at = now(), resolved_by = $2, resolution = $3
        WHERE $1 IN (code, fingerprint) AND status <> 'resolved'
        """,
        name,
        by[:100],
        resolution,
    )


async def _exists(name: str) -> None:
    if await db.fetch_one("SELECT 1 FROM botapp_boterrorevent WHERE $1 IN (code, fingerprint) LIMIT 1", name) is None:
        raise FaultNotFound(name)


def _arguments(wanted: Wanted) -> tuple[object, ...]:
    return (
        wanted.status,
        wanted.severity,
        wanted.origin,
        wanted.service,
        wanted.since,
        wanted.fingerprint,
        wanted.trace,
        wanted.generation,
        wanted.user,
    )


def _kept(row: db.Row) -> KeptFault:
    return KeptFault(
        id=row["id"],
        code=row["code"],
        fingerprint=row["fingerprint"],
        origin=row["origin"],
        severity=row["severity"],
        status=row["status"],
        occurred_at=row["occurred_at"],
        last_at=row["last_at"],
        times=row["times"],
        service=row["service"],
        commit=row["commit"],
        handler=row["handler"],
        error_class=row["error_class"],
        message=row["message"],
        stacktrace=row["stacktrace"],
        extra=json.loads(row["extra"]),
        trace_id=row["trace_id"],
        user=row["person"],
        generation=row["run_code"],
        came_back=row["came_back"],
        resolved_at=row["resolved_at"],
        resolved_by=row["resolved_by"],
        resolution=row["resolution"],
    )

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

_FILTERS: Final[Mapping[str, str]] = {
    "status": "(fault.status = {0} OR ({0} = 'open' AND fault.status <> 'resolved'))",
    "severity": "fault.severity = {0}",
    "origin": "fault.origin = {0}",
    "service": "fault.service = {0}",
    "since": "fault.last_at >= {0}",
    "fingerprint": "fault.fingerprint = {0}",
    # A trace id is in hexadecimal digits: whatever begins so lies before the same with a `g`.
    "trace": """fault.id IN (
        SELECT id FROM botapp_boterrorevent
        WHERE trace_id <> '' AND trace_id >= {0} AND trace_id < {0} || 'g' AND starts_with(trace_id, {0})
        UNION ALL
        SELECT id FROM botapp_boterrorevent
        WHERE extra -> 'also' @> jsonb_build_array(jsonb_build_object('code', left({0}, 8)))
            AND EXISTS (
                SELECT 1 FROM jsonb_array_elements(extra -> 'also') AS met WHERE starts_with(met ->> 'trace', {0})
            )
    )""",
    "generation": """fault.id IN (
        SELECT id FROM botapp_boterrorevent
        WHERE gen_request_id = (SELECT id FROM botapp_genrequest WHERE run_code = {0})
        UNION ALL
        SELECT id FROM botapp_boterrorevent
        WHERE extra -> 'also' @> jsonb_build_array(jsonb_build_object('generation', {0}))
    )""",
    "user": """fault.id IN (
        SELECT id FROM botapp_boterrorevent WHERE chat_id = {0}
        UNION ALL
        SELECT id FROM botapp_boterrorevent WHERE user_id = (SELECT id FROM botapp_tguser WHERE chat_id = {0})
        UNION ALL
        SELECT id FROM botapp_boterrorevent
        WHERE extra -> 'also' @> jsonb_build_array(jsonb_build_object('user', {0}))
    )""",
}
"""The condition of each filter. What was folded into a row is found by its own trace, generation and user, too.

Only those that are given are in a statement, each in the form that has an index.
"""

_TYPES: Final[Mapping[str, str]] = {"since": "timestamptz", "user": "bigint"}


async def newest(wanted: Wanted, *, limit: int, before: int | None = None) -> list[KeptFault]:
    """Return faults, the newest first, older than row `before` where it is given."""
    where, arguments = _where(wanted)
    rows = await db.fetch(
        f"{_SELECTED} WHERE {where} AND ($1::bigint IS NULL OR fault.id < $1) ORDER BY fault.id DESC LIMIT $2",
        before,
        limit,
        *arguments,
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
    where, arguments = _where(wanted)
    rows = await db.fetch(
        f"""
        WITH kind AS (
            SELECT fingerprint, max(id) AS newest, count(*) AS rows, sum(times) AS times,
                count(*) FILTER (WHERE status <> 'resolved') AS open, min(occurred_at) AS first_at,
                max(last_at) AS newest_at
            FROM botapp_boterrorevent AS fault WHERE {where}
            GROUP BY fingerprint HAVING $1::bigint IS NULL OR max(id) < $1
            ORDER BY newest DESC LIMIT $2
        )
        SELECT found.*, kind.rows, kind.times AS all_times, kind.open, kind.first_at, kind.newest_at
        FROM kind JOIN ({_SELECTED}) AS found ON found.id = kind.newest ORDER BY kind.newest DESC
        """,
        before,
        limit,
        *arguments,
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


def _where(wanted: Wanted) -> tuple[str, list[object]]:
    """The condition of the filters that are given, whose values follow the first two of the statement."""
    given = {name: value for name in _FILTERS if (value := getattr(wanted, name)) is not None}
    conditions = [
        _FILTERS[name].format(f"${number}::{_TYPES.get(name, 'text')}") for number, name in enumerate(given, 3)
    ]
    return " AND ".join(conditions) or "TRUE", list(given.values())


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

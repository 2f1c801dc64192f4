"""What operators change: each change once, and with it who made it, why, and what came of it.

A change and its record are one transaction. The same key gives the first answer again, so that a command whose answer
was lost may simply be repeated.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog

from core import db
from core.types import IdempotencyKey

Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """A wish of an operator to change something.

    Attributes:
        actor: who, such as `token:ops-laptop`.
        action: what, such as `users.credit`.
        subject: whom or what it is done to, such as a Telegram id or a slug.
        request: everything that was asked; the same key with another request is an error.
    """

    actor: str
    action: str
    subject: str
    reason: str
    key: IdempotencyKey
    request: Mapping[str, Any] = field(default_factory=dict)

    @property
    def posting_key(self) -> IdempotencyKey:
        """Key for the posting that the change makes."""
        return IdempotencyKey(f"audit:{hashlib.sha256(self.key.encode()).hexdigest()[:40]}")


class ChangeKeyReused(Exception):
    """The idempotency key belongs to another change."""

    def __init__(self, key: IdempotencyKey) -> None:
        super().__init__(f"Key {key} was used for another change; use a new key for a new change")


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """A change as it was recorded."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    reason: str
    request: Mapping[str, Any]
    result: Mapping[str, Any] | None
    trace_id: str


class _DryRun(Exception):
    def __init__(self, result: Result) -> None:
        self.result = result


async def once(change: Change, perform: Callable[[], Awaitable[Result]], *, dry_run: bool = False) -> Result:
    """Make a change in a transaction of its own, or return what it answered when it was made before.

    `perform` runs inside the transaction and returns plain JSON values. With `dry_run` it runs all the same and is
    rolled back: what it returns is what would be.

    Raises:
        ChangeKeyReused: the key belongs to another change.
        Whatever `perform` raises: nothing was changed.
    """
    try:
        async with db.transaction():
            result = await _once(change, perform)
            if dry_run:
                raise _DryRun(result)
            return result
    except _DryRun as rehearsal:
        return rehearsal.result


async def also(change: Change, result: Result) -> None:
    """Record what another change made along with itself, inside the transaction of that one.

    Raises:
        ChangeKeyReused: the key belongs to another change.
    """

    async def told() -> Result:
        return result

    await _once(change, told)


async def _once(change: Change, perform: Callable[[], Awaitable[Result]]) -> Result:
    request = db.to_json(dict(change.request))
    recorded = await db.fetch_value(
        """
        INSERT INTO botapp_auditevent (actor, action, subject, reason, request, idempotency_key, trace_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (idempotency_key) DO NOTHING RETURNING id
        """,
        change.actor,
        change.action,
        change.subject,
        change.reason,
        request,
        change.key,
        structlog.contextvars.get_contextvars().get("trace_id", ""),
    )
    if recorded is None:
        return await _first_result(change, request)
    result = await perform()
    await db.execute("UPDATE botapp_auditevent SET result = $2 WHERE id = $1", recorded, db.to_json(result))
    stored: Result = json.loads(db.to_json(result))
    return stored


async def _first_result(change: Change, request: str) -> Result:
    row = await db.fetch_one(
        "SELECT actor, action, subject, reason, request, result FROM botapp_auditevent WHERE idempotency_key = $1",
        change.key,
    )
    assert row is not None, "a conflicting key belongs to a committed change"
    first = (row["actor"], row["action"], row["subject"], row["reason"], json.loads(row["request"]))
    if first != (change.actor, change.action, change.subject, change.reason, json.loads(request)):
        raise ChangeKeyReused(change.key)
    result: Result = json.loads(row["result"])
    return result


async def count(*, action: str, subject: str) -> int:
    """Return how often this was done to a subject, an open change of it included."""
    return int(
        await db.fetch_value(
            "SELECT count(*) FROM botapp_auditevent WHERE action = $1 AND subject = $2", action, subject
        )
    )


async def newest(
    *,
    limit: int = 50,
    before: int | None = None,
    actor: str | None = None,
    action: str | None = None,
    subject: str | None = None,
) -> list[AuditEvent]:
    """Return recorded changes, the newest first, older than event `before` where it is given."""
    rows = await db.fetch(
        """
        SELECT * FROM botapp_auditevent
        WHERE id < $1 AND ($2::text IS NULL OR actor = $2) AND ($3::text IS NULL OR subject = $3)
            AND ($4::text IS NULL OR action = $4)
        ORDER BY id DESC LIMIT $5
        """,
        2**63 - 1 if before is None else before,
        actor,
        subject,
        action,
        limit,
    )
    return [
        AuditEvent(
            id=row["id"],
            at=row["at"],
            actor=row["actor"],
            action=row["action"],
            subject=row["subject"],
            reason=row["reason"],
            request=json.loads(row["request"]),
            result=json.loads(row["result"]) if row["result"] else None,
            trace_id=row["trace_id"],
        )
        for row in rows
    ]

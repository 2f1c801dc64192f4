"""An operator's change happens once for its key, is recorded in its own transaction, and is never edited afterwards."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
import structlog

from core import alerts, audit, db, ledger, users
from core.audit import Change, ChangeKeyReused
from core.ledger import InsufficientTokens, PostingKind
from core.settings import Settings
from core.types import IdempotencyKey

pytestmark = pytest.mark.integration

CHANGE = Change(
    actor="token:laptop",
    action="users.credit",
    subject="4242",
    reason="a lost picture",
    key=IdempotencyKey("credit-of-the-fox"),
    request={"tokens": Decimal("5.00")},
)


def crediting(user: users.User, change: Change = CHANGE, tokens: str = "5") -> Callable[[], Awaitable[dict[str, Any]]]:
    """Give the user tokens and answer what became of the balance."""

    async def perform() -> dict[str, Any]:
        posting = await ledger.post(
            user.id,
            Decimal(tokens),
            PostingKind.ADMIN,
            key=change.posting_key,
            actor=change.actor,
            reason=change.reason,
        )
        return {"balance": posting.balance_after}

    return perform


async def recorded() -> list[tuple[str, str]]:
    """Action and reason of every record, the newest first."""
    return [(event.action, event.reason) for event in await audit.newest()]


async def test_a_change_is_made_and_recorded(user: users.User) -> None:
    with structlog.contextvars.bound_contextvars(trace_id="ab" * 16):
        assert await audit.once(CHANGE, crediting(user)) == {"balance": "55.00"}
    [event] = await audit.newest()
    assert dataclasses.replace(event, id=0, at=event.at) == audit.AuditEvent(
        id=0,
        at=event.at,
        actor="token:laptop",
        action="users.credit",
        subject="4242",
        reason="a lost picture",
        request={"tokens": "5.00"},
        result={"balance": "55.00"},
        trace_id="ab" * 16,
    )
    assert (await ledger.statement(user.id, limit=1))[0].actor == "token:laptop"


async def test_a_repeated_key_gets_the_first_answer_and_changes_nothing(user: users.User) -> None:
    first = await audit.once(CHANGE, crediting(user))
    await ledger.post(user.id, Decimal(7), PostingKind.DEPOSIT, key=IdempotencyKey("later"))
    assert await audit.once(CHANGE, crediting(user)) == first
    assert str(await ledger.balance_of(user.id)) == "62.00"
    assert len(await recorded()) == 1


async def test_a_key_at_once_changes_once(user: users.User) -> None:
    answers = await asyncio.gather(*(audit.once(CHANGE, crediting(user)) for _ in range(8)))
    assert answers == [{"balance": "55.00"}] * 8
    assert str(await ledger.balance_of(user.id)) == "55.00"


@pytest.mark.parametrize(
    "other",
    [
        {"actor": "token:ci"},
        {"action": "users.debit"},
        {"subject": "13"},
        {"reason": "another one"},
        {"request": {"tokens": Decimal("6.00")}},
    ],
    ids=str,
)
async def test_a_key_of_another_change_is_refused(user: users.User, other: dict[str, Any]) -> None:
    await audit.once(CHANGE, crediting(user))
    with pytest.raises(ChangeKeyReused, match="Key credit-of-the-fox was used for another change"):
        await audit.once(dataclasses.replace(CHANGE, **other), crediting(user))
    assert str(await ledger.balance_of(user.id)) == "55.00"


async def test_keys_that_differ_make_different_postings(user: users.User) -> None:
    other = dataclasses.replace(CHANGE, key=IdempotencyKey("credit-of-the-fox-again"))
    assert other.posting_key != CHANGE.posting_key
    await audit.once(CHANGE, crediting(user))
    await audit.once(other, crediting(user, other))
    assert str(await ledger.balance_of(user.id)) == "60.00"


async def test_a_rehearsal_says_what_would_be_and_leaves_no_trace(user: users.User) -> None:
    assert await audit.once(CHANGE, crediting(user), dry_run=True) == {"balance": "55.00"}
    assert str(await ledger.balance_of(user.id)) == "50.00"
    assert await recorded() == []
    assert await audit.once(CHANGE, crediting(user)) == {"balance": "55.00"}


async def test_a_change_that_is_refused_leaves_no_trace(user: users.User) -> None:
    with pytest.raises(InsufficientTokens):
        await audit.once(CHANGE, crediting(user, tokens="-51"))
    assert await recorded() == []
    assert str(await ledger.balance_of(user.id)) == "50.00"
    await audit.once(CHANGE, crediting(user))
    assert len(await recorded()) == 1


async def test_a_key_waits_for_a_change_that_fails_and_may_then_be_used(user: users.User) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def fail() -> dict[str, Any]:
        entered.set()
        await leave.wait()
        raise LookupError("nobody")

    failing = asyncio.create_task(audit.once(CHANGE, fail))
    await entered.wait()
    waiting = asyncio.create_task(audit.once(CHANGE, crediting(user)))
    leave.set()
    with pytest.raises(LookupError):
        await failing
    assert await waiting == {"balance": "55.00"}


async def test_records_are_listed_by_actor_and_subject_in_pages(database: Settings) -> None:
    async def nothing() -> dict[str, Any]:
        return {}

    for number in range(6):
        await audit.once(
            Change(
                actor=f"token:{number % 2}",
                action=f"packages.{number}",
                subject=f"subject {number % 3}",
                reason="to be seen",
                key=IdempotencyKey(f"change-{number}"),
            ),
            nothing,
        )
    newest = await audit.newest()
    assert [event.action for event in newest] == [f"packages.{number}" for number in (5, 4, 3, 2, 1, 0)]
    assert [event.action for event in await audit.newest(limit=2, before=newest[1].id)] == ["packages.3", "packages.2"]
    assert [event.action for event in await audit.newest(actor="token:1")] == ["packages.5", "packages.3", "packages.1"]
    assert [event.action for event in await audit.newest(subject="subject 0")] == ["packages.3", "packages.0"]
    assert await audit.newest(actor="token:1", subject="subject 7") == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE botapp_auditevent SET reason = 'a better one'",
        "UPDATE botapp_auditevent SET result = '{}'",
        "DELETE FROM botapp_auditevent",
        "TRUNCATE botapp_auditevent",
    ],
)
async def test_a_record_is_never_edited(user: users.User, statement: str) -> None:
    await audit.once(CHANGE, crediting(user))
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="append-only"):
        await db.execute(statement)


async def test_an_alert_leaves_with_the_commit_that_it_is_about(database: Settings) -> None:
    with pytest.raises(LookupError):
        async with db.transaction():
            await alerts.alert("books", "They do not agree")
            raise LookupError
    assert await db.fetch("SELECT * FROM botapp_outbox") == []
    async with db.transaction():
        await alerts.alert("books", "They do not agree")
    [row] = await db.fetch("SELECT task, arguments FROM botapp_outbox")
    assert (row["task"], json.loads(row["arguments"])) == (
        "bot.alert",
        {"key": "books", "text": "They do not agree"},
    )

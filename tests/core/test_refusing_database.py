"""A database that answers and takes nothing: full, read-only after a fail-over, a deadlock, a statement cut off.

It is over by itself or by an operator's hand, so everybody who waits for it goes on by themselves then.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from core import db, errors, redis, storage
from core.inbox import Event, Inbox
from core.queue import beat, configure
from core.settings import Settings
from tests.core.test_inbox import consuming, nothing_pending, put, until
from tests.core.test_readiness import _check as check

pytestmark = pytest.mark.integration

REFUSALS = {
    "53100": "the disk is full",
    "53200": "out of memory",
    "58030": "a disk that fails",
    "25006": "read-only",
    "40P01": "a deadlock",
    "40001": "cannot serialize",
    "57014": "a statement is cut off",
    "55P03": "a lock that is not to be had",
}


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[Settings]:
    """Database, Redis and broker."""
    configure(settings)
    await db.connect(settings)
    await redis.connect(settings)
    await storage.connect(settings)
    yield settings
    await storage.disconnect()
    await redis.disconnect()
    await db.disconnect()


async def refuse(table: str, change: str, code: str) -> None:
    """Have every change of a table refused by the server with a code until the trigger is dropped."""
    await db.execute(
        f"""
        CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM nextval('refused'); RAISE EXCEPTION 'not now' USING ERRCODE = '{code}'; END $$
        """
    )
    await db.execute("CREATE SEQUENCE refused")
    await db.execute(f"CREATE TRIGGER refuse BEFORE {change} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse()")


async def refused(times: int) -> bool:
    """True when changes were refused so often."""
    row = await db.fetch_one("SELECT last_value, is_called FROM refused")
    assert row is not None
    return bool(row["is_called"] and row["last_value"] >= times)


@pytest.mark.parametrize("code", REFUSALS, ids=lambda code: REFUSALS[code].replace(" ", "_"))
async def test_what_the_server_refuses_for_now_is_counted_as_its_absence(service: Settings, code: str) -> None:
    with pytest.raises(db.UNAVAILABLE) as refusal:
        await db.execute(f"DO $$ BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '{code}'; END $$")
    assert errors.is_passing(refusal.value), "people are told to try again, and operators of no defect"


@pytest.mark.parametrize("code", ["23505", "22012", "42601", "P0001", "42P01"])
async def test_what_a_repetition_does_not_cure_is_not(service: Settings, code: str) -> None:
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await db.execute(f"DO $$ BEGIN RAISE EXCEPTION 'never' USING ERRCODE = '{code}'; END $$")
    assert not isinstance(refusal.value, db.UNAVAILABLE)
    assert not errors.is_passing(refusal.value)


@pytest.mark.parametrize("code", ["53100", "25006"])
async def test_events_are_handled_once_the_database_takes_changes_again(service: Settings, code: str) -> None:
    box, seen = Inbox("telegram"), list[str]()

    async def handle(event: Event) -> None:
        seen.append(event.event_id)

    await put(box, 1)
    await refuse("botapp_inbox", "UPDATE", code)
    async with consuming(box, handle):
        await until(lambda: refused(2))
        await db.execute("DROP TRIGGER refuse ON botapp_inbox")
        await until(nothing_pending)
    assert seen == ["1"]


async def test_an_event_whose_end_cannot_be_written_takes_no_place_for_ever(service: Settings) -> None:
    box, seen = Inbox("telegram"), list[str]()

    async def handle(event: Event) -> None:
        seen.append(event.event_id)
        if len(seen) == 1:
            await db.execute("ALTER TABLE botapp_inbox RENAME COLUMN error TO gone")

    await put(box, 1, "one")
    async with consuming(box, handle):
        await until(lambda: len(seen) == 1 and not box._running)
        await db.execute("ALTER TABLE botapp_inbox RENAME COLUMN gone TO error")
        await db.execute("UPDATE botapp_inbox SET lease_until = now() - interval '1 second'")
        await until(nothing_pending)
    assert seen == ["1", "1"]


async def test_beat_goes_on_once_the_database_takes_changes_again(
    service: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr("core.queue.beat.asyncio.sleep", pause)
    await beat.add_shipped()
    await db.execute("UPDATE botapp_schedule SET next_run_at = now() - interval '1 second'")
    await refuse("botapp_schedule", "UPDATE", "25006")
    await beat._look()
    assert len(pauses) == 1
    await db.execute("DROP TRIGGER refuse ON botapp_schedule")
    await beat._look()
    assert len(pauses) == 1
    assert await db.fetch_value("SELECT count(*) FROM botapp_schedule WHERE next_run_at <= now()") == 0


async def test_a_database_that_takes_no_changes_is_not_ready(service: Settings) -> None:
    name = await db.fetch_value("SELECT current_database()")
    await db.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    await db.disconnect()
    await db.connect(service)
    with pytest.raises(db.UNAVAILABLE):
        await db.execute("UPDATE botapp_inbox SET attempts = 0")
    verdict = await check("database", service)
    assert verdict.state == "failed"
    assert "read-only" in verdict.detail

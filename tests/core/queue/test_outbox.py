"""Tasks leave after the commit that asked for them, at least once, also when Redis or the writer dies in between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import redis as redis_client

from core import db
from core.queue import celery, configure, outbox
from core.queue.beat import SHIPPED, add_shipped, first_run, publish_due
from core.settings import Settings

pytestmark = pytest.mark.integration


@pytest.fixture
async def broker(settings: Settings) -> AsyncIterator[redis_client.Redis]:
    """An empty broker that tasks are published to, with the database open."""
    reconnect(settings)
    await db.connect(settings)
    with redis_client.Redis.from_url(settings.redis_url.get_secret_value(), decode_responses=True) as client:
        yield client
    await db.disconnect()


def reconnect(settings: Settings) -> None:
    """Point Celery somewhere else, as a new process would."""
    configure(settings)
    celery._after_fork()  # type: ignore[attr-defined]  # forgets the open connections


def published(broker: redis_client.Redis, queue: str = "default") -> list[dict[str, object]]:
    """What a queue holds, oldest first: name and keywords of each task."""
    messages = [json.loads(message) for message in broker.lrange(queue, 0, -1)]  # type: ignore[union-attr]
    return [
        {"task": message["headers"]["task"], "kwargs": message["headers"]["kwargsrepr"], "headers": message["headers"]}
        for message in reversed(messages)
    ]


async def rows() -> int:
    """Rows that wait in the outbox."""
    return int(await db.fetch_value("SELECT count(*) FROM botapp_outbox"))


async def test_a_task_is_published_after_the_commit_and_not_before(broker: redis_client.Redis) -> None:
    async with db.transaction():
        await outbox.publish_later("some.task", {"run_code": "abc"})
        assert published(broker) == []
    assert await outbox.flush() == 1
    assert [message["task"] for message in published(broker)] == ["some.task"]
    assert "'run_code': 'abc'" in str(published(broker)[0]["kwargs"])
    assert await rows() == 0


async def test_a_task_of_a_transaction_that_failed_is_never_published(broker: redis_client.Redis) -> None:
    with pytest.raises(ZeroDivisionError):
        async with db.transaction():
            await outbox.publish_later("some.task", {})
            raise ZeroDivisionError
    assert await outbox.flush() == 0


async def test_tasks_wait_while_redis_is_away(broker: redis_client.Redis, settings: Settings) -> None:
    await outbox.publish_later("some.task", {})
    unreachable = settings.model_copy(update={"redis_url": type(settings.redis_url)("redis://127.0.0.1:1/0")})
    reconnect(unreachable)
    assert await outbox.flush() == 0
    assert await rows() == 1
    reconnect(settings)
    assert await outbox.flush() == 1


async def test_beat_leaves_fresh_rows_to_their_writer_and_takes_what_was_left_behind(
    broker: redis_client.Redis,
) -> None:
    await outbox.publish_later("some.task", {})
    assert await outbox.flush(older_than=60) == 0
    await db.execute("UPDATE botapp_outbox SET created_at = now() - interval '2 minutes'")
    assert await outbox.flush(older_than=60) == 1


async def test_two_that_flush_at_once_publish_each_task_once(broker: redis_client.Redis) -> None:
    for number in range(40):
        await outbox.publish_later("some.task", {"number": number})
    counts = await asyncio.gather(*(outbox.flush() for _ in range(4)))
    assert sum(counts) == 40
    assert len(published(broker)) == 40


async def test_a_tick_is_published_once_by_however_many_beats(broker: redis_client.Redis) -> None:
    await add_shipped()
    await add_shipped()
    names = await asyncio.gather(*(publish_due() for _ in range(5)))
    at_once = {entry.name for entry in SHIPPED if entry.at is None}
    assert sorted(name for beat in names for name in beat) == sorted(at_once)
    queued = published(broker, "generation")
    assert [message["task"] for message in queued] == ["generations.tick"]
    assert queued[0]["headers"]["expires"] is not None  # type: ignore[index]


async def test_an_entry_is_due_again_after_its_interval_and_never_in_a_burst(broker: redis_client.Redis) -> None:
    await add_shipped()
    await publish_due()
    assert await publish_due() == []
    # Beat was down for an hour: one tick, not 3,600.
    await db.execute("UPDATE botapp_schedule SET next_run_at = now() - interval '1 hour'")
    assert len(await publish_due()) == len(SHIPPED)
    await publish_due()
    assert await publish_due() == []


async def test_a_disabled_entry_rests(broker: redis_client.Redis) -> None:
    await add_shipped()
    await db.execute("UPDATE botapp_schedule SET is_enabled = false")
    assert await publish_due() == []


async def test_an_entry_with_a_time_of_day_waits_for_it_and_keeps_to_it(broker: redis_client.Redis) -> None:
    nightly = next(entry for entry in SHIPPED if entry.at is not None)
    assert nightly.task == "payments.reconcile"
    assert first_run(nightly, datetime(2026, 11, 22, 2, 59, tzinfo=UTC)) == datetime(2026, 11, 22, 3, tzinfo=UTC)
    assert first_run(nightly, datetime(2026, 11, 22, 3, 0, tzinfo=UTC)) == datetime(2026, 11, 23, 3, tzinfo=UTC)
    await add_shipped()
    due_at = "SELECT next_run_at FROM botapp_schedule WHERE name = $1"
    assert (await db.fetch_value(due_at, nightly.name)).hour == 3
    # Beat was down for two nights and half a day.
    await db.execute(
        "UPDATE botapp_schedule SET next_run_at = next_run_at - interval '3 days 1 hour' WHERE name = $1", nightly.name
    )
    before = await db.fetch_value(due_at, nightly.name)
    assert nightly.name in await publish_due()
    after = await db.fetch_value(due_at, nightly.name)
    assert after > datetime.now(UTC) and (after - before) % timedelta(days=1) == timedelta(0)

"""How long the oldest message of a queue waits, though a list in Redis knows no times."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator

import pytest

from core import db, redis
from core.queue import outbox
from core.queue.app import PUBLISHED_AT
from core.queue.beat import add_shipped, publish_due
from core.queue.waiting import Waiting, waiting
from core.settings import Settings
from tests.core.queue.test_outbox import reconnect

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
async def broker(settings: Settings) -> AsyncIterator[None]:
    """An empty broker that tasks are published to, with the database open."""
    reconnect(settings)
    await db.connect(settings)
    await redis.connect(settings)
    yield
    await redis.disconnect()
    await db.disconnect()


async def _publish(task: str) -> None:
    async with db.transaction():
        await outbox.publish_later(task, {})
    await outbox.flush()


async def test_an_empty_queue_has_no_oldest() -> None:
    assert await waiting() == dict.fromkeys(("generation", "delivery", "default"), Waiting(0, None))


async def test_the_oldest_message_says_since_when_it_waits() -> None:
    await _publish("bot.first")
    published = time.time()
    await _publish("bot.second")

    found = await waiting(clock=lambda: published + 90)

    assert found["delivery"].depth == 2
    assert found["delivery"].oldest_s == pytest.approx(90, abs=5)
    assert found["default"] == Waiting(0, None)


async def test_it_is_the_oldest_and_not_the_newest_that_counts() -> None:
    await _publish("bot.first")
    first = json.loads((await redis.client().lrange("delivery", 0, -1))[0])  # type: ignore[misc]
    await _publish("bot.second")
    messages = [json.loads(text) for text in await redis.client().lrange("delivery", 0, -1)]  # type: ignore[misc]
    assert messages[-1]["headers"]["id"] == first["headers"]["id"]

    found = await waiting(clock=lambda: messages[-1]["headers"][PUBLISHED_AT] + 7)

    assert found["delivery"].oldest_s == pytest.approx(7)


async def test_ticks_of_beat_carry_their_time_too() -> None:
    await add_shipped()
    assert await publish_due()
    found = await waiting()
    assert [queue.oldest_s for queue in found.values() if queue.depth] != []
    assert all(queue.oldest_s is not None for queue in found.values() if queue.depth)


async def test_a_clock_that_is_behind_makes_nothing_younger_than_new() -> None:
    await _publish("bot.first")
    assert (await waiting(clock=lambda: 0.0))["delivery"].oldest_s == 0


@pytest.mark.parametrize(
    "message", ["{}", "not json", '{"headers": {}}', '{"headers": {"published_at": "noon"}}', "[]"]
)
async def test_a_message_without_a_time_is_counted_and_its_age_is_not_known(message: str) -> None:
    await redis.client().lpush("default", message)  # type: ignore[misc]
    assert (await waiting())["default"] == Waiting(1, None)

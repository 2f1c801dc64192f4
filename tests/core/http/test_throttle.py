"""A person may ask so often and no more; the others are not held up, nor is anybody while Redis is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from cli.local.ports import free_port
from core import redis
from core.http.throttle import Limit, seconds_to_wait
from core.settings import Settings
from core.types import UserId
from tests.fixtures.servers import make_settings

pytestmark = pytest.mark.integration

FEW = Limit("few", requests=3, seconds=10)
ANYA, BORIS = UserId(1), UserId(2)


@pytest.fixture
async def counters(settings: Settings) -> AsyncIterator[None]:
    """An empty Redis."""
    await redis.connect(settings)
    yield
    await redis.disconnect()


@pytest.mark.usefixtures("counters")
async def test_the_limit_holds_and_ends_with_its_window() -> None:
    assert [await seconds_to_wait(FEW, ANYA, now=1002.0) for _ in range(5)] == [0, 0, 0, 8, 8]
    assert await seconds_to_wait(FEW, ANYA, now=1009.9) == 1
    assert await seconds_to_wait(FEW, ANYA, now=1010.0) == 0


@pytest.mark.usefixtures("counters")
async def test_everybody_has_a_count_of_their_own() -> None:
    for _ in range(5):
        await seconds_to_wait(FEW, ANYA, now=1000.0)

    assert await seconds_to_wait(FEW, BORIS, now=1000.0) == 0
    assert await seconds_to_wait(Limit("others", 3, 10), ANYA, now=1000.0) == 0


@pytest.mark.usefixtures("counters")
async def test_requests_at_the_same_moment_are_all_counted() -> None:
    waits = await asyncio.gather(*(seconds_to_wait(FEW, ANYA, now=1000.0) for _ in range(20)))

    assert waits.count(0) == 3


@pytest.mark.usefixtures("counters")
async def test_a_count_does_not_stay_for_ever() -> None:
    await seconds_to_wait(FEW, ANYA, now=1000.0)

    (key,) = await redis.client().keys("nb:rate:*")
    assert 0 < await redis.client().ttl(key) <= FEW.seconds


async def test_while_redis_is_away_everybody_may(database_url: str) -> None:
    await redis.connect(make_settings(database_url, f"redis://127.0.0.1:{free_port()}/0"))

    assert [await seconds_to_wait(FEW, ANYA) for _ in range(5)] == [0] * 5
    await redis.disconnect()

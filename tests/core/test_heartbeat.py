"""A process that is alive is seen; one that stops in order is gone at once, one that dies is gone soon."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import pytest
from redis.exceptions import OutOfMemoryError, ReadOnlyError

from core import heartbeat, redis
from core.settings import Settings

pytestmark = pytest.mark.integration

STARTED = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
async def connected(settings: Settings) -> AsyncIterator[None]:
    """A client of an empty Redis."""
    await redis.connect(settings)
    yield
    await redis.disconnect()


async def _until(condition: Callable[[list[heartbeat.Process]], bool]) -> list[heartbeat.Process]:
    async with asyncio.timeout(10):
        while not condition(found := await heartbeat.seen()):  # noqa: ASYNC110  Redis does not tell.
            await asyncio.sleep(0.01)
    return found


async def test_nobody_is_seen_at_first() -> None:
    assert await heartbeat.seen() == []


async def test_whoever_beats_is_seen_with_its_commit_and_start() -> None:
    await heartbeat.beat("worker", "host:7", "6a090cb", STARTED)
    await heartbeat.beat("beat", "host:8", "6a090cb", STARTED)

    scheduler, worker = await heartbeat.seen()

    assert (scheduler.kind, worker.kind) == ("beat", "worker")
    assert (worker.instance, worker.commit, worker.started_at) == ("host:7", "6a090cb", STARTED)
    assert worker.seen_at > STARTED


async def test_a_process_counts_once_however_often_it_beats() -> None:
    for _ in range(3):
        await heartbeat.beat("web", "host:7", "6a090cb", STARTED)

    assert len(await heartbeat.seen()) == 1


async def test_a_heartbeat_expires_by_itself() -> None:
    await heartbeat.beat("web", "host:7", "6a090cb", STARTED)

    lifetime = await redis.client().ttl("nb:heartbeat:web:host:7")

    assert 0 < lifetime <= heartbeat.LIFETIME


async def test_a_process_that_died_is_forgotten_by_the_list_too() -> None:
    await heartbeat.beat("web", "host:7", "6a090cb", STARTED)
    await redis.client().delete("nb:heartbeat:web:host:7")

    assert await heartbeat.seen() == []
    assert await redis.client().exists(heartbeat.INDEX) == 0


async def test_running_beats_at_once_and_forgets_itself_when_cancelled(settings: Settings) -> None:
    task = asyncio.create_task(heartbeat.run("worker", settings))
    (process,) = await _until(bool)
    task.cancel()
    await asyncio.wait([task], timeout=5)

    assert process.instance == heartbeat.instance_name()
    assert task.done()
    assert await heartbeat.seen() == []


async def test_a_cancellation_that_meets_the_first_connection_is_not_lost(settings: Settings) -> None:
    for turns in range(12):
        task = asyncio.create_task(heartbeat.run("worker", settings))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=heartbeat.INTERVAL - 1)
        assert done
        await redis.connect(settings)


@pytest.mark.parametrize(
    "error", [ConnectionResetError("away"), TimeoutError(), ReadOnlyError("a replica"), OutOfMemoryError("full")]
)
async def test_a_redis_that_is_away_or_refuses_does_not_end_the_process(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    calls = 0
    really = heartbeat.beat

    async def beat_at_the_third_try(*arguments: object) -> None:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise error
        await really(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(heartbeat, "beat", beat_at_the_third_try)
    monkeypatch.setattr(heartbeat, "INTERVAL", 0.01)
    task = asyncio.create_task(heartbeat.run("worker", settings))
    await _until(bool)
    task.cancel()
    await asyncio.wait([task])

    assert calls >= 3

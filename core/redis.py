"""The connection to Redis: one client per process, opened on its event loop."""

from __future__ import annotations

import asyncio

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from core.settings import Settings

CONNECT_TIMEOUT = 2.0
COMMAND_TIMEOUT = 5.0
LOOK_TIMEOUT = 2.0
"""For a look at it with everything that is repeated: less than whoever waits for the answer has patience."""

CANCEL_AGAIN = 0.5
REPETITIONS = 2
"""A command is repeated after a lost connection. All of ours may be: they set, delete or read."""

UNAVAILABLE: tuple[type[BaseException], ...] = (OSError, RedisConnectionError, RedisTimeoutError)
"""What a command raises when Redis is away."""

_client: Redis | None = None


async def connect(settings: Settings) -> None:
    """Prepare the client of this process. Nothing is sent yet: Redis may be away while the process starts."""
    global _client
    await disconnect()
    _client = Redis.from_url(
        settings.redis_url.get_secret_value(),
        decode_responses=True,
        socket_connect_timeout=CONNECT_TIMEOUT,
        socket_timeout=COMMAND_TIMEOUT,
        health_check_interval=30,
        retry=Retry(ExponentialWithJitterBackoff(base=0.05, cap=0.5), REPETITIONS),
        client_name="nanobanana",
    )


def client() -> Redis:
    """The client of this process; it answers with `str`."""
    if _client is None:
        raise RuntimeError("Redis is used before core.redis.connect")
    return _client


async def end(task: asyncio.Task[None]) -> None:
    """Cancel a task that talks to Redis and wait for its end.

    A cancellation that meets redis-py inside one of its own time limits can be lost there, so it is repeated.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=CANCEL_AGAIN)


async def disconnect() -> None:
    """Close the connections; does nothing when there are none."""
    global _client
    previous, _client = _client, None
    if previous is not None:
        await previous.aclose()

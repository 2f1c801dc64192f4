"""Wrong promo codes that somebody typed lately: after too many of them they pause, so that codes cannot be guessed.

The tries live in Redis. When it is away nobody is held up: a code is worth less than the service.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Final

from core import redis
from core.logs import get_logger
from core.types import UserId

log = get_logger(__name__)

MOST: Final = 10
WINDOW: Final = timedelta(minutes=10)
PREFIX: Final = "nb:promo:wrong:"


async def begin(user: UserId, now: datetime) -> tuple[str, timedelta | None]:
    """Count a try before it is known to be wrong, so that many at once are counted too.

    Returns the name of the try, and how long to wait when there were too many; that try is not counted.
    """
    name, key = uuid.uuid4().hex, PREFIX + str(user)
    try:
        async with redis.client().pipeline(transaction=True) as pipe:
            pipe.zremrangebyscore(key, "-inf", (now - WINDOW).timestamp())
            pipe.zadd(key, {name: now.timestamp()})
            pipe.zrange(key, 0, 0, withscores=True)
            pipe.zcard(key)
            pipe.expire(key, WINDOW)
            _, _, [(_, oldest)], count, _ = await pipe.execute()
        if count <= MOST:
            return name, None
        await redis.client().zrem(key, name)
    except redis.UNAVAILABLE as error:
        log.warning("promo.tries_not_counted", error=type(error).__name__)
        return name, None
    return name, timedelta(seconds=oldest) + WINDOW - timedelta(seconds=now.timestamp())


async def forgive(user: UserId, name: str) -> None:
    """Count a try no more: the code was a real one."""
    try:
        await redis.client().zrem(PREFIX + str(user), name)
    except redis.UNAVAILABLE as error:
        log.warning("promo.try_not_forgiven", error=type(error).__name__)

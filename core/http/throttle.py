"""How often one person may ask: requests are counted in Redis per person and window of time.

It keeps a loop from slowing everybody down and holds no door shut: while Redis is away everybody may ask.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from core import redis
from core.logs import get_logger
from core.types import UserId

logger = get_logger(__name__)

PREFIX: Final = "nb:rate:"
PATIENCE: Final = 0.25
"""Seconds that a request waits for the count."""


@dataclass(frozen=True, slots=True)
class Limit:
    """So many requests in so many seconds."""

    name: str
    requests: int
    seconds: int


async def seconds_to_wait(limit: Limit, user: UserId, *, now: float | None = None) -> int:
    """Count a request; return 0 when it may go on, else the seconds after which the next one may."""
    moment = time.time() if now is None else now
    window, passed = divmod(moment, limit.seconds)
    key = f"{PREFIX}{limit.name}:{user}:{window:.0f}"
    try:
        async with asyncio.timeout(PATIENCE), redis.client().pipeline(transaction=False) as pipeline:
            pipeline.incr(key)
            pipeline.expire(key, limit.seconds)
            count, _ = await pipeline.execute()
    except redis.UNAVAILABLE as error:
        logger.warning("requests_not_counted", error=type(error).__name__)
        return 0
    return 0 if count <= limit.requests else max(1, round(limit.seconds - passed))

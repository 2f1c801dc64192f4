"""How many messages wait in each queue, and since when the oldest does.

A list in Redis knows no times, so every message takes the moment of its publication along as a header. The broker puts
new messages at the head of a list and hands out from its end: what stands there has waited longest.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from core import redis
from core.queue.app import PUBLISHED_AT, QUEUES


@dataclass(frozen=True, slots=True)
class Waiting:
    """Messages of a queue that no worker has taken yet.

    `oldest_s` is None where none waits, and where the oldest does not say when it was published.
    """

    depth: int
    oldest_s: float | None


async def waiting(*, clock: Callable[[], float] = time.time) -> dict[str, Waiting]:
    """Look at every queue.

    Raises:
        the exceptions of `core.redis.UNAVAILABLE`.
    """
    async with redis.client().pipeline(transaction=False) as pipeline:
        for queue in QUEUES:
            pipeline.llen(queue)
            pipeline.lindex(queue, -1)
        found = await pipeline.execute()
    now = clock()
    return {
        queue: Waiting(depth, _age_s(oldest, now))
        for queue, depth, oldest in zip(QUEUES, found[::2], found[1::2], strict=True)
    }


def _age_s(message: str | None, now: float) -> float | None:
    try:
        published = json.loads(message or "null")["headers"][PUBLISHED_AT]
        # Clocks of two machines differ a little; nothing was published in the future.
        return max(0.0, now - float(published))
    except (ValueError, TypeError, KeyError):
        return None

"""Says which processes are alive: each writes a key to Redis that expires soon after the process stops."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from redis.exceptions import RedisError

from core import redis
from core.logs import get_logger
from core.settings import Settings

ProcessKind: TypeAlias = Literal["web", "worker", "beat", "poller"]

INTERVAL = 3.0
LIFETIME = 15
"""Seconds after its last heartbeat at which a process counts as gone."""

PREFIX = "nb:heartbeat:"
INDEX = "nb:heartbeats"
"""Set of the instances, so that reading them does not scan the whole of Redis."""

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Process:
    """A process that was alive a moment ago."""

    kind: ProcessKind
    instance: str
    commit: str
    started_at: datetime
    seen_at: datetime


def instance_name() -> str:
    """Name of this process among all of its kind: host and process id."""
    return f"{socket.gethostname()}:{os.getpid()}"


async def beat(kind: ProcessKind, instance: str, commit: str, started_at: datetime) -> None:
    """Write one heartbeat."""
    member = f"{kind}:{instance}"
    value = {"commit": commit, "started_at": started_at.isoformat(), "seen_at": datetime.now(UTC).isoformat()}
    async with redis.client().pipeline(transaction=True) as pipeline:
        pipeline.set(PREFIX + member, json.dumps(value), ex=LIFETIME)
        pipeline.sadd(INDEX, member)
        await pipeline.execute()


async def forget(kind: ProcessKind, instance: str) -> None:
    """Take a process that stops in order off the list at once."""
    member = f"{kind}:{instance}"
    async with redis.client().pipeline(transaction=True) as pipeline:
        pipeline.delete(PREFIX + member)
        pipeline.srem(INDEX, member)
        await pipeline.execute()


async def run(kind: ProcessKind, settings: Settings) -> None:
    """Beat until cancelled. A Redis that is away is waited for; the process itself goes on."""
    instance, started_at, is_heard = instance_name(), datetime.now(UTC), True
    try:
        while True:
            try:
                await beat(kind, instance, settings.commit, started_at)
                is_heard = True
            except (OSError, RedisError) as error:
                if is_heard:
                    logger.warning("heartbeat_failed", kind=kind, error=type(error).__name__)
                is_heard = False
            if _is_cancelled():
                return
            await asyncio.sleep(INTERVAL)
    finally:
        with suppress(OSError, RedisError):  # It expires by itself.
            await asyncio.wait_for(forget(kind, instance), 1)


def _is_cancelled() -> bool:
    # redis-py loses a cancellation that reaches it while it connects; the task still counts it.
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def seen() -> list[Process]:
    """The processes that are alive, by kind and instance."""
    members = sorted(await redis.client().smembers(INDEX))  # type: ignore[misc]  # redis-py types both its clients as one
    if not members:
        return []
    values = await redis.client().mget([PREFIX + member for member in members])
    gone = [member for member, value in zip(members, values, strict=True) if value is None]
    if gone:
        await redis.client().srem(INDEX, *gone)  # type: ignore[misc]  # as above
    return [_parse(member, value) for member, value in zip(members, values, strict=True) if value is not None]


def _parse(member: str, value: str) -> Process:
    kind, _, instance = member.partition(":")
    content = json.loads(value)
    return Process(
        kind=kind,  # type: ignore[arg-type]  # written by beat() above
        instance=instance,
        commit=content["commit"],
        started_at=datetime.fromisoformat(content["started_at"]),
        seen_at=datetime.fromisoformat(content["seen_at"]),
    )

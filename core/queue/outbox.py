"""Publishes tasks after the commit that asked for them.

`publish_later` writes a row in the caller's transaction; `flush` sends committed rows to Celery at once. A process that
dies between the two leaves rows that beat sends a moment later, so a task is published at least once.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import structlog
from kombu.exceptions import OperationalError

from core import db
from core.queue.app import celery

log = structlog.get_logger(__name__)

BATCH = 500
GRACE_SECONDS = 2.0
"""Age from which beat sends a row itself: by then whoever wrote it is not going to."""


async def publish_later(task: str, arguments: dict[str, Any]) -> None:
    """Ask for a task to be published once the open transaction has committed."""
    await db.execute(
        "INSERT INTO botapp_outbox (task, arguments, trace_id) VALUES ($1, $2, $3)", *message(task, arguments)
    )


def message(task: str, arguments: dict[str, Any]) -> tuple[str, str, str]:
    """Return the columns of what `publish_later` writes, for a statement that writes more than that."""
    trace_id = structlog.contextvars.get_contextvars().get("trace_id", "")
    return task, db.to_json(arguments), trace_id


async def flush(*, older_than: float = 0.0) -> int:
    """Send what is committed and not sent yet; return how much that was.

    When Redis is away the rows stay and nothing is raised: beat sends them when it is back.
    """
    sent = 0
    while True:
        count = await _flush_batch(older_than)
        sent += count
        if count < BATCH:
            return sent


async def _flush_batch(older_than: float) -> int:
    async with db.transaction():
        rows = await db.fetch(
            """
            SELECT id, task, arguments, trace_id FROM botapp_outbox
            WHERE created_at <= now() - make_interval(secs => $1)
            ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED
            """,
            older_than,
            BATCH,
        )
        if not rows:
            return 0
        published = await asyncio.to_thread(_publish, [dict(row) for row in rows])
        await db.execute("DELETE FROM botapp_outbox WHERE id = ANY($1::bigint[])", published)
    return len(published)


def _publish(rows: list[dict[str, Any]]) -> list[int]:
    published: list[int] = []
    try:
        with celery.producer_pool.acquire(block=True, timeout=5) as producer:
            for row in rows:
                celery.send_task(
                    row["task"],
                    kwargs={**json.loads(row["arguments"]), "trace_id": row["trace_id"]},
                    producer=producer,
                    retry=False,
                )
                published.append(row["id"])
    except (OperationalError, OSError) as error:
        log.warning("outbox.broker_is_away", error=type(error).__name__, left=len(rows) - len(published))
    return published

"""What is thrown away when it is of no more use."""

from __future__ import annotations

from datetime import timedelta

import structlog

from core import db
from core.queue import task

log = structlog.get_logger(__name__)

KEEP_EVENTS = timedelta(days=30)
"""Senders repeat an event for a day or two; until then its row tells that it was handled."""

AT_ONCE = 5000
"""Rows deleted by one statement, so that none of them locks for long."""


@task("maintenance.forget_events")
async def forget_events() -> None:
    """Delete the events of the inbox that were handled long ago."""
    forgotten = 0
    while True:
        count = await db.execute(
            """
            DELETE FROM botapp_inbox WHERE id IN (
                SELECT id FROM botapp_inbox WHERE handled_at < now() - $1::interval ORDER BY id LIMIT $2
            )
            """,
            KEEP_EVENTS,
            AT_ONCE,
        )
        forgotten += count
        if count < AT_ONCE:
            break
    log.info("maintenance.events_forgotten", events=forgotten)

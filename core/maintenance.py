"""What is thrown away when it is of no more use."""

from __future__ import annotations

from datetime import timedelta

import structlog

from core import db
from core.queue import task

log = structlog.get_logger(__name__)

KEEP_EVENTS = timedelta(days=30)
"""Senders repeat an event for a day or two; until then its row tells that it was handled."""

KEEP_REFUSALS = timedelta(days=90)
"""Who is refused again and again has to wait, and nobody remembers refusals of last season."""

AT_ONCE = 5000
"""Rows deleted by one statement, so that none of them locks for long."""


@task("maintenance.forget_events")
async def forget_events() -> None:
    """Delete what tells of long ago: handled events of the inbox, and refused orders, which count for a while only."""
    events = await _forget("botapp_inbox", "handled_at", KEEP_EVENTS)
    refusals = await _forget("botapp_refusal", "at", KEEP_REFUSALS)
    log.info("maintenance.events_forgotten", events=events, refusals=refusals)


async def _forget(table: str, moment: str, keep: timedelta) -> int:
    forgotten = 0
    while True:
        count = await db.execute(
            f"""
            DELETE FROM {table} WHERE id IN (
                SELECT id FROM {table} WHERE {moment} < now() - $1::interval ORDER BY id LIMIT $2
            )
            """,  # noqa: S608  Names that stand in this file.
            keep,
            AT_ONCE,
        )
        forgotten += count
        if count < AT_ONCE:
            return forgotten

"""Forgets faults that are too old to be of use."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import structlog

from core import db
from core.queue import task

log = structlog.get_logger(__name__)

AT_ONCE: Final = 5000
"""Rows deleted by one statement, so that none of them locks for long."""

_kept_days = 30


def configure(*, kept_days: int) -> None:
    """Say for how many days faults are kept."""
    global _kept_days
    _kept_days = kept_days


@task("errors.forget")
async def forget() -> None:
    """Delete faults that were last met longer ago than they are kept, whether they were resolved or not."""
    forgotten = 0
    while True:
        count = await db.execute(
            """
            DELETE FROM botapp_boterrorevent WHERE id IN (
                SELECT id FROM botapp_boterrorevent WHERE last_at < now() - $1::interval ORDER BY last_at LIMIT $2
            )
            """,
            timedelta(days=_kept_days),
            AT_ONCE,
        )
        forgotten += count
        if count < AT_ONCE:
            break
    log.info("errors.forgotten", errors=forgotten)

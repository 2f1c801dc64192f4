"""The beat process: publishes what the schedule table says is due, and outbox rows that their writers could not send.

The table is the only state. An entry is claimed by moving its next time on, so any number of beats may run: each tick
is published once, and when one beat dies the others go on.
"""

from __future__ import annotations

import asyncio
import json
import signal
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import structlog
from kombu.exceptions import OperationalError

from core import db, errors, logs, process
from core.errors import Origin, Severity
from core.queue import outbox
from core.queue.app import celery, configure
from core.settings import Settings

log = structlog.get_logger(__name__)

PRECISION = 0.2
"""Seconds between looks at the table."""

STALE_AFTER = 5.0
"""Seconds after which a published tick is worth nothing, because a later one follows."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A task and how often it is due. `at` is the time of day in UTC of its first run; at once without."""

    name: str
    task: str
    every: timedelta
    at: time | None = None


SHIPPED = (
    Entry("generations: what is due", "generations.tick", timedelta(seconds=1)),
    Entry("generations: the usual time of each model", "catalog.measure", timedelta(minutes=10)),
    Entry("payments: what is due", "payments.check", timedelta(seconds=30)),
    Entry("payments: compare with the gateways", "payments.reconcile", timedelta(days=1), at=time(3)),
    Entry("cart: offer what can be paid now", "cart.offer_due", timedelta(seconds=5)),
    Entry("cart: forget what is a week old", "cart.forget_old", timedelta(hours=6)),
    Entry("retention: remove files that are too old", "retention.sweep", timedelta(hours=1)),
    Entry("errors: forget what is too old", "errors.forget", timedelta(hours=6)),
    Entry("inbox: forget what was handled long ago", "maintenance.forget_events", timedelta(hours=6)),
)
"""Entries that every installation has. Operators may slow them down or switch them off in the table."""


def run(settings: Settings) -> None:
    """Publish until SIGTERM or SIGINT."""
    logs.configure(settings, "beat")
    configure(settings)
    asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with process.opened(settings), process.alive(settings, "beat"):
        await add_shipped()
        log.info("beat.ready")
        while not stopping.is_set():
            await _look()
            with suppress(TimeoutError):
                async with asyncio.timeout(PRECISION):
                    await stopping.wait()


async def _look() -> None:
    try:
        await publish_due()
        await outbox.flush(older_than=outbox.GRACE_SECONDS)
    except db.UNAVAILABLE as error:
        log.warning("beat.database_is_away", error=type(error).__name__)
        await asyncio.sleep(1)
    except Exception as error:
        # It ends the process, and another one takes its place; operators see why.
        errors.record(error, origin=Origin.OTHER, severity=Severity.CRITICAL, handler="beat")
        raise


async def add_shipped() -> None:
    """Add the shipped entries that the table does not have."""
    for entry in SHIPPED:
        await db.execute(
            """
            INSERT INTO botapp_schedule (name, task, every_ms, next_run_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT (name) DO NOTHING
            """,
            entry.name,
            entry.task,
            round(entry.every.total_seconds() * 1000),
            first_run(entry, datetime.now(UTC)),
        )


def first_run(entry: Entry, now: datetime) -> datetime:
    """Return when an entry that is new is due first."""
    if entry.at is None:
        return now
    today = datetime.combine(now.date(), entry.at, UTC)
    return today if today > now else today + timedelta(days=1)


async def publish_due() -> list[str]:
    """Publish the entries whose time has come and return their names."""
    rows = await db.fetch(
        """
        WITH due AS (
            SELECT id FROM botapp_schedule WHERE is_enabled AND next_run_at <= now() FOR UPDATE SKIP LOCKED
        )
        UPDATE botapp_schedule AS entry SET last_run_at = now(),
            -- A beat that was away leaves runs out and keeps to the hour: 03:00 stays 03:00.
            next_run_at = entry.next_run_at + make_interval(secs => entry.every_ms / 1000.0 * (1 + floor(
                extract(epoch FROM now() - entry.next_run_at) * 1000 / entry.every_ms)))
        FROM due WHERE entry.id = due.id RETURNING entry.name, entry.task, entry.arguments, entry.every_ms
        """
    )
    for row in rows:
        await asyncio.to_thread(_publish, row["task"], row["arguments"], row["every_ms"])
    return [row["name"] for row in rows]


def _publish(task: str, arguments: str, every_ms: int) -> None:
    try:
        celery.send_task(task, kwargs=json.loads(arguments), expires=max(STALE_AFTER, every_ms / 1000), retry=False)
    except (OperationalError, OSError) as error:
        log.warning("beat.broker_is_away", task=task, error=type(error).__name__)

"""The schedule as operators see and edit it. Beat reads the same table five times a second, so an edit holds at once.

An entry is named by its task, which is a good name already; where several have the same task, by `task#number`.
"""

from __future__ import annotations

import asyncio
import importlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from core import db
from core.queue import outbox
from core.queue.app import TASK_MODULES, celery
from core.queue.beat import SHIPPED
from core.types import IdempotencyKey

VITAL: Final = frozenset({"generations.tick", "payments.check"})
"""Without these, people wait for ever for what they paid for."""

SHORTEST: Final = timedelta(milliseconds=500)
LONGEST: Final = timedelta(days=7)

SLOWER: Final = 10
"""A vital entry that is slowed down by more than this is as good as switched off."""

LATE_AFTER: Final = timedelta(seconds=10)
"""An entry is overdue when its time was so long ago: beat does not run, or cannot reach the broker or database."""

RUN_PAUSE: Final = timedelta(seconds=10)
"""Time between two runs of an entry by hand."""


class EntryNotFound(Exception):
    """There is no entry of this name. `known` are the ids that there are."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"There is no schedule entry {name[:64]!r}")
        self.known = known


class EditRefused(Exception):
    """A rule forbids the edit."""

    def __init__(self, rule: str, why: str) -> None:
        super().__init__(why)
        self.rule = rule


class RunTooSoon(Exception):
    """The entry was run by hand a moment ago."""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """An entry of the schedule. `shipped_every` is what this version ships, None for an entry of somebody's own;
    an orphaned one has a task that no worker of this version knows."""

    row: int
    id: str
    name: str
    task: str
    every: timedelta
    shipped_every: timedelta | None
    is_enabled: bool
    next_run_at: datetime
    last_run_at: datetime | None
    is_overdue: bool
    is_vital: bool
    is_orphaned: bool


def known_tasks() -> frozenset[str]:
    """Names of the tasks that workers of this version know."""
    for module in TASK_MODULES:
        importlib.import_module(module)
    return frozenset(name for name in celery.tasks if not name.startswith("celery."))


async def everything() -> list[Scheduled]:
    """Return the entries, by their ids."""
    rows = await db.fetch(
        """
        SELECT *, is_enabled AND next_run_at < now() - $1::interval AS is_overdue,
            count(*) OVER (PARTITION BY task) > 1 AS is_shared
        FROM botapp_schedule
        """,
        LATE_AFTER,
    )
    tasks = await asyncio.to_thread(known_tasks)
    shipped = {entry.name: entry.every for entry in SHIPPED}
    found = [_scheduled(row, tasks, shipped.get(row["name"])) for row in rows]
    return sorted(found, key=lambda entry: entry.id)


async def get(name: str) -> Scheduled:
    """Return an entry by its id, its row's number or its name.

    Raises:
        EntryNotFound: there is none; the error knows the ids.
    """
    entries = await everything()
    for entry in entries:
        if name in (entry.id, str(entry.row), entry.name):
            return entry
    raise EntryNotFound(name, [entry.id for entry in entries])


async def switch(entry: Scheduled, *, is_enabled: bool) -> Scheduled:
    """Switch an entry on or off. One that is switched on keeps to its hours: what it missed is left out."""
    await db.execute(
        """
        UPDATE botapp_schedule SET is_enabled = $2, next_run_at = CASE WHEN $2 AND NOT is_enabled
            THEN next_run_at + make_interval(secs => every_ms / 1000.0 * greatest(0, ceil(
                extract(epoch FROM now() - next_run_at) * 1000 / every_ms)))
            ELSE next_run_at END
        WHERE id = $1
        """,
        entry.row,
        is_enabled,
    )
    return await get(entry.id)


async def set_interval(entry: Scheduled, every: timedelta) -> Scheduled:
    """Change how often an entry is due. It is due once more within the new interval.

    Raises:
        EditRefused: the interval is too short or too long.
    """
    if not SHORTEST <= every <= LONGEST:
        why = f"An interval is {SHORTEST.total_seconds():g} s to {LONGEST.days} days"
        raise EditRefused("interval_limits", why)
    await db.execute(
        """
        UPDATE botapp_schedule SET every_ms = $2::int,
            next_run_at = least(next_run_at, now() + make_interval(secs => $2::int / 1000.0))
        WHERE id = $1
        """,
        entry.row,
        round(every.total_seconds() * 1000),
    )
    return await get(entry.id)


def is_as_good_as_off(entry: Scheduled, every: timedelta) -> bool:
    """Say whether an interval makes a vital entry useless."""
    return entry.is_vital and every > SLOWER * (entry.shipped_every or entry.every)


async def run(entry: Scheduled, *, key: IdempotencyKey, even_disabled: bool) -> None:
    """Publish the entry's task once, after the commit. Its next time stays.

    Args:
        key: of the change that this is, which does not count as a run before it.

    Raises:
        EditRefused: no worker knows the task, or the entry is switched off.
        RunTooSoon: it was run by hand a moment ago.
    """
    if entry.is_orphaned:
        raise EditRefused("entry_orphaned", f"No worker of this version knows the task {entry.task}")
    if not entry.is_enabled and not even_disabled:
        raise EditRefused("entry_disabled", f"{entry.id} is switched off")
    is_too_soon = await db.fetch_value(
        """
        SELECT EXISTS (SELECT 1 FROM botapp_auditevent WHERE action = 'schedule.run' AND at > now() - $3::interval
            AND subject IN ($1, $4, $5) AND idempotency_key <> $2)
        """,
        entry.id,
        key,
        RUN_PAUSE,
        str(entry.row),
        entry.name,
    )
    if is_too_soon:
        raise RunTooSoon(entry.id)
    arguments = await db.fetch_value("SELECT arguments FROM botapp_schedule WHERE id = $1 FOR UPDATE", entry.row)
    await outbox.publish_later(entry.task, json.loads(arguments))
    await db.execute("UPDATE botapp_schedule SET last_run_at = now() WHERE id = $1", entry.row)


def _scheduled(row: db.Row, tasks: frozenset[str], shipped_every: timedelta | None) -> Scheduled:
    return Scheduled(
        row=row["id"],
        id=f"{row['task']}#{row['id']}" if row["is_shared"] else row["task"],
        name=row["name"],
        task=row["task"],
        every=timedelta(milliseconds=row["every_ms"]),
        shipped_every=shipped_every,
        is_enabled=row["is_enabled"],
        next_run_at=row["next_run_at"],
        last_run_at=row["last_run_at"],
        is_overdue=row["is_overdue"],
        is_vital=row["task"] in VITAL,
        is_orphaned=row["task"] not in tasks,
    )

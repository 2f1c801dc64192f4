"""What the ops API takes and answers about the schedule."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from core.http.openapi import ChangeBody
from core.http.values import Answer, Moment

LONGEST_S = 7 * 24 * 3600


class ScheduleEntry(Answer):
    """A task that beat publishes at an interval, in seconds. `vital`: people wait for ever without it; `orphaned`: no
    worker of this version knows its task; `overdue`: its time has passed and beat has not taken it."""

    id: str
    name: str
    task: str
    every_s: float
    shipped_every_s: float | None
    enabled: bool
    next_run_at: Moment | None
    last_run_at: Moment | None
    overdue: bool
    vital: bool
    orphaned: bool


class ScheduleList(Answer):
    """The whole schedule."""

    items: list[ScheduleEntry]


class ScheduleChanged(ScheduleEntry):
    """An entry after a change, and whether that changed anything."""

    changed: bool


class NewInterval(ChangeBody):
    """How often an entry is due from now on."""

    every_s: Decimal = Field(
        description="Seconds: 0.5 to 7 days.", ge=Decimal("0.5"), le=LONGEST_S, max_digits=9, decimal_places=3
    )


class Run(ChangeBody):
    """A run by hand."""

    force: bool = Field(False, description="Run it although it is switched off.")

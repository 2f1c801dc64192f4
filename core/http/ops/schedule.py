"""Operations on the schedule: see it, switch entries on and off, change how often they are due, run one now."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sanic import Request

from core.audit import Change
from core.http.authentication import require
from core.http.openapi import ChangeBody
from core.http.ops import schedule_schemas as schemas
from core.http.ops.api import api
from core.http.ops.unknown import unknown
from core.http.problems import Problem
from core.ops_tokens import Scope
from core.queue import schedule
from core.queue.schedule import EditRefused, EntryNotFound, RunTooSoon, Scheduled
from core.types import IdempotencyKey


@api.operation("GET", "/schedule", answer=schemas.ScheduleList, tag="schedule")
async def list_schedule(request: Request) -> schemas.ScheduleList:
    """What beat publishes, how often, and when next."""
    del request
    entries = await schedule.everything()
    return schemas.ScheduleList(items=[schemas.ScheduleEntry(**_fields(entry)) for entry in entries])


@api.operation(
    "POST",
    "/schedule/{entry}/enable",
    answer=schemas.ScheduleChanged,
    scope=Scope.OPERATE,
    body=ChangeBody,
    problems=(404,),
    tag="schedule",
    action="schedule.enable",
)
async def enable_entry(request: Request, entry: str, body: ChangeBody, change: Change) -> schemas.ScheduleChanged:
    """Have an entry published again, from its next hour on."""
    del request, body, change
    before = await _found(entry)
    after = await schedule.switch(before, is_enabled=True)
    return schemas.ScheduleChanged(**_fields(after), changed=not before.is_enabled)


@api.operation(
    "POST",
    "/schedule/{entry}/disable",
    answer=schemas.ScheduleChanged,
    scope=Scope.OPERATE,
    body=ChangeBody,
    problems=(404,),
    tag="schedule",
    action="schedule.disable",
)
async def disable_entry(request: Request, entry: str, body: ChangeBody, change: Change) -> schemas.ScheduleChanged:
    """Publish an entry no more. A vital one asks for the scope admin: without it people wait for ever."""
    del body, change
    before = await _found(entry)
    if before.is_vital and before.is_enabled:
        await require(request, Scope.ADMIN)
    after = await schedule.switch(before, is_enabled=False)
    return schemas.ScheduleChanged(**_fields(after), changed=before.is_enabled)


@api.operation(
    "POST",
    "/schedule/{entry}/interval",
    answer=schemas.ScheduleChanged,
    scope=Scope.OPERATE,
    body=schemas.NewInterval,
    problems=(404,),
    tag="schedule",
    action="schedule.set",
)
async def set_interval(
    request: Request, entry: str, body: schemas.NewInterval, change: Change
) -> schemas.ScheduleChanged:
    """Change how often an entry is due. To slow a vital one down tenfold asks for the scope admin."""
    del change
    before = await _found(entry)
    every = timedelta(seconds=float(body.every_s))
    if schedule.is_as_good_as_off(before, every):
        await require(request, Scope.ADMIN)
    try:
        after = await schedule.set_interval(before, every)
    except EditRefused as error:
        raise _refused(error) from None
    return schemas.ScheduleChanged(**_fields(after), changed=before.every != after.every)


@api.operation(
    "POST",
    "/schedule/{entry}/run",
    answer=schemas.ScheduleChanged,
    scope=Scope.OPERATE,
    body=schemas.Run,
    problems=(404, 429),
    tag="schedule",
    action="schedule.run",
)
async def run_entry(request: Request, entry: str, body: schemas.Run, change: Change) -> schemas.ScheduleChanged:
    """Publish an entry's task once, now. Its next time stays."""
    del request
    found = await _found(entry)
    try:
        await schedule.run(found, key=IdempotencyKey(change.key), even_disabled=body.force)
    except EditRefused as error:
        raise _refused(error) from None
    except RunTooSoon:
        pause = round(schedule.RUN_PAUSE.total_seconds())
        detail = f"{found.id} was run by hand a moment ago. Try again in {pause} s."
        raise Problem(429, detail, headers={"Retry-After": str(pause)}) from None
    return schemas.ScheduleChanged(**_fields(await schedule.get(found.id)), changed=True)


async def _found(name: str) -> Scheduled:
    try:
        return await schedule.get(name)
    except EntryNotFound as error:
        raise unknown("schedule entry", name, error.known, code="unknown_entry") from None


def _refused(error: EditRefused) -> Problem:
    return Problem(409, f"{error}.", code=error.rule, extra={"rule": error.rule})


def _fields(entry: Scheduled) -> dict[str, Any]:
    return {
        "id": entry.id,
        "name": entry.name,
        "task": entry.task,
        "every_s": entry.every.total_seconds(),
        "shipped_every_s": entry.shipped_every.total_seconds() if entry.shipped_every else None,
        "enabled": entry.is_enabled,
        "next_run_at": entry.next_run_at if entry.is_enabled else None,
        "last_run_at": entry.last_run_at,
        "overdue": entry.is_overdue,
        "vital": entry.is_vital,
        "orphaned": entry.is_orphaned,
    }

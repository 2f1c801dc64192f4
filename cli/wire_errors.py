"""Shapes of what the service answers about faults and the schedule."""

from typing import Any, NotRequired, TypedDict


class ErrorItem(TypedDict):
    """A fault as a list shows it."""

    id: str
    fingerprint: str
    status: str
    severity: str
    origin: str
    service: str
    handler: str
    error_class: str
    message: str
    at: str
    last_at: str
    times: int
    came_back: bool
    trace_id: str | None
    generation: str | None
    user: str | None


class ErrorPage(TypedDict):
    """`GET /api/ops/v1/errors`."""

    items: list[ErrorItem]
    next_cursor: str | None


class Occurrence(TypedDict):
    """One more time that a fault was met."""

    at: str
    trace_id: str | None
    generation: str | None
    user: str | None


class ErrorDetail(ErrorItem):
    """`GET /api/ops/v1/errors/<id>`."""

    commit: str
    stacktrace: str
    extra: dict[str, Any]
    also: list[Occurrence]
    resolved_at: str | None
    resolved_by: str | None
    resolution: str | None


class ErrorGroup(TypedDict):
    """Faults of one kind."""

    fingerprint: str
    rows: int
    times: int
    open: int
    first_at: str
    last_at: str
    sample: ErrorItem


class ErrorGroupPage(TypedDict):
    """`GET /api/ops/v1/errors/groups`."""

    items: list[ErrorGroup]
    next_cursor: str | None


class ErrorChanged(TypedDict):
    """`POST /api/ops/v1/errors/<id>/take` and `/resolve`."""

    id: str
    status: str
    changed: int
    dry_run: NotRequired[bool]


class ErrorTail(TypedDict):
    """The last line of `nb errors tail --json`: how many lines came before it."""

    lines: int


class ScheduleEntry(TypedDict):
    """A task that beat publishes at an interval."""

    id: str
    name: str
    task: str
    every_s: float
    shipped_every_s: float | None
    enabled: bool
    next_run_at: str | None
    last_run_at: str | None
    overdue: bool
    vital: bool
    orphaned: bool


class ScheduleList(TypedDict):
    """`GET /api/ops/v1/schedule`."""

    items: list[ScheduleEntry]


class ScheduleChanged(ScheduleEntry):
    """What `nb schedule enable`, `disable`, `set` and `run` are answered."""

    changed: bool
    dry_run: NotRequired[bool]

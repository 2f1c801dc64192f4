"""What the ops API takes and answers about faults."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, TypeAlias

from pydantic import AwareDatetime, Field, field_validator

from core.http.ops.cursors import cursor_field, limit_field
from core.http.values import Answer, Moment, Question

Origin: TypeAlias = Literal["webhook", "telegram_handler", "celery_task", "generation", "payment", "miniapp", "other"]
Severity: TypeAlias = Literal["info", "warning", "error", "critical"]
Status: TypeAlias = Literal["new", "in_progress", "resolved"]

ID_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"


class ErrorQuery(Question):
    """Which faults to list, the newest first."""

    status: Status | Literal["open"] | None = Field(None, description="Only these; open is new or in progress.")
    severity: Severity | None = Field(None, description="Only these.")
    origin: Origin | None = Field(None, description="Only from there.")
    service: Literal["web", "worker", "beat", "poller"] | None = Field(None, description="Only of these processes.")
    since: AwareDatetime | None = Field(None, description="Only what was met at or after this moment.")
    fingerprint: str | None = Field(
        None, description="Only of this kind, such as k_0123456789abcd.", pattern=ID_PATTERN
    )
    trace: str | None = Field(
        None,
        description="Only under this trace id, or one that begins so.",
        pattern=r"^[0-9a-fA-F]{8}[0-9a-fA-F-]{0,28}$",
    )
    generation: str | None = Field(None, description="Only about this generation.", pattern=ID_PATTERN)
    user: int | None = Field(None, description="Only about this Telegram user id.", ge=1, le=2**63 - 1)
    limit: int = limit_field()
    cursor: str | None = cursor_field()

    @field_validator("since")
    @classmethod
    def _is_in_the_calendar(cls, since: datetime | None) -> datetime | None:
        if since is not None and not 2000 <= since.year < 9999:
            raise ValueError("is beyond the calendar")
        return since


class ErrorItem(Answer):
    """A fault as a list shows it. `came_back`: its kind was resolved before, and was met again."""

    id: str
    fingerprint: str
    status: Status
    severity: Severity
    origin: Origin
    service: str
    handler: str
    error_class: str
    message: str
    at: Moment
    last_at: Moment
    times: int
    came_back: bool
    trace_id: str | None
    generation: str | None
    user: str | None


class ErrorPage(Answer):
    """A page of faults."""

    items: list[ErrorItem]
    next_cursor: str | None


class Occurrence(Answer):
    """One more time that a fault was met, folded into its row."""

    at: str
    trace_id: str | None
    generation: str | None
    user: str | None


class Error(ErrorItem):
    """Everything that is known of a fault."""

    commit: str
    stacktrace: str
    extra: dict[str, Any]
    also: list[Occurrence]
    resolved_at: Moment | None
    resolved_by: str | None
    resolution: str | None


class ErrorGroup(Answer):
    """Faults of one kind: how many rows, how often met, how many are open, and the newest one as a sample."""

    fingerprint: str
    rows: int
    times: int
    open: int
    first_at: Moment
    last_at: Moment
    sample: ErrorItem


class ErrorGroupPage(Answer):
    """A page of kinds."""

    items: list[ErrorGroup]
    next_cursor: str | None


class ErrorChanged(Answer):
    """What was named, and how many faults changed."""

    id: str
    status: Literal["in_progress", "resolved"]
    changed: int

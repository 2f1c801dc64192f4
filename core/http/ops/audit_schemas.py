"""What the ops API takes and answers about the record of changes."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from core.http.ops.cursors import cursor_field, limit_field
from core.http.values import Answer, Moment, Question


class AuditQuery(Question):
    """Which changes to list, the newest first."""

    actor: str | None = Field(None, description="Only by this actor, such as token:ops.", min_length=1, max_length=100)
    action: str | None = Field(None, description="Only this action, such as users.credit.", min_length=1, max_length=60)
    subject: str | None = Field(None, description="Only on this, such as a Telegram id.", min_length=1, max_length=120)
    limit: int = limit_field()
    cursor: str | None = cursor_field()


class AuditEvent(Answer):
    """Who changed what and why: what was asked and what was answered."""

    id: str
    at: Moment
    actor: str
    action: str
    subject: str
    reason: str
    request: dict[str, Any]
    result: dict[str, Any] | None
    trace_id: str | None


class AuditPage(Answer):
    """A page of changes."""

    items: list[AuditEvent]
    next_cursor: str | None

"""What the ops API takes and answers about approvals."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from core.http.openapi import ChangeBody
from core.http.ops.schemas import MAXIMUM_LIMIT, Answer, Moment, Question


class ApprovalQuery(Question):
    """Which approvals to list, the newest first."""

    pending: bool = Field(False, description="Only those that wait for somebody.")
    limit: int = Field(50, description="How many at most.", ge=1, le=MAXIMUM_LIMIT)


class ApprovalBody(ChangeBody):
    """Why the change is right."""


class Approval(Answer):
    """A change that needs consent, as it is: `content` is all that is approved. `hash` tells it from every other."""

    code: str
    state: Literal["pending", "approved", "used", "expired"]
    action: str
    subject: str
    content: dict[str, Any]
    hash: str
    requested_by: str
    reason: str
    requested_at: Moment
    expires_at: Moment
    approved_by: str | None
    approved_at: Moment | None
    used_at: Moment | None


class ApprovalList(Answer):
    """Approvals, the newest first."""

    items: list[Approval]

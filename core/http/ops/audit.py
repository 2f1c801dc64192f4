"""The record of changes: who changed what, and why."""

from __future__ import annotations

from sanic import Request

from core import audit
from core.http.ops import audit_schemas as schemas
from core.http.ops.api import api
from core.http.ops.cursors import cut, row_in


@api.operation("GET", "/audit", query=schemas.AuditQuery, answer=schemas.AuditPage, problems=(400,), tag="audit")
async def list_changes(request: Request, query: schemas.AuditQuery) -> schemas.AuditPage:
    """Changes that operators made, the newest first."""
    del request
    events = await audit.newest(
        limit=query.limit + 1,
        before=row_in(query.cursor),
        actor=query.actor,
        action=query.action,
        subject=query.subject,
    )
    page, following = cut(events, query.limit, lambda event: event.id)
    return schemas.AuditPage(
        items=[
            schemas.AuditEvent(
                id=str(event.id),
                at=event.at,
                actor=event.actor,
                action=event.action,
                subject=event.subject,
                reason=event.reason,
                request=dict(event.request),
                result=dict(event.result) if event.result is not None else None,
                trace_id=event.trace_id or None,
            )
            for event in page
        ],
        next_cursor=following,
    )

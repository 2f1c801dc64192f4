"""The operations of the ops API about approvals: what waits for consent, and giving it."""

from __future__ import annotations

from sanic import Request

from core import approvals
from core.approvals import ApprovalRefused, UnknownApproval
from core.audit import Change
from core.http.ops import approval_schemas as schemas
from core.http.ops.api import api
from core.http.problems import Problem
from core.ops_tokens import Scope
from core.settings import Environment, Settings


@api.operation("GET", "/approvals", query=schemas.ApprovalQuery, answer=schemas.ApprovalList, tag="approvals")
async def list_approvals(request: Request, query: schemas.ApprovalQuery) -> schemas.ApprovalList:
    """Changes that needed somebody else's consent."""
    del request
    found = await approvals.newest(limit=query.limit, only_pending=query.pending)
    return schemas.ApprovalList(items=[_answer(approval) for approval in found])


@api.operation("GET", "/approvals/{code}", answer=schemas.Approval, problems=(404,), tag="approvals")
async def read_approval(request: Request, code: str) -> schemas.Approval:
    """What exactly is to be approved, who wants it and why."""
    del request
    try:
        return _answer(await approvals.get(code))
    except UnknownApproval as error:
        raise _unknown(error) from None


@api.operation(
    "POST",
    "/approvals/{code}/approve",
    scope=Scope.ADMIN,
    body=schemas.ApprovalBody,
    answer=schemas.Approval,
    problems=(404,),
    tag="approvals",
    action="approvals.approve",
)
async def approve(request: Request, code: str, body: schemas.ApprovalBody, change: Change) -> schemas.Approval:
    """Agree to a change that somebody else asked for. It holds for exactly this content, once, for 24 hours."""
    del body
    settings: Settings = request.app.ctx.settings
    try:
        # On a machine of one's own there is nobody else to ask.
        is_alone = settings.environment is Environment.LOCAL
        return _answer(await approvals.approve(code, change, may_approve_own=is_alone))
    except UnknownApproval as error:
        raise _unknown(error) from None
    except ApprovalRefused as error:
        # Whose it is and how old it is are rules; that it was used is a change underneath.
        extra = {} if error.code == "approval_used" else {"rule": "approval"}
        raise Problem(409, f"{error}.", code=error.code, extra=extra) from None


def _unknown(error: UnknownApproval) -> Problem:
    return Problem(404, f"{error}.", code="unknown_approval")


def _answer(approval: approvals.Approval) -> schemas.Approval:
    return schemas.Approval(
        code=approval.code,
        state=approval.state.value,
        action=approval.action,
        subject=approval.subject,
        content=dict(approval.content),
        hash=approval.content_hash,
        requested_by=approval.requested_by,
        reason=approval.reason,
        requested_at=approval.requested_at,
        expires_at=approval.expires_at,
        approved_by=approval.approved_by,
        approved_at=approval.approved_at,
        used_at=approval.used_at,
    )

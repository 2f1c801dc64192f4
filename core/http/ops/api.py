"""The registry that every operation of the ops API is entered in, and how operators' changes are made.

A change runs inside its own transaction together with its record in the audit; with `?dry_run=true` it is rolled back
after it has said what it would do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field
from sanic import Request

from core import approvals, audit
from core.approvals import ApprovalRequired
from core.audit import Change
from core.http.authentication import require
from core.http.openapi import Api, Call, ChangeBody, Gate, Operation
from core.http.problems import Problem
from core.ops_tokens import OpsToken
from core.queue import outbox
from core.types import IdempotencyKey


class ChangeQuery(BaseModel):
    """How a change is made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dry_run: bool = Field(False, description="Do everything, say what would be, and take it all back.")


class OpsGate(Gate[OpsToken]):
    """Lets ops tokens in. The handler of a change also gets `change`, a `core.audit.Change`; it runs inside the
    change's transaction, so it opens none itself."""

    name = "opsToken"
    scheme: ClassVar[Mapping[str, Any]] = {
        "type": "http",
        "scheme": "bearer",
        "description": "A token that begins with nbk_.",
    }
    change_query = ChangeQuery
    change_body = ChangeBody

    async def admit(self, request: Request, operation: Operation) -> OpsToken:
        """Return the token, which has the operation's scope."""
        return await require(request, operation.scope)

    async def answer(self, call: Call, caller: OpsToken) -> str:
        """Answer what is asked, or make the change once."""
        if call.operation.action is None:
            return (await call.perform()).model_dump_json()
        return json.dumps(await _make(call, call.operation.action, caller), ensure_ascii=False)


async def _make(call: Call, action: str, token: OpsToken) -> dict[str, Any]:
    assert isinstance(call.query, ChangeQuery)
    assert isinstance(call.body, ChangeBody)
    actor = f"token:{token.name}"
    change = Change(
        actor=actor,
        action=action,
        subject=(" ".join(call.path.values()) or str(getattr(call.body, "code", "")))[:120],
        reason=call.body.reason,
        key=IdempotencyKey(f"{actor}:{call.key}"),
        request=call.body.model_dump(mode="json", exclude={"reason"}),
    )

    async def perform() -> dict[str, Any]:
        return (await call.perform(change=change)).model_dump(mode="json")

    try:
        result = await audit.once(change, perform, dry_run=call.query.dry_run)
    except audit.ChangeKeyReused as error:
        raise Problem(409, f"{error}.", code="idempotency_key_reused") from None
    except ApprovalRequired as error:
        raise await _ask_for_approval(error, dry_run=call.query.dry_run) from None
    if not call.query.dry_run:
        await outbox.flush()
    return result


async def _ask_for_approval(refused: ApprovalRequired, *, dry_run: bool) -> Problem:
    """Write the request down after the refused change was taken back, so that it can be approved; a rehearsal asks
    for nothing."""
    extra: dict[str, Any] = {"rule": "approval"}
    detail = f"{refused.why}."
    if not dry_run:
        approval = await approvals.request(refused.wish)
        extra |= {"approval": approval.code, "approval_state": approval.state.value}
        detail += f" Repeat it with approval {approval.code} once an administrator has approved that."
    return Problem(403, detail, code="approval_required", extra=extra)


api = Api(
    "ops",
    prefix="/api/ops/v1",
    title="NanoBanana ops API",
    description="What operators, CI and agents ask the service; the command line nb is built on it.",
    gate=OpsGate(),
)

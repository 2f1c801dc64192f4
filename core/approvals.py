"""Changes that need somebody else's consent: asked for, given by an administrator, used once for exactly that change.

What is approved is the content, known by its hash: a change of anything else needs an approval of its own. A request
outlives the refused change that it was made for, so it is written in a transaction of its own, by the ops API.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from core import db
from core.audit import Change

LIFETIME = timedelta(hours=24)
"""From the request on; after it the approval is neither given nor used."""

_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_CODE_LENGTH = 10


class ApprovalState(StrEnum):
    """How an approval stands."""

    PENDING = "pending"
    APPROVED = "approved"
    USED = "used"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Wish:
    """A change that somebody wants consent for. `content` is what the approver is shown, and all that is approved."""

    action: str
    subject: str
    content: Mapping[str, Any]
    requested_by: str
    reason: str

    @property
    def content_hash(self) -> str:
        """What tells this content from every other."""
        canonical = json.dumps(dict(self.content), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Approval:
    """A request for consent, and the consent."""

    code: str
    action: str
    subject: str
    content: Mapping[str, Any]
    content_hash: str
    requested_by: str
    reason: str
    requested_at: datetime
    expires_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    used_at: datetime | None
    state: ApprovalState


class ApprovalRequired(Exception):
    """Nothing was changed: somebody else has to agree first."""

    def __init__(self, wish: Wish, why: str) -> None:
        super().__init__(why)
        self.wish = wish
        self.why = why


class UnknownApproval(Exception):
    """There is no approval of that code."""

    def __init__(self, code: str) -> None:
        super().__init__(f"There is no approval {code!r}")


class ApprovalRefused(Exception):
    """It cannot be approved. `code` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


async def request(wish: Wish) -> Approval:
    """Ask for consent, in a transaction of its own. The same content that waits or is approved keeps its code."""
    async with db.transaction():
        # Two refusals of the same change at the same moment ask once.
        await db.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"approval:{wish.content_hash}")
        row = await db.fetch_one(
            f"{_SELECT} WHERE action = $1 AND subject = $2 AND content_hash = $3 AND used_at IS NULL"
            " AND expires_at > now() ORDER BY id DESC LIMIT 1",
            wish.action,
            wish.subject,
            wish.content_hash,
        )
        if row is not None:
            return _from_row(row)
        code = "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_LENGTH))
        await db.execute(
            """
            INSERT INTO botapp_approval
                (code, action, subject, content, content_hash, requested_by, reason, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, now() + $8::interval)
            """,
            code,
            wish.action,
            wish.subject,
            db.to_json(dict(wish.content)),
            wish.content_hash,
            wish.requested_by,
            wish.reason,
            LIFETIME,
        )
        return await get(code)


async def approve(code: str, change: Change, *, may_approve_own: bool = False) -> Approval:
    """Agree to a change, inside the caller's transaction. Agreeing twice is agreeing once.

    Raises:
        UnknownApproval: there is none of that code.
        ApprovalRefused: it is over or used, or whoever asked for it would agree with themselves.
    """
    row = await db.fetch_one(f"{_SELECT} WHERE code = $1 FOR UPDATE", _typed(code))
    if row is None:
        raise UnknownApproval(code)
    approval = _from_row(row)
    if approval.state is ApprovalState.USED:
        raise ApprovalRefused("approval_used", f"Approval {approval.code} was used on {approval.used_at:%Y-%m-%d}")
    if approval.state is ApprovalState.EXPIRED:
        raise ApprovalRefused("approval_expired", f"Approval {approval.code} is over; repeat the change for a new one")
    if approval.requested_by == change.actor and not may_approve_own:
        raise ApprovalRefused("own_approval", f"{change.actor} asked for this; somebody else has to agree")
    await db.execute(
        "UPDATE botapp_approval SET approved_by = $2, approved_at = now() WHERE code = $1 AND approved_at IS NULL",
        approval.code,
        change.actor,
    )
    return await get(approval.code)


async def use(code: str | None, wish: Wish, *, why: str) -> str:
    """Take the consent to exactly this change, once, inside the transaction of the change; return its code.

    Raises:
        ApprovalRequired: there is no such consent; `why` is why it is needed, and the message says what is wrong with
            the code that was given.
    """
    if code is None:
        raise ApprovalRequired(wish, why)
    row = await db.fetch_one(f"{_SELECT} WHERE code = $1 FOR UPDATE", _typed(code))
    approval = None if row is None else _from_row(row)
    if problem := _unusable(approval, wish):
        raise ApprovalRequired(wish, f"{why}; {code!r} {problem}")
    assert approval is not None
    await db.execute("UPDATE botapp_approval SET used_at = now() WHERE code = $1", approval.code)
    return approval.code


async def get(code: str) -> Approval:
    """Return an approval; upper and lower case are the same.

    Raises:
        UnknownApproval: there is none of that code.
    """
    row = await db.fetch_one(f"{_SELECT} WHERE code = $1", _typed(code))
    if row is None:
        raise UnknownApproval(code)
    return _from_row(row)


async def newest(*, limit: int = 50, only_pending: bool = False) -> list[Approval]:
    """Return approvals, the newest first."""
    rows = await db.fetch(
        f"{_SELECT} WHERE NOT $1 OR (approved_at IS NULL AND used_at IS NULL AND expires_at > now())"
        " ORDER BY id DESC LIMIT $2",
        only_pending,
        limit,
    )
    return [_from_row(row) for row in rows]


_SELECT = """
    SELECT *, CASE
        WHEN used_at IS NOT NULL THEN 'used'
        WHEN expires_at <= now() THEN 'expired'
        WHEN approved_at IS NOT NULL THEN 'approved'
        ELSE 'pending'
    END AS state FROM botapp_approval
"""


def _unusable(approval: Approval | None, wish: Wish) -> str:
    if approval is None:
        return "is no approval"
    if (approval.action, approval.subject, approval.content_hash) != (wish.action, wish.subject, wish.content_hash):
        return f"approves something else, of {approval.subject or approval.action}"
    return {
        ApprovalState.PENDING: "is not approved yet",
        ApprovalState.USED: "was used before",
        ApprovalState.EXPIRED: "is over",
        ApprovalState.APPROVED: "",
    }[approval.state]


def _typed(code: str) -> str:
    return code.strip().upper()


def _from_row(row: db.Row) -> Approval:
    return Approval(
        code=row["code"],
        action=row["action"],
        subject=row["subject"],
        content=json.loads(row["content"]),
        content_hash=row["content_hash"],
        requested_by=row["requested_by"],
        reason=row["reason"],
        requested_at=row["requested_at"],
        expires_at=row["expires_at"],
        approved_by=row["approved_by"],
        approved_at=row["approved_at"],
        used_at=row["used_at"],
        state=ApprovalState(row["state"]),
    )

"""What the ops API takes and answers about the statement."""

from __future__ import annotations

from typing import Literal

from core.http.ops.cursors import cursor_field, limit_field
from core.http.values import Answer, Moment, Question, Tokens
from core.ledger import Entry


class Posting(Answer):
    """A line of somebody's statement. `what` says in words what it was for; the ids beside it where there are any."""

    id: str
    at: Moment
    kind: Literal["deposit", "generation", "refund", "reversal", "bonus", "referral", "admin"]
    amount: Tokens
    balance_after: Tokens
    what: str
    actor: str
    reason: str
    payment: str | None
    generation: str | None
    model: str | None
    promo_code: str | None
    related: str | None

    @classmethod
    def of(cls, entry: Entry) -> Posting:
        """The same for the outside."""
        posting = entry.posting
        return cls(
            id=str(posting.id),
            at=posting.created_at,
            kind=posting.kind.value,
            amount=posting.amount,
            balance_after=posting.balance_after,
            what=entry.what,
            actor=posting.actor,
            reason=posting.reason,
            payment=entry.payment,
            generation=entry.generation,
            model=entry.model,
            promo_code=entry.promo_code,
            related=str(posting.related) if posting.related is not None else None,
        )


class StatementQuery(Question):
    """Which part of a statement."""

    limit: int = limit_field()
    cursor: str | None = cursor_field()


class Statement(Answer):
    """A page of somebody's statement, the newest first. `user` is the Telegram id, `balance` what they have now."""

    user: str
    balance: Tokens
    items: list[Posting]
    next_cursor: str | None

"""What the ops API takes and answers about the statement."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from core.http.ops.cursors import cursor_field, limit_field
from core.http.values import Answer, Moment, Question, Tokens
from core.ledger import Entry, books


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


class EntriesQuery(Question):
    """Which part of the books."""

    since: date | None = Field(None, description="From this day (UTC).")
    until: date | None = Field(None, description="Up to the day before this one (UTC).")
    limit: int = limit_field(default=1000, maximum=5000)
    cursor: str | None = Field(None, description="`next_cursor` of the page before.", max_length=100)


class BookLine(Answer):
    """One side of an entry. `tokens`: what an amount of another commodity was exchanged for."""

    account: str
    amount: Tokens
    commodity: str
    tokens: Tokens | None


class BookEntry(Answer):
    """Lines that add up to nothing: a posting, its settlement, or money that came or went."""

    id: str
    at: Moment
    what: str
    user: str | None
    reference: str
    actor: str
    reason: str
    lines: list[BookLine]

    @classmethod
    def of(cls, entry: books.BookEntry) -> BookEntry:
        """The same for the outside."""
        return cls(
            id=entry.id,
            at=entry.at,
            what=entry.what,
            user=str(entry.user) if entry.user is not None else None,
            reference=entry.reference,
            actor=entry.actor,
            reason=entry.reason,
            lines=[
                BookLine(account=line.account, amount=line.amount, commodity=line.commodity, tokens=line.tokens)
                for line in entry.lines
            ],
        )


class BookPage(Answer):
    """Entries in the order of their postings. A page may be empty and yet not the last one."""

    items: list[BookEntry]
    next_cursor: str | None

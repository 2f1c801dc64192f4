"""Posts to the statement.

The database moves the balance, opens charges and holds the invariants: see the triggers in `piccolo_migrations/`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import asyncpg

from core import db
from core.ledger.errors import AlreadyResolved, InsufficientTokens, KeyReused
from core.pricing import Quote
from core.types import IdempotencyKey, Tokens, UserId

WELCOME_BONUS: Tokens = Decimal("50.00")

COLUMNS = (
    "id, user_id, type, amount, balance_after, idempotency_key, related_transaction_id, quote, actor, reason, "
    "created_at"
)

_INSERT = f"""
    INSERT INTO botapp_transaction
        (user_id, type, amount, idempotency_key, related_transaction_id, quote, actor, reason)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (idempotency_key) DO NOTHING
    RETURNING {COLUMNS}
"""  # noqa: S608  the columns are a constant


class PostingKind(StrEnum):
    """Why tokens moved."""

    DEPOSIT = "deposit"
    GENERATION = "generation"
    REFUND = "refund"
    REVERSAL = "reversal"
    BONUS = "bonus"
    REFERRAL = "referral"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Posting:
    """A row of the statement. `amount` is positive for tokens given, negative for tokens taken."""

    id: int
    user_id: UserId
    kind: PostingKind
    amount: Tokens
    balance_after: Tokens
    key: IdempotencyKey
    related: int | None
    quote: Mapping[str, Any] | None
    actor: str
    reason: str
    created_at: datetime


async def balance_of(user: UserId) -> Tokens:
    """Return how many tokens the user has; nothing for a user without a balance."""
    balance = await db.fetch_value("SELECT balance FROM botapp_userbalance WHERE user_id = $1", user)
    return Decimal(0) if balance is None else balance


async def post(
    user: UserId,
    amount: Tokens,
    kind: PostingKind,
    *,
    key: IdempotencyKey,
    related: int | None = None,
    quote: Quote | None = None,
    actor: str = "system",
    reason: str = "",
) -> Posting:
    """Move tokens. Repeating the call with the same key returns the first posting and moves nothing more.

    A posting that is refused by the database leaves the caller's transaction only one way out, to roll back.

    Raises:
        InsufficientTokens: the balance would become negative.
        KeyReused: the key belongs to another posting.
        AlreadyResolved: a refund of a charge that is settled, or above what is left of it.
    """
    content = db.to_json(quote.to_dict()) if quote else None
    try:
        row = await db.fetch_one(_INSERT, user, kind.value, amount, key, related, content, actor, reason)
    except asyncpg.CheckViolationError as error:
        if error.constraint_name == "userbalance_is_never_negative":
            raise InsufficientTokens(balance=Decimal(error.detail), needed=-amount) from None
        if error.constraint_name in {"charge_resolves_once", "charge_is_never_refunded_twice"} and related is not None:
            raise AlreadyResolved(related) from None
        raise
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name == "transaction_is_reversed_once" and related is not None:
            raise AlreadyResolved(related) from None
        raise
    if row is not None:
        return from_row(row)
    return await _first_posting(user, amount, kind, key, related)


async def charge(user: UserId, quote: Quote, *, key: IdempotencyKey) -> Posting:
    """Take the quoted tokens from the user's balance and open a charge that is settled or refunded later.

    Raises:
        InsufficientTokens: the balance is below ``quote.tokens``; nothing was taken.
        KeyReused: the key belongs to a posting with another user or amount.
    """
    return await post(user, -quote.tokens, PostingKind.GENERATION, key=key, quote=quote)


async def refund(
    posting: int,
    *,
    key: IdempotencyKey,
    amount: Tokens | None = None,
    actor: str = "system",
    reason: str = "",
) -> Posting:
    """Give back what a charge took, or `amount` of it.

    Raises:
        AlreadyResolved: the charge is settled, or its refunds would exceed it.
        KeyReused: the key belongs to another posting.
    """
    row = await db.fetch_one(
        """
        SELECT posting.user_id, CASE charge.state WHEN 'open' THEN charge.amount - charge.refunded ELSE 0 END AS open
        FROM botapp_transaction AS posting JOIN botapp_charge AS charge ON charge.transaction_id = posting.id
        WHERE posting.id = $1 FOR UPDATE OF charge
        """,
        posting,
    )
    if row is None:
        raise AlreadyResolved(posting)
    before = await db.fetch_one(
        f"SELECT {COLUMNS} FROM botapp_transaction WHERE idempotency_key = $1",  # noqa: S608
        key,
    )
    if before is not None:
        return _checked(before, row["user_id"], before["amount"] if amount is None else amount, key, posting)
    wanted = row["open"] if amount is None else amount
    if not 0 < wanted <= row["open"]:
        raise AlreadyResolved(posting)
    return await post(row["user_id"], wanted, PostingKind.REFUND, key=key, related=posting, actor=actor, reason=reason)


async def reverse(posting: Posting, *, key: IdempotencyKey, actor: str = "system", reason: str = "") -> Posting:
    """Take back all that a deposit or a bonus gave.

    Raises:
        InsufficientTokens: they are spent; nothing was taken.
        AlreadyResolved: it was taken back before, with another key.
        KeyReused: the key belongs to another posting.
    """
    return await post(
        posting.user_id,
        -posting.amount,
        PostingKind.REVERSAL,
        key=key,
        related=posting.id,
        actor=actor,
        reason=reason,
    )


async def settle(posting: int) -> None:
    """Keep what a charge took, because the result was delivered. Settling twice changes nothing.

    Raises:
        AlreadyResolved: the charge was refunded.
    """
    changed = await db.execute(
        "UPDATE botapp_charge SET state = 'settled', resolved_at = now() WHERE transaction_id = $1 AND state = 'open'",
        posting,
    )
    if not changed:
        state = await db.fetch_value("SELECT state FROM botapp_charge WHERE transaction_id = $1", posting)
        if state != "settled":
            raise AlreadyResolved(posting)


async def give_welcome_bonus(user: UserId) -> Posting | None:
    """Give a new user the tokens to start with, once in a lifetime; None when they were given before."""
    key = IdempotencyKey(f"welcome:{user}")
    return await give_once(user, WELCOME_BONUS, PostingKind.BONUS, key=key, reason="welcome")


async def give_once(
    user: UserId,
    amount: Tokens,
    kind: PostingKind,
    *,
    key: IdempotencyKey,
    reason: str,
    related: int | None = None,
) -> Posting | None:
    """Give a bonus by its natural key; None when something was given for that key before, whatever it was."""
    row = await db.fetch_one(_INSERT, user, kind.value, amount, key, related, None, "system", reason)
    return None if row is None else from_row(row)


async def get(posting: int) -> Posting:
    """Return one posting.

    Raises:
        LookupError: there is none of that id.
    """
    row = await db.fetch_one(f"SELECT {COLUMNS} FROM botapp_transaction WHERE id = $1", posting)  # noqa: S608
    if row is None:
        raise LookupError(f"There is no posting {posting}")
    return from_row(row)


async def statement(user: UserId, *, limit: int = 20, before: int | None = None) -> list[Posting]:
    """Return the user's postings, newest first, older than posting `before` where it is given."""
    rows = await db.fetch(
        f"SELECT {COLUMNS} FROM botapp_transaction WHERE user_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",  # noqa: S608
        user,
        2**63 - 1 if before is None else before,
        limit,
    )
    return [from_row(row) for row in rows]


async def _first_posting(
    user: UserId, amount: Tokens, kind: PostingKind, key: IdempotencyKey, related: int | None
) -> Posting:
    row = await db.fetch_one(
        f"SELECT {COLUMNS} FROM botapp_transaction WHERE idempotency_key = $1",  # noqa: S608
        key,
    )
    assert row is not None, "a conflicting key belongs to a committed posting"
    posting = _checked(row, user, amount, key, related)
    if posting.kind is not kind:
        raise KeyReused(key)
    return posting


def _checked(row: db.Row, user: UserId, amount: Tokens, key: IdempotencyKey, related: int | None) -> Posting:
    posting = from_row(row)
    if (posting.user_id, posting.amount, posting.related) != (user, amount, related):
        raise KeyReused(key)
    return posting


def from_row(row: db.Row) -> Posting:
    """Return the posting of a row of `COLUMNS`."""
    return Posting(
        id=row["id"],
        user_id=row["user_id"],
        kind=PostingKind(row["type"]),
        amount=row["amount"],
        balance_after=row["balance_after"],
        key=row["idempotency_key"],
        related=row["related_transaction_id"],
        quote=json.loads(row["quote"]) if row["quote"] else None,
        actor=row["actor"],
        reason=row["reason"],
        created_at=row["created_at"],
    )

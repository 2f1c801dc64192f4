"""Every query about payments. Callers own the transaction."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core import db, ledger
from core.ledger import Posting
from core.payments.gateways.base import Invoice
from core.payments.states import COLUMNS, SOURCE, Payment, PaymentStatus, from_row
from core.types import IdempotencyKey, Language, Tokens, UserId

# ruff: noqa: S608  The interpolated parts are the constants COLUMNS and SOURCE.

CODE_PATTERN = re.compile(r"[0-9a-f]{32}")

_SELECT = f"SELECT {COLUMNS} FROM {SOURCE}"


class PaymentNotFound(Exception):
    """There is no payment of that code."""

    def __init__(self, code: str) -> None:
        super().__init__(f"There is no payment {code!r}")
        self.code = code


@dataclass(frozen=True, slots=True)
class NewPayment:
    """What a row is made from."""

    code: str
    key: IdempotencyKey
    user_id: UserId | None
    gateway: str
    amount: Decimal
    currency: str
    package: str | None = None
    tokens: Tokens = Decimal(0)
    external_id: str | None = None
    status: PaymentStatus = PaymentStatus.PENDING
    problem: str = ""
    is_recurring: bool = False
    subscription_id: int | None = None
    language: Language = "ru"
    details: str = "{}"
    expires_at: datetime | None = None
    next_check_at: datetime | None = None


async def insert(new: NewPayment) -> Payment | None:
    """Write a payment; None when its key or its (gateway, external id) is there already."""
    inserted = await db.fetch_value(
        """
        INSERT INTO botapp_payment (
            code, idempotency_key, user_id, gateway, amount, currency, package_code, tokens, external_id, status,
            problem, is_recurring, subscription_id, language, details, expires_at, next_check_at
        ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
        ON CONFLICT DO NOTHING RETURNING id
        """,
        new.code,
        new.key,
        new.user_id,
        new.gateway,
        new.amount,
        new.currency,
        new.package,
        new.tokens,
        new.external_id,
        new.status.value,
        new.problem,
        new.is_recurring,
        new.subscription_id,
        new.language,
        new.details,
        new.expires_at,
        new.next_check_at,
    )
    return None if inserted is None else await by_id(inserted)


async def by_id(payment_id: int) -> Payment:
    """Return a payment by its row."""
    row = await db.fetch_one(f"{_SELECT} WHERE payment.id = $1", payment_id)
    assert row is not None
    return from_row(row)


async def get(code: str) -> Payment:
    """Return a payment.

    Raises:
        PaymentNotFound: there is none of that code.
    """
    payment = await find(code)
    if payment is None:
        raise PaymentNotFound(code)
    return payment


async def find(code: str) -> Payment | None:
    """Return a payment by its code, if there is one."""
    if not CODE_PATTERN.fullmatch(code):
        return None
    row = await db.fetch_one(f"{_SELECT} WHERE payment.code = $1", code)
    return None if row is None else from_row(row)


async def by_key(key: IdempotencyKey) -> Payment | None:
    """Return the payment that was ordered with this key."""
    row = await db.fetch_one(f"{_SELECT} WHERE payment.idempotency_key = $1", key)
    return None if row is None else from_row(row)


async def by_external_id(gateway: str, external_id: str) -> Payment | None:
    """Return the payment that a gateway knows by this id."""
    row = await db.fetch_one(f"{_SELECT} WHERE payment.gateway = $1 AND payment.external_id = $2", gateway, external_id)
    return None if row is None else from_row(row)


async def lock_external_id(gateway: str, external_id: str) -> None:
    """Have what concerns one payment happen one after the other, even where it is known by different names."""
    await db.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"{gateway}:{external_id}")


async def lock(payment_id: int) -> Payment:
    """Return a payment as it stands now and keep others from changing it until the transaction ends."""
    row = await db.fetch_one(f"{_SELECT} WHERE payment.id = $1 FOR UPDATE OF payment", payment_id)
    assert row is not None
    return from_row(row)


async def of_user(user: UserId, *, limit: int = 10) -> list[Payment]:
    """Return a user's payments, newest first."""
    rows = await db.fetch(f"{_SELECT} WHERE payment.user_id = $1 ORDER BY payment.id DESC LIMIT $2", user, limit)
    return [from_row(row) for row in rows]


async def orders_of(user: UserId, *, limit: int, before: int | None = None) -> list[Payment]:
    """Return what a user ordered, newest first, older than row `before` where it is given."""
    rows = await db.fetch(
        f"""
        {_SELECT} WHERE payment.user_id = $1 AND payment.package_code IS NOT NULL AND payment.id < $2
        ORDER BY payment.id DESC LIMIT $3
        """,
        user,
        2**63 - 1 if before is None else before,
        limit,
    )
    return [from_row(row) for row in rows]


async def postings_of(payment: Payment) -> list[Posting]:
    """Return every posting that a payment made, oldest first: deposit, bonuses, write-off, reversals."""
    rows = await db.fetch(
        """
        WITH given AS (
            SELECT id FROM botapp_transaction
            WHERE user_id = $2 AND (id = $1 OR related_transaction_id = $1)
        )
        SELECT id FROM given
        UNION SELECT posting.id FROM botapp_transaction AS posting
            JOIN given ON posting.related_transaction_id = given.id WHERE posting.type = 'reversal'
        ORDER BY id
        """,
        payment.transaction_id,
        payment.user_id,
    )
    return [await ledger.get(row["id"]) for row in rows]


async def newest_of_subscription(first: Payment) -> Payment:
    """Return the latest payment of a subscription: its order, or a renewal."""
    row = await db.fetch_one(
        f"{_SELECT} WHERE payment.id = $1 OR payment.subscription_id = $1 ORDER BY payment.id DESC LIMIT 1", first.id
    )
    assert row is not None
    return from_row(row)


async def attach_invoice(payment: Payment, invoice: Invoice, *, check_now: bool) -> None:
    """Remember where an order is paid and what the gateway calls it."""
    await db.execute(
        """
        UPDATE botapp_payment SET payment_url = $2, external_id = coalesce(external_id, $3),
            details = details || $4::jsonb, updated_at = now(),
            next_check_at = CASE WHEN $5 THEN now() ELSE next_check_at END
        WHERE id = $1
        """,
        payment.id,
        invoice.url,
        invoice.external_id,
        db.to_json(dict(invoice.details)),
        check_now,
    )


async def mark_paid(payment: Payment, *, external_id: str, deposit: int, paid_at: datetime | None) -> None:
    """Record that the money came and which posting it made."""
    await db.execute(
        """
        UPDATE botapp_payment SET status = 'paid', external_id = $2, transaction_id = $3, problem = '',
            paid_at = coalesce($4, now()), next_check_at = NULL, updated_at = now()
        WHERE id = $1
        """,
        payment.id,
        external_id,
        deposit,
        paid_at,
    )


async def move(
    payment: Payment, status: PaymentStatus, *, problem: str = "", next_check_at: datetime | None = None
) -> None:
    """Move a payment on; the trigger refuses a way back."""
    await db.execute(
        """
        UPDATE botapp_payment SET status = $2::text, problem = $3, next_check_at = $4, updated_at = now(),
            refunded_at = CASE WHEN $2::text = 'refunded' THEN coalesce(refunded_at, now()) ELSE refunded_at END
        WHERE id = $1
        """,
        payment.id,
        status.value,
        problem,
        next_check_at,
    )


async def note_what_came(payment: Payment, amount: Decimal, currency: str) -> None:
    """Remember the money that came for an order of another amount."""
    await db.execute(
        "UPDATE botapp_payment SET details = details || jsonb_build_object('came', $2::jsonb) WHERE id = $1",
        payment.id,
        db.to_json({"amount": amount, "currency": currency}),
    )


async def check_later(payment: Payment, at: datetime | None, *, problem: str | None = None) -> None:
    """Ask the gateway again at that time, or not any more."""
    await db.execute(
        """
        UPDATE botapp_payment SET next_check_at = $2, attempts = attempts + 1, problem = coalesce($3, problem)
        WHERE id = $1
        """,
        payment.id,
        at,
        problem,
    )


async def attach_message(payment: Payment, message_id: int) -> None:
    """Remember the chat message that shows the invoice."""
    await db.execute(
        "UPDATE botapp_payment SET message_id = $2, updated_at = now() WHERE id = $1", payment.id, message_id
    )


async def request_refund(payment: Payment) -> bool:
    """Note that the user asks for the money back; False when it is noted already."""
    asked = await db.execute(
        """
        UPDATE botapp_payment SET refund_requested_at = now(), updated_at = now()
        WHERE id = $1 AND refund_requested_at IS NULL AND status = 'paid'
        """,
        payment.id,
    )
    return bool(asked)


async def record_told(payment: Payment, state: str) -> None:
    """Remember that the user was told of this state."""
    await db.execute(
        """
        UPDATE botapp_payment SET details = details || jsonb_build_object(
            'told', coalesce(details -> 'told', '[]'::jsonb) || to_jsonb($2::text)
        ) WHERE id = $1 AND NOT coalesce(details -> 'told', '[]'::jsonb) @> to_jsonb($2::text)
        """,
        payment.id,
        state,
    )


async def due(*, limit: int = 100, lease_seconds: int = 60) -> list[Payment]:
    """Claim payments whose gateway is to be asked now; another claimer gets others."""
    rows = await db.fetch(
        f"""
        WITH due AS (
            SELECT id FROM botapp_payment WHERE next_check_at <= now() ORDER BY next_check_at LIMIT $1
            FOR UPDATE SKIP LOCKED
        ), payment AS (
            UPDATE botapp_payment AS payment SET next_check_at = now() + make_interval(secs => $2)
            FROM due WHERE payment.id = due.id RETURNING payment.*
        )
        SELECT {COLUMNS} FROM payment LEFT JOIN botapp_tguser AS person ON person.id = payment.user_id
        """,
        limit,
        lease_seconds,
    )
    return [from_row(row) for row in rows]

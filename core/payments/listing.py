"""Payments as operators look for them: in pages, by what a person quotes, each with its postings and its story."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from core import db
from core.payments import repository
from core.payments.repository import PaymentNotFound
from core.payments.states import COLUMNS, SOURCE, Payment, PaymentStatus, from_row

# ruff: noqa: S608  The interpolated parts are the constants COLUMNS and SOURCE.

SHORTEST_CODE: Final = 8
_BEGINNING: Final = re.compile(r"[0-9a-f]{8,32}")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which payments. `chat_id` is a Telegram id; money of nobody is found by who paid it."""

    status: PaymentStatus | None = None
    chat_id: int | None = None
    gateway: str | None = None
    is_refund_requested: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened to a payment, and who did it."""

    at: datetime
    event: str
    detail: str


class AmbiguousCode(Exception):
    """Several payments begin like this."""

    def __init__(self, code: str) -> None:
        super().__init__(f"Several payments begin with {code!r}")


async def page(wanted: Filter, *, limit: int, before: int | None = None) -> list[Payment]:
    """Return payments, the newest first, older than row `before` where it is given."""
    rows = await db.fetch(
        f"""
        SELECT {COLUMNS} FROM {SOURCE}
        WHERE payment.id < $1 AND ($2::text IS NULL OR payment.status = $2)
            AND ($3::bigint IS NULL OR person.chat_id = $3 OR payment.details ->> 'payer' = $3::text)
            AND ($4::text IS NULL OR payment.gateway = $4)
            AND (NOT $5 OR payment.refund_requested_at IS NOT NULL AND payment.status = 'paid')
        ORDER BY payment.id DESC LIMIT $6
        """,
        2**63 - 1 if before is None else before,
        wanted.status.value if wanted.status else None,
        wanted.chat_id,
        wanted.gateway,
        wanted.is_refund_requested,
        limit,
    )
    return [from_row(row) for row in rows]


async def named(name: str) -> Payment:
    """Return the payment of a code, of the beginning of one, or of a gateway's id.

    Raises:
        PaymentNotFound: there is none.
        AmbiguousCode: there are several.
    """
    payment = await repository.find(name)
    if payment is not None:
        return payment
    if not name.isprintable():
        raise PaymentNotFound(name)
    beginning = f"{name}%" if _BEGINNING.fullmatch(name) else ""
    rows = await db.fetch(
        f"SELECT {COLUMNS} FROM {SOURCE} WHERE payment.external_id = $1 OR payment.code LIKE $2 LIMIT 2",
        name,
        beginning,
    )
    if len(rows) > 1:
        raise AmbiguousCode(name)
    if not rows:
        raise PaymentNotFound(name)
    return from_row(rows[0])


async def story(payment: Payment) -> list[Step]:
    """Return what happened, oldest first: its own moments, and what operators did."""
    steps = [
        Step(at, event, detail)
        for at, event, detail in (
            (payment.created_at, "ordered" if payment.package else "came", payment.gateway),
            (payment.paid_at, "paid", payment.external_id or ""),
            (payment.refund_requested_at, "refund requested", "by the user"),
            (payment.refunded_at, "refunded", ""),
        )
        if at is not None
    ]
    rows = await db.fetch(
        "SELECT at, actor, action, reason FROM botapp_auditevent WHERE subject = $1 ORDER BY id", payment.code
    )
    steps += [Step(row["at"], row["action"], f"{row['actor']}: {row['reason']}") for row in rows]
    return sorted(steps, key=lambda step: step.at)

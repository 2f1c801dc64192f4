"""What a payment is: an order for tokens and how far its money is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from core import db
from core.types import Language, Tokens, UserId

COLUMNS = """payment.id, payment.code, payment.user_id, payment.gateway, payment.external_id, payment.package_code,
    payment.tokens, payment.amount, payment.currency, payment.status, payment.problem, payment.payment_url,
    payment.is_recurring, payment.subscription_id, payment.subscription_ends_at, payment.transaction_id,
    payment.promo_code, payment.language, payment.details, payment.message_id, payment.attempts, payment.next_check_at,
    payment.created_at, payment.expires_at, payment.paid_at, payment.refund_requested_at, payment.refunded_at,
    person.chat_id"""
SOURCE = "botapp_payment AS payment LEFT JOIN botapp_tguser AS person ON person.id = payment.user_id"


class PaymentStatus(StrEnum):
    """How far the money is. Money that arrived never becomes money that did not: a trigger holds the order.

    `quarantined` came and fits no order, `dismissed` was looked at by an operator and needs nothing more.
    """

    PENDING = "pending"
    FAILED = "failed"
    EXPIRED = "expired"
    PAID = "paid"
    REFUNDING = "refunding"
    REFUNDED = "refunded"
    QUARANTINED = "quarantined"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class Payment:
    """An order with the payment that settled it, or a payment in quarantine, which has no user, package and tokens.

    Attributes:
        code: public id of the order; gateways carry it.
        external_id: the gateway's id of the payment, once it is known.
        amount: in units of `currency`: 5.00 USD, 385 XTR.
        details: what only the gateway's module reads.
        transaction_id: the deposit.
        subscription_id: the order that this renewal continues.
        chat_id: Telegram id of the user.
    """

    id: int
    code: str
    user_id: UserId | None
    chat_id: int | None
    gateway: str
    external_id: str | None
    package: str | None
    tokens: Tokens
    amount: Decimal
    currency: str
    status: PaymentStatus
    problem: str
    payment_url: str
    is_recurring: bool
    subscription_id: int | None
    subscription_ends_at: datetime | None
    transaction_id: int | None
    promo_code: str | None
    language: Language
    details: Mapping[str, Any]
    message_id: int | None
    attempts: int
    next_check_at: datetime | None
    created_at: datetime
    expires_at: datetime | None
    paid_at: datetime | None
    refund_requested_at: datetime | None
    refunded_at: datetime | None

    @property
    def money(self) -> tuple[Decimal, str]:
        """What is at the gateway: what was agreed, or what came instead and is held."""
        came = self.details.get("came")
        return (Decimal(came["amount"]), came["currency"]) if came else (self.amount, self.currency)


def from_row(row: db.Row) -> Payment:
    """Return the payment of a row of `COLUMNS`."""
    names = Payment.__slots__
    values = {name: row[name] for name in names if name not in {"package", "details", "status"}}
    return Payment(
        **values,
        package=row["package_code"],
        status=PaymentStatus(row["status"]),
        details=json.loads(row["details"]),
    )

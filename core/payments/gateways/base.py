"""What a payment gateway is to us: it makes an invoice, says how a payment stands, lists payments, gives money back.

One gateway is one module. It translates between its wire format and the values below; it never touches a balance and
reads no database. Every gateway passes `tests/core/payments/gateways/contract.py`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from core.payments.states import Payment


class Outcome(StrEnum):
    """What a gateway says of a payment."""

    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"
    REFUNDED = "refunded"
    CANCELLED = "cancelled"
    """A subscription was cancelled: what was paid stays paid."""

    RESUMED = "resumed"
    """A cancelled subscription goes on after all."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A gateway's statement about one payment.

    Attributes:
        external_id: the gateway's id of the payment.
        order_code: our code, where the gateway carries it back.
        payer: Telegram id of who paid, where the gateway knows it.
        subscription: external id of the first payment of a subscription that this one renews.
        reason: the gateway's words for a failure; for the log and operators, never for users.
        ends_at: for `CANCELLED`, when the subscription ends.
    """

    gateway: str
    external_id: str
    outcome: Outcome
    amount: Decimal | None = None
    currency: str | None = None
    order_code: str | None = None
    payer: int | None = None
    subscription: str | None = None
    is_recurring: bool = False
    reason: str = ""
    at: datetime | None = None
    ends_at: datetime | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Invoice:
    """Where a person pays. `external_id` where the gateway gives one before the money comes."""

    url: str
    external_id: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


class GatewayError(Exception):
    """The gateway did not do what was asked. The text is for operators and holds no secret."""


class GatewayUnavailable(GatewayError):
    """It cannot be reached, timed out, or answered 5xx or 429. It may have done it all the same; ask again later."""


class GatewayRefused(GatewayError):
    """It understood and said no; asking again will not help."""


class RefundIsManual(GatewayError):
    """It cannot give money back over its API: an operator does it in its cabinet and then tells us."""


class Gateway(Protocol):
    """A way to pay."""

    name: str

    def price(self, package: Any) -> tuple[Decimal, str] | None:  # noqa: ANN401  core.payments.packages.Package
        """Amount and currency of a package here; None when it is not sold here."""

    async def create_invoice(self, payment: Payment) -> Invoice:
        """Make an invoice for a stored order.

        Raises:
            GatewayUnavailable: it may or may not exist; the order stays pending and may be asked for again.
            GatewayRefused: no invoice.
        """

    async def look_up(self, payment: Payment) -> Receipt | None:
        """Ask how the payment of an order stands; None when the gateway does not know or cannot be asked.

        Raises:
            GatewayUnavailable: ask again later.
        """

    async def refund(self, payment: Payment) -> None:
        """Give the money back. That it was given back before counts as success.

        Raises:
            GatewayUnavailable: it may or may not have happened; repeating is safe.
            GatewayRefused: it will not happen.
            RefundIsManual: see there.
        """

    async def cancel_subscription(self, payment: Payment) -> Receipt:
        """End the subscription that an order began. That it was ended before counts as success.

        Raises:
            GatewayError: it goes on.
        """

    def receipts(self, since: datetime) -> AsyncIterator[Receipt]:
        """All payments and refunds that the gateway knows of since then, oldest first.

        Raises:
            GatewayUnavailable: the list is not complete.
        """

    async def close(self) -> None:
        """Close connections."""


@dataclass(frozen=True, slots=True)
class Notice:
    """An event of a gateway's webhook, reduced to what is needed: no e-mail, no names.

    Attributes:
        key: its natural id; the same event delivered again has the same one.
        subject: what it is about; events of one subject are handled in order.
        claim: what it says. Nothing is credited on its word: see `WebGateway.confirm`.
        payload: what is kept of it, a document that reads as an equal notice.
    """

    key: str
    subject: str
    claim: Receipt
    payload: bytes


class MalformedNotice(Exception):
    """The body is none of the events that the gateway documents. The text quotes nothing of it."""


@runtime_checkable
class WebGateway(Gateway, Protocol):
    """A gateway that is paid at on a page outside of Telegram and tells over a webhook.

    Its webhook is `POST /api/payments/<name>/webhook`, its page `/pay/<code of the order>`. The page keeps the payer's
    address, where the gateway needs one, under `email` in the order's details.
    """

    title: str
    """What people call it."""

    needs_email: bool

    def is_authentic(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Say whether a call of the webhook comes from the gateway. Compares secrets in constant time."""

    def read_notice(self, body: bytes) -> Notice:
        """Read an event.

        Raises:
            MalformedNotice: see there.
        """

    async def confirm(self, claim: Receipt) -> Receipt | None:
        """Ask the gateway about what an event claims; None when it knows nothing of it.

        Raises:
            GatewayError: it could not be asked.
        """

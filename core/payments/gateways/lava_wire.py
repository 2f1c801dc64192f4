"""What Lava.top says on the wire, and what that means here: invoices, pages of them, events of its webhook.

Names follow its description (version 1.17.0). Only what is needed is read; who paid stays outside.
"""

# ruff: noqa: N815  The spelling of the fields is Lava's.

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from core.logs import get_logger
from core.payments.gateways.base import Outcome, Receipt

log = get_logger(__name__)

NAME: Final = "lava"

OUTCOMES: Final = {
    "NEW": Outcome.PENDING,
    "IN_PROGRESS": Outcome.PENDING,
    "COMPLETED": Outcome.PAID,
    "FAILED": Outcome.FAILED,
}
"""By the status of an invoice."""

CLAIMS: Final = {
    "payment.success": Outcome.PAID,
    "payment.failed": Outcome.FAILED,
    "subscription.recurring.payment.success": Outcome.PAID,
    "subscription.recurring.payment.failed": Outcome.FAILED,
    "subscription.cancelled": Outcome.CANCELLED,
}
"""By the type of an event."""

Money = Annotated[Decimal, Field(ge=0, lt=10**10, allow_inf_nan=False)]
ContractId = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{1,64}$")]
"""A UUID by Lava's documents. Nothing here relies on more than that it can stand in an address."""


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True)


class _Utm(_Wire):
    utm_content: str | None = None


class _Amount(_Wire):
    amount: Money
    currency: str


class _Parent(_Wire):
    id: ContractId | None = None


class _SubscriptionDetails(_Wire):
    expiredAt: datetime | None = None


class LavaInvoice(_Wire):
    """An invoice as the API tells of it: `InvoiceResponseV2` and `V3` of its description, as far as we need it.

    The description requires nothing: what is missing is taken for unknown, and money without an amount fits no order.
    """

    id: ContractId
    type: str = "ONE_TIME"
    at: datetime | None = Field(default=None, alias="datetime")
    status: str
    receipt: _Amount | None = None
    parentInvoice: _Parent | None = None
    subscriptionStatus: str | None = None
    subscriptionDetails: _SubscriptionDetails | None = None
    clientUtm: _Utm | None = None

    @property
    def parent(self) -> str | None:
        """For a renewal, the contract that its subscription began with."""
        return self.parentInvoice.id if self.parentInvoice else None

    @property
    def order_code(self) -> str | None:
        """Our code, which invoices carry back."""
        return self.clientUtm.utm_content if self.clientUtm else None

    @property
    def outcome(self) -> Outcome:
        """Where it stands. Answers write in-progress or IN_PROGRESS, depending on which one it is."""
        outcome = OUTCOMES.get(self.status.upper().replace("-", "_"))
        if outcome is None:
            log.warning("lava.unknown_status", contract=self.id, status=self.status[:40])
        return outcome or Outcome.PENDING

    def receipt_of(self) -> Receipt:
        """What it says about the money."""
        return Receipt(
            gateway=NAME,
            external_id=self.id,
            outcome=self.outcome,
            amount=self.receipt.amount if self.receipt else None,
            currency=self.receipt.currency if self.receipt else None,
            order_code=self.order_code,
            subscription=self.parent,
            is_recurring=self.type not in {"ONE_TIME", "INVOICE"},
            at=utc(self.at) if self.at else None,
        )

    def cancellation(self) -> Receipt | None:
        """What it says about the end of its subscription; None when it goes on."""
        if self.subscriptionStatus != "CANCELLED":
            return None
        ends_at = self.subscriptionDetails.expiredAt if self.subscriptionDetails else None
        return Receipt(
            NAME, self.parent or self.id, Outcome.CANCELLED, is_recurring=True, ends_at=ends_at and utc(ends_at)
        )


class Page(_Wire):
    items: list[LavaInvoice]
    total: int | None = None


class PaymentParams(_Wire):
    """`InvoicePaymentParamsResponse`."""

    id: ContractId
    amountTotal: _Amount
    paymentUrl: str | None = None


class LavaEvent(BaseModel):
    """`PurchaseWebhookLog`: the documented events, as far as we need them. Who paid is nobody's business here."""

    model_config = ConfigDict(frozen=True, strict=True)

    eventType: Literal[
        "payment.success",
        "payment.failed",
        "subscription.recurring.payment.success",
        "subscription.recurring.payment.failed",
        "subscription.cancelled",
    ]
    contractId: ContractId
    parentContractId: ContractId | None = None
    amount: Money | None = None
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None = None
    timestamp: datetime | None = None
    clientUtm: _Utm | None = None
    errorMessage: str | None = None
    willExpireAt: datetime | None = None

    def claim(self) -> Receipt:
        """What it says."""
        return Receipt(
            gateway=NAME,
            external_id=self.contractId,
            outcome=CLAIMS[self.eventType],
            amount=self.amount,
            currency=self.currency,
            order_code=self.clientUtm.utm_content if self.clientUtm else None,
            subscription=self.parentContractId,
            is_recurring=self.eventType.startswith("subscription."),
            reason=self.errorMessage or "",
            at=self.timestamp and utc(self.timestamp),
            ends_at=self.willExpireAt and utc(self.willExpireAt),
        )

    def without_what_cannot_be_kept(self) -> LavaEvent:
        """The same event with short texts of characters that PostgreSQL keeps."""
        utm = _Utm(utm_content=_kept(self.clientUtm.utm_content)) if self.clientUtm else None
        return self.model_copy(update={"clientUtm": utm, "errorMessage": _kept(self.errorMessage)})


def utc(moment: datetime) -> datetime:
    """Lava's times are UTC, whether they say so or not."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _kept(text: str | None) -> str | None:
    return None if text is None else text.replace("\0", "").encode("utf-8", "replace").decode()[:500]

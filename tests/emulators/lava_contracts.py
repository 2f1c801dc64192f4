"""What the emulated Lava.top knows of a purchase, and how it says it in answers and events."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Body = dict[str, Any]

MONTH = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Offer:
    """A price in the cabinet."""

    amount: float
    currency: str = "USD"
    product: str = "Tokens"
    is_subscription: bool = False


@dataclass(slots=True)
class Contract:
    """One purchase, or one renewal of a subscription."""

    offer: Offer
    wanted: Body
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "NEW"
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    amount: float = 0.0
    currency: str = ""
    parent: str | None = None
    subscription: str | None = None
    cancelled_at: datetime | None = None

    @property
    def expires_at(self) -> datetime:
        """When its subscription ends, if nothing renews it."""
        return self.at + MONTH


def invoice(contract: Contract, version: str) -> Body:
    """`InvoiceResponseV2` for v1, `InvoiceResponseV3` for v2 of the address."""
    is_subscription = contract.subscription is not None
    kinds = ("RECURRING" if is_subscription else "ONE_TIME", "INVOICE")
    if is_subscription:
        kinds = (kinds[0], "SUBSCRIPTION_RENEWAL" if contract.parent else "SUBSCRIPTION_FIRST_INVOICE")
    body: Body = {
        "id": contract.id,
        "type": kinds[version == "v2"],
        "datetime": moment(contract.at),
        "status": contract.status,
        "receipt": {"amount": contract.amount, "currency": contract.currency, "fee": round(contract.amount * 0.08, 2)},
        "buyer": {"email": contract.wanted["email"], "cardMask": "**** **** **** 4242"},
        "product": {"name": contract.offer.product, "offer": contract.offer.product},
        "clientUtm": contract.wanted.get("clientUtm") or {},
    }
    if contract.parent:
        body["parentInvoice"] = {"id": contract.parent}
    if is_subscription:
        body["subscriptionStatus"] = contract.subscription
        body["subscriptionDetails"] = {
            "expiredAt": moment(contract.expires_at),
            "terminatedAt": None,
            "cancelledAt": moment(contract.cancelled_at) if contract.cancelled_at else None,
        }
    return body


def event_of(contract: Contract, deed: str) -> Body:
    """`PurchaseWebhookLog` of what happened to a contract."""
    event: Body = {
        "contractId": contract.id,
        "product": {"id": str(uuid.uuid5(uuid.NAMESPACE_URL, contract.offer.product)), "title": contract.offer.product},
        "buyer": {"email": contract.wanted["email"]},
    }
    if deed == "cancel":
        assert contract.cancelled_at is not None
        ends = {"cancelledAt": moment(contract.cancelled_at), "willExpireAt": moment(contract.expires_at)}
        return {"eventType": "subscription.cancelled", **event, **ends}
    is_paid = deed in {"pay", "renew"}
    words = ("completed", "failed") if contract.subscription is None else ("subscription-active", "subscription-failed")
    kind = "subscription.recurring.payment" if contract.parent else "payment"
    return {
        "eventType": f"{kind}.{'success' if is_paid else 'failed'}",
        **event,
        "parentContractId": contract.parent,
        "amount": contract.amount,
        "currency": contract.currency,
        "status": words[not is_paid],
        "timestamp": moment(contract.at),
        "clientUtm": contract.wanted.get("clientUtm") or {},
        "errorMessage": "" if is_paid else "Not sufficient funds",
    }


def moment(at: datetime) -> str:
    """A time as Lava writes it, with parts of seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

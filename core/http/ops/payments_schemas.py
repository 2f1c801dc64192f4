"""What the ops API takes and answers about payments."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeAlias

from pydantic import AwareDatetime, Field

from core.http.openapi import ChangeBody
from core.http.ops.cursors import cursor_field, limit_field
from core.http.values import Answer, Moment, Question, Tokens
from core.payments import Payment as KnownPayment
from core.payments.reconciliation import Finding as Found
from core.payments.reconciliation import Report

Status: TypeAlias = Literal["pending", "failed", "expired", "paid", "refunding", "refunded", "quarantined", "dismissed"]


NAME: Final = r"^[A-Za-z0-9._-]+$"
EARLIEST: Final = datetime(2020, 1, 1, tzinfo=UTC)


class PaymentQuery(Question):
    """Which payments to list, the newest first."""

    status: Status | None = Field(None, description="Only those with this status.")
    user: int | None = Field(None, description="Only those of this Telegram id.", ge=1, le=2**63 - 1)
    gateway: str | None = Field(None, description="Only those over this gateway.", max_length=20, pattern=NAME)
    refund_requested: bool = Field(False, description="Only those whose users ask for their money back.")
    limit: int = limit_field()
    cursor: str | None = cursor_field()


class Payment(Answer):
    """An order and its payment, or money in quarantine. `user` is the Telegram id, `amount` is in `currency`.

    Where other money came than was ordered, `amount` is what came; `problem` names both.
    """

    code: str
    user: str | None
    gateway: str
    external_id: str | None
    status: Status
    package: str | None
    tokens: Tokens
    amount: Tokens
    currency: str
    problem: str
    is_recurring: bool
    created_at: Moment
    expires_at: Moment | None
    paid_at: Moment | None
    refund_requested_at: Moment | None
    refunded_at: Moment | None

    @classmethod
    def values_of(cls, payment: KnownPayment) -> dict[str, Any]:
        """The fields of a payment."""
        payer = payment.chat_id or payment.details.get("payer")
        same = {
            name: getattr(payment, name)
            for name in cls.model_fields
            if name not in {"user", "status"} and hasattr(payment, name)
        }
        amount, currency = payment.money
        user = str(payer) if payer else None
        return {**same, "user": user, "status": payment.status.value, "amount": amount, "currency": currency}


class PaymentPage(Answer):
    """A page of payments, the newest first."""

    items: list[Payment]
    next_cursor: str | None


class PaymentPosting(Answer):
    """A posting that a payment made."""

    id: str
    at: Moment
    kind: str
    amount: Tokens
    actor: str
    reason: str


class PaymentEvent(Answer):
    """Something that happened to a payment."""

    at: Moment
    event: str
    detail: str


class PaymentDetail(Payment):
    """Everything about a payment. `given` is what a refund takes back, `spent` what of it is not there any more."""

    payment_url: str | None
    promo_code: str | None
    subscription: str | None
    subscription_ends_at: Moment | None
    next_check_at: Moment | None
    attempts: int
    given: Tokens
    spent: Tokens
    postings: list[PaymentPosting]
    events: list[PaymentEvent]


class RefundOrder(ChangeBody):
    """How money goes back."""

    write_off: bool = Field(False, description="Give the user what is spent, as a posting, so that all can be taken.")
    done_outside: bool = Field(False, description="The money went back already, in the gateway's cabinet.")


class Refunded(Answer):
    """How far a refund is. `taken` left the balance, `written_off` was given for it first."""

    code: str
    status: Status
    taken: Tokens
    written_off: Tokens


class Dismissed(Answer):
    """A payment in quarantine that was looked at."""

    code: str
    status: Status


class TestOrder(ChangeBody):
    """An order that an operator pays to see that paying works. The Stars are real outside of the sandbox."""

    user: int | None = Field(
        None, description="Telegram id of who pays; the chat of alerts when not given.", ge=1, le=2**63 - 1
    )
    package: str | None = Field(None, description="Which; the cheapest when not given.", max_length=100, pattern=NAME)
    gateway: str = Field("stars", description="Over which gateway.", max_length=20, pattern=NAME)


class Invoice(Answer):
    """Where an order is paid."""

    code: str
    payment_url: str


class ReconcileOrder(ChangeBody):
    """What to compare with a gateway's own list."""

    gateway: str | None = Field(None, description="Only this one; all when not given.", max_length=20, pattern=NAME)
    since: AwareDatetime = Field(description="From when on; not more than 90 days back.", ge=EARLIEST)
    dry_run: bool = Field(False, description="Say what differs, put nothing right.")


class Finding(Answer):
    """A difference. `credited`, `refunded` and `held` are put right; the others need somebody who looks."""

    kind: Literal["credited", "refunded", "held", "unknown_there", "other_amount"]
    external_id: str
    code: str | None
    detail: str

    @classmethod
    def of(cls, found: Found) -> Finding:
        """The same for the outside."""
        return cls(kind=found.kind.value, external_id=found.external_id, code=found.code, detail=found.detail)


class Reconciled(Answer):
    """What one gateway's list told. `error` is why it could not be read to its end."""

    gateway: str
    looked_at: int
    findings: list[Finding]
    error: str | None = None

    @classmethod
    def of(cls, report: Report) -> Reconciled:
        """The same for the outside."""
        findings = [Finding.of(found) for found in report.findings]
        return cls(gateway=report.gateway, looked_at=report.looked_at, findings=findings)


class Reconciliation(Answer):
    """All gateways that were compared. `ok` when nothing is left to do for anybody."""

    ok: bool
    since: Moment
    dry_run: bool
    gateways: list[Reconciled]

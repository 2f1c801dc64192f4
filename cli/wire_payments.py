"""Shapes of what the service answers about payments."""

from typing import NotRequired, TypedDict


class Payment(TypedDict):
    """An order and its payment, or money in quarantine. Money is text; `user` is a Telegram id."""

    code: str
    user: str | None
    gateway: str
    external_id: str | None
    status: str
    package: str | None
    tokens: str
    amount: str
    currency: str
    problem: str
    is_recurring: bool
    created_at: str
    expires_at: str | None
    paid_at: str | None
    refund_requested_at: str | None
    refunded_at: str | None


class PaymentPage(TypedDict):
    """`GET /api/ops/v1/payments`."""

    items: list[Payment]
    next_cursor: str | None


class PaymentPosting(TypedDict):
    """A posting that a payment made."""

    id: str
    at: str
    kind: str
    amount: str
    actor: str
    reason: str


class PaymentEvent(TypedDict):
    """Something that happened to a payment."""

    at: str
    event: str
    detail: str


class PaymentDetail(Payment):
    """`GET /api/ops/v1/payments/<code>`."""

    payment_url: str | None
    promo_code: str | None
    subscription: str | None
    subscription_ends_at: str | None
    next_check_at: str | None
    attempts: int
    given: str
    spent: str
    postings: list[PaymentPosting]
    events: list[PaymentEvent]


class Refunded(TypedDict):
    """`POST /api/ops/v1/payments/<code>/refund`."""

    code: str
    status: str
    taken: str
    written_off: str
    dry_run: NotRequired[bool]


class Dismissed(TypedDict):
    """`POST /api/ops/v1/payments/<code>/dismiss`."""

    code: str
    status: str
    dry_run: NotRequired[bool]


class Invoice(TypedDict):
    """`POST /api/ops/v1/payments/<code>/invoice`."""

    code: str
    payment_url: str


class TestOrder(Payment):
    """`nb payments test`: the order and where it is paid."""

    payment_url: str | None
    dry_run: NotRequired[bool]


class Finding(TypedDict):
    """A difference between a gateway's list and ours."""

    kind: str
    external_id: str
    code: str | None
    detail: str


class Reconciled(TypedDict):
    """What one gateway's list told."""

    gateway: str
    looked_at: int
    findings: list[Finding]
    error: str | None


class Reconciliation(TypedDict):
    """`POST /api/ops/v1/payments/reconcile`."""

    ok: bool
    since: str
    dry_run: bool
    gateways: list[Reconciled]

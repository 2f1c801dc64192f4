"""Shapes of what the service answers about people, their statements and the record of changes."""

from typing import Any, NotRequired, TypedDict


class Posting(TypedDict):
    """A line of a statement. Tokens are text with two decimals."""

    id: str
    at: str
    kind: str
    amount: str
    balance_after: str
    what: str
    actor: str
    reason: str
    payment: str | None
    generation: str | None
    model: str | None
    promo_code: str | None
    related: str | None


class Statement(TypedDict):
    """`GET /api/ops/v1/ledger/statement/<user>`."""

    user: str
    balance: str
    items: list[Posting]
    next_cursor: str | None


class UserBalance(TypedDict):
    """Tokens of a person."""

    tokens: str
    held: str
    spent: str
    deposited: str
    bonuses: str


class UserReferral(TypedDict):
    """Friends of a person."""

    code: str | None
    invited_by: str | None
    invited: int
    rewards: str


class UserPayment(TypedDict):
    """An order of a person."""

    code: str
    gateway: str
    status: str
    package: str | None
    tokens: str
    amount: str
    currency: str
    created_at: str
    paid_at: str | None
    refunded_at: str | None


class UserRefusals(TypedDict):
    """Orders of theirs that were refused for their content lately."""

    count: int
    latest: str | None
    latest_at: str | None
    paused_until: str | None


class UserNote(TypedDict):
    """What an operator wrote down about a person."""

    at: str
    by: str
    text: str


class User(TypedDict):
    """`GET /api/ops/v1/users/<user>`."""

    id: str
    username: str | None
    first_name: str
    last_name: str
    language: str
    timezone: str | None
    is_premium: bool
    is_blocked: bool
    unreachable_since: str | None
    created_at: str
    generations: int
    postings_total: int
    balance: UserBalance
    referral: UserReferral
    refusals: UserRefusals
    postings: list[Posting]
    payments: list[UserPayment]
    notes: list[UserNote]


class Noted(TypedDict):
    """`POST /api/ops/v1/users/<user>/note`."""

    user: str
    text: str
    notes: int
    dry_run: NotRequired[bool]


class Adjusted(TypedDict):
    """`POST /api/ops/v1/users/<user>/credit` and `/debit`."""

    user: str
    posting: str
    amount: str
    balance: str
    dry_run: NotRequired[bool]


class Blocking(TypedDict):
    """`POST /api/ops/v1/users/<user>/block` and `/unblock`."""

    user: str
    state: str
    changed: bool
    dry_run: NotRequired[bool]


class AuditEvent(TypedDict):
    """A change that an operator made."""

    id: str
    at: str
    actor: str
    action: str
    subject: str
    reason: str
    request: dict[str, Any]
    result: dict[str, Any] | None
    trace_id: str | None


class AuditPage(TypedDict):
    """`GET /api/ops/v1/audit`."""

    items: list[AuditEvent]
    next_cursor: str | None


class BookLine(TypedDict):
    """One side of an entry; `tokens` is what an amount of another commodity was exchanged for."""

    account: str
    amount: str
    commodity: str
    tokens: str | None


class BookEntry(TypedDict):
    """Lines that add up to nothing."""

    id: str
    at: str
    what: str
    user: str | None
    reference: str
    actor: str
    reason: str
    lines: list[BookLine]


class BookPage(TypedDict):
    """`GET /api/ops/v1/ledger/entries`."""

    items: list[BookEntry]
    next_cursor: str | None


class BookTotal(TypedDict):
    """What the accounts of one kind hold together."""

    account: str
    amount: str
    commodity: str


class ExportData(TypedDict):
    """`nb ledger export`. `output` is null when the books went to stdout."""

    format: str
    output: str | None
    since: str | None
    until: str | None
    entries: int
    totals: list[BookTotal]

"""Shapes of what the service answers about prices, their revisions, packages and approvals."""

from typing import Any, Literal, TypedDict


class PriceChange(TypedDict):
    """An order before and after an edit. Percent and margins are text, in percent."""

    model: str
    label: str
    params: dict[str, Any]
    tokens: str
    tokens_new: str
    usd: str
    usd_new: str
    margin: str
    margin_new: str
    percent: str


class Replay(TypedDict):
    """Past jobs at the old and the new price."""

    days: int
    jobs: int
    unpriced_jobs: int
    tokens: str
    tokens_new: str
    revenue_usd: str
    revenue_usd_new: str
    cost_usd: str
    cost_usd_new: str
    reported_jobs: int
    reported_usd: str
    margin: str | None
    margin_new: str | None


class PricePreview(TypedDict):
    """`POST /api/ops/v1/prices/<subject>/preview`. `latest` is the revision that the edit would follow, 0 for none."""

    subject: str
    latest: int
    before: dict[str, Any]
    after: dict[str, Any]
    rows: list[PriceChange]
    largest_percent: str
    limit_percent: int
    needs_approval: bool
    replay: Replay | None


class PriceRevision(TypedDict):
    """An edit of a price."""

    id: int
    subject: str
    before: dict[str, Any]
    after: dict[str, Any]
    actor: str
    reason: str
    approval: str | None
    reverts: int | None
    at: str


class PriceEdited(TypedDict):
    """`POST /api/ops/v1/prices/<subject>`. `inverse` is the command that undoes it."""

    subject: str
    changed: bool
    revision: PriceRevision | None
    rows: list[PriceChange]
    inverse: str | None


class PriceRevisionPage(TypedDict):
    """`GET /api/ops/v1/price-revisions`."""

    items: list[PriceRevision]
    next_cursor: str | None


class PricedOrder(TypedDict):
    """A typical order and its price."""

    label: str
    params: dict[str, Any]
    tokens: str
    usd: str


class Price(TypedDict):
    """What the price of a model is made from."""

    slug: str
    name: str
    kind: str
    is_active: bool
    base_cost_usd: str
    cost_unit: str
    option_factors: dict[str, Any]
    rate: str
    markup: str
    revision: int
    settings_revision: int
    orders: list[PricedOrder]


class PriceDetail(Price):
    """`GET /api/ops/v1/prices/<model>`."""

    params_schema: dict[str, Any]
    history: list[PriceRevision]


class PriceList(TypedDict):
    """`GET /api/ops/v1/prices`."""

    items: list[Price]


class PriceFinding(TypedDict):
    """Something about a price that is not as it should be."""

    kind: str
    subject: str
    params: dict[str, Any]
    detail: str


class PriceCheck(TypedDict):
    """`GET /api/ops/v1/pricing/check`."""

    ok: bool
    models: int
    combinations: int
    reported_jobs: int
    days: int
    partial: list[str]
    findings: list[PriceFinding]


class TokenPackage(TypedDict):
    """Tokens at a price."""

    code: str
    title: str
    tokens: str
    price_usd: str
    stars: int
    offers: dict[str, Any]
    is_recurring: bool
    is_active: bool
    order: int
    usd_per_token: str


class TokenPackageList(TypedDict):
    """`GET /api/ops/v1/packages`."""

    items: list[TokenPackage]
    list_usd_per_token: str


class TokenPackageEdited(TypedDict):
    """`POST /api/ops/v1/packages/<code>`; `before` is null for a new one."""

    changed: bool
    package: TokenPackage
    before: TokenPackage | None


class Approval(TypedDict):
    """`GET /api/ops/v1/approvals/<code>`."""

    code: str
    state: Literal["pending", "approved", "used", "expired"]
    action: str
    subject: str
    content: dict[str, Any]
    hash: str
    requested_by: str
    reason: str
    requested_at: str
    expires_at: str
    approved_by: str | None
    approved_at: str | None
    used_at: str | None


class ApprovalList(TypedDict):
    """`GET /api/ops/v1/approvals`."""

    items: list[Approval]

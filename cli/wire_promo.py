"""Shapes of what the service answers about promo codes."""

from typing import Literal, NotRequired, TypedDict


class PromoCode(TypedDict):
    """A code as it stands. Tokens are text with two decimals; `value` is tokens or per cent."""

    code: str
    state: str
    kind: Literal["tokens", "percent"]
    value: str
    description: str
    min_deposit: str
    max_bonus: str | None
    uses: int
    waiting: int
    max_uses: int | None
    max_uses_per_user: int
    given: str
    budget: str | None
    budget_left: str | None
    valid_from: str
    valid_until: str | None
    created_at: str


class PromoPage(TypedDict):
    """`GET /api/ops/v1/promo-codes`."""

    items: list[PromoCode]
    next_cursor: str | None


class PromoUse(TypedDict):
    """A use of a code; `tokens` is null while it waits for a deposit."""

    user: str
    number: int
    at: str
    tokens: str | None
    payment: str | None


class PromoDetail(PromoCode):
    """`GET /api/ops/v1/promo-codes/<code>`."""

    latest: list[PromoUse]


class PromoCreated(PromoCode):
    """`POST /api/ops/v1/promo-codes/<code>`."""

    dry_run: NotRequired[bool]


class PromoSwitched(PromoCode):
    """`POST /api/ops/v1/promo-codes/<code>/disable` and `/enable`."""

    changed: bool
    dry_run: NotRequired[bool]

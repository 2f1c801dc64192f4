"""What the ops API takes and answers about promo codes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from core.http.openapi import ChangeBody
from core.http.ops.cursors import cursor_field, limit_field
from core.http.values import Answer, Moment, Number, Question, Tokens

MOST_TOKENS = Decimal(100_000)
"""Most that one use gives: a mistyped amount is refused, not published."""

MOST_PERCENT = Decimal(500)
MOST_USES = 1_000_000


def _tokens(description: str) -> Any:  # noqa: ANN401  As `pydantic.Field` itself.
    return Field(None, description=description, gt=0, le=MOST_TOKENS, max_digits=8, decimal_places=2)


class PromoQuery(Question):
    """Which codes to list, the newest first."""

    limit: int = limit_field()
    cursor: str | None = cursor_field()


class NewPromoCode(ChangeBody):
    """What a code gives, one of `tokens` and `percent`, and its limits."""

    tokens: Decimal | None = _tokens("What it gives.")
    percent: Decimal | None = Field(
        None,
        description="What it adds to the next deposit, in per cent of it.",
        gt=0,
        le=MOST_PERCENT,
        max_digits=5,
        decimal_places=2,
    )
    max_uses: int | None = Field(None, description="How often all people together may use it.", ge=1, le=MOST_USES)
    max_uses_per_user: int = Field(1, description="How often one person may use it.", ge=1, le=1000)
    valid_from: AwareDatetime | None = Field(None, description="When it begins to work; now, when it is left out.")
    valid_until: AwareDatetime | None = Field(None, description="From when on it does not work any more.")
    min_deposit: Decimal = Field(
        Decimal(0),
        description="Tokens that a deposit has at least. A code with one, of tokens too, waits for such a deposit.",
        ge=0,
        le=MOST_TOKENS,
        max_digits=8,
        decimal_places=2,
    )
    max_bonus: Decimal | None = _tokens("Most tokens that one use of a percentage gives.")
    budget: Decimal | None = Field(
        None,
        description="Most tokens that all uses give together; what is promised is set aside from it.",
        gt=0,
        le=Decimal(10_000_000),
        max_digits=10,
        decimal_places=2,
    )
    description: str = Field("", description="For operators.", max_length=500)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.tokens is None) == (self.percent is None):
            raise ValueError("a code gives either tokens or a percentage")
        if self.percent is None and self.max_bonus is not None:
            raise ValueError("max_bonus is for a percentage; tokens say themselves how much they are")
        if self.valid_from is not None and self.valid_until is not None and self.valid_from >= self.valid_until:
            raise ValueError("valid_until is not later than valid_from")
        return self


class PromoCode(Answer):
    """A code as it stands. `waiting` counts the uses that wait for a deposit, which are among `uses`."""

    code: str
    state: Literal["active", "disabled", "scheduled", "expired", "used_up", "exhausted"]
    kind: Literal["tokens", "percent"]
    value: Number
    description: str
    min_deposit: Tokens
    max_bonus: Tokens | None
    uses: int
    waiting: int
    max_uses: int | None
    max_uses_per_user: int
    given: Tokens
    budget: Tokens | None
    budget_left: Tokens | None
    valid_from: Moment
    valid_until: Moment | None
    created_at: Moment


class PromoPage(Answer):
    """A page of codes; `next_cursor` is null on the last one."""

    items: list[PromoCode]
    next_cursor: str | None


class PromoUse(Answer):
    """A use of a code. `user` is the Telegram id; `tokens` is null while it waits for a deposit."""

    user: str
    number: int
    at: Moment
    tokens: Tokens | None
    payment: str | None


class PromoDetail(PromoCode):
    """A code with its latest uses, the newest first."""

    latest: list[PromoUse]


class PromoChanged(PromoCode):
    """A code after a change; `changed` is false when it was so before."""

    changed: bool

"""The numbers of a period, and the arithmetic between them. Rates without anything to divide by are None, not zero."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from core.types import Tokens

USD = Decimal("0.000001")
"""As exact as what providers report."""

RATE = Decimal("0.0001")

LONGEST = timedelta(days=366)


class Grouping(StrEnum):
    """What the rows stand for."""

    MODEL = "model"
    DAY = "day"
    PROVIDER = "provider"


class BadPeriod(ValueError):
    """The period is empty, or longer than `LONGEST`."""


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` until just before `until`, both with a zone.

    Raises:
        BadPeriod: it is empty or too long.
    """

    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        if self.since >= self.until:
            raise BadPeriod("the period ends before it begins")
        if self.until - self.since > LONGEST:
            raise BadPeriod(f"the period is longer than {LONGEST.days} days")


@dataclass(frozen=True, slots=True)
class Money:
    """What was charged and given back in the period, each when it was posted, and what jobs that ended in it cost.

    Attributes:
        orders: charges, which is as many as jobs were ordered.
        charged: tokens that charges took.
        refunded: tokens that refunds returned, whenever their charge was.
        revenue_usd: the difference at the rate that each charge was quoted with.
        cost_usd: what providers reported; for delivered jobs without a report what their quotes expected.
        estimated: how many jobs the latter was taken for.
    """

    orders: int = 0
    charged: Tokens = Decimal("0.00")
    refunded: Tokens = Decimal("0.00")
    revenue_usd: Decimal = Decimal(0)
    cost_usd: Decimal = Decimal(0)
    estimated: int = 0

    @property
    def revenue(self) -> Tokens:
        """Tokens that stay: charged less refunded. Negative where refunds of older charges are more."""
        return self.charged - self.refunded

    @property
    def profit_usd(self) -> Decimal:
        """Revenue less cost."""
        return self.revenue_usd - self.cost_usd

    @property
    def margin(self) -> Decimal | None:
        """Share of the revenue that stays; None without revenue."""
        return ratio(self.profit_usd, self.revenue_usd) if self.revenue_usd > 0 else None


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How the jobs that ended in the period ended; `refunded` of them gave tokens back, all or a part."""

    done: int = 0
    failed: int = 0
    cancelled: int = 0
    refunded: int = 0

    @property
    def ended(self) -> int:
        """All of them."""
        return self.done + self.failed + self.cancelled

    @property
    def failure_rate(self) -> Decimal | None:
        """Share that failed, of those that were not cancelled."""
        return ratio(self.failed, self.done + self.failed)

    @property
    def refund_rate(self) -> Decimal | None:
        """Share that gave tokens back, of all."""
        return ratio(self.refunded, self.ended)


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from the order to the delivery: the median, and what 95 and 99 of a hundred stay below."""

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class Figures:
    """One row: of a model, a day or a provider, or of everything (`key` is empty then)."""

    key: str
    money: Money = Money()
    outcomes: Outcomes = Outcomes()
    latency: Latency | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """How often jobs of a model ended with one class of failure, and its share of the model's ended jobs."""

    model: str
    code: str
    count: int
    rate: Decimal


@dataclass(frozen=True, slots=True)
class PaymentSums:
    """Payments over one gateway in one currency: what came in the period, and what went back in it."""

    gateway: str
    currency: str
    payments: int
    amount: Decimal
    tokens: Tokens
    refunds: int
    refunded: Decimal
    refunded_tokens: Tokens


@dataclass(frozen=True, slots=True)
class People:
    """New: first seen in the period. Active: ordered in it. Paying: paid in it."""

    new: int
    active: int
    paying: int
    total: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """A period in numbers. The rows add up to `total`, but for latencies and people."""

    period: Period
    by: Grouping
    total: Figures
    rows: tuple[Figures, ...]
    failures: tuple[Failure, ...]
    payments: tuple[PaymentSums, ...]
    people: People


def ratio(part: Decimal | int, whole: Decimal | int) -> Decimal | None:
    """A share to four places, half up; None of nothing."""
    return (Decimal(part) / Decimal(whole)).quantize(RATE, rounding=ROUND_HALF_UP) if whole else None


def total_of(parts: Iterable[Money]) -> Money:
    """Everything together."""
    listed = list(parts)
    return Money(
        orders=sum(part.orders for part in listed),
        charged=sum((part.charged for part in listed), Decimal("0.00")),
        refunded=sum((part.refunded for part in listed), Decimal("0.00")),
        revenue_usd=sum((part.revenue_usd for part in listed), Decimal(0)),
        cost_usd=sum((part.cost_usd for part in listed), Decimal(0)),
        estimated=sum(part.estimated for part in listed),
    )


def in_usd(tokens: Tokens, rate: Decimal) -> Decimal:
    """Tokens as dollars at a rate, unrounded: sums are rounded once."""
    return tokens / rate


def rounded(usd: Decimal) -> Decimal:
    """Dollars to a millionth."""
    return usd.quantize(USD, rounding=ROUND_HALF_UP)

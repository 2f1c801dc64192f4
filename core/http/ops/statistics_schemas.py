"""What the operation about statistics takes and answers."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

from core.http.ops.schemas import Answer, Moment, Question, Tokens, Usd
from core.statistics import Failure, Figures, PaymentSums, People, Statistics


class StatisticsQuery(Question):
    """Which period, and what a row stands for."""

    since: AwareDatetime = Field(description="Where the period begins.", examples=["2026-11-15T00:00:00Z"])
    until: AwareDatetime | None = Field(None, description="Just before this it ends; now when not given.")
    by: Literal["model", "day", "provider"] = Field("model", description="What each row stands for; days are UTC.")


class StatisticsLatency(Answer):
    """Seconds from order to delivery: the median, and what 95 and 99 of a hundred stay below."""

    p50_s: float
    p95_s: float
    p99_s: float


class StatisticsRow(Answer):
    """A model, day or provider, or everything. Rates and margin are shares; null of nothing.

    `tokens` and `revenue_usd` are charged less refunded; `cost_usd` is what providers reported, for `estimated` jobs
    what their quotes expected.
    """

    key: str
    orders: int
    charged: Tokens
    refunded: Tokens
    tokens: Tokens
    revenue_usd: Usd
    cost_usd: Usd
    estimated: int
    profit_usd: Usd
    margin: str | None
    done: int
    failed: int
    cancelled: int
    refunded_jobs: int
    failure_rate: str | None
    refund_rate: str | None
    latency: StatisticsLatency | None

    @classmethod
    def of(cls, row: Figures) -> StatisticsRow:
        """The same for the outside."""
        money, outcomes, latency = row.money, row.outcomes, row.latency
        return cls(
            key=row.key,
            orders=money.orders,
            charged=money.charged,
            refunded=money.refunded,
            tokens=money.revenue,
            revenue_usd=money.revenue_usd,
            cost_usd=money.cost_usd,
            estimated=money.estimated,
            profit_usd=money.profit_usd,
            margin=_share(money.margin),
            done=outcomes.done,
            failed=outcomes.failed,
            cancelled=outcomes.cancelled,
            refunded_jobs=outcomes.refunded,
            failure_rate=_share(outcomes.failure_rate),
            refund_rate=_share(outcomes.refund_rate),
            latency=StatisticsLatency(p50_s=latency.p50, p95_s=latency.p95, p99_s=latency.p99) if latency else None,
        )


class StatisticsFailure(Answer):
    """How often jobs of a model ended with this class of failure; `rate` is its share of the model's ended jobs."""

    model: str
    code: str
    count: int
    rate: str

    @classmethod
    def of(cls, failure: Failure) -> StatisticsFailure:
        """The same for the outside."""
        return cls(model=failure.model, code=failure.code, count=failure.count, rate=str(failure.rate))


class StatisticsPayments(Answer):
    """What came over a gateway in a currency, and what went back, each in the period itself."""

    gateway: str
    currency: str
    payments: int
    amount: Usd
    tokens: Tokens
    refunds: int
    refunded: Usd
    refunded_tokens: Tokens

    @classmethod
    def of(cls, sums: PaymentSums) -> StatisticsPayments:
        """The same for the outside."""
        return cls(**{name: getattr(sums, name) for name in PaymentSums.__slots__})


class StatisticsPeople(Answer):
    """New: first seen in the period. Active: ordered in it. Paying: paid in it. Total: known at its end."""

    new: int
    active: int
    paying: int
    total: int

    @classmethod
    def of(cls, people: People) -> StatisticsPeople:
        """The same for the outside."""
        return cls(new=people.new, active=people.active, paying=people.paying, total=people.total)


class StatisticsAnswer(Answer):
    """A period in numbers, from `since` until just before `until`, in UTC. Test users are in none of them."""

    since: Moment
    until: Moment
    timezone: Literal["UTC"]
    by: Literal["model", "day", "provider"]
    total: StatisticsRow
    rows: list[StatisticsRow]
    failures: list[StatisticsFailure]
    payments: list[StatisticsPayments]
    people: StatisticsPeople

    @classmethod
    def of(cls, found: Statistics) -> StatisticsAnswer:
        """The same for the outside."""
        return cls(
            since=found.period.since,
            until=found.period.until,
            timezone="UTC",
            by=found.by.value,
            total=StatisticsRow.of(found.total),
            rows=[StatisticsRow.of(row) for row in found.rows],
            failures=[StatisticsFailure.of(failure) for failure in found.failures],
            payments=[StatisticsPayments.of(sums) for sums in found.payments],
            people=StatisticsPeople.of(found.people),
        )


def _share(value: object) -> str | None:
    return None if value is None else str(value)

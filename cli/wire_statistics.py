"""Shapes of what the service answers about a period and about the runs of `nb smoke`."""

from typing import Literal, TypedDict


class StatisticsLatency(TypedDict):
    """Seconds from order to delivery."""

    p50_s: float
    p95_s: float
    p99_s: float


class StatisticsRow(TypedDict):
    """A model, day or provider, or everything. Money is text; rates and margin are shares, null of nothing."""

    key: str
    orders: int
    charged: str
    refunded: str
    tokens: str
    revenue_usd: str
    cost_usd: str
    estimated: int
    profit_usd: str
    margin: str | None
    done: int
    failed: int
    cancelled: int
    refunded_jobs: int
    failure_rate: str | None
    refund_rate: str | None
    latency: StatisticsLatency | None


class StatisticsFailure(TypedDict):
    """How often jobs of a model ended with a class of failure."""

    model: str
    code: str
    count: int
    rate: str


class StatisticsPayments(TypedDict):
    """What came over a gateway in a currency, and what went back."""

    gateway: str
    currency: str
    payments: int
    amount: str
    tokens: str
    refunds: int
    refunded: str
    refunded_tokens: str


class StatisticsPeople(TypedDict):
    """New: first seen in the period. Active: ordered in it. Paying: paid in it. Total: known at its end."""

    new: int
    active: int
    paying: int
    total: int


class Statistics(TypedDict):
    """`GET /api/ops/v1/statistics`."""

    since: str
    until: str
    timezone: str
    by: Literal["model", "day", "provider"]
    total: StatisticsRow
    rows: list[StatisticsRow]
    failures: list[StatisticsFailure]
    payments: list[StatisticsPayments]
    people: StatisticsPeople


class SmokeStarted(TypedDict):
    """`POST /api/ops/v1/smoke/generations`."""

    id: str
    model: str
    user: str
    tokens: str


class SmokeCleaned(TypedDict):
    """`POST /api/ops/v1/smoke/clean`."""

    ended: list[str]
    waiting: list[str]
    files: int
    tokens: str
    balance: str

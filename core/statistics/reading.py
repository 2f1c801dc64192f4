"""Reads a period in one snapshot and puts the parts together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, timedelta
from decimal import Decimal

from core import db
from core.statistics import queries
from core.statistics.figures import (
    Failure,
    Figures,
    Grouping,
    Latency,
    Money,
    Outcomes,
    PaymentSums,
    People,
    Period,
    Statistics,
    in_usd,
    ratio,
    rounded,
    total_of,
)

IN_MILLISECONDS = 3

WITH_PLANS_FOR_MANY = "SET LOCAL jit = off"
"""Compiling the queries takes longer than most of them."""


@dataclass(slots=True)
class _Parts:
    """A row while it is put together; revenue in dollars is not rounded yet."""

    money: Money = field(default_factory=Money)
    outcomes: Outcomes = field(default_factory=Outcomes)
    latency: Latency | None = None


async def read(period: Period, by: Grouping = Grouping.MODEL) -> Statistics:
    """Count a period.

    Raises:
        the exceptions of `core.db.UNAVAILABLE`.
    """
    bounds = (period.since, period.until)
    async with db.transaction():
        await db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        await db.execute(WITH_PLANS_FOR_MANY)
        moved = await db.fetch(queries.moved(by), *bounds)
        ended = await db.fetch(queries.ENDED[by], *bounds)
        estimated = {row["key"]: row["usd"] for row in await db.fetch(queries.ESTIMATED[by], *bounds)}
        failures = await db.fetch(queries.FAILURES, *bounds)
        payments = await db.fetch(queries.PAYMENTS, *bounds)
        people = await db.fetch_one(queries.PEOPLE, *bounds)
    assert people is not None
    rows = _rows(moved, (row for row in ended if not row["is_total"]), estimated)
    if by is Grouping.DAY:
        rows = {day: rows.get(day, _Parts()) for day in _days(period)}
    everything = _outcomes(next(row for row in ended if row["is_total"]))
    total = Figures("", _in_cents(total_of(parts.money for parts in rows.values())), *everything)
    figures = [Figures(key, _in_cents(parts.money), parts.outcomes, parts.latency) for key, parts in rows.items()]
    if by is not Grouping.DAY:
        figures.sort(key=lambda row: (-row.money.revenue_usd, row.key))
    return Statistics(
        period=period,
        by=by,
        total=total,
        rows=tuple(figures),
        failures=tuple(_failures(failures)),
        payments=tuple(PaymentSums(**dict(row)) for row in payments),
        people=People(**dict(people)),
    )


def _rows(moved: Iterable[db.Row], ended: Iterable[db.Row], estimated: dict[str, Decimal]) -> dict[str, _Parts]:
    rows: dict[str, _Parts] = {}
    for row in moved:
        parts = rows.setdefault(row["key"], _Parts())
        brought = in_usd(row["charged"] - row["refunded"], row["rate"])
        parts.money = total_of(
            (parts.money, Money(row["orders"], row["charged"], row["refunded"], revenue_usd=brought))
        )
    for row in ended:
        parts = rows.setdefault(row["key"], _Parts())
        cost = row["reported_usd"] + estimated.get(row["key"], Decimal(0))
        parts.money = replace(parts.money, cost_usd=cost, estimated=row["estimated"])
        parts.outcomes, parts.latency = _outcomes(row)
    return rows


def _in_cents(money: Money) -> Money:
    """Round what was added up, once."""
    return replace(money, revenue_usd=rounded(money.revenue_usd), cost_usd=rounded(money.cost_usd))


def _outcomes(row: db.Row) -> tuple[Outcomes, Latency | None]:
    outcomes = Outcomes(row["done"], row["failed"], row["cancelled"], row["refunded"])
    if row["latencies"] is None:
        return outcomes, None
    return outcomes, Latency(*(round(seconds, IN_MILLISECONDS) for seconds in row["latencies"]))


def _failures(rows: Iterable[db.Row]) -> Iterator[Failure]:
    for row in rows:
        if row["status"] == "error":
            yield Failure(row["model"], row["code"], row["count"], ratio(row["count"], row["ended"]) or Decimal(0))


def _days(period: Period) -> Iterator[str]:
    """Every day of the period, those without anything included."""
    day = period.since.astimezone(UTC).date()
    last = (period.until - timedelta(microseconds=1)).astimezone(UTC).date()
    while day <= last:
        yield day.isoformat()
        day += timedelta(days=1)

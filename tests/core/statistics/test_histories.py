"""The statistics of random histories are what a simple count of the same histories gives."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from core import ledger, statistics
from core.settings import Settings
from core.statistics import Grouping, Period
from core.statistics.figures import rounded
from tests.core.statistics.histories import BEGIN, DAYS, Counted, History, count

pytestmark = pytest.mark.integration

STEPS = 110
A_MILLIONTH = Decimal("0.000001")


@pytest.mark.parametrize("seed", [1, 7, 42, 4711])
async def test_every_number_is_what_a_simple_count_gives(service: Settings, seed: int) -> None:
    history = History(seed)
    await history.happen(STEPS)
    assert (await ledger.verify()).ok
    for since, until in _periods(history):
        for by in Grouping:
            found = await statistics.read(Period(since, until), by)
            _assert_rows(found, count(history, since, until, by.value), by)
            _assert_total(found)
            _assert_payments(found, history)
            _assert_people(found, history)


@pytest.mark.parametrize("seed", [3, 11])
async def test_periods_that_follow_one_another_add_up_to_the_whole(service: Settings, seed: int) -> None:
    history = History(seed)
    await history.happen(STEPS)
    end = BEGIN + timedelta(days=DAYS * 3)
    cuts = [BEGIN, BEGIN + timedelta(days=3), history.jobs[0].at, history.jobs[-1].at, end]
    cuts = sorted(set(cuts))
    parts = [await statistics.read(Period(since, until)) for since, until in pairwise(cuts)]
    whole = await statistics.read(Period(BEGIN, end))
    assert whole.total.money.charged == sum(part.total.money.charged for part in parts)
    assert whole.total.money.refunded == sum(part.total.money.refunded for part in parts)
    assert whole.total.money.orders == sum(part.total.money.orders for part in parts)
    assert whole.total.outcomes.ended == sum(part.total.outcomes.ended for part in parts)
    assert whole.total.money.cost_usd == sum(part.total.money.cost_usd for part in parts)


def _periods(history: History) -> list[tuple[datetime, datetime]]:
    """The whole, a day, and periods that begin and end exactly where something happened."""
    ends = sorted(job.ended for job in history.jobs if job.ended is not None)
    orders = sorted(job.at for job in history.jobs)
    return [
        (BEGIN, BEGIN + timedelta(days=DAYS * 3)),
        (BEGIN + timedelta(days=2), BEGIN + timedelta(days=3)),
        (orders[3], ends[-3]),
        (orders[0], orders[0] + timedelta(microseconds=1)),
    ]


def _assert_rows(found: statistics.Statistics, counted: Counted, by: Grouping) -> None:
    rows = {row.key: row for row in found.rows}
    keys = set(counted.charged) | set(counted.refunded) | set(counted.statuses)
    assert keys <= set(rows)
    assert by is Grouping.DAY or keys == set(rows)
    for key, row in rows.items():
        assert row.money.charged == counted.charged[key]
        assert row.money.refunded == counted.refunded[key]
        assert abs(row.money.revenue_usd - rounded(counted.revenue_usd[key])) <= A_MILLIONTH
        assert row.money.cost_usd == counted.cost_usd[key]
        statuses = counted.statuses[key]
        assert (row.outcomes.done, row.outcomes.failed, row.outcomes.cancelled) == (
            statuses["done"],
            statuses["error"],
            statuses["cancelled"],
        )
        assert row.outcomes.refunded == counted.refunded_jobs[key]
        _assert_latency(row.latency, counted.waits[key])
    assert {(failure.model, failure.code): failure.count for failure in found.failures} == counted.failures


def _assert_latency(latency: statistics.Latency | None, waits: list[float]) -> None:
    if not waits:
        assert latency is None
        return
    assert latency is not None
    for share, seconds in ((0.5, latency.p50), (0.95, latency.p95), (0.99, latency.p99)):
        assert seconds == pytest.approx(_percentile(waits, share), abs=0.001)


def _percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    at = share * (len(ordered) - 1)
    below, rest = int(at), at - int(at)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * rest


def _assert_total(found: statistics.Statistics) -> None:
    total = found.total.money
    assert total.charged == sum(row.money.charged for row in found.rows)
    assert total.refunded == sum(row.money.refunded for row in found.rows)
    assert total.cost_usd == sum(row.money.cost_usd for row in found.rows)
    assert abs(total.revenue_usd - sum(row.money.revenue_usd for row in found.rows)) <= A_MILLIONTH * len(found.rows)
    assert found.total.outcomes.ended == sum(row.outcomes.ended for row in found.rows)


def _assert_payments(found: statistics.Statistics, history: History) -> None:
    since, until = found.period.since, found.period.until
    real = [payment for payment in history.payments if not payment.is_test]
    for gateway in ("till", "bank"):
        paid = [one for one in real if one.gateway == gateway and since <= one.at < until]
        back = [one for one in real if one.gateway == gateway and one.refunded and since <= one.refunded < until]
        sums = [one for one in found.payments if one.gateway == gateway]
        assert len(sums) == bool(paid or back)
        for one in sums:
            assert (one.payments, one.amount, one.tokens) == (
                len(paid),
                sum(payment.amount for payment in paid),
                sum(payment.tokens for payment in paid),
            )
            assert (one.refunds, one.refunded) == (len(back), sum(payment.amount for payment in back))


def _assert_people(found: statistics.Statistics, history: History) -> None:
    since, until = found.period.since, found.period.until
    jobs = {job.user for job in history.jobs if not job.is_test and since <= job.at < until}
    paying = {paid.user for paid in history.payments if not paid.is_test and since <= paid.at < until}
    born = [at for at, is_test in history.born if not is_test]
    assert found.people == statistics.People(
        new=sum(since <= at < until for at in born),
        active=len(jobs),
        paying=len(paying),
        total=sum(at < until for at in born),
    )

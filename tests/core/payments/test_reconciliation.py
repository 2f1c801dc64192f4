"""Gateways' own lists against ours: what was lost is found, what disagrees is told, and nothing happens twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from core import db
from core.payments import PaymentStatus, crediting, gateways, reconciliation, repository
from core.payments.gateways.base import GatewayUnavailable, Outcome, Receipt
from core.payments.reconciliation import Kind, reconcile, reconcile_all
from core.users import User
from tests.core.payments.conftest import Buying, balance, paid, payments, spend, tasks
from tests.core.payments.till import Till

pytestmark = pytest.mark.integration

NOW = datetime.now(UTC)
SINCE = NOW - timedelta(days=3)
HOUR = timedelta(hours=1)


def kinds(report: reconciliation.Report) -> list[str]:
    """What was found."""
    return [finding.kind.value for finding in report.findings]


async def test_money_whose_event_was_lost_is_credited_once(order: Buying, till: Till, buyer: User) -> None:
    placed = await order()
    till.listed = [paid(placed, at=NOW - HOUR)]
    report = await reconcile(till, SINCE)
    assert kinds(report) == ["credited"] and report.looked_at == 1 and not report.problems
    assert await balance(buyer) == "100.00"
    assert kinds(await reconcile(till, SINCE)) == [] and await balance(buyer) == "100.00"
    assert ("bot.tell_payment", placed.code) in await tasks()


async def test_what_is_known_is_let_be(order: Buying, till: Till, buyer: User) -> None:
    placed = await order()
    receipt = paid(placed, at=NOW - HOUR)
    await crediting.receive(receipt)
    till.listed = [receipt]
    report = await reconcile(till, SINCE)
    assert (kinds(report), report.looked_at) == ([], 1)


async def test_a_refund_that_was_missed_takes_the_tokens_back(order: Buying, till: Till, buyer: User) -> None:
    placed = await order()
    receipt = paid(placed, at=NOW - HOUR)
    await crediting.receive(receipt)
    till.listed = [receipt, replace(receipt, outcome=Outcome.REFUNDED, at=NOW - HOUR / 2)]
    assert kinds(await reconcile(till, SINCE)) == ["refunded"]
    assert await balance(buyer) == "0.00"
    assert kinds(await reconcile(till, SINCE)) == []


async def test_a_payment_and_its_refund_that_were_both_missed_end_at_nothing(
    order: Buying, till: Till, buyer: User
) -> None:
    receipt = paid(await order(), at=NOW - HOUR)
    till.listed = [receipt, replace(receipt, outcome=Outcome.REFUNDED, at=NOW)]
    assert kinds(await reconcile(till, SINCE)) == ["credited", "refunded"]
    assert kinds(await reconcile(till, SINCE)) == []
    assert await balance(buyer) == "0.00"


async def test_money_that_fits_no_order_is_held_once(till: Till) -> None:
    till.listed = [Receipt("till", "odd", Outcome.PAID, Decimal(5), "USD", at=NOW - HOUR)]
    assert kinds(await reconcile(till, SINCE)) == ["held"]
    assert kinds(await reconcile(till, SINCE)) == []
    assert await payments() == [("quarantined", "odd")]


async def test_what_the_gateway_does_not_know_is_told_and_nobody_loses_tokens(
    order: Buying, till: Till, buyer: User
) -> None:
    placed = await order()
    await crediting.receive(paid(placed, at=NOW - HOUR))
    report = await reconcile(till, SINCE)
    assert [(found.kind, found.code) for found in report.problems] == [(Kind.UNKNOWN_THERE, placed.code)]
    assert ("bot.alert", "reconcile:till") in await tasks()
    assert await balance(buyer) == "100.00"


@pytest.mark.parametrize("age", [timedelta(minutes=1), timedelta(days=4)])
async def test_what_is_too_young_or_too_old_to_be_listed_is_no_problem(
    order: Buying, till: Till, age: timedelta
) -> None:
    await crediting.receive(paid(await order(), at=datetime.now(UTC) - age))
    assert kinds(await reconcile(till, SINCE)) == []


async def test_another_amount_there_is_told(order: Buying, till: Till) -> None:
    receipt = paid(await order(), at=NOW - HOUR)
    await crediting.receive(receipt)
    till.listed = [replace(receipt, amount=Decimal("4.99"))]
    report = await reconcile(till, SINCE)
    assert [(found.kind, found.detail) for found in report.problems] == [
        (Kind.OTHER_AMOUNT, "4.99 USD there, 5 USD here")
    ]


async def test_a_rehearsal_changes_nothing(order: Buying, till: Till, buyer: User) -> None:
    placed = await order()
    till.listed = [paid(placed, at=NOW - HOUR)]
    assert kinds(await reconcile(till, SINCE, rehearse=True)) == ["credited"]
    assert await balance(buyer) == "0.00" and await tasks() == []


async def test_spent_tokens_of_a_refund_there_are_written_off(order: Buying, till: Till, buyer: User) -> None:
    receipt = paid(await order(), at=NOW - HOUR)
    await crediting.receive(receipt)
    await spend(buyer, "60.00")
    till.listed = [receipt, replace(receipt, outcome=Outcome.REFUNDED)]
    await reconcile(till, SINCE)
    assert await balance(buyer) == "0.00"


async def test_ten_thousand_entries_are_compared_in_bulk(till: Till, buyer: User) -> None:
    await db.execute(
        """
        INSERT INTO botapp_payment (code, idempotency_key, user_id, gateway, amount, currency, external_id, status,
            problem, tokens)
        SELECT md5(n::text), 'bulk:' || n, $1, 'till', 5, 'USD', 'bulk-' || n, 'dismissed', 'for the test', 0
        FROM generate_series(1, 10000) AS n
        """,
        buyer.id,
    )
    till.listed = [Receipt("till", f"bulk-{n}", Outcome.PAID, Decimal(5), "USD", at=NOW) for n in range(1, 10_001)]
    report = await reconcile(till, SINCE)
    assert (report.looked_at, report.findings) == (10_000, [])


class Sick(Till):
    """A gateway whose list breaks off."""

    async def receipts(self, since: datetime) -> AsyncIterator[Receipt]:
        async for receipt in super().receipts(since):
            yield receipt
        raise GatewayUnavailable("list: 502")


async def test_a_gateway_that_cannot_be_asked_keeps_no_other_waiting(
    order: Buying, till: Till, buyer: User, database: Any
) -> None:
    gateways.use(Sick("sick"))
    till.listed = [paid(await order(), at=NOW - HOUR)]
    reports = await reconcile_all(SINCE)
    assert [report.gateway for report in reports] == ["till"] and await balance(buyer) == "100.00"
    assert ("bot.alert", "reconcile-failed:sick") in await tasks()


async def test_dismissed_money_stays_dismissed(till: Till) -> None:
    till.listed = [Receipt("till", "odd", Outcome.PAID, Decimal(5), "USD", at=NOW)]
    await reconcile(till, SINCE)
    held = await repository.by_external_id("till", "odd")
    assert held is not None
    await repository.move(held, PaymentStatus.DISMISSED, problem="looked at")
    assert kinds(await reconcile(till, SINCE)) == []

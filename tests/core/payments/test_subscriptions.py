"""Packages that are paid every month: each further payment gives what its order gave, at its price."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from core import db
from core.payments import Payment, PaymentStatus, crediting, get, refunds, subscriptions
from core.payments.gateways.base import GatewayRefused, Outcome, Receipt
from core.users import User
from tests.core.payments.conftest import Buying, assert_books_agree, balance, paid, payments, tasks
from tests.core.payments.till import Till

pytestmark = pytest.mark.integration

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def other(receipt: Receipt, **fields: Any) -> Receipt:
    """The same receipt but for these fields."""
    return dataclasses.replace(receipt, **fields)


@pytest.fixture
async def subscription(order: Buying) -> Payment:
    """A package that is paid every month, paid for the first time."""
    await db.execute("UPDATE token_packages SET is_recurring = true WHERE code = 'tokens-100'")
    settled = await crediting.receive(paid(await order(), "month-1", is_recurring=True))
    assert settled is not None
    return settled


async def test_a_renewal_gives_what_its_order_gave(subscription: Payment, buyer: User) -> None:
    await db.execute("UPDATE token_packages SET credits = 1, price_usd = 1 WHERE code = 'tokens-100'")
    news = other(paid(subscription, "month-2"), order_code=None, subscription="month-1", is_recurring=True)
    renewal = await crediting.receive(news)
    assert renewal is not None
    assert renewal.id != subscription.id
    assert (renewal.subscription_id, renewal.is_recurring, renewal.status) == (
        subscription.id,
        True,
        PaymentStatus.PAID,
    )
    assert (renewal.package, renewal.language, str(renewal.amount)) == ("tokens-100", "ru", "5.00")
    assert await crediting.receive(news) == renewal
    assert await balance(buyer) == "200.00"
    assert (await tasks())[-1] == ("bot.tell_payment", renewal.code)
    await assert_books_agree()


async def test_a_renewal_of_a_renewal_belongs_to_the_first_order(subscription: Payment) -> None:
    second = await crediting.receive(other(paid(subscription, "month-2"), order_code=None, subscription="month-1"))
    assert second is not None
    third = await crediting.receive(other(paid(second, "month-3"), order_code=None, subscription="month-2"))
    assert third is not None
    assert third.subscription_id == subscription.id


async def test_a_renewal_that_carries_the_order_back_is_a_further_payment(subscription: Payment, buyer: User) -> None:
    renewals = [paid(subscription, f"month-{month}", is_recurring=True) for month in (2, 3)]
    await asyncio.gather(*(crediting.receive(renewal) for renewal in renewals * 3))
    assert await balance(buyer) == "300.00"
    assert await payments() == [("paid", "month-1"), ("paid", "month-2"), ("paid", "month-3")]


async def test_a_second_charge_that_is_no_renewal_is_held(subscription: Payment, buyer: User) -> None:
    held = await crediting.receive(paid(subscription, "month-2", is_recurring=False))
    assert held is not None
    assert held.status is PaymentStatus.QUARANTINED
    assert await balance(buyer) == "100.00"


@pytest.mark.parametrize("wrong", [{"amount": Decimal("4.99")}, {"currency": "EUR"}, {"payer": 13}], ids=str)
async def test_a_renewal_of_another_price_is_held(subscription: Payment, buyer: User, wrong: dict[str, Any]) -> None:
    news = other(paid(subscription, "month-2"), order_code=None, subscription="month-1", **wrong)
    held = await crediting.receive(news)
    assert held is not None
    assert held.status is PaymentStatus.QUARANTINED
    assert await balance(buyer) == "100.00"


async def test_a_renewal_of_what_nobody_ordered_is_held(order: Buying, buyer: User) -> None:
    receipt = other(paid(await order(), "month-2"), order_code=None, subscription="month-1")
    held = await crediting.receive(receipt)
    assert held is not None
    assert (held.status, held.problem) == (
        PaymentStatus.QUARANTINED,
        "it renews a subscription that is not known",
    )


async def test_a_renewal_of_a_payment_in_quarantine_is_held_too(order: Buying, buyer: User) -> None:
    stray = other(paid(await order(), "month-1"), order_code=None, payer=None)
    await crediting.receive(stray)
    held = await crediting.receive(other(stray, external_id="month-2", subscription="month-1"))
    assert held is not None
    assert held.status is PaymentStatus.QUARANTINED
    assert await balance(buyer) == "0.00"


async def test_a_cancelled_subscription_keeps_what_was_paid(subscription: Payment, buyer: User) -> None:
    cancelled = paid(subscription, outcome=Outcome.CANCELLED, ends_at=NOON)
    await crediting.receive(cancelled)
    await crediting.receive(other(cancelled, ends_at=NOON + timedelta(days=9)))
    payment = await get(subscription.code)
    assert (payment.status, payment.subscription_ends_at) == (PaymentStatus.PAID, NOON)
    assert await balance(buyer) == "100.00"
    assert await tasks() == [("bot.tell_payment", subscription.code)] * 2


async def test_a_subscription_cancelled_without_a_date_ends_now(subscription: Payment) -> None:
    await crediting.receive(paid(subscription, outcome=Outcome.CANCELLED))
    ends_at = (await get(subscription.code)).subscription_ends_at
    assert ends_at is not None
    assert abs(ends_at - datetime.now(UTC)) < timedelta(minutes=1)


async def test_a_renewal_that_was_not_paid_is_told_and_may_be_paid_later(subscription: Payment, buyer: User) -> None:
    news = other(paid(subscription, "month-2"), order_code=None, subscription="month-1", payer=None)
    failed = await crediting.receive(other(news, outcome=Outcome.FAILED, reason="no money" + "!" * 600))
    assert failed is not None
    assert (failed.status, failed.subscription_id, len(failed.problem)) == (
        PaymentStatus.FAILED,
        subscription.id,
        500,
    )
    assert (await tasks())[-1] == ("bot.tell_payment", failed.code)
    await crediting.receive(news)
    assert await payments() == [("paid", "month-1"), ("paid", "month-2")]
    assert await balance(buyer) == "200.00"


async def test_a_failed_renewal_is_written_down_once(subscription: Payment) -> None:
    news = other(paid(subscription, "month-2"), order_code=None, subscription="month-1", outcome=Outcome.FAILED)
    for _ in range(3):
        await crediting.receive(news)
    assert await payments() == [("paid", "month-1"), ("failed", "month-2")]
    assert len(await tasks()) == 2


async def test_a_failure_of_the_first_payment_itself_writes_no_renewal(subscription: Payment) -> None:
    news = paid(subscription, "month-1", subscription="month-1", outcome=Outcome.FAILED)
    assert await crediting.receive(news) == subscription
    assert await payments() == [("paid", "month-1")]


async def test_a_failed_renewal_of_nobodys_subscription_is_nothing(order: Buying) -> None:
    stray = other(paid(await order(), "month-1"), order_code=None, payer=None)
    for known in (False, True):
        if known:
            await crediting.receive(stray)
        failed = other(stray, external_id="month-2", subscription="month-1", outcome=Outcome.FAILED)
        assert await crediting.receive(failed) is None
    assert await payments() == [("pending", ""), ("quarantined", "month-1")]


async def test_a_subscription_that_goes_on_has_no_end(subscription: Payment) -> None:
    resumed = paid(subscription, outcome=Outcome.RESUMED)
    assert await crediting.receive(resumed) == subscription
    await crediting.receive(paid(subscription, outcome=Outcome.CANCELLED))
    after = await crediting.receive(resumed)
    assert after is not None
    assert after.subscription_ends_at is None
    assert (await get(subscription.code)).subscription_ends_at is None


async def test_nothing_is_resumed_that_nobody_knows(order: Buying) -> None:
    assert await crediting.receive(paid(await order(), "x", order_code=None, outcome=Outcome.RESUMED)) is None


async def refund(payment: Payment) -> None:
    """Refund a payment as an operator does, and have the tasks of it done."""
    async with db.transaction():
        await refunds.refund(payment.code, actor="token:test", reason="asked for it")
    await refunds.carry_out(payment.code)
    await subscriptions.end_refunded(payment.code)


@pytest.mark.parametrize("is_renewal", [False, True], ids=["the first payment", "a renewal"])
async def test_a_refund_ends_the_subscription(subscription: Payment, till: Till, *, is_renewal: bool) -> None:
    payment = subscription
    if is_renewal:
        renewal = await crediting.receive(other(paid(subscription, "month-2"), order_code=None, subscription="month-1"))
        assert renewal is not None
        payment = renewal
    await refund(payment)
    assert (await get(payment.code)).status is PaymentStatus.REFUNDED
    assert till.cancelled == [subscription.code]
    assert (await get(subscription.code)).subscription_ends_at is not None
    assert ("payments.end_subscription", payment.code) in await tasks()
    await subscriptions.end_refunded(payment.code)
    assert till.cancelled == [subscription.code]


async def test_operators_hear_of_a_subscription_that_could_not_be_ended(subscription: Payment, till: Till) -> None:
    async with db.transaction():
        await refunds.refund(subscription.code, actor="token:test", reason="asked for it")
    await refunds.carry_out(subscription.code)
    till.faults.append(GatewayRefused("no such subscription"))
    await subscriptions.end_refunded(subscription.code)
    assert ("bot.alert", f"subscription:{subscription.code}") in await tasks()
    assert (await get(subscription.code)).subscription_ends_at is None

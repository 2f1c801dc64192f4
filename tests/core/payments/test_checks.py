"""A gateway whose event is late is asked: soon at first, then less often, and not for ever."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from core import db
from core.payments import Payment, PaymentStatus, checks, crediting, gateways, get, refunds, repository, tasks
from core.payments.gateways.base import GatewayRefused, GatewayUnavailable, Outcome, Receipt
from core.users import User
from tests.core.payments import conftest
from tests.core.payments.conftest import Buying, balance, paid
from tests.core.payments.till import Till

pytestmark = pytest.mark.integration


async def make_due(payment: Payment) -> Payment:
    """Let the time have come when the gateway is asked about it."""
    await db.execute("UPDATE botapp_payment SET next_check_at = now() - interval '1 second' WHERE id = $1", payment.id)
    return await get(payment.code)


async def minutes_left(payment: Payment) -> int:
    """Minutes until the gateway is asked again."""
    at = (await get(payment.code)).next_check_at
    assert at is not None
    return round((at - datetime.now(UTC)).total_seconds() / 60)


async def test_an_order_whose_event_was_lost_is_credited(order: Buying, buyer: User, till: Till) -> None:
    payment = await make_due(await order())
    till.answers[payment.code] = paid(payment)
    assert await checks.check_due() == 1
    assert await balance(buyer) == "100.00"
    settled = await get(payment.code)
    assert (settled.status, settled.next_check_at) == (PaymentStatus.PAID, None)
    assert await checks.check_due() == 0


async def test_one_payment_that_breaks_keeps_no_other_from_being_credited(
    order: Buying, buyer: User, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, whole = await make_due(await order()), await make_due(await order())
    till.answers[whole.code] = paid(whole)
    look_up = till.look_up

    async def answer(payment: Payment) -> Receipt | None:
        if payment.code == broken.code:
            raise KeyError("a gateway that answers something new")
        await asyncio.sleep(0.1)
        return await look_up(payment)

    monkeypatch.setattr(till, "look_up", answer)
    with pytest.raises(KeyError):
        await checks.check_due()
    assert (await get(whole.code)).status is PaymentStatus.PAID
    assert await balance(buyer) == "100.00"


async def test_nobody_is_asked_before_the_time(order: Buying, till: Till) -> None:
    await order()
    await tasks.check()
    assert till.looked_up == []


async def test_an_order_that_is_not_paid_is_asked_about_less_and_less_often(order: Buying, till: Till) -> None:
    payment = await order()
    pauses = []
    for _ in range(10):
        await make_due(payment)
        await checks.check_due()
        pauses.append(await minutes_left(payment))
    assert pauses == [2, 4, 8, 16, 32, 64, 128, 256, 360, 360]
    assert till.looked_up == [payment.code] * 10


async def test_an_order_of_days_ago_is_not_asked_about_any_more(order: Buying, till: Till) -> None:
    payment = await make_due(await order())
    await db.execute("UPDATE botapp_payment SET created_at = now() - interval '71 hours'")
    await checks.look(await get(payment.code))
    assert (await get(payment.code)).next_check_at is not None
    await db.execute("UPDATE botapp_payment SET created_at = now() - interval '73 hours'")
    await checks.look(await get(payment.code))
    assert (await get(payment.code)).next_check_at is None


@pytest.mark.parametrize("fault", [GatewayUnavailable("502"), GatewayRefused("401")])
async def test_a_gateway_in_trouble_is_asked_later(
    order: Buying, till: Till, fault: GatewayUnavailable | GatewayRefused
) -> None:
    payment = await make_due(await order())
    till.faults.append(fault)
    await checks.check_due()
    assert await minutes_left(payment) == 2
    assert (await get(payment.code)).status is PaymentStatus.PENDING


async def test_a_gateway_that_was_switched_off_is_asked_later(order: Buying) -> None:
    payment = await make_due(await order())
    await gateways.disconnect()
    assert (await checks.look(payment)).status is PaymentStatus.PENDING
    assert await minutes_left(payment) == 2


async def test_a_failure_is_found_too_and_money_may_still_come(order: Buying, buyer: User, till: Till) -> None:
    payment = await make_due(await order())
    till.answers[payment.code] = paid(payment, outcome=Outcome.FAILED, reason="declined")
    assert (await checks.look(payment)).status is PaymentStatus.FAILED
    till.answers[payment.code] = paid(payment)
    await make_due(payment)
    await checks.check_due()
    assert await balance(buyer) == "100.00"


async def test_the_schedule_closes_orders_whose_time_is_over(order: Buying) -> None:
    payment = await order()
    await db.execute("UPDATE botapp_payment SET expires_at = now() - interval '1 second'")
    await checks.check_due()
    assert (await get(payment.code)).status is PaymentStatus.EXPIRED


async def test_a_refund_that_was_forgotten_is_carried_out(order: Buying, till: Till) -> None:
    payment = await order()
    await crediting.receive(paid(payment))
    async with db.transaction():
        await refunds.refund(payment.code, actor="test", reason="test")
    await make_due(payment)
    assert await checks.check_due() == 1
    assert (await get(payment.code)).status is PaymentStatus.REFUNDED
    assert (len(till.refunded), till.looked_up) == (1, [])


async def test_a_payment_that_needs_nothing_is_let_go(order: Buying, till: Till) -> None:
    payment = await order()
    await crediting.receive(paid(payment))
    await make_due(payment)
    await db.execute("DELETE FROM botapp_outbox")
    conftest.flushed.clear()
    assert await checks.check_due() == 1
    assert (await get(payment.code)).next_check_at is None
    assert (await conftest.tasks(), conftest.flushed) == ([("bot.tell_payment", payment.code)], [1])


async def test_a_refund_that_waits_for_its_time_is_not_disturbed_by_a_look(order: Buying) -> None:
    payment = await order()
    await crediting.receive(paid(payment))
    async with db.transaction():
        begun = await refunds.refund(payment.code, actor="test", reason="test")
    assert (await checks.look(begun)).next_check_at == begun.next_check_at


async def test_two_checkers_ask_about_different_payments(order: Buying, till: Till) -> None:
    for _ in range(6):
        await make_due(await order())
    claimed = await asyncio.gather(*(repository.due(limit=3) for _ in range(3)))
    assert sorted(len(batch) for batch in claimed) == [0, 3, 3]
    assert len({payment.id for batch in claimed for payment in batch}) == 6
    assert await repository.due() == []


async def test_a_claim_of_a_checker_that_died_ends_after_a_minute(order: Buying) -> None:
    payment = await make_due(await order())
    [claimed] = await repository.due()
    assert claimed.code == payment.code
    assert claimed.chat_id == payment.chat_id
    assert claimed.next_check_at is not None
    assert timedelta(seconds=50) < claimed.next_check_at - datetime.now(UTC) <= timedelta(seconds=60)


async def test_the_longest_overdue_come_first(order: Buying) -> None:
    first, second = await order(), await order()
    await db.execute("UPDATE botapp_payment SET next_check_at = now() - make_interval(mins => id::int)")
    assert [payment.id for payment in await repository.due(limit=1)] == [second.id]
    assert [payment.id for payment in await repository.due()] == [first.id]

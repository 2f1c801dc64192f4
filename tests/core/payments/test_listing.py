"""Payments as operators look for them: filtered, in pages, by what a person quotes."""

from __future__ import annotations

import pytest

from core import db
from core.payments import PaymentNotFound, PaymentStatus, crediting
from core.payments.listing import AmbiguousCode, Filter, named, page, story
from core.users import User
from tests.core.payments.conftest import Buying, paid

pytestmark = pytest.mark.integration


async def test_pages_follow_each_other_newest_first(order: Buying) -> None:
    placed = [await order() for _ in range(5)]
    first = await page(Filter(), limit=2)
    second = await page(Filter(), limit=9, before=first[-1].id)
    assert [one.code for one in first + second] == [one.code for one in reversed(placed)]


async def test_filters_narrow_the_list(order: Buying, buyer: User) -> None:
    waiting, asked, done = [await order() for _ in range(3)]
    for one in (asked, done):
        await crediting.receive(paid(one))
    await db.execute("UPDATE botapp_payment SET refund_requested_at = now() WHERE id = $1", asked.id)

    async def codes(wanted: Filter) -> list[str]:
        return [one.code for one in await page(wanted, limit=10)]

    assert await codes(Filter(status=PaymentStatus.PENDING)) == [waiting.code]
    assert await codes(Filter(is_refund_requested=True)) == [asked.code]
    assert await codes(Filter(chat_id=buyer.chat_id, gateway="till")) == [done.code, asked.code, waiting.code]
    assert await codes(Filter(chat_id=1)) == await codes(Filter(gateway="stars")) == []
    await db.execute("UPDATE botapp_payment SET status = 'refunding' WHERE id = $1", asked.id)
    assert await codes(Filter(is_refund_requested=True)) == [], "what is being refunded waits for nobody"


async def test_money_of_nobody_is_found_by_who_paid_it(order: Buying) -> None:
    held = await crediting.receive(paid(await order(), "odd", payer=99))
    assert held is not None and held.user_id is None
    assert [one.code for one in await page(Filter(chat_id=99), limit=5)] == [held.code]


async def test_a_payment_is_named_by_code_beginning_and_gateways_id(order: Buying) -> None:
    placed = await order()
    await crediting.receive(paid(placed, "ext-7"))
    for name in (placed.code, placed.code[:8], placed.code[:31], "ext-7"):
        assert (await named(name)).id == placed.id
    for name in (placed.code[:7], "", "%", "_" * 8, "ext", "a\0b", placed.code.upper() + "x"):
        with pytest.raises(PaymentNotFound):
            await named(name)


async def test_two_payments_of_one_gateways_id_are_ambiguous(order: Buying) -> None:
    one, other = await order(), await order()
    await crediting.receive(paid(one, other.code[:8]))
    with pytest.raises(AmbiguousCode):
        await named(other.code[:8])


async def test_the_story_is_told_in_order(order: Buying) -> None:
    placed = await order()
    payment = await crediting.receive(paid(placed, "ext-8"))
    assert payment is not None
    assert [(step.event, step.detail) for step in await story(payment)] == [("ordered", "till"), ("paid", "ext-8")]
    held = await crediting.receive(paid(placed, "ext-9"))
    assert held is not None
    assert [step.event for step in await story(held)] == ["came"]

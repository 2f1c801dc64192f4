"""Whether an order may be paid now: by whom, at which price, in which state, and in whose language a no is put."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core import db, users
from core.payments import Payment, PaymentStatus
from core.payments.checkout import Question, Refusal, decide
from core.users import User
from tests.core.payments.conftest import Buying, newcomer

pytestmark = pytest.mark.integration


def question(placed: Payment, **changes: Any) -> Question:
    """What its buyer is asked about exactly this order."""
    assert placed.chat_id is not None
    asked = Question(placed.gateway, placed.code, placed.chat_id, placed.amount, placed.currency)
    return replace(asked, **changes)


async def test_the_order_as_it_was_placed_may_be_paid(order: Buying, buyer: User) -> None:
    decision = await decide(question(await order()))
    assert (decision.refusal, decision.language) == (None, buyer.language)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"code": None}, Refusal.UNKNOWN),
        ({"code": "0" * 32}, Refusal.UNKNOWN),
        ({"code": "nonsense"}, Refusal.UNKNOWN),
        ({"gateway": "bank"}, Refusal.UNKNOWN),
        ({"amount": Decimal("4.99")}, Refusal.OTHER_PRICE),
        ({"amount": Decimal("5.01")}, Refusal.OTHER_PRICE),
        ({"currency": "EUR"}, Refusal.OTHER_PRICE),
        ({"payer": 1}, Refusal.NOT_YOURS),
    ],
)
async def test_anything_else_may_not(order: Buying, changes: dict[str, Any], refusal: Refusal) -> None:
    assert (await decide(question(await order(), **changes))).refusal is refusal


async def test_somebody_elses_order_is_refused_in_the_payers_language(order: Buying) -> None:
    stranger = await newcomer()
    await users.set_language(stranger.id, "en")
    decision = await decide(question(await order(), payer=stranger.chat_id))
    assert (decision.refusal, decision.language) == (Refusal.NOT_YOURS, "en")


async def test_a_stranger_has_no_language_yet(order: Buying) -> None:
    assert (await decide(question(await order(), payer=1))).language is None


@pytest.mark.parametrize(
    ("status", "refusal"),
    [
        (PaymentStatus.FAILED, None),
        (PaymentStatus.EXPIRED, Refusal.EXPIRED),
        (PaymentStatus.QUARANTINED, Refusal.PAID),
    ],
)
async def test_only_what_waits_for_its_money_may_be_paid(
    order: Buying, status: PaymentStatus, refusal: Refusal | None
) -> None:
    placed = await order()
    await db.execute(
        "UPDATE botapp_payment SET status = $2, problem = 'test', external_id = 'x' WHERE id = $1",
        placed.id,
        status.value,
    )
    assert (await decide(question(placed))).refusal is refusal


@pytest.mark.parametrize(("left", "refusal"), [(timedelta(seconds=30), None), (timedelta(), Refusal.EXPIRED)])
async def test_an_order_ends_with_its_hour(order: Buying, left: timedelta, refusal: Refusal | None) -> None:
    placed = await order()
    await db.execute("UPDATE botapp_payment SET expires_at = now() + $2::interval WHERE id = $1", placed.id, left)
    assert (await decide(question(placed))).refusal is refusal


async def test_who_is_blocked_hears_nothing_of_the_order(order: Buying, buyer: User) -> None:
    placed = await order()
    await db.execute("UPDATE botapp_tguser SET is_blocked = true WHERE id = $1", buyer.id)
    assert (await decide(question(placed))).refusal is Refusal.BLOCKED
    assert (await decide(question(placed, code="nonsense"))).refusal is Refusal.BLOCKED

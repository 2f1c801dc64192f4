"""`verify` finds every way in which payments, bonuses and the statement can disagree."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from core import db, ledger, redis, users
from core.bonuses import codes, promo
from core.ledger import PostingKind
from core.payments import Payment, crediting, gateways, orders, packages, refunds
from core.payments.orders import Purchase
from core.queue import outbox
from core.settings import Settings
from core.types import UserId
from tests.core.ledger.conftest import charged, found, key, plant, somebody
from tests.core.payments.conftest import paid
from tests.core.payments.till import Till

pytestmark = pytest.mark.integration


@pytest.fixture
async def payment(database: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Payment]:
    """Somebody bought 100 tokens, their first ones, and has 120."""

    async def publish_nothing(**_: Any) -> int:
        return 0

    monkeypatch.setattr(outbox, "flush", publish_nothing)
    await redis.connect(database)
    await packages.seed()
    gateways.use(Till())
    fox = await users.upsert(users.Profile(4242, "fox", "Fox"))
    ordered = await orders.place(Purchase(user=fox, package="tokens-100", gateway="till", key=key()))
    credited = await crediting.receive(paid(ordered, external_id="charge-1"))
    assert credited is not None
    yield credited
    await gateways.disconnect()
    await redis.disconnect()


async def refunded(payment: Payment) -> None:
    """Give the money back."""
    async with db.transaction():
        await refunds.refund(payment.code, actor="token:ops", reason="asked for it")
    await refunds.carry_out(payment.code)


async def person(payment: Payment) -> int:
    """Whose payment it is."""
    assert payment.user_id is not None
    return payment.user_id


async def promo_used(payment: Payment, *, tokens: str = "5") -> None:
    """The buyer uses a promo code."""
    async with db.transaction():
        await codes.create(codes.NewCode("SUMMER", Decimal(tokens), max_uses=10))
    await promo.redeem(UserId(await person(payment)), "summer", datetime.now(UTC))


async def test_a_payment_that_was_bought_refunded_and_rewarded_agrees(payment: Payment) -> None:
    await promo_used(payment)
    await refunded(payment)
    assert await found() == {}


async def test_a_paid_payment_without_its_deposit_is_found(payment: Payment) -> None:
    await plant(
        "UPDATE botapp_payment SET transaction_id = (SELECT id FROM botapp_transaction WHERE type = 'bonus')",
    )
    problems = await found()
    assert set(problems) == {"payment_without_deposit", "deposit_without_payment"}
    assert problems["payment_without_deposit"] == f"payment {payment.code}: it is paid and made no deposit"


async def test_a_deposit_without_a_payment_is_found(database: Settings) -> None:
    user = await somebody()
    posting = await ledger.post(user, Decimal(7), PostingKind.DEPOSIT, key=key())
    assert await found() == {
        "deposit_without_payment": f"posting {posting.id}: user {user} was given 7.00 for no payment"
    }


@pytest.mark.parametrize(
    "change",
    ["tokens = 99", "user_id = (SELECT max(id) FROM botapp_tguser)", "code = repeat('f', 32)"],
    ids=["tokens", "user", "key"],
)
async def test_a_deposit_of_other_tokens_or_of_another_user_is_found(payment: Payment, change: str) -> None:
    await somebody()
    await plant(f"UPDATE botapp_payment SET {change}")
    assert list(await found()) == ["deposit_differs_from_payment"]


async def test_a_refunded_payment_whose_tokens_stayed_is_found_with_its_bonus(payment: Payment) -> None:
    await plant("UPDATE botapp_payment SET status = 'refunded', refunded_at = now()")
    problems = (await ledger.verify()).problems
    assert [problem.kind for problem in problems] == ["refunded_payment_keeps_tokens"] * 2
    assert [problem.detail.partition(" of ")[2] for problem in sorted(problems, key=lambda one: one.detail)] == [
        "100.00 was not taken back",
        "20.00 was not taken back",
    ]


async def test_a_bonus_that_stayed_after_a_refund_is_found(payment: Payment) -> None:
    user = await person(payment)
    await refunded(payment)
    await ledger.give_once(
        UserId(user), Decimal(3), PostingKind.BONUS, key=key(), reason="late", related=payment.transaction_id
    )
    assert list(await found()) == ["refunded_payment_keeps_tokens"]


async def test_tokens_taken_back_for_a_payment_that_was_kept_are_found(payment: Payment) -> None:
    await refunded(payment)
    await plant("UPDATE botapp_payment SET status = 'paid', refunded_at = NULL")
    assert list(await found()) == ["reversal_of_kept_payment"]


async def test_a_reversal_of_another_amount_is_found(payment: Payment) -> None:
    await refunded(payment)
    await plant("UPDATE botapp_transaction SET amount = -99 WHERE type = 'reversal' AND amount = -100")
    assert "reversal_differs_from_original" in await found()


async def test_money_in_quarantine_is_found_until_somebody_dealt_with_it(payment: Payment) -> None:
    odd = await crediting.receive(paid(payment, external_id="another", amount=Decimal("4.99")))
    assert odd is not None
    assert await found() == {
        "unmatched_payment": f"payment {odd.code}: 4.99 USD over till in quarantine: {odd.problem}"
    }
    await refunded(odd)
    assert await found() == {}


@pytest.mark.parametrize("column", ["current_uses", "total_given"])
async def test_a_promo_counter_that_does_not_match_is_found(payment: Payment, column: str) -> None:
    await promo_used(payment)
    await plant(f"UPDATE botapp_promocode SET {column} = {column} + 1")
    problem = (await found())["promo_counters_differ"]
    assert problem.startswith("promo code SUMMER: says ")
    assert problem.endswith("; redemptions say 1, 5.00")


async def test_a_lost_redemption_is_found_from_both_sides(payment: Payment) -> None:
    await promo_used(payment)
    await plant("DELETE FROM botapp_promoredemption")
    assert set(await found()) == {"promo_counters_differ", "promo_bonus_without_redemption"}


async def test_a_referral_reward_of_nobody_is_found(payment: Payment) -> None:
    user = UserId(await person(payment))
    given = await ledger.give_once(user, Decimal(10), PostingKind.REFERRAL, key=key(), reason="friend_paid")
    assert given is not None
    assert await found() == {
        "referral_differs_from_posting": f"posting {given.id}: posting says user {user}, the inviter is user nobody"
    }


async def test_a_referral_that_names_somebody_elses_posting_is_found(payment: Payment) -> None:
    buyer, inviter = UserId(await person(payment)), await somebody()
    await ledger.give_once(buyer, Decimal(10), PostingKind.REFERRAL, key=key(), reason="friend_paid")
    await plant(
        f"""INSERT INTO botapp_referral (inviter_id, invitee_id, transaction_id)
        SELECT {inviter}, {buyer}, id FROM botapp_transaction WHERE type = 'referral'"""
    )
    problem = (await found())["referral_differs_from_posting"]
    assert problem.endswith(f"posting says user {buyer}, the inviter is user {inviter}")


async def test_a_daily_reward_that_names_no_daily_bonus_is_found(payment: Payment) -> None:
    await plant(
        f"""INSERT INTO botapp_dailyreward (user_id, day, transaction_id)
        VALUES ({payment.user_id}, '2026-11-22', {payment.transaction_id})"""
    )
    assert list(await found()) == ["daily_reward_differs_from_posting"]


async def test_refunds_above_their_charge_are_found(database: Settings) -> None:
    user = await somebody("10")
    charge = await charged(user, "1")
    await ledger.refund(charge.id, key=key())
    await plant(
        f"""INSERT INTO botapp_transaction (user_id, type, amount, balance_after, idempotency_key,
            related_transaction_id) VALUES ({user}, 'refund', 1, 11, 'planted', {charge.id})""",
        "UPDATE botapp_userbalance SET balance = 11, total_spent = -1",
    )
    problems = await found()
    assert set(problems) == {"charge_without_generation", "charge_differs_from_refunds", "refunds_above_charge"}
    assert problems["refunds_above_charge"] == f"posting {charge.id}: took 1.00, refunds gave 2.00"

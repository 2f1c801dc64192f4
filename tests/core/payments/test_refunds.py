"""Money goes back: the tokens first, at once and only once; then the money, until the gateway has done it."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core import db, ledger
from core.payments import Payment, PaymentNotFound, PaymentStatus, crediting, gateways, get, orders, refunds, tasks
from core.payments.gateways.base import GatewayRefused, GatewayUnavailable, Outcome, RefundIsManual
from core.payments.refunds import NotRefundable, TokensSpent
from core.users import User
from tests.core.payments import conftest
from tests.core.payments.conftest import (
    Buying,
    assert_books_agree,
    balance,
    newcomer,
    paid,
    purchase,
    spend,
    statement,
)
from tests.core.payments.till import Till

pytestmark = pytest.mark.integration


@pytest.fixture
async def bought(order: Buying) -> Payment:
    """100 tokens that were paid for; the outbox is empty."""
    payment = await crediting.receive(paid(await order(), "charge-1"))
    assert payment is not None
    await db.execute("DELETE FROM botapp_outbox")
    return payment


async def give_back(
    payment: Payment, *, write_off: bool = False, is_done_outside: bool = False, actor: str = "token:laptop"
) -> Payment:
    """Refund in a transaction of its own, as an operator's command does."""
    async with db.transaction():
        return await refunds.refund(
            payment.code, actor=actor, reason="unhappy", write_off=write_off, is_done_outside=is_done_outside
        )


async def test_a_refund_takes_the_tokens_and_asks_for_the_money(bought: Payment, buyer: User, till: Till) -> None:
    begun = await give_back(bought)
    assert begun.status is PaymentStatus.REFUNDING
    assert begun.next_check_at is not None
    assert timedelta(seconds=30) < begun.next_check_at - datetime.now(UTC) <= timedelta(minutes=1)
    assert await balance(buyer) == "0.00"
    assert (await ledger.statement(buyer.id, limit=1))[0].reason == "unhappy"
    assert (await statement(buyer))[-1] == ("reversal", "-100.00", "token:laptop")
    assert await conftest.tasks() == [("payments.refund", bought.code)]
    assert till.refunded == []
    await assert_books_agree()


async def test_the_money_is_returned_once_and_the_user_is_told(bought: Payment, till: Till) -> None:
    await give_back(bought)
    conftest.flushed.clear()
    await tasks.refund(code=bought.code)
    await tasks.refund(code=bought.code)
    assert conftest.flushed == [2]
    done = await get(bought.code)
    assert (done.status, done.next_check_at) == (PaymentStatus.REFUNDED, None)
    assert done.refunded_at is not None
    assert [(payment.external_id, str(payment.amount)) for payment in till.refunded] == [("charge-1", "5.00")]
    assert (await conftest.tasks())[1:] == [("bot.tell_payment", bought.code)]


async def test_tokens_that_came_with_the_payment_go_with_it(till: Till) -> None:
    user = await newcomer()
    payment = await orders.place(purchase(user))
    await crediting.receive(paid(payment))
    assert await balance(user) == "120.00"
    await give_back(payment)
    assert await balance(user) == "0.00"
    assert [(kind, amount) for kind, amount, _ in (await statement(user))[2:]] == [
        ("reversal", "-100.00"),
        ("reversal", "-20.00"),
    ]
    await assert_books_agree()


async def test_what_others_got_for_the_payment_stays_theirs(bought: Payment, buyer: User) -> None:
    inviter = await newcomer()
    await ledger.post(
        inviter.id,
        Decimal(10),
        ledger.PostingKind.REFERRAL,
        key=conftest.key(),
        related=bought.transaction_id,
    )
    await give_back(bought)
    assert (await balance(buyer), await balance(inviter)) == ("0.00", "10.00")


async def test_tokens_of_other_payments_stay(bought: Payment, order: Buying, buyer: User) -> None:
    await crediting.receive(paid(await order(package="tokens-200")))
    await give_back(bought)
    assert await balance(buyer) == "200.00"


async def test_a_refund_of_spent_tokens_is_refused_with_the_numbers(bought: Payment, buyer: User, till: Till) -> None:
    await spend(buyer, "30.50")
    with pytest.raises(
        TokensSpent, match=r"gave 100\.00 tokens and the user has 69\.50 left: 30\.50 are spent"
    ) as caught:
        await give_back(bought)
    assert (str(caught.value.given), str(caught.value.balance), str(caught.value.missing)) == (
        "100.00",
        "69.50",
        "30.50",
    )
    assert caught.value.code == "tokens_spent"
    assert (await get(bought.code)).status is PaymentStatus.PAID
    assert await balance(buyer) == "69.50"
    assert await conftest.tasks() == []


async def test_exactly_enough_tokens_are_enough(bought: Payment, buyer: User) -> None:
    await ledger.post(buyer.id, Decimal("30.50"), ledger.PostingKind.DEPOSIT, key=conftest.key())
    await spend(buyer, "30.50")
    await give_back(bought)
    assert await balance(buyer) == "0.00"


async def test_an_operator_writes_the_difference_off_as_a_posting_of_its_own(bought: Payment, buyer: User) -> None:
    await spend(buyer, "30.50")
    await give_back(bought, write_off=True)
    assert await balance(buyer) == "0.00"
    assert (await statement(buyer))[-2:] == [
        ("admin", "30.50", "token:laptop"),
        ("reversal", "-100.00", "token:laptop"),
    ]
    written_off = (await ledger.statement(buyer.id))[1]
    assert written_off.reason == "unhappy"
    assert written_off.related == bought.transaction_id
    await assert_books_agree()


async def test_nothing_is_written_off_where_nothing_is_missing(bought: Payment, buyer: User) -> None:
    await give_back(bought, write_off=True)
    assert [kind for kind, _, _ in await statement(buyer)].count("admin") == 0
    assert await balance(buyer) == "0.00"


async def test_refunds_at_once_take_the_tokens_once(bought: Payment, buyer: User) -> None:
    answers = await asyncio.gather(*(give_back(bought, actor=f"token:{number}") for number in range(15)))
    assert {answer.status for answer in answers} == {PaymentStatus.REFUNDING}
    assert await balance(buyer) == "0.00"
    assert len(await conftest.tasks()) == 1
    await assert_books_agree()


async def test_a_refund_and_spending_at_once_never_give_both(bought: Payment, buyer: User) -> None:
    outcomes = await asyncio.gather(give_back(bought), *(spend(buyer, "10") for _ in range(5)), return_exceptions=True)
    is_refunded = not isinstance(outcomes[0], BaseException)
    spent = sum(not isinstance(outcome, BaseException) for outcome in outcomes[1:])
    assert not (is_refunded and spent)
    assert await ledger.balance_of(buyer.id) == (0 if is_refunded else 100 - 10 * spent)
    await assert_books_agree()


@pytest.mark.parametrize("status", ["pending", "failed", "expired"])
async def test_an_order_without_money_gives_nothing_back(order: Buying, status: str) -> None:
    payment = await order()
    await db.execute("UPDATE botapp_payment SET status = $1 WHERE status <> $1", status)
    with pytest.raises(NotRefundable, match=f"is {status}: there is nothing to give back") as caught:
        await give_back(payment, is_done_outside=True)
    assert caught.value.payment.code == payment.code
    assert await conftest.tasks() == []


async def test_an_unknown_payment_gives_nothing_back(till: Till) -> None:
    with pytest.raises(PaymentNotFound):
        async with db.transaction():
            await refunds.refund("0" * 32, actor="test", reason="test")


async def test_a_payment_that_was_refunded_stays_as_it_is(bought: Payment, till: Till) -> None:
    await give_back(bought)
    done = await refunds.carry_out(bought.code)
    assert (done, done.status) == (await get(bought.code), PaymentStatus.REFUNDED)
    assert await give_back(bought) == done
    assert await give_back(bought, is_done_outside=True) == done
    assert len(await conftest.tasks()) == 2


async def test_money_in_quarantine_is_returned_without_touching_any_balance(
    order: Buying, buyer: User, till: Till
) -> None:
    held = await crediting.receive(paid(await order(), "charge-1", amount=Decimal(1)))
    assert held is not None
    begun = await give_back(held)
    assert (begun.status, begun.problem) == (PaymentStatus.REFUNDING, held.problem)
    await refunds.carry_out(held.code)
    assert (await get(held.code)).status is PaymentStatus.REFUNDED
    assert [payment.external_id for payment in till.refunded] == ["charge-1"]
    assert await balance(buyer) == "0.00"


async def test_money_that_went_back_outside_is_only_written_down(bought: Payment, buyer: User, till: Till) -> None:
    done = await give_back(bought, is_done_outside=True)
    assert (done.status, done.next_check_at) == (PaymentStatus.REFUNDED, None)
    assert await balance(buyer) == "0.00"
    assert await conftest.tasks() == [("bot.tell_payment", bought.code)]
    await refunds.carry_out(bought.code)
    assert till.refunded == []


async def test_a_refund_under_way_may_be_done_outside(bought: Payment, buyer: User) -> None:
    await give_back(bought)
    done = await give_back(bought, is_done_outside=True)
    assert done.status is PaymentStatus.REFUNDED
    assert [kind for kind, _, _ in await statement(buyer)].count("reversal") == 1


async def test_a_gateway_that_is_away_is_asked_again_after_a_growing_pause(bought: Payment, till: Till) -> None:
    await give_back(bought)
    pauses = []
    for _ in range(9):
        till.faults.append(GatewayUnavailable("502 " + "x" * 600))
        before = datetime.now(UTC)
        await refunds.carry_out(bought.code)
        payment = await get(bought.code)
        assert payment.next_check_at is not None
        pauses.append(round((payment.next_check_at - before).total_seconds() / 60))
        assert (payment.status, len(payment.problem)) == (PaymentStatus.REFUNDING, 500)
    assert pauses == [2, 4, 8, 16, 32, 60, 60, 60, 60]
    assert await conftest.tasks() == [("payments.refund", bought.code)]
    await refunds.carry_out(bought.code)
    done = await get(bought.code)
    assert (done.status, done.problem) == (PaymentStatus.REFUNDED, "")


@pytest.mark.parametrize(
    "fault",
    [GatewayRefused("400 the charge is too old"), RefundIsManual("the cabinet only")],
    ids=["refused", "manual"],
)
async def test_a_gateway_that_refuses_leaves_it_to_a_person_who_is_told(
    bought: Payment, till: Till, fault: GatewayRefused | RefundIsManual
) -> None:
    await give_back(bought)
    till.faults.append(fault)
    conftest.flushed.clear()
    left = await refunds.carry_out(bought.code)
    assert conftest.flushed == [2]
    assert left.status is PaymentStatus.REFUNDING
    waiting = await get(bought.code)
    assert (waiting.next_check_at, waiting.problem) == (None, str(fault))
    assert (await conftest.tasks())[1:] == [("bot.alert", f"refund:{bought.code}")]
    text = json.loads(await db.fetch_value("SELECT arguments FROM botapp_outbox WHERE task = 'bot.alert'"))["text"]
    assert str(fault) in text
    assert f'nb payments refund {bought.code} --done-outside --reason "…"' in text


async def test_a_gateway_that_was_switched_off_leaves_it_to_a_person(bought: Payment) -> None:
    await give_back(bought)
    await gateways.disconnect()
    await refunds.carry_out(bought.code)
    assert (await get(bought.code)).problem == "The gateway 'till' is not configured here"


async def test_a_payment_that_is_not_being_refunded_is_not_carried_out(bought: Payment, till: Till) -> None:
    assert await refunds.carry_out(bought.code) == bought
    assert till.refunded == []


async def test_workers_at_once_tell_the_user_once(bought: Payment) -> None:
    await give_back(bought)
    await asyncio.gather(*(refunds.carry_out(bought.code) for _ in range(8)))
    assert [task for task, _ in await conftest.tasks()].count("bot.tell_payment") == 1


async def test_the_gateways_own_news_and_our_task_agree(bought: Payment, buyer: User) -> None:
    await give_back(bought)
    refunded = paid(bought, outcome=Outcome.REFUNDED)
    await asyncio.gather(refunds.carry_out(bought.code), crediting.receive(refunded), crediting.receive(refunded))
    assert (await get(bought.code)).status is PaymentStatus.REFUNDED
    assert [task for task, _ in await conftest.tasks()].count("bot.tell_payment") == 1
    await assert_books_agree()


async def test_what_is_taken_back_and_written_off_is_told(bought: Payment, buyer: User) -> None:
    await spend(buyer, "30")
    async with db.transaction():
        taken = await refunds.take_back(bought, actor="test", reason="test", write_off=True)
    assert (str(taken.tokens), str(taken.written_off)) == ("100.00", "30.00")


async def test_nobody_spends_between_the_look_at_the_balance_and_the_reversal(bought: Payment, buyer: User) -> None:
    async with db.transaction():
        await refunds.refund(bought.code, actor="test", reason="test")
        held = await asyncio.wait({asyncio.create_task(_spend_elsewhere(buyer))}, timeout=0.2)
        assert not held[0]
    [spending] = held[1]
    with pytest.raises(ledger.InsufficientTokens):
        await spending
    assert await balance(buyer) == "0.00"


async def _spend_elsewhere(user: User) -> None:
    db.DB.current_transaction.set(None)
    await spend(user, "100")

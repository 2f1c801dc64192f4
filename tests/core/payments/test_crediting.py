"""What a gateway says becomes tokens once, for the right user and amount; everything else becomes nobody's."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import asyncpg
import pytest

from core import db, ledger
from core.ledger import books
from core.payments import PaymentStatus, crediting, gateways, get, orders, refunds, repository
from core.payments.gateways.base import Outcome, Receipt
from core.users import User
from tests.core.payments import conftest
from tests.core.payments.conftest import (
    Buying,
    assert_books_agree,
    balance,
    newcomer,
    paid,
    payments,
    purchase,
    spend,
    statement,
    tasks,
)
from tests.core.payments.till import Till

pytestmark = pytest.mark.integration

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def other(receipt: Receipt, **fields: Any) -> Receipt:
    """The same receipt but for these fields."""
    return dataclasses.replace(receipt, **fields)


async def problem() -> str:
    """Why the newest payment is where it is."""
    return str(await db.fetch_value("SELECT problem FROM botapp_payment ORDER BY id DESC LIMIT 1"))


async def test_a_payment_gives_the_tokens_of_its_order(order: Buying, buyer: User) -> None:
    payment = await order()
    settled = await crediting.receive(paid(payment, "charge-1", at=NOON))
    assert settled is not None
    assert (settled.status, settled.external_id, settled.paid_at, settled.next_check_at) == (
        PaymentStatus.PAID,
        "charge-1",
        NOON,
        None,
    )
    deposit = await ledger.get(settled.transaction_id or 0)
    assert (deposit.kind.value, str(deposit.amount), deposit.user_id) == ("deposit", "100.00", buyer.id)
    assert (deposit.actor, deposit.reason) == ("gateway:till", f"payment {payment.code}")
    assert deposit.key == crediting.deposit_key(payment.code)
    assert await balance(buyer) == "100.00"
    assert await tasks() == [("bot.tell_payment", payment.code)]
    await assert_books_agree()


async def test_a_payment_without_a_time_was_paid_now(order: Buying) -> None:
    settled = await crediting.receive(paid(await order()))
    assert settled is not None
    assert settled.paid_at is not None
    assert abs(settled.paid_at - datetime.now(UTC)) < timedelta(minutes=1)


async def test_the_first_deposit_brings_its_bonus_over_every_gateway(till: Till, bank: Till) -> None:
    for gateway in ("till", "bank"):
        user = await newcomer()
        payment = await orders.invoice(await orders.place(purchase(user, gateway=gateway)))
        await crediting.receive(paid(payment))
        assert [(kind, amount) for kind, amount, _ in await statement(user)] == [
            ("deposit", "100.00"),
            ("bonus", "20.00"),
        ]


async def test_a_replayed_receipt_credits_nothing_more(order: Buying, buyer: User) -> None:
    receipt = paid(await order())
    first = await crediting.receive(receipt)
    assert [await crediting.receive(receipt) for _ in range(3)] == [first] * 3
    assert await balance(buyer) == "100.00"
    assert len(await tasks()) == 1


async def test_receipts_at_once_credit_once(order: Buying, buyer: User) -> None:
    payment = await order()
    answers = await asyncio.gather(*(crediting.receive(paid(payment)) for _ in range(20)))
    assert {answer.id for answer in answers if answer} == {payment.id}
    assert await balance(buyer) == "100.00"
    assert len(await tasks()) == 1
    await assert_books_agree()


async def test_two_charges_for_one_order_at_once_credit_once_and_keep_the_other(order: Buying, buyer: User) -> None:
    payment = await order()
    await asyncio.gather(*(crediting.receive(paid(payment, f"charge-{number}")) for number in range(5)))
    assert await balance(buyer) == "100.00"
    assert sorted(status for status, _ in await payments()) == ["paid"] + ["quarantined"] * 4
    assert await problem() == f"order {payment.code} is paid already"
    assert sum(task == "bot.alert" for task, _ in await tasks()) == 4


async def test_many_orders_of_a_user_paid_at_once_are_all_credited(order: Buying, buyer: User) -> None:
    placed = [await order() for _ in range(10)]
    await asyncio.gather(*(crediting.receive(paid(payment)) for payment in placed for _ in range(2)))
    assert await balance(buyer) == "1000.00"
    await assert_books_agree()


async def test_no_id_is_credited_twice_whatever_it_is_said_to_pay(order: Buying, buyer: User) -> None:
    first, second = await order(), await order()
    await crediting.receive(paid(first, "charge-1"))
    await crediting.receive(paid(second, "charge-1"))
    assert await balance(buyer) == "100.00"
    assert (await get(second.code)).status is PaymentStatus.PENDING


async def test_ids_of_two_gateways_do_not_meet(order: Buying, buyer: User, bank: Till) -> None:
    bank.next_ids.append("charge-1")
    contracted = await orders.invoice(await orders.place(purchase(buyer, gateway="bank")))
    await crediting.receive(paid(await order(), "charge-1"))
    await crediting.receive(paid(contracted))
    assert await balance(buyer) == "200.00"


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": Decimal("4.99")},
        {"amount": Decimal("5.01")},
        {"amount": Decimal("100000")},
        {"amount": None},
        {"currency": "RUB"},
        {"currency": "usd"},
        {"currency": None},
        {"payer": 13},
        {"order_code": "0" * 32},
        {"order_code": "not one of our codes"},
        {"order_code": None},
        {"gateway": "bank"},
    ],
    ids=str,
)
async def test_what_fits_no_order_goes_to_quarantine_with_an_alert(
    order: Buying, buyer: User, bank: Till, wrong: dict[str, Any]
) -> None:
    payment = await order()
    receipt = other(paid(payment, "charge-1"), **wrong)
    held = await crediting.receive(receipt)
    assert held is not None
    assert (held.status, held.external_id, int(held.tokens), held.transaction_id) == (
        PaymentStatus.QUARANTINED,
        "charge-1",
        0,
        None,
    )
    assert held.problem
    assert held.id != payment.id
    assert await balance(buyer) == "0.00"
    assert (await get(payment.code)).status is PaymentStatus.PENDING
    assert await tasks() == [("bot.alert", f"quarantine:{receipt.gateway}:charge-1")]
    assert await crediting.receive(receipt) == held
    assert len(await tasks()) == 1


async def test_what_is_held_says_what_came_from_whom_and_for_what(order: Buying, buyer: User) -> None:
    payment = await order()
    held = await crediting.receive(paid(payment, "charge-1", amount=Decimal("450"), currency="RUB"))
    assert held is not None
    assert (str(held.amount), held.currency, held.user_id) == ("450.00", "RUB", buyer.id)
    assert held.problem == f"450 RUB came for order {payment.code} of 5.00 USD"
    assert dict(held.details) == {
        "order": payment.code,
        "payer": buyer.chat_id,
        "amount": "450",
        "currency": "RUB",
    }
    alert = json.loads(await db.fetch_value("SELECT arguments FROM botapp_outbox"))
    assert alert["text"] == (
        f"A payment of 450 RUB over till is in quarantine: 450 RUB came for order {payment.code} of 5.00 USD. "
        "See: nb payments list --status quarantined"
    )


async def test_somebody_elses_order_is_not_paid_by_chance(order: Buying, buyer: User) -> None:
    stranger = await newcomer()
    payment = await order()
    held = await crediting.receive(paid(payment, payer=stranger.chat_id))
    assert held is not None
    assert held.problem == f"Telegram user {stranger.chat_id} paid order {payment.code} of {buyer.chat_id}"
    assert held.user_id == stranger.id
    assert (await balance(buyer), await balance(stranger)) == ("0.00", "0.00")


async def test_a_gateway_that_does_not_know_who_paid_is_believed_for_its_order(order: Buying, buyer: User) -> None:
    await crediting.receive(paid(await order(), payer=None))
    assert await balance(buyer) == "100.00"


async def test_a_cent_too_little_for_an_invoice_of_the_gateway_holds_the_order_itself(buyer: User, bank: Till) -> None:
    payment = await orders.invoice(await orders.place(purchase(buyer, gateway="bank")))
    held = await crediting.receive(paid(payment, amount=Decimal("4.99")))
    assert held is not None
    assert (held.id, held.status) == (payment.id, PaymentStatus.QUARANTINED)
    assert ((held.amount, held.currency), held.money) == ((payment.amount, "USD"), (Decimal("4.99"), "USD"))
    assert ("bot.tell_payment", payment.code) in await tasks()
    await crediting.receive(paid(payment))
    assert await balance(buyer) == "0.00"


async def test_the_books_hold_the_money_that_came_and_not_what_was_agreed(buyer: User, bank: Till) -> None:
    payment = await orders.invoice(await orders.place(purchase(buyer, gateway="bank")))
    await crediting.receive(paid(payment, amount=Decimal(450), currency="RUB"))
    page = await books.read(books.Position(is_in_payments=True, row=0), limit=10)
    held = next(entry for entry in page.entries if entry.reference == payment.code)
    assert {(str(line.amount), line.commodity) for line in held.lines} == {("450.00", "RUB"), ("-450.00", "RUB")}
    found = [one.detail for one in (await ledger.verify()).problems if one.subject == f"payment {payment.code}"]
    assert found[0].startswith("450.00 RUB over bank in quarantine")
    assert await payments() == [("quarantined", payment.external_id)]


@pytest.mark.parametrize(
    ("amount", "currency", "kept"),
    [
        (Decimal("1e15"), "USD", "9999999999.99"),
        (Decimal("-5"), "USD", "0.00"),
        (Decimal("1e-999999999"), "USD", "0.00"),
        (Decimal("1"), "ROUBLES", "1.00"),
        (Decimal(0), "", "0.00"),
    ],
)
async def test_money_of_any_shape_is_held(order: Buying, amount: Decimal, currency: str, kept: str) -> None:
    held = await crediting.receive(paid(await order(), amount=amount, currency=currency))
    assert held is not None
    assert (held.status, str(held.amount)) == (PaymentStatus.QUARANTINED, kept)
    assert held.details["amount"] == str(amount)
    assert len(held.currency) == 3


async def test_an_order_under_a_contract_is_not_paid_under_another(buyer: User, bank: Till) -> None:
    payment = await orders.invoice(await orders.place(purchase(buyer, gateway="bank")))
    held = await crediting.receive(paid(payment, "contract-of-somebody"))
    assert held is not None
    assert held.problem == f"order {payment.code} is paid under another id"
    assert (await get(payment.code)).status is PaymentStatus.PENDING
    await crediting.receive(paid(payment))
    assert await balance(buyer) == "100.00"


@pytest.mark.parametrize("status", ["failed", "expired"])
async def test_money_that_comes_late_is_credited(order: Buying, buyer: User, status: str) -> None:
    payment = await order()
    await db.execute("UPDATE botapp_payment SET status = $1", status)
    await crediting.receive(paid(payment))
    assert await balance(buyer) == "100.00"


async def test_a_failure_is_written_down_and_told_once(order: Buying, buyer: User) -> None:
    payment = await order()
    failure = paid(payment, outcome=Outcome.FAILED, reason="card declined" + "!" * 600)
    for _ in range(3):
        failed = await crediting.receive(failure)
    assert failed is not None
    assert (failed.status, failed.problem[:13], len(failed.problem)) == (PaymentStatus.FAILED, "card declined", 500)
    assert await tasks() == [("bot.tell_payment", payment.code)]
    assert await balance(buyer) == "0.00"


async def test_a_failure_of_an_expired_order_is_told(order: Buying) -> None:
    payment = await order()
    await db.execute("UPDATE botapp_payment SET status = 'expired'")
    failed = await crediting.receive(paid(payment, outcome=Outcome.FAILED))
    assert failed is not None
    assert failed.status is PaymentStatus.FAILED


async def test_a_failure_after_the_payment_changes_nothing(order: Buying, buyer: User) -> None:
    payment = await order()
    settled = await crediting.receive(paid(payment))
    assert await crediting.receive(paid(payment, outcome=Outcome.FAILED)) == settled
    assert await balance(buyer) == "100.00"
    assert len(await tasks()) == 1


async def test_a_failure_under_another_id_says_nothing_of_the_order(buyer: User, bank: Till) -> None:
    payment = await orders.invoice(await orders.place(purchase(buyer, gateway="bank")))
    await crediting.receive(paid(payment, "contract-of-somebody", outcome=Outcome.FAILED))
    assert (await get(payment.code)).status is PaymentStatus.PENDING


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.PENDING, Outcome.CANCELLED])
async def test_news_of_nothing_that_we_know_is_nothing(order: Buying, outcome: Outcome) -> None:
    unknown = paid(await order(), "charge-1", order_code=None, outcome=outcome)
    assert await crediting.receive(unknown) is None
    assert len(await payments()) == 1
    assert await tasks() == []


async def test_a_pending_payment_stays_as_it_is(order: Buying) -> None:
    payment = await order()
    assert await crediting.receive(paid(payment, outcome=Outcome.PENDING)) == payment


async def test_a_refund_made_at_the_gateway_takes_the_tokens_back(order: Buying, buyer: User) -> None:
    payment = await order()
    settled = await crediting.receive(paid(payment))
    for _ in range(2):
        refunded = await crediting.receive(paid(payment, outcome=Outcome.REFUNDED))
    assert refunded is not None
    assert settled is not None
    assert (refunded.status, refunded.transaction_id) == (PaymentStatus.REFUNDED, settled.transaction_id)
    assert refunded.refunded_at is not None
    assert await balance(buyer) == "0.00"
    assert (await statement(buyer))[-1] == ("reversal", "-100.00", "gateway:till")
    assert await tasks() == [("bot.tell_payment", payment.code)] * 2
    await assert_books_agree()


async def test_a_refund_made_at_the_gateway_of_spent_tokens_leaves_nobody_in_debt(order: Buying, buyer: User) -> None:
    payment = await order()
    await crediting.receive(paid(payment))
    await spend(buyer, "70")
    await crediting.receive(paid(payment, outcome=Outcome.REFUNDED))
    assert await balance(buyer) == "0.00"
    assert [(kind, amount) for kind, amount, _ in (await statement(buyer))[-2:]] == [
        ("admin", "70.00"),
        ("reversal", "-100.00"),
    ]
    await assert_books_agree()


async def test_a_refund_that_we_asked_for_is_done_when_the_gateway_says_so(order: Buying, buyer: User) -> None:
    payment = await order()
    await crediting.receive(paid(payment))
    async with db.transaction():
        await refunds.refund(payment.code, actor="test", reason="wanted")
    await crediting.receive(paid(payment, outcome=Outcome.REFUNDED))
    assert (await get(payment.code)).status is PaymentStatus.REFUNDED
    assert [kind for kind, _, _ in await statement(buyer)].count("reversal") == 1


async def test_a_refund_of_money_in_quarantine_needs_nothing_more(order: Buying) -> None:
    receipt = paid(await order(), "charge-1", amount=Decimal(1))
    await crediting.receive(receipt)
    refunded = await crediting.receive(other(receipt, outcome=Outcome.REFUNDED))
    assert refunded is not None
    assert refunded.status is PaymentStatus.REFUNDED
    assert refunded.problem.startswith("1 USD came")


@pytest.mark.parametrize("gateway", ["till", "bank"])
async def test_a_refund_that_overtakes_its_payment_keeps_it_from_being_credited(
    buyer: User, till: Till, bank: Till, gateway: str
) -> None:
    payment = await orders.invoice(await orders.place(purchase(buyer, gateway=gateway)))
    receipt = paid(payment)
    await crediting.receive(other(receipt, outcome=Outcome.REFUNDED))
    late = await crediting.receive(receipt)
    assert late is not None
    assert late.status is PaymentStatus.REFUNDED
    assert late.problem == "it was refunded before we heard that it was paid"
    assert await balance(buyer) == "0.00"
    assert "deposit" not in {kind for kind, _, _ in await statement(buyer)}


@pytest.mark.parametrize("news", list(permutations([Outcome.PAID, Outcome.FAILED, Outcome.REFUNDED])), ids=str)
async def test_news_in_any_order_end_with_nobody_owing_anything(
    order: Buying, buyer: User, news: tuple[Outcome, ...]
) -> None:
    payment = await order()
    for outcome in (*news, *news):
        await crediting.receive(paid(payment, outcome=outcome))
    assert await balance(buyer) == "0.00"
    await assert_books_agree()


async def test_a_crash_in_the_middle_leaves_nothing_and_the_next_time_credits(order: Buying, buyer: User) -> None:
    payment = await order()
    await db.execute("ALTER TABLE botapp_outbox ADD CONSTRAINT crash CHECK (task <> 'bot.tell_payment')")
    with pytest.raises(asyncpg.CheckViolationError):
        await crediting.receive(paid(payment))
    assert await balance(buyer) == "0.00"
    assert (await get(payment.code)) == payment
    await db.execute("ALTER TABLE botapp_outbox DROP CONSTRAINT crash")
    await crediting.receive(paid(payment))
    assert await balance(buyer) == "100.00"


async def test_what_happens_to_one_id_happens_one_after_the_other(order: Buying, buyer: User) -> None:
    payment = await order()
    async with db.transaction():
        await repository.lock_external_id("till", "charge-1")
        waiting = asyncio.create_task(_in_its_own_context(crediting.receive(paid(payment, "charge-1"))))
        done, _ = await asyncio.wait({waiting}, timeout=0.2)
        assert not done
    await waiting
    assert await balance(buyer) == "100.00"


async def _in_its_own_context(receiving: Any) -> None:
    db.DB.current_transaction.set(None)
    await receiving


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("paid", "pending"),
        ("paid", "failed"),
        ("paid", "quarantined"),
        ("refunded", "paid"),
        ("failed", "pending"),
        ("expired", "pending"),
    ],
)
async def test_a_payment_never_goes_back(order: Buying, before: str, after: str) -> None:
    payment = await order()
    if before in {"paid", "refunded"}:
        await crediting.receive(paid(payment))
    if before == "refunded":
        await crediting.receive(paid(payment, outcome=Outcome.REFUNDED))
    elif before != "paid":
        await db.execute("UPDATE botapp_payment SET status = $1", before)
    with pytest.raises(asyncpg.CheckViolationError, match="does not become"):
        await db.execute("UPDATE botapp_payment SET status = $1", after)


async def test_a_process_without_the_gateway_still_takes_its_news(order: Buying, buyer: User) -> None:
    payment = await order()
    await gateways.disconnect()
    await crediting.receive(paid(payment))
    assert await balance(buyer) == "100.00"


async def test_what_a_receipt_asks_for_is_published_after_its_commit(order: Buying) -> None:
    await crediting.receive(paid(await order()))
    assert conftest.flushed == [1]
    await crediting.quarantine(paid(await order()), "its story does not hold together")
    assert conftest.flushed == [1, 2]


async def test_a_story_that_does_not_hold_together_is_held(order: Buying, buyer: User) -> None:
    payment = await order()
    for _ in range(2):
        held = await crediting.quarantine(paid(payment, "charge-1"), "the gateway knows no such payment")
    assert (held.status, held.problem) == (PaymentStatus.QUARANTINED, "the gateway knows no such payment")
    assert await balance(buyer) == "0.00"
    assert await payments() == [("pending", ""), ("quarantined", "charge-1")]
    assert [task for task, _ in await tasks()] == ["bot.alert"]


async def test_an_invoice_whose_story_does_not_hold_together_holds_its_order(buyer: User, bank: Till) -> None:
    payment = await orders.invoice(await orders.place(purchase(buyer, gateway="bank")))
    held = await crediting.quarantine(paid(payment), "the gateway says something else")
    assert (held.id, held.status) == (payment.id, PaymentStatus.QUARANTINED)


async def test_what_is_settled_stays_settled_whatever_the_story(order: Buying, buyer: User) -> None:
    payment = await crediting.receive(paid(await order(), "charge-1"))
    assert payment is not None
    assert await crediting.quarantine(paid(payment, "charge-1"), "late doubts") == payment
    assert await balance(buyer) == "100.00"

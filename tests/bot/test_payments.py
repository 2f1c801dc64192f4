"""Money that Telegram reports: credited once whatever is repeated, forged or out of order, and never given up."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.cashier import stars
from bot.webhook import SOURCE, is_money, parse_update
from core import db, inbox, ledger
from core.inbox import Inbox
from core.logs import new_trace
from core.payments import PaymentStatus
from core.payments import orders as shop
from core.payments.gateways.stars import MalformedPayment
from core.payments.orders import Purchase
from core.payments.repository import of_user
from core.types import IdempotencyKey
from tests.bot.buying import buy, now, order, orders, paid, refunded
from tests.bot.people import Person, World
from tests.bot.telegram import FakeTelegram

pytestmark = pytest.mark.integration

_updates = itertools.count(950_000)


async def held() -> list[tuple[str, str]]:
    """What is in quarantine: gateway's id and why."""
    rows = await db.fetch("SELECT external_id, problem FROM botapp_payment WHERE status = 'quarantined' ORDER BY id")
    return [(row["external_id"], row["problem"]) for row in rows]


async def alerts() -> list[str]:
    """Keys of the alerts that wait to be sent."""
    rows = await db.fetch("SELECT arguments ->> 'key' AS key FROM botapp_outbox WHERE task = 'bot.alert' ORDER BY id")
    return [row["key"] for row in rows]


async def test_a_payment_is_credited(mia: Person) -> None:
    placed = await buy(mia)
    assert placed.status is PaymentStatus.PAID and await mia.balance() == "170.00"
    assert placed.external_id is not None and placed.paid_at is not None


async def test_a_replayed_payment_is_credited_once(mia: Person) -> None:
    placed = await order(mia)
    message = paid(mia, placed)
    for _ in range(3):
        await mia.update(message=message)
    assert await mia.balance() == "170.00" and await held() == []


async def test_the_same_payment_twenty_times_at_once_is_credited_once(mia: Person, world: World) -> None:
    placed = await order(mia)
    message = paid(mia, placed, "stx-many")
    events = [await world.store({"update_id": next(_updates), "message": message}, mia.id) for _ in range(20)]
    await asyncio.gather(*(world.runtime.handle(event) for event in events))
    assert await mia.balance() == "170.00" and await held() == []
    assert await db.fetch_value("SELECT count(*) FROM botapp_transaction WHERE type = 'deposit'") == 1


async def test_two_payments_of_one_order_are_one_deposit_and_one_case_for_an_operator(
    mia: Person, world: World, telegram: FakeTelegram
) -> None:
    placed = await order(mia)
    await mia.update(message=paid(mia, placed, "stx-first"))
    await mia.update(message=paid(mia, placed, "stx-second"))
    assert await mia.balance() == "170.00"
    assert [charge for charge, _ in await held()] == ["stx-second"]
    await world.work()
    assert "found no order" in telegram.last["text"], "whoever pays twice is told that the money is not lost"


@pytest.mark.parametrize(
    "changes",
    [
        {"total_amount": 384},
        {"total_amount": 1},
        {"total_amount": 386},
        {"currency": "USD"},
        {"invoice_payload": "forged"},
        {"invoice_payload": "0" * 32 + ".AAAAAAAAAAAAAAAAAAAAAAAA"},
    ],
)
async def test_what_fits_no_order_is_held_and_gives_nobody_anything(mia: Person, changes: dict[str, Any]) -> None:
    placed = await order(mia)
    await mia.update(message=paid(mia, placed, "stx-odd", **changes))
    assert await mia.balance() == "50.00" and (await now(placed)).status is PaymentStatus.PENDING
    [(charge, problem)] = await held()
    assert charge == "stx-odd" and problem
    assert await alerts() == ["quarantine:stars:stx-odd"]


async def test_a_payment_by_somebody_else_is_held(mia: Person, masha: Person) -> None:
    placed = await order(mia)
    await masha.update(message=paid(masha, placed, "stx-hers"))
    assert (await mia.balance(), await masha.balance()) == ("50.00", "50.00")
    assert [charge for charge, _ in await held()] == ["stx-hers"]


async def test_money_of_somebody_who_was_shut_out_counts_all_the_same(mia: Person) -> None:
    placed = await order(mia)
    await db.execute("UPDATE botapp_tguser SET is_blocked = true WHERE chat_id = $1", mia.id)
    await mia.update(message=paid(mia, placed))
    assert await mia.balance() == "170.00"


async def test_a_late_payment_of_an_expired_order_is_credited(mia: Person) -> None:
    placed = await order(mia)
    await db.execute("UPDATE botapp_payment SET status = 'expired' WHERE id = $1", placed.id)
    await mia.update(message=paid(mia, placed))
    assert await mia.balance() == "170.00"


async def test_stars_that_telegram_returned_take_the_tokens_back(
    mia: Person, world: World, telegram: FakeTelegram
) -> None:
    placed = await order(mia)
    message = paid(mia, placed)
    await mia.update(message=message)
    await world.work()
    for _ in range(2):
        await mia.update(message=refunded(mia, message))
    await world.work()
    assert await mia.balance() == "50.00" and (await now(placed)).status is PaymentStatus.REFUNDED
    assert "returned 385 ⭐ and took the 120 ⚡" in telegram.last["text"]
    assert (await ledger.verify()).ok


async def test_a_refund_that_overtakes_its_payment_leaves_nothing_behind(mia: Person) -> None:
    placed = await order(mia)
    message = paid(mia, placed)
    await mia.update(message=refunded(mia, message))
    await mia.update(message=message)
    assert await mia.balance() == "50.00" and (await ledger.verify()).ok


async def test_a_subscription_renews_and_its_end_is_told(mia: Person, world: World, telegram: FakeTelegram) -> None:
    await db.execute("UPDATE token_packages SET is_recurring = true WHERE code = 'tokens-100'")
    placed = await subscribed(mia)
    monthly: dict[str, Any] = {"is_recurring": True, "subscription_expiration_date": 1_900_000_000}
    first = paid(mia, placed, **monthly, is_first_recurring=True)
    await mia.update(message=first)
    renewal = paid(mia, placed, "stx-month-2", **monthly)
    for _ in range(2):
        await mia.update(message=renewal)
    await world.work()
    assert await mia.balance() == "270.00" and "Subscription renewed" in telegram.last["text"]
    change = {"user": mia.profile, "invoice_payload": stars().payload(placed), "state": "canceled"}
    await mia.update(subscription=change)
    await world.work()
    ends_at = (await now(placed)).subscription_ends_at
    assert ends_at is not None and ends_at > datetime.now(UTC) + timedelta(days=29)
    assert f"nothing is charged after {ends_at:%d %b %Y}" in telegram.last["text"]
    await mia.update(subscription={**change, "state": "active"})
    assert (await now(placed)).subscription_ends_at is None
    await mia.update(subscription={**change, "state": "failed"})
    assert await mia.balance() == "270.00"


async def subscribed(person: Person) -> Any:
    """An order of a subscription that waits for its money."""
    account = await person.account()
    return await shop.place(Purchase(account, "tokens-100", "stars", IdempotencyKey(f"test:{next(_updates)}")))


MALFORMED: list[dict[str, Any]] = [
    {"successful_payment": {}},
    {"successful_payment": {"telegram_payment_charge_id": "x"}},
    {"successful_payment": None},
    {"successful_payment": "money"},
]


@pytest.mark.parametrize("content", MALFORMED)
async def test_a_payment_that_is_not_understood_is_an_error_and_no_guess(
    mia: Person, world: World, content: dict[str, Any]
) -> None:
    event = await world.store({"update_id": next(_updates), "message": mia.message(**content)}, mia.id)
    assert is_money(event)
    with pytest.raises(MalformedPayment):
        await world.runtime.handle(event)
    assert await of_user((await mia.account()).id) == []


async def test_a_payment_is_tried_until_the_database_takes_it(
    mia: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "MAX_ATTEMPTS", 1)
    monkeypatch.setattr(inbox, "LONGEST_PAUSE", 0.01)
    monkeypatch.setattr(inbox, "IDLE_POLL", 0.02)
    placed = await order(mia)
    await world.inbox.store(*_payment(mia, placed))
    refusing = "ALTER TABLE botapp_transaction ADD CONSTRAINT out_of_order CHECK (type <> 'deposit') NOT VALID"
    await db.execute(refusing)
    consumer = asyncio.create_task(Inbox(SOURCE, is_money).run(world.runtime.handle))
    try:
        await _until(lambda: _value("SELECT attempts FROM botapp_inbox ORDER BY id DESC LIMIT 1"), 3)
        assert await mia.balance() == "50.00" and any(key.startswith("inbox:telegram:") for key in await alerts())
        await db.execute("ALTER TABLE botapp_transaction DROP CONSTRAINT out_of_order")
        await _until(lambda: _value("SELECT count(handled_at) FROM botapp_inbox WHERE subject LIKE 'payment:%'"), 1)
    finally:
        consumer.cancel()
        await asyncio.gather(consumer, return_exceptions=True)
    assert await mia.balance() == "170.00"


def _payment(person: Person, placed: Any) -> tuple[Any, ...]:
    body = json.dumps({"update_id": next(_updates), "message": paid(person, placed)}).encode()
    return (*parse_update(body), new_trace())


async def _value(sql: str) -> int:
    return int(await db.fetch_value(sql) or 0)


async def _until(look: Callable[[], Any], least: int) -> None:
    async with asyncio.timeout(15):
        while await look() < least:
            await asyncio.wait([asyncio.create_task(asyncio.sleep(0.02))])


async def test_two_people_pay_at_once_and_each_is_credited(mia: Person, masha: Person, world: World) -> None:
    events = []
    for person in (mia, masha):
        placed = await order(person, "385")
        update = {"update_id": next(_updates), "message": paid(person, placed)}
        events.append(await world.store(update, person.id))
    await asyncio.gather(*(world.runtime.handle(event) for event in events))
    assert (await mia.balance(), await masha.balance()) == ("170.00", "170.00")
    assert [len(await orders(person)) for person in (mia, masha)] == [1, 1]

"""Buying tokens in the chat: what is offered, for how much, and one order for one press."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from core import db, ledger
from core.payments import PaymentStatus, gateways
from core.payments.gateways.base import GatewayUnavailable
from core.settings import Settings
from tests.bot.buying import buy, labels, order, orders
from tests.bot.people import Person, World
from tests.bot.telegram import FakeTelegram, buttons
from tests.core.payments.till import Till

pytestmark = pytest.mark.integration


async def test_the_list_says_what_a_package_costs_pays_for_and_brings(mia: Person) -> None:
    [shown] = await mia.send("/topup")
    text = shown["text"]
    assert "Your balance is 50 ⚡" in text
    assert "100 ⚡ + 20 🎁  ≈ 150 🖼 or 50 🎬" in text
    assert "1,000 ⚡ + 50 🎁" in text
    assert "Your first top-up brings 20% more, up to 50 ⚡." in text and "Telegram Stars" in text
    assert labels(shown) == ["100 ⚡ · 385 ⭐", "200 ⚡ · 770 ⭐", "500 ⚡ · 1,925 ⭐", "1,000 ⚡ · 3,850 ⭐"]


async def test_the_list_speaks_russian(masha: Person) -> None:
    [shown] = await masha.send("⚡ Пополнить")
    assert "К первому пополнению добавлю 20 % сверху" in shown["text"] and "≈ 150 🖼 или 50 🎬" in shown["text"]
    assert labels(shown)[-1] == "1 000 ⚡ · 3 850 ⭐"


async def test_a_second_top_up_is_promised_nothing(mia: Person) -> None:
    await buy(mia)
    [shown] = await mia.send("/topup")
    assert "🎁" not in shown["text"] and "100 ⚡  ≈ 120 🖼" in shown["text"]


async def test_the_button_under_the_balance_leaves_the_balance_where_it_is(mia: Person, telegram: FakeTelegram) -> None:
    [balance] = await mia.send("/balance")
    [shown] = await mia.tap("t", balance)
    assert "Top up" in shown["text"] and balance["message_id"] in telegram.posted
    assert "Your balance" in telegram.posted[balance["message_id"]]["text"]


async def test_a_press_makes_an_order_and_its_invoice(mia: Person, telegram: FakeTelegram) -> None:
    placed = await order(mia)
    assert (placed.status, placed.tokens, placed.amount, placed.currency) == (
        PaymentStatus.PENDING,
        Decimal("100.00"),
        Decimal("385.00"),
        "XTR",
    )
    payload, amount = telegram.invoices[telegram.last["message_id"]]
    assert payload.startswith(f"{placed.code}.") and amount == 385 and len(payload.encode()) <= 128
    assert telegram.last["invoice"]["title"] == "100 ⚡" and placed.message_id == telegram.last["message_id"]


async def test_an_update_handled_again_orders_once_and_sends_one_invoice(mia: Person, world: World) -> None:
    [shown] = await mia.send("/topup")
    query = mia.query(buttons(shown)["100 ⚡ · 385 ⭐"], shown)
    event = await world.store({"update_id": 910_001, "callback_query": query}, mia.id)
    await world.handle(event)
    await world.handle(event)
    assert len(await orders(mia)) == 1
    assert len(mia.telegram.named("sendInvoice")) == 1


async def test_an_invoice_that_telegram_did_not_take_is_sent_with_the_same_order(mia: Person, world: World) -> None:
    [shown] = await mia.send("/topup")
    query = mia.query(buttons(shown)["100 ⚡ · 385 ⭐"], shown)
    event = await world.store({"update_id": 910_002, "callback_query": query}, mia.id)
    mia.telegram.fail("sendInvoice", lambda _: TimeoutError())
    with pytest.raises(TimeoutError):
        await world.handle(event)
    await world.handle(event)
    assert len(await orders(mia)) == 1 and mia.telegram.last["invoice"]


async def test_a_price_that_changed_is_told_and_not_charged(mia: Person, telegram: FakeTelegram) -> None:
    [shown] = await mia.send("/topup")
    await db.execute("UPDATE token_packages SET stars_amount = 400 WHERE code = 'tokens-100'")
    assert await mia.press("385 ⭐", shown) == []
    assert await orders(mia) == [] and "it is 400 ⭐ now" in mia.toasts[-1]
    assert labels(telegram.posted[shown["message_id"]])[0] == "100 ⚡ · 400 ⭐"


async def test_a_package_that_is_gone_is_not_sold(mia: Person, telegram: FakeTelegram) -> None:
    [shown] = await mia.send("/topup")
    await db.execute("UPDATE token_packages SET is_active = false WHERE code = 'tokens-100'")
    await mia.press("385 ⭐", shown)
    assert await orders(mia) == [] and "gone" in mia.toasts[-1]
    assert len(labels(telegram.posted[shown["message_id"]])) == 3


@pytest.mark.parametrize(
    "data",
    ["b:tokens-100:stars:1", "b:tokens-100:lava:38500", "b:nothing:stars:38500", "b:::", "t:lava", "b:x:stars:-1"],
)
async def test_a_forged_button_sells_nothing(mia: Person, data: str) -> None:
    [shown] = await mia.send("/topup")
    await mia.tap(data, shown)
    assert await orders(mia) == [] and mia.toasts[-1]


async def test_with_nothing_on_sale_that_is_said(mia: Person) -> None:
    await db.execute("UPDATE token_packages SET is_active = false")
    [shown] = await mia.send("/topup")
    assert "not available" in shown["text"] and labels(shown) == []


async def test_a_subscription_is_sold_over_a_link(mia: Person, settings: Settings) -> None:
    monthly = Till("stars")
    gateways.use(monthly)
    await db.execute("UPDATE token_packages SET is_recurring = true WHERE code = 'tokens-100'")
    [shown] = await mia.send("/topup")
    assert labels(shown)[0] == "100 ⚡ every month · $5" and "50 🎬 · every month" in shown["text"]
    [opened] = await mia.press("every month", shown)
    placed = (await orders(mia))[-1]
    assert buttons(opened) == {"Pay $5": f"https://till.test/{placed.code}"} and placed.is_recurring


async def test_another_gateway_stands_below_and_opens_its_page(mia: Person, telegram: FakeTelegram) -> None:
    gateways.use(Till("till"))
    [shown] = await mia.send("/topup")
    assert labels(shown)[-1] == "💳 Another way"
    await mia.press("Another way", shown)
    assert labels(telegram.posted[shown["message_id"]]) == [
        "100 ⚡ · $5",
        "200 ⚡ · $10",
        "500 ⚡ · $25",
        "1,000 ⚡ · $50",
        "⭐ Telegram Stars",
    ]
    [opened] = await mia.press("$5", telegram.posted[shown["message_id"]])
    placed = (await orders(mia))[-1]
    assert "100 ⚡ for $5" in opened["text"] and placed.gateway == "till"
    assert list(buttons(opened).values()) == [f"https://till.test/{placed.code}"]


async def test_a_gateway_that_is_away_is_apologised_for(mia: Person, telegram: FakeTelegram) -> None:
    till = Till("till")
    gateways.use(till)
    till.faults.append(GatewayUnavailable("createInvoice: 502"))
    [shown] = await mia.send("/topup")
    await mia.press("Another way", shown)
    [answer] = await mia.press("$5", telegram.posted[shown["message_id"]])
    assert "Try again in a minute" in answer["text"] and "502" not in answer["text"]


async def test_what_is_bought_is_told_with_its_bonus_and_the_new_balance(mia: Person, telegram: FakeTelegram) -> None:
    await buy(mia)
    assert telegram.last["text"] == (
        "✅ Received 385 ⭐, added 100 ⚡.\n🎁 And 20 ⚡ more for your first top-up.\n\nYour balance is 170 ⚡."
    )
    assert await mia.balance() == "170.00"
    assert (await ledger.verify()).ok


async def test_people_who_buy_at_once_get_each_their_own(somebody: Callable[..., Person]) -> None:
    people = [somebody() for _ in range(3)]
    for person in people:
        await person.send("/start")
        await buy(person)
    assert [await person.balance() for person in people] == ["170.00"] * 3


async def test_a_way_to_pay_that_sells_nothing_has_no_button(mia: Person) -> None:
    gateways.use(Till("till"))
    await db.execute("UPDATE token_packages SET code = code || '-not-here'")
    [shown] = await mia.send("/topup")
    assert len(labels(shown)) == 4 and all("⭐" in label for label in labels(shown))

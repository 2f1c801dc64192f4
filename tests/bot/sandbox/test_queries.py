"""Pressed buttons and payments: the person asks, the bot answers in time or too late."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import CallbackQuery, InaccessibleMessage, LabeledPrice, Message, PreCheckoutQuery
from pytest import MonkeyPatch

from bot.sandbox import limits, people
from bot.sandbox.documents import JsonObject
from tests.bot.sandbox.conftest import Clock, pending

pytestmark = pytest.mark.integration

STARS = [LabeledPrice(label="100 tokens", amount=250)]


async def press(http: httpx.AsyncClient, chat: int, message_id: int, **more: object) -> JsonObject:
    answer = await http.post(f"/chats/{chat}/callbacks", json={"message_id": message_id, "data": "go", **more})
    assert answer.status_code == 200
    body: JsonObject = answer.json()
    return body


async def query(bot: Bot) -> CallbackQuery:
    (update,) = await pending(bot, timeout=5)
    assert update.callback_query is not None
    return update.callback_query


async def test_the_bots_answer_comes_back_to_who_pressed(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    sent = await bot.send_message(user, "x")
    pressing = asyncio.ensure_future(press(http, user, sent.message_id))
    pressed = await query(bot)
    assert pressed.data == "go"
    assert pressed.from_user.id == user
    assert isinstance(pressed.message, Message)
    assert pressed.message.text == "x"
    await bot.answer_callback_query(pressed.id, "Done", show_alert=True)
    assert (await pressing)["answer"] == {"text": "Done", "show_alert": True, "url": None}


async def test_who_pressed_does_not_wait_for_long(user: int, http: httpx.AsyncClient, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr(people, "CALLBACK_WAIT_SECONDS", 0.05)
    assert (await press(http, user, 1, wait=60))["answer"] is None


async def test_a_forged_press_is_delivered(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    await press(http, user, 12345, wait=0)
    pressed = await query(bot)
    assert isinstance(pressed.message, InaccessibleMessage)
    assert pressed.message.message_id == 12345


async def test_the_pressed_message_is_as_it_was_when_pressed(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    sent = await bot.send_message(user, "before")
    await press(http, user, sent.message_id, wait=0)
    await bot.edit_message_text("after", chat_id=user, message_id=sent.message_id)
    pressed = await query(bot)
    assert isinstance(pressed.message, Message)
    assert pressed.message.text == "before"


async def test_an_answer_that_is_too_late_or_unknown_is_refused(
    bot: Bot, user: int, http: httpx.AsyncClient, clock: Clock
) -> None:
    await press(http, user, 1, wait=0)
    pressed = await query(bot)
    clock.now += limits.QUERY_LIFETIME_SECONDS + 1
    for query_id in (pressed.id, "123"):
        with pytest.raises(TelegramBadRequest, match="query is too old and response timeout expired"):
            await bot.answer_callback_query(query_id)


async def test_an_answer_that_is_too_long_is_refused(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    await press(http, user, 1, wait=0)
    pressed = await query(bot)
    with pytest.raises(TelegramBadRequest, match="MESSAGE_TOO_LONG"):
        await bot.answer_callback_query(pressed.id, "x" * 201)
    assert await bot.answer_callback_query(pressed.id)


async def invoice(bot: Bot, user: int) -> Message:
    return await bot.send_invoice(user, "100 tokens", "For images", "order-1", "XTR", STARS)


async def asked(bot: Bot) -> PreCheckoutQuery:
    (update,) = await pending(bot, timeout=5)
    assert update.pre_checkout_query is not None
    return update.pre_checkout_query


async def pay(http: httpx.AsyncClient, chat: int, **how: object) -> JsonObject:
    answer: JsonObject = (await http.post(f"/chats/{chat}/pay", json=how)).json()
    return answer


async def paid(bot: Bot, user: int, http: httpx.AsyncClient) -> str:
    sent = await invoice(bot, user)
    paying = asyncio.ensure_future(pay(http, user, message_id=sent.message_id))
    await bot.answer_pre_checkout_query((await asked(bot)).id, ok=True)
    charge: str = (await paying)["telegram_payment_charge_id"]
    return charge


async def test_a_payment_asks_the_bot_and_tells_it(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    sent = await invoice(bot, user)
    assert sent.invoice is not None
    assert (sent.invoice.currency, sent.invoice.total_amount) == ("XTR", 250)
    assert sent.reply_markup is not None
    assert sent.reply_markup.inline_keyboard[0][0].pay
    paying = asyncio.ensure_future(pay(http, user, message_id=sent.message_id))
    question = await asked(bot)
    assert (question.total_amount, question.invoice_payload, question.from_user.id) == (250, "order-1", user)
    await bot.answer_pre_checkout_query(question.id, ok=True)
    result = await paying
    assert result["ok"]
    (update,) = await pending(bot)
    assert update.message is not None
    payment = update.message.successful_payment
    assert payment is not None
    assert payment.telegram_payment_charge_id == result["telegram_payment_charge_id"]
    assert (payment.total_amount, payment.invoice_payload, payment.currency) == (250, "order-1", "XTR")
    assert (await bot.get_my_star_balance()).amount == 250


async def test_a_refused_payment_takes_nothing(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    sent = await invoice(bot, user)
    paying = asyncio.ensure_future(pay(http, user, message_id=sent.message_id))
    question = await asked(bot)
    with pytest.raises(TelegramBadRequest, match="error message is empty"):
        await bot.answer_pre_checkout_query(question.id, ok=False)
    await bot.answer_pre_checkout_query(question.id, ok=False, error_message="Sold out")
    assert await paying == {"ok": False, "error_message": "Sold out"}
    assert (await bot.get_my_star_balance()).amount == 0
    assert await bot.get_updates() == []


async def test_a_payment_without_an_answer_fails(
    bot: Bot, user: int, http: httpx.AsyncClient, monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PRE_CHECKOUT_SECONDS", 0.05)
    sent = await invoice(bot, user)
    result = await pay(http, user, message_id=sent.message_id)
    assert (result["ok"], "in time" in result["error_message"]) == (False, True)


async def test_a_link_is_paid_like_a_message(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    link = await bot.create_invoice_link("T", "D", "order-2", "XTR", STARS, subscription_period=2_592_000)
    assert link.startswith("https://t.me/$")
    shown = (await http.get(f"/chats/{user}/invoice", params={"link": link})).json()
    common = {"title": "T", "description": "D", "currency": "XTR", "total_amount": 250}
    assert shown == {**common, "subscription_period": 2_592_000}
    paying = asyncio.ensure_future(pay(http, user, invoice_link=link))
    await bot.answer_pre_checkout_query((await asked(bot)).id, ok=True)
    assert (await paying)["ok"]
    (update,) = await pending(bot)
    assert update.message is not None
    assert update.message.successful_payment is not None
    assert update.message.successful_payment.is_recurring


@pytest.mark.parametrize("how", [{"message_id": 999}, {"invoice_link": "https://t.me/$nothing"}])
async def test_what_is_no_invoice_is_not_found(user: int, http: httpx.AsyncClient, how: dict[str, object]) -> None:
    answer = await http.post(f"/chats/{user}/pay", json=how)
    assert answer.status_code == 404
    assert "there is no invoice" in answer.json()["error"]


async def test_stars_are_returned_once(bot: Bot, user: int, http: httpx.AsyncClient, clock: Clock) -> None:
    charge = await paid(bot, user, http)
    await pending(bot)
    clock.now += 60
    assert await bot.refund_star_payment(user, charge)
    (update,) = await pending(bot)
    assert update.message is not None
    assert update.message.refunded_payment is not None
    assert update.message.refunded_payment.telegram_payment_charge_id == charge
    with pytest.raises(TelegramBadRequest, match="CHARGE_ALREADY_REFUNDED"):
        await bot.refund_star_payment(user, charge)
    assert (await bot.get_my_star_balance()).amount == 0
    transactions = (await bot.get_star_transactions()).transactions
    assert [(one.id, one.amount, one.source is not None) for one in transactions] == [
        (charge, 250, True),
        (charge, 250, False),
    ]
    assert (await bot.get_star_transactions(offset=1, limit=1)).transactions == transactions[1:]


async def test_an_unknown_charge_is_not_refunded(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    charge = await paid(bot, user, http)
    for wrong_user, wrong_charge in ((user, "nothing"), (user + 1, charge)):
        with pytest.raises(TelegramBadRequest, match="CHARGE_ID_INVALID"):
            await bot.refund_star_payment(wrong_user, wrong_charge)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"title": "x" * 33}, "INVOICE_TITLE_INVALID"),
        ({"description": "x" * 256}, "INVOICE_DESCRIPTION_INVALID"),
        ({"payload": "я" * 65}, "INVOICE_PAYLOAD_INVALID"),
        ({"currency": "USD"}, "PAYMENT_PROVIDER_INVALID"),
        ({"prices": STARS * 2}, "STARS_INVOICE_INVALID"),
        ({"prices": [LabeledPrice(label="x", amount=0)]}, "CURRENCY_TOTAL_AMOUNT_INVALID"),
        ({"subscription_period": 86_400}, "SUBSCRIPTION_PERIOD_INVALID"),
    ],
)
async def test_an_invoice_that_telegram_refuses_is_refused(bot: Bot, change: dict[str, object], words: str) -> None:
    values = {"title": "T", "description": "D", "payload": "p", "currency": "XTR", "prices": STARS} | change
    with pytest.raises(TelegramBadRequest, match=words):
        await bot.create_invoice_link(**values)  # type: ignore[arg-type]

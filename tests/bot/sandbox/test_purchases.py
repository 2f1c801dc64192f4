"""Subscriptions in play Stars, and updates that arrive twice, late, changed or never."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import LabeledPrice, Update

from tests.bot.sandbox.conftest import pending

pytestmark = pytest.mark.integration

STARS = [LabeledPrice(label="100 tokens", amount=250)]
MONTH = 2_592_000


async def subscribe(bot: Bot, user: int, http: httpx.AsyncClient) -> str:
    """Pay a subscription and return its charge id; the bot has heard of it."""
    link = await bot.create_invoice_link("T", "D", "order-9", "XTR", STARS, subscription_period=MONTH)
    charge = (await paid(bot, user, http, invoice_link=link))["telegram_payment_charge_id"]
    (told,) = await pending(bot, timeout=5)
    assert told.message is not None and told.message.successful_payment is not None
    assert told.message.successful_payment.is_first_recurring
    return str(charge)


async def paid(bot: Bot, user: int, http: httpx.AsyncClient, **how: object) -> Any:
    """Pay, with a bot that agrees."""
    paying = asyncio.ensure_future(http.post(f"/chats/{user}/pay", json=how))
    (asked, *_) = await pending(bot, timeout=5)
    assert asked.pre_checkout_query is not None
    await bot.answer_pre_checkout_query(asked.pre_checkout_query.id, ok=True)
    return (await paying).json()


async def invoice(bot: Bot, user: int) -> int:
    return (await bot.send_invoice(user, "100 tokens", "For images", "order-1", "XTR", STARS)).message_id


async def test_a_subscription_renews_without_a_question(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    first = await subscribe(bot, user, http)
    renewed = (await http.post(f"/chats/{user}/renew", json={"telegram_payment_charge_id": first})).json()
    (update,) = await pending(bot, timeout=5)
    assert update.message is not None
    payment = update.message.successful_payment
    assert payment is not None and payment.is_recurring and not payment.is_first_recurring
    assert payment.telegram_payment_charge_id == renewed["telegram_payment_charge_id"] != first
    assert payment.subscription_expiration_date is not None and payment.invoice_payload == "order-9"
    transactions = (await bot.get_star_transactions()).transactions
    assert [one.source.subscription_period for one in transactions] == [MONTH, MONTH]  # type: ignore[union-attr]


async def test_a_cancelled_subscription_tells_the_bot_and_renews_no_more(
    bot: Bot, user: int, http: httpx.AsyncClient
) -> None:
    charge = await subscribe(bot, user, http)
    about = {"telegram_payment_charge_id": charge}
    assert (await http.post(f"/chats/{user}/subscription", json={**about, "state": "canceled"})).status_code == 200
    (update,) = await pending(bot, timeout=5)
    assert update.subscription is not None
    assert (update.subscription.state, update.subscription.invoice_payload) == ("canceled", "order-9")
    assert (await http.post(f"/chats/{user}/renew", json=about)).status_code == 409
    await http.post(f"/chats/{user}/subscription", json={**about, "state": "active"})
    assert (await http.post(f"/chats/{user}/renew", json=about)).status_code == 200


async def test_the_bot_cancels_a_subscription(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    charge = await subscribe(bot, user, http)
    assert await bot.edit_user_star_subscription(user, charge, True)
    assert (await http.post(f"/chats/{user}/renew", json={"telegram_payment_charge_id": charge})).status_code == 409
    with pytest.raises(TelegramBadRequest, match="CHARGE_ID_INVALID"):
        await bot.edit_user_star_subscription(user, "nothing", True)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("renew", {"telegram_payment_charge_id": "nothing"}, 404),
        ("renew", {}, 400),
        ("subscription", {"telegram_payment_charge_id": "nothing", "state": "active"}, 404),
        ("subscription", {"telegram_payment_charge_id": "nothing", "state": "asleep"}, 400),
    ],
)
async def test_what_is_no_subscription_is_refused(
    user: int, http: httpx.AsyncClient, path: str, body: dict[str, Any], status: int
) -> None:
    assert (await http.post(f"/chats/{user}/{path}", json=body)).status_code == status


async def plan(http: httpx.AsyncClient, **fault: Any) -> httpx.Response:
    return await http.post("/faults", json=fault)


async def received(bot: Bot) -> list[Update]:
    """What arrives, as often as it does."""
    found: list[Update] = []
    while updates := await bot.get_updates(offset=found[-1].update_id + 1 if found else None, timeout=0):
        found += updates
    return found


async def test_an_update_arrives_again_under_its_own_number(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    await plan(http, update="message", copies=3)
    await http.post(f"/chats/{user}/messages", json={"text": "hi"})
    (first,) = await pending(bot, timeout=5)
    (second,) = await pending(bot)
    (third,) = await pending(bot)
    assert await bot.get_updates() == []
    assert first.update_id == second.update_id == third.update_id


async def test_a_copy_under_a_new_number_is_another_update(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    await plan(http, update="message", copies=2, with_new_ids=True)
    await http.post(f"/chats/{user}/messages", json={"text": "hi"})
    await http.post(f"/chats/{user}/messages", json={"text": "once"})
    updates = await received(bot)
    assert len({update.update_id for update in updates}) == 3
    assert [update.message.text for update in updates if update.message] == ["hi", "hi", "once"]


async def test_a_changed_payment_says_what_the_test_wants_and_the_list_keeps_the_truth(
    bot: Bot, user: int, http: httpx.AsyncClient
) -> None:
    await plan(http, update="successful_payment", changes={"total_amount": 1})
    await paid(bot, user, http, message_id=await invoice(bot, user))
    (update,) = await pending(bot, timeout=5)
    assert update.message is not None and update.message.successful_payment is not None
    assert update.message.successful_payment.total_amount == 1
    assert [one.amount for one in (await bot.get_star_transactions()).transactions] == [250]


async def test_a_lost_update_never_arrives(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    await plan(http, update="message", is_lost=True)
    await http.post(f"/chats/{user}/messages", json={"text": "lost"})
    await http.post(f"/chats/{user}/messages", json={"text": "here"})
    assert [update.message.text for update in await pending(bot, timeout=5) if update.message] == ["here"]


async def test_a_late_update_arrives_after_the_next_one(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    await plan(http, update="message", delay=0.2)
    await http.post(f"/chats/{user}/messages", json={"text": "late"})
    await http.post(f"/chats/{user}/messages", json={"text": "here"})
    (first,) = await pending(bot, timeout=5)
    (second,) = await pending(bot, timeout=5)
    assert first.message is not None and second.message is not None
    assert (first.message.text, second.message.text) == ("here", "late")


async def test_plans_are_listed_counted_and_forgotten(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    assert (await plan(http, update="message", times=2, is_lost=True)).status_code == 201
    await http.post(f"/chats/{user}/messages", json={"text": "lost"})
    (left,) = (await http.get("/faults")).json()["updates"]
    assert (left["update"], left["times"], left["is_lost"]) == ("message", 1, True)
    await http.delete("/faults")
    assert (await http.get("/faults")).json() == {"faults": [], "updates": []}


@pytest.mark.parametrize(
    "fault",
    [
        {"update": ""},
        {"update": 7},
        {"update": "message", "times": 0},
        {"update": "message", "copies": 101},
        {"update": "message", "copies": True},
        {"update": "message", "delay": -1},
        {"update": "message", "changes": []},
        {"update": "message", "colour": "red"},
    ],
)
async def test_a_plan_that_makes_no_sense_is_refused(http: httpx.AsyncClient, fault: dict[str, Any]) -> None:
    answer = await plan(http, **fault)
    assert answer.status_code == 400 and answer.json()["error"]

"""Gifts in the whole product: an operator makes a code, people type it; a friend comes, pays, is refunded."""

from __future__ import annotations

import asyncio
import re
import uuid
from decimal import Decimal

from tests.end_to_end.people import WELCOME, Person, Sandbox, text_of
from tests.fixtures.product import Product


def new_code(product: Product, *options: str) -> str:
    """Have an operator make a promo code that no other test knows."""
    name = f"E2E-{uuid.uuid4().hex[:8]}".upper()
    product.nb("promo", "create", name, *options, "--reason", "a test")
    return name


async def buy(person: Person) -> str:
    """Buy 100 tokens with play Stars and return the code of the order."""
    await person.say("/topup")
    offer = await person.answer(lambda one: "reply_markup" in one)
    await person.press(offer, offer["reply_markup"]["inline_keyboard"][0][0]["callback_data"])
    invoice = await person.answer(lambda one: "invoice" in one)
    await person.sandbox.post(f"chats/{person.id}/pay", json={"message_id": invoice["message_id"]})
    await person.says("✅")
    [order] = person.sandbox.product.nb("payments", "list", "--user", str(person.id))["data"]["items"]
    return str(order["code"])


async def test_a_code_that_an_operator_made_is_shared_by_a_crowd(product: Product, sandbox: Sandbox) -> None:
    name = new_code(product, "--tokens", "7", "--max-uses", "5")
    people = await asyncio.gather(*(sandbox.somebody() for _ in range(8)))
    await asyncio.gather(*(person.say(f"/promo {name.lower()}") for person in people))
    answers = [text_of(await person.answer()) for person in people]
    balances = [await person.balance() for person in people]
    assert sorted(balances) == [WELCOME] * 3 + [WELCOME + 7] * 5
    assert sum("+7 ⚡" in answer for answer in answers) == 5
    shown = product.nb("promo", "show", name)["data"]
    assert (shown["state"], shown["uses"], shown["given"], len(shown["latest"])) == ("used_up", 5, "35.00", 5)


async def test_a_code_that_was_switched_off_stops_at_once(product: Product, sandbox: Sandbox) -> None:
    name = new_code(product, "--tokens", "7")
    product.nb("promo", "disable", name, "--reason", "a test")
    person = await sandbox.somebody("ru")
    await person.say("/promo")
    await person.says("Пришлите промокод")
    await person.say(name)
    await person.says("больше не действует")
    assert await person.balance() == WELCOME
    assert await person.jobs() == []


async def test_a_friend_comes_pays_with_a_promised_bonus_and_is_refunded(product: Product, sandbox: Sandbox) -> None:
    name = new_code(product, "--percent", "50", "--max-bonus", "30", "--budget", "30")
    inviter, friend = await sandbox.somebody("ru"), await sandbox.somebody(has_started=False)
    await inviter.say("/invite")
    link = re.search(r"\?start=(ref_\w+)", text_of(await inviter.answer()))
    assert link is not None
    await friend.say(f"/start {link[1]}")
    await friend.says("invited you")
    await inviter.says("По вашей ссылке")
    await friend.say(f"/promo {name}")
    await friend.says("50 % on top")

    order = await buy(friend)

    await inviter.says("+10 ⚡")
    assert await inviter.balance() == WELCOME + 10
    assert await friend.balance() == WELCOME + 5 + 100 + 20 + 30
    assert await friend.statement("bonus") == [WELCOME, Decimal(5), Decimal(20), Decimal(30)]

    product.nb("payments", "refund", order, "--reason", "a test", "--yes")
    await friend.says("385 ⭐")
    assert await friend.balance() == WELCOME + 5
    assert await inviter.balance() == WELCOME + 10


async def test_the_daily_gift_is_given_once_a_day(sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await person.say_at_once("/daily", 4)
    await person.says("+1 ⚡")
    await person.say("/daily")
    await person.says("You have today’s gift already")
    assert await person.balance() == WELCOME + 1

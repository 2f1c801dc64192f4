"""An order that there were too few tokens for waits, is offered once they are there, and starts once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from aiogram.exceptions import TelegramForbiddenError, TelegramNetworkError

from bot.routers.cart import offer
from bot.texts import LANGUAGES, Words
from core import cart, catalog, db, ledger, providers, storage
from core.ledger import PostingKind
from core.payments import crediting, gateways, orders, packages
from core.payments.gateways.base import Outcome, Receipt
from core.payments.orders import Purchase
from core.types import IdempotencyKey, Language
from tests.bot.people import Person, World
from tests.bot.telegram import FakeTelegram, buttons
from tests.bot.test_prices import set_cost
from tests.core.payments.till import Till

pytestmark = pytest.mark.integration

PRICE = Decimal("0.80")


async def give(person: Person, amount: str, kind: PostingKind = PostingKind.DEPOSIT) -> None:
    """Move tokens, as a payment or an operator would."""
    user = await person.account()
    count = len(await ledger.statement(user.id, limit=100))
    key = IdempotencyKey(f"test:{user.id}:{count}")
    await ledger.post(user.id, Decimal(amount), kind, key=key, actor="token:tests", reason="a test")


async def have(person: Person, balance: str) -> None:
    """Bring a balance to an amount."""
    difference = Decimal(balance) - Decimal(await person.balance())
    if difference:
        await give(person, str(difference), PostingKind.ADMIN)


async def offers_made(world: World) -> list[str]:
    """Do what beat and the worker do; return the names of the tasks."""
    await cart.offer_due(quiet=0)
    return await world.work()


def started(person_jobs: list[Any]) -> list[str]:
    return [job.prompt for job in person_jobs]


@pytest.fixture
async def short(mia: Person) -> Person:
    """Somebody with 0.30 who asked for a fox that costs 0.80."""
    await have(mia, "0.30")
    await mia.send("a red fox")
    return mia


@pytest.mark.parametrize(
    ("language", "top_up", "start", "kept", "enough"),
    [
        ("en", "⚡ Top up", "▶️ Start · 0.80 ⚡", "I have kept your order", "You have enough tokens now: “a red fox”"),
        ("ru", "⚡ Пополнить", "▶️ Запустить · 0,80 ⚡", "Заказ я сохранил", "Теперь токенов хватает: «a red fox»"),
    ],
    ids=["english", "russian"],
)
async def test_a_refused_order_starts_with_one_button_after_the_top_up(
    somebody: Callable[..., Person],
    world: World,
    telegram: FakeTelegram,
    language: str,
    top_up: str,
    start: str,
    kept: str,
    enough: str,
) -> None:
    person = somebody(language=language)
    await person.send("/start")
    await have(person, "0.30")

    (refusal,) = await person.send("a red fox")
    assert kept in refusal["text"]
    assert list(buttons(refusal)) == [top_up, start]
    assert await person.jobs() == []

    await give(person, "100")
    assert await offers_made(world) == ["bot.offer_cart"]
    assert enough in telegram.last["text"]
    assert list(buttons(telegram.last)) == [start]

    await person.press("▶️")
    (job,) = await person.jobs()
    assert (job.prompt, job.tokens) == ("a red fox", PRICE)
    assert await person.balance() == "99.50"


async def test_the_offer_is_made_once(short: Person, world: World) -> None:
    assert await offers_made(world) == []
    await give(short, "1")
    assert await offers_made(world) == ["bot.offer_cart"]
    await give(short, "1")
    assert await offers_made(world) == []


@pytest.mark.parametrize("language", ["en", "ru"])
async def test_the_message_about_a_payment_carries_the_offer(
    somebody: Callable[..., Person], world: World, telegram: FakeTelegram, language: str
) -> None:
    person = somebody(language=language)
    await person.send("/start")
    await have(person, "0.30")
    await person.send("a red fox")
    gateways.use(Till())
    await packages.seed()
    key = IdempotencyKey(f"test:{person.id}")
    order = await orders.place(Purchase(await person.account(), "tokens-100", "till", key))
    receipt = Receipt("till", "ext-1", Outcome.PAID, order.amount, order.currency, order_code=order.code)
    for _ in range(3):
        await crediting.receive(receipt)

    assert await world.work() == ["bot.tell_payment"]
    (start,) = buttons(telegram.last)
    assert start.startswith("▶️") and "a red fox" in telegram.last["text"] and "100 ⚡" in telegram.last["text"]
    assert await offers_made(world) == [], "whoever was told is not told again"

    shown = telegram.last
    await person.press("▶️", shown)
    await person.press("▶️", shown)
    assert started(await person.jobs()) == ["a red fox"]
    assert await person.balance() == "119.50"
    assert "bot.deliver" in await world.work()


@pytest.mark.parametrize("kind", [PostingKind.DEPOSIT, PostingKind.BONUS, PostingKind.ADMIN, PostingKind.REFERRAL])
async def test_it_is_offered_whatever_brought_the_tokens(short: Person, world: World, kind: PostingKind) -> None:
    await give(short, "0.50", kind)
    assert await offers_made(world) == ["bot.offer_cart"]


async def test_tokens_of_a_moment_ago_are_left_to_the_message_about_them(short: Person, world: World) -> None:
    await give(short, "1")
    await cart.offer_due()
    assert await world.work() == []


async def test_a_double_press_starts_one(short: Person, world: World, telegram: FakeTelegram) -> None:
    await give(short, "100")
    await offers_made(world)
    shown = telegram.last
    await short.press("▶️", shown)
    await short.press("▶️", shown)
    assert started(await short.jobs()) == ["a red fox"]
    assert short.toasts[-1] == "Already started, one second"
    assert await short.balance() == "99.50"


async def test_presses_at_the_same_moment_start_one(short: Person, world: World, telegram: FakeTelegram) -> None:
    await give(short, "100")
    shown = telegram.last
    await asyncio.gather(*(short.press("▶️", shown) for _ in range(4)))
    assert started(await short.jobs()) == ["a red fox"]
    assert await short.balance() == "99.50"


async def test_the_button_under_the_refusal_starts_it_too(short: Person, telegram: FakeTelegram) -> None:
    refusal = telegram.last
    await give(short, "0.50")
    await short.press("▶️", refusal)
    assert started(await short.jobs()) == ["a red fox"]
    assert await short.balance() == "0.00"


async def test_too_few_tokens_still_says_how_many_are_missing(short: Person, telegram: FakeTelegram) -> None:
    assert await short.press("▶️") == []
    assert short.toasts[-1].startswith("You are still 0.50 ⚡ short: your balance is 0.30 ⚡.")
    assert await short.jobs() == []
    await give(short, "0.50")
    await short.press("▶️")
    assert started(await short.jobs()) == ["a red fox"]


async def test_a_price_that_changed_is_told_and_agreed_to_again(
    short: Person, world: World, telegram: FakeTelegram
) -> None:
    await give(short, "100")
    await offers_made(world)
    await set_cost("nano-banana", "0.05")
    assert await short.press("▶️") == []
    assert short.toasts[-1] == "The price has changed: it is 2 ⚡ now. Nothing was charged."
    assert list(buttons(telegram.last)) == ["▶️ Start · 2 ⚡"]
    await short.press("▶️")
    (job,) = await short.jobs()
    assert job.tokens == Decimal(2)


async def test_an_offer_names_the_price_of_now(short: Person, world: World, telegram: FakeTelegram) -> None:
    await set_cost("nano-banana", "0.05")
    await give(short, "100")
    await offers_made(world)
    assert "Shall I start it for 2 ⚡?\nThe price has changed since, it was 0.80 ⚡." in telegram.last["text"]
    await short.press("▶️")
    assert [job.tokens for job in await short.jobs()] == [Decimal(2)]


async def test_what_became_too_expensive_is_not_offered(short: Person, world: World) -> None:
    await set_cost("nano-banana", "5")
    await give(short, "1")
    assert await offers_made(world) == []


async def test_a_model_that_is_gone_is_told_with_its_successor(
    short: Person, world: World, telegram: FakeTelegram
) -> None:
    await give(short, "100")
    await db.execute(
        "UPDATE botapp_aimodel SET is_active = false, successor = $1 WHERE slug = 'nano-banana'", await heir()
    )
    catalog.configure(providers.names())
    assert await offers_made(world) == []
    (answer,) = await short.press("▶️")
    assert "is not available right now" in answer["text"]
    assert "instead: /models" in answer["text"]
    assert await short.jobs() == []


async def heir() -> str:
    """Another model that can be ordered."""
    return next(model.slug for model in await catalog.models() if model.slug != "nano-banana")


async def test_a_model_that_was_deleted_starts_no_other(short: Person) -> None:
    await give(short, "100")
    await db.execute("UPDATE botapp_cart SET model = 'bygone'")
    (answer,) = await short.press("▶️")
    assert answer["text"] == "“bygone” is not available right now.\nChoose another model: /models"
    assert await short.jobs() == []


async def test_an_option_that_the_model_lost_starts_nothing_else(short: Person) -> None:
    await give(short, "100")
    await db.execute("""UPDATE botapp_cart SET params = '{"smell": "roses"}'""")
    (answer,) = await short.press("▶️")
    assert "no longer takes these settings" in answer["text"]
    assert await short.jobs() == []


async def test_photos_wait_with_the_order(mia: Person, world: World) -> None:
    await have(mia, "0.30")
    await mia.send(message=mia.photo(caption="make it a watercolour"))
    await give(mia, "100")
    await offers_made(world)
    await mia.press("▶️")
    (job,) = await mia.jobs()
    assert (job.prompt, len(job.images)) == ("make it a watercolour", 1)
    assert await storage.storage().read(job.images[0].key)
    assert "bot.deliver" in await world.work()


async def test_a_photo_that_is_gone_is_asked_for(mia: Person) -> None:
    await have(mia, "0.30")
    await mia.send(message=mia.photo(caption="make it a watercolour"))
    await give(mia, "100")
    kept = await cart.of_user((await mia.account()).id)
    assert kept is not None
    await storage.storage().delete(kept.images[0].key)
    assert await mia.press("▶️") == []
    assert "no longer have the photo" in mia.toasts[-1]
    assert await mia.jobs() == []
    assert await cart.of_user((await mia.account()).id) is None


async def test_the_latest_order_is_the_one_that_waits(short: Person, world: World, telegram: FakeTelegram) -> None:
    first = telegram.last
    await short.send("a blue whale")
    await give(short, "100")
    await offers_made(world)
    assert "“a blue whale”" in telegram.last["text"]
    assert await short.press("▶️", first) == []
    assert short.toasts[-1] == "I no longer have this order. Please send the words again."
    assert await short.jobs() == []


async def test_ordering_the_same_in_words_leaves_nothing_to_offer(short: Person, world: World) -> None:
    await give(short, "100")
    await short.send("a red fox")
    assert "bot.offer_cart" not in await offers_made(world)
    assert started(await short.jobs()) == ["a red fox"]


async def test_ordering_something_else_leaves_it_waiting(short: Person, world: World) -> None:
    await give(short, "100")
    await short.send("a blue whale")
    assert "bot.offer_cart" in await offers_made(world)


async def test_a_week_later_it_is_forgotten(short: Person, world: World, telegram: FakeTelegram) -> None:
    refusal = telegram.last
    await db.execute("UPDATE botapp_cart SET created_at = now() - $1::interval", timedelta(days=7, seconds=1))
    await give(short, "100")
    assert await offers_made(world) == []
    assert await short.press("▶️", refusal) == []
    assert short.toasts[-1].startswith("I no longer have this order")
    await cart.forget_old()
    assert await db.fetch_value("SELECT count(*) FROM botapp_cart") == 0


async def test_nobody_starts_what_somebody_else_ordered(
    short: Person, somebody: Callable[..., Person], telegram: FakeTelegram
) -> None:
    data = buttons(telegram.last)["▶️ Start · 0.80 ⚡"]
    await give(short, "100")
    thief = somebody()
    await thief.send("/start")
    await thief.tap(data, telegram.last)
    assert thief.toasts[-1].startswith("I no longer have this order")
    assert await thief.jobs() == await short.jobs() == []
    await short.tap(data)
    await thief.tap(data, telegram.last)
    assert thief.toasts[-1].startswith("I no longer have this order")


@pytest.mark.parametrize("data", ["g:nothing:80", "g::", "g:x:-1", "g:" + "f" * 32 + ":80"])
async def test_forged_buttons_start_nothing(short: Person, data: str) -> None:
    await give(short, "100")
    await short.tap(data)
    assert short.toasts[-1].startswith("I no longer have this order")
    assert await short.jobs() == []


async def test_a_forged_price_is_no_agreement(short: Person) -> None:
    await give(short, "100")
    kept = await cart.of_user((await short.account()).id)
    assert kept is not None
    await short.tap(f"g:{kept.code}:1")
    assert short.toasts[-1].startswith("The price has changed: it is 0.80 ⚡ now.")
    assert await short.jobs() == []


async def test_another_message_can_carry_the_offer(short: Person, world: World) -> None:
    words = Words("en")
    assert await offer(words, await short.account()) is None
    await give(short, "100")
    made = await offer(words, await short.account())
    assert made is not None and made[0].startswith("You have enough tokens now")
    assert await offers_made(world) == [], "whoever was told is not told again"


async def test_a_person_who_was_shut_out_is_offered_nothing(short: Person, world: World) -> None:
    await give(short, "100")
    await db.execute("UPDATE botapp_tguser SET is_blocked = true")
    assert await offers_made(world) == []
    assert await offer(Words("en"), await short.account()) is None


async def test_an_offer_that_telegram_did_not_take_is_made_again(
    short: Person, world: World, telegram: FakeTelegram
) -> None:
    await give(short, "100")
    telegram.fail("sendMessage", lambda method: TelegramNetworkError(method, "away"))
    before = len(telegram.posted)
    await offers_made(world)
    assert len(telegram.posted) == before
    assert await offers_made(world) == ["bot.offer_cart"]
    assert "You have enough tokens now" in telegram.last["text"]


async def test_an_offer_to_who_blocked_the_bot_is_not_repeated(
    short: Person, world: World, telegram: FakeTelegram
) -> None:
    await give(short, "100")
    telegram.fail("sendMessage", lambda method: TelegramForbiddenError(method, "Forbidden: bot was blocked"))
    assert await offers_made(world) == ["bot.offer_cart"]
    assert await offers_made(world) == []


async def test_a_long_prompt_is_shortened_in_the_offer(mia: Person, world: World, telegram: FakeTelegram) -> None:
    await have(mia, "0.30")
    await mia.send("<b>fox</b> & " + "very " * 500 + "red")
    await give(mia, "100")
    await offers_made(world)
    assert "“<b>fox</b> & very" in telegram.last["text"] and "…”" in telegram.last["text"]
    assert len(telegram.last["text"]) < 300
    await mia.press("▶️")
    assert (await mia.jobs())[0].prompt.endswith("very red")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_press_answers_fits_a_toast(language: Language) -> None:
    words, most = Words(language), Decimal("9999999999.99")
    assert len(words.plain("cart-still-short", missing=most, balance=most)) <= 200
    for key in ("cart-started", "cart-gone", "cart-photo-gone"):
        assert len(words.plain(key)) <= 200

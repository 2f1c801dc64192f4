"""What people and operators are told about money: once a state, later when Telegram is away, in their language."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError, TelegramNetworkError
from aiogram.methods import SendMessage

from bot import alerts, telling
from bot.payment_words import money_words
from bot.texts import Words
from core import db, redis
from core.alerts import alert
from core.payments import checks, refunds
from core.settings import Settings
from tests.bot.buying import buy, now, order, paid
from tests.bot.people import Person, World
from tests.bot.telegram import FakeTelegram, buttons

pytestmark = pytest.mark.integration

CALL = SendMessage(chat_id=1, text="x")


def said(telegram: FakeTelegram, words: str) -> int:
    """How many messages of the bot hold these words."""
    return sum(words in message.get("text", "") for message in telegram.now_shown)


async def test_a_task_that_is_delivered_again_tells_nothing_again(mia: Person, telegram: FakeTelegram) -> None:
    placed = await buy(mia)
    for _ in range(3):
        await mia.world.runtime.tell_payment(placed.code)
    assert said(telegram, "Received 385 ⭐") == 1


async def test_two_tasks_at_the_same_moment_tell_once(mia: Person, telegram: FakeTelegram) -> None:
    placed = await order(mia)
    await mia.update(message=paid(mia, placed))
    await redis.client().set(f"nb:telling:{placed.code}:paid", "1", ex=60)
    await mia.world.work()
    assert said(telegram, "Received") == 0, "another worker is telling it"


async def test_without_redis_it_is_told_all_the_same(mia: Person, settings: Settings, telegram: FakeTelegram) -> None:
    placed = await order(mia)
    await mia.update(message=paid(mia, placed))
    await redis.connect(settings.model_copy(update={"redis_url": type(settings.redis_url)("redis://127.0.0.1:1/0")}))
    await mia.world.runtime.tell_payment(placed.code)
    assert said(telegram, "Received 385 ⭐") == 1


async def test_while_telegram_is_away_it_is_told_later(mia: Person, telegram: FakeTelegram, world: World) -> None:
    placed = await order(mia)
    await mia.update(message=paid(mia, placed))
    telegram.fail("sendMessage", lambda _: TelegramNetworkError(CALL, "gone"))
    await world.work()
    assert said(telegram, "Received") == 0 and (await now(placed)).next_check_at is not None
    await db.execute("UPDATE botapp_payment SET next_check_at = now() WHERE id = $1", placed.id)
    await checks.check_due()
    await world.work()
    assert said(telegram, "Received 385 ⭐") == 1 and (await now(placed)).next_check_at is None


async def test_an_order_that_waits_is_offered_with_the_message_that_gets_through(
    somebody: Callable[..., Person], telegram: FakeTelegram, world: World
) -> None:
    person = somebody()
    await person.send("/balance")
    await person.send("a red fox")
    placed = await order(person)
    await person.update(message=paid(person, placed))
    telegram.fail("sendMessage", lambda _: TelegramNetworkError(CALL, "gone"))
    await world.runtime.tell_payment(placed.code)
    await world.runtime.tell_payment(placed.code)
    assert "Received 385 ⭐" in telegram.last["text"] and "a red fox" in telegram.last["text"]
    assert any("Start" in label for label in buttons(telegram.last))


async def test_who_blocked_the_bot_is_not_told_and_not_tried_again(
    mia: Person, telegram: FakeTelegram, world: World
) -> None:
    placed = await order(mia)
    await mia.update(message=paid(mia, placed))
    telegram.fail("sendMessage", lambda _: TelegramForbiddenError(CALL, "Forbidden: bot was blocked by the user"))
    await world.work()
    current = await now(placed)
    assert current.details["told"] == ["paid"] and current.next_check_at is None


async def test_a_chat_that_telegram_does_not_know_is_given_up(mia: Person, telegram: FakeTelegram) -> None:
    placed = await order(mia)
    await mia.update(message=paid(mia, placed))
    telegram.fail("sendMessage", lambda _: TelegramBadRequest(CALL, "Bad Request: chat not found"))
    await mia.world.work()
    assert (await now(placed)).details["told"] == ["paid"]


async def test_a_refund_is_told_beside_the_payment(mia: Person, telegram: FakeTelegram) -> None:
    placed = await buy(mia)
    async with db.transaction():
        await refunds.refund(placed.code, actor="test", reason="asked", is_done_outside=True)
    await mia.world.work()
    assert said(telegram, "Received 385 ⭐") == 1
    assert telegram.last["text"] == (
        "I returned 385 ⭐ and took the 120 ⚡ of that purchase back.\n\nYour balance is 50 ⚡."
    )
    assert (await now(placed)).details["told"] == ["paid", "refunded"]


async def test_a_failed_payment_offers_another_try(masha: Person, telegram: FakeTelegram) -> None:
    placed = await order(masha)
    await db.execute("UPDATE botapp_payment SET status = 'failed', problem = 'card declined' WHERE id = $1", placed.id)
    await masha.world.runtime.tell_payment(placed.code)
    assert "не прошла" in telegram.last["text"] and "card declined" not in telegram.last["text"]
    assert list(buttons(telegram.last)) == ["⚡ Пополнить"]


async def test_nothing_is_told_of_an_order_that_waits(mia: Person, telegram: FakeTelegram) -> None:
    placed = await order(mia)
    before = len(telegram.posted)
    await mia.world.runtime.tell_payment(placed.code)
    assert len(telegram.posted) == before and telling.state_of(placed) is None


async def test_money_without_an_order_is_answered_in_the_language_of_who_paid(
    mia: Person, telegram: FakeTelegram
) -> None:
    placed = await order(mia)
    await mia.update(message=paid(mia, placed, invoice_payload="forged"))
    await mia.world.work()
    assert "I received 385 ⭐ but found no order" in telegram.last["text"]


@pytest.mark.parametrize(
    ("amount", "currency", "english", "russian"),
    [("385.00", "XTR", "385 ⭐", "385 ⭐"), ("5.00", "USD", "$5", "5 $"), ("4.50", "GBP", "4.50 GBP", "4,50 GBP")],
)
def test_amounts_are_written_as_people_do(amount: str, currency: str, english: str, russian: str) -> None:
    assert money_words(Words("en"), Decimal(amount), currency) == english
    assert money_words(Words("ru"), Decimal(amount), currency) == russian


@pytest.fixture
def chat_of_alerts(world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> int:
    """A chat that alerts go to."""
    here = settings.model_copy(update={"alert_chat_id": 777, "alert_cooldown": 60})
    monkeypatch.setattr(world.runtime, "_settings", here)
    return 777


async def test_operators_are_told_once_in_a_while(world: World, telegram: FakeTelegram, chat_of_alerts: int) -> None:
    for _ in range(3):
        await alert("books:1", "The books <b>do not</b> agree & so on")
    await alert("books:2", "Another trouble")
    await world.work()
    texts = [message["text"] for message in telegram.now_shown if message["chat"]["id"] == chat_of_alerts]
    assert [call.parse_mode for call in telegram.named("sendMessage")] == [None, None]
    assert len(texts) == 2 and texts[1].endswith("Another trouble")


async def test_without_a_chat_alerts_stay_in_the_log(world: World, telegram: FakeTelegram) -> None:
    await alert("books:1", "trouble")
    await world.work()
    assert telegram.posted == {}


async def test_an_alert_that_could_not_be_sent_may_be_sent_again(
    world: World, telegram: FakeTelegram, chat_of_alerts: int
) -> None:
    telegram.fail("sendMessage", lambda _: TelegramNetworkError(CALL, "gone"))
    await world.runtime.alert("books:1", "trouble")
    assert telegram.posted == {}
    await world.runtime.alert("books:1", "trouble")
    assert len(telegram.posted) == 1


async def test_without_redis_operators_are_rather_told_twice(
    world: World, telegram: FakeTelegram, settings: Settings, chat_of_alerts: int
) -> None:
    await redis.connect(settings.model_copy(update={"redis_url": type(settings.redis_url)("redis://127.0.0.1:1/0")}))
    await world.runtime.alert("books:1", "x" * 5000)
    await world.runtime.alert("books:1", "trouble")
    assert len(telegram.posted) == 2 and len(telegram.now_shown[0]["text"]) == alerts.LONGEST

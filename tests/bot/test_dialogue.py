"""The main dialogue: from /start to a picture and on from there, in both languages."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.generations import Status
from providers.errors import ContentBlocked
from tests.bot.people import Person, World
from tests.bot.telegram import FakeTelegram, buttons
from tests.core.generations.scripted import ScriptedProvider

pytestmark = pytest.mark.integration


async def test_start_greets_gives_the_bonus_and_says_what_to_do(somebody: Callable[..., Person]) -> None:
    person = somebody(name="Mia <b>& Co")
    [greeting] = await person.send("/start")
    assert "Mia <b>& Co" in greeting["text"]
    assert "50 ⚡" in greeting["text"] and "0.80 ⚡" in greeting["text"] and "62 pictures" in greeting["text"]
    assert greeting["menu"] == [
        ["🖼 Create image", "🎬 Create video"],
        ["⚡ Balance", "⚡ Top up"],
        ["📲 Prompt by reference", "❓ Help"],
    ]
    assert await person.balance() == "50.00"


async def test_a_prompt_becomes_a_picture(mia: Person, world: World, telegram: FakeTelegram) -> None:
    [status] = await mia.send("a red fox in the snow")
    assert "Nano Banana" in status["text"] and "0.80 ⚡" in status["text"] and "49.20 ⚡" in status["text"]
    assert await mia.balance() == "49.20"
    await world.work()
    result = telegram.last
    assert result["photo"] and "a red fox in the snow" in result["caption"]
    assert "0.80 ⚡ charged, 49.20 ⚡ left" in result["caption"]
    assert list(buttons(result)) == ["🔁 Again · 0.80 ⚡", "🎬 Animate · 2.40 ⚡", "✏️ Change", "📎 Original"]
    assert status["message_id"] not in telegram.posted
    [job] = await mia.jobs()
    assert job.status is Status.DONE and job.result_message_ids == (result["message_id"],)


async def test_the_same_dialogue_in_russian(masha: Person, world: World, telegram: FakeTelegram) -> None:
    greeting = telegram.last["text"]
    assert "Привет, Маша!" in greeting and "62 картинки" in greeting and "0,80 ⚡" in greeting
    [status] = await masha.send("рыжая лиса в снегу")
    assert "Списано 0,80 ⚡, осталось 49,20 ⚡" in status["text"] and "✖️ Отменить" in buttons(status)
    await world.work()
    assert "рыжая лиса в снегу" in telegram.last["caption"]
    assert list(buttons(telegram.last)) == ["🔁 Ещё раз · 0,80 ⚡", "🎬 Оживить · 2,40 ⚡", "✏️ Изменить", "📎 Оригинал"]


async def test_the_bonus_is_given_once(mia: Person) -> None:
    [greeting] = await mia.send("/start")
    assert "🎁" not in greeting["text"] and "Your balance is 50 ⚡" in greeting["text"]
    assert await mia.balance() == "50.00"


async def test_a_deep_link_is_greeted_like_anybody(somebody: Callable[..., Person]) -> None:
    person = somebody()
    [greeting] = await person.send("/start ref_123")
    assert "Hi, Mia!" in greeting["text"]
    assert await person.jobs() == []


async def test_somebody_without_a_name_is_greeted(somebody: Callable[..., Person]) -> None:
    [greeting] = await somebody(name="  ").send("/start")
    assert greeting["text"].startswith("Hi!")


async def test_a_name_cannot_turn_the_words_after_it_around(somebody: Callable[..., Person]) -> None:
    [greeting] = await somebody(name="\u202eM\nia\u2067 <b>").send("/start")
    assert greeting["text"].startswith("Hi, M ia <b>!")
    [greeting] = await somebody(name="\u200f\u202e").send("/start")
    assert greeting["text"].startswith("Hi!")


async def test_a_prompt_before_start_is_refused_for_lack_of_tokens_and_start_cures_that(
    somebody: Callable[..., Person],
) -> None:
    person = somebody()
    [answer] = await person.send("a red fox in the snow")
    assert "0.80 ⚡ short" in answer["text"]
    await person.send("/start")
    [status] = await person.send("a red fox in the snow")
    assert "0.80 ⚡ charged" in status["text"]


async def test_help_names_every_command(mia: Person) -> None:
    [by_command] = await mia.send("/help")
    [by_button] = await mia.send("❓ Help")
    assert by_command["text"] == by_button["text"]
    for command in ("/models", "/balance", "/cancel", "/language", "/paysupport", "/terms", "Prompt by reference"):
        assert command in by_command["text"]


async def test_the_balance_says_what_it_pays_for_and_where_tokens_went(mia: Person, world: World) -> None:
    await mia.send("a red fox")
    await world.work()
    [answer] = await mia.send("⚡ Balance")
    text = answer["text"]
    assert "Your balance is 49.20 ⚡" in text and "1 ⚡ ≈ $0.05" in text
    assert "Nano Banana: 61 pictures at 0.80 ⚡" in text
    assert "−0.80 ⚡  🍌 Nano Banana" in text and "+50 ⚡  welcome gift" in text


async def test_a_refund_is_told_in_plain_words(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    provider.answers.append(ContentBlocked("vendor says no"))
    await mia.send("something wild")
    await world.work()
    [answer] = await mia.send("/balance")
    assert "+0.80 ⚡  returned: 🍌 Nano Banana" in answer["text"]


async def test_an_empty_balance_says_what_a_picture_costs(somebody: Callable[..., Person]) -> None:
    person = somebody()
    [answer] = await person.send("/balance")
    assert "Not enough for a picture yet: one costs 0.80 ⚡" in answer["text"]
    assert "Your history will appear here" in answer["text"]


async def test_commands_do_not_care_for_case(mia: Person) -> None:
    [answer] = await mia.send("/BALANCE")
    assert "Your balance" in answer["text"]


async def test_too_few_tokens_say_how_many_are_missing_and_what_is_possible(mia: Person, world: World) -> None:
    await mia.send("/models")
    await mia.press("Nano Banana Pro")
    for _ in range(3):
        await mia.send("/models")
        await mia.press("Nano Banana Pro")
        await mia.press("4K")
        await mia.send("a castle")
        await world.work()
    assert await mia.balance() == "17.60"
    await mia.send("/models")
    await mia.press("Nano Banana Pro")
    await mia.press("4K")
    await mia.send("a castle")
    await world.work()
    await mia.send("/models")
    await mia.press("Nano Banana Pro")
    await mia.press("4K")
    [answer] = await mia.send("a castle")
    assert "4 ⚡ short" in answer["text"]
    assert "It costs 10.80 ⚡, your balance is 6.80 ⚡" in answer["text"]
    assert "Nano Banana: 8 pictures" in answer["text"]
    assert await mia.balance() == "6.80"

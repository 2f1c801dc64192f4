"""Promo codes in the chat: how one gets to type one, what is answered, and what stays a picture to draw."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core import db, redis
from core.bonuses import codes, tries
from core.bonuses.codes import NewCode
from tests.bot.people import Person, World
from tests.bot.telegram import FakeTelegram, buttons

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
async def fox(world: World) -> None:
    """A code that gives 10 tokens."""
    await codes.create(NewCode("FOX", Decimal(10)))


async def test_a_code_behind_the_command_gives_its_tokens(mia: Person) -> None:
    [answer] = await mia.send("/promo fox")
    assert answer["text"] == "🎉 Promo code FOX accepted: +10 ⚡.\n\nYour balance is 60 ⚡. What shall I draw?"
    assert await mia.balance() == "60.00"


async def test_the_same_in_russian(masha: Person) -> None:
    [answer] = await masha.send("/PROMO  Fox ")
    assert answer["text"] == "🎉 Промокод FOX принят: +10 ⚡.\n\nНа балансе 60 ⚡. Что нарисовать?"


async def test_the_command_alone_asks_and_the_next_message_answers(masha: Person) -> None:
    [question] = await masha.send("/promo")
    assert question["text"] == "Пришлите промокод одним сообщением." and question["asks"] == "Промокод"
    await masha.send("fox")
    assert await masha.balance() == "60.00"
    assert await masha.jobs() == []


async def test_the_button_under_the_balance_asks_too(mia: Person, telegram: FakeTelegram) -> None:
    [question] = await mia.tap("r", telegram.last)
    assert question["text"] == "Send me the promo code in one message."
    await mia.send(" FOX ")
    assert await mia.balance() == "60.00"


async def test_a_code_typed_out_of_the_blue_is_a_picture(mia: Person) -> None:
    await mia.send("FOX")
    assert await mia.balance() == "49.20"
    assert [job.prompt for job in await mia.jobs()] == ["FOX"]


@pytest.mark.parametrize("meanwhile", ["/models", "/balance", "a red fox in the snow"])
async def test_whoever_does_something_else_is_asked_no_more(mia: Person, meanwhile: str) -> None:
    await mia.send("/promo")
    await mia.send(meanwhile)
    await mia.send("FOX")
    assert (await mia.jobs())[-1].prompt == "FOX"


async def test_several_words_after_the_question_are_a_picture(mia: Person) -> None:
    await mia.send("/promo")
    await mia.send("a red fox in the snow")
    assert [job.prompt for job in await mia.jobs()] == ["a red fox in the snow"]


async def test_a_button_of_the_menu_after_the_question_is_that_button(mia: Person) -> None:
    await mia.send("/promo")
    [answer] = await mia.send("⚡ Balance")
    assert "Your balance is 50 ⚡" in answer["text"]


async def test_a_reply_to_the_question_is_an_answer_however_late(mia: Person) -> None:
    [question] = await mia.send("/promo")
    await mia.send("/models")
    await mia.send("FOX", reply_to_message=question)
    assert await mia.balance() == "60.00"


async def test_without_redis_a_reply_to_the_question_works(mia: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise ConnectionRefusedError

    with monkeypatch.context() as broken:
        broken.setattr(redis, "client", away)
        [question] = await mia.send("/promo")
        await mia.send("FOX", reply_to_message=question)
    assert await mia.balance() == "60.00"


async def test_a_reply_to_somebody_elses_copy_of_the_question_is_none(mia: Person) -> None:
    [question] = await mia.send("/promo")
    await mia.send("/models")
    copied = {**question, "from": mia.profile}
    await mia.send("FOX", reply_to_message=copied)
    assert [job.prompt for job in await mia.jobs()] == ["FOX"]


async def test_a_wrong_code_may_be_corrected_at_once(masha: Person) -> None:
    await masha.send("/promo")
    [refusal] = await masha.send("FOXX")
    assert refusal["text"] == "Такого промокода нет. Проверьте каждую букву и пришлите ещё раз."
    assert refusal["asks"] == "Промокод"
    await masha.send("FOX")
    assert await masha.balance() == "60.00"


async def test_an_update_handled_twice_gives_once_and_says_the_same(mia: Person, world: World) -> None:
    await codes.create(NewCode("OFTEN", Decimal(3), max_uses_per_user=5))
    event = await world.store({"update_id": 900_001, "message": mia.message(text="/promo often")}, mia.id)
    for _ in range(2):
        await world.handle(event)
        assert "OFTEN accepted: +3 ⚡" in world.telegram.last["text"]
    assert await mia.balance() == "53.00"


async def test_an_answer_handled_twice_is_an_answer_both_times(mia: Person, world: World) -> None:
    await mia.send("/promo")
    event = await world.store({"update_id": 900_002, "message": mia.message(text="FOXX")}, mia.id)
    for _ in range(2):
        await world.handle(event)
    assert await mia.jobs() == []


REFUSALS = [
    ("UPDATE botapp_promocode SET is_active = false", "Этот промокод больше не действует.", "no longer works"),
    (
        "UPDATE botapp_promocode SET valid_from = now() - interval '2 d', valid_until = now() - interval '1 d'",
        "Срок этого промокода вышел.",
        "has expired",
    ),
    (
        "UPDATE botapp_promocode SET max_uses = 1, current_uses = 1",
        "Этот промокод разобрали: других попыток не осталось.",
        "others have used it up",
    ),
    (
        "UPDATE botapp_promocode SET budget = 5",
        "Этот промокод разобрали: он раздал всё, что было.",
        "everything that it had",
    ),
    (
        "UPDATE botapp_promocode SET valid_from = '2099-05-01 21:30+00'",
        "Попробуйте 02.05.2099, 00:30.",
        "Try it on 01 May 2099, 21:30.",
    ),
]


@pytest.mark.parametrize(("change", "russian", "english"), REFUSALS)
async def test_every_refusal_says_why_in_both_languages(
    mia: Person, masha: Person, change: str, russian: str, english: str
) -> None:
    await db.execute(change)
    for person, words in ((masha, russian), (mia, english)):
        [answer] = await person.send("/promo FOX")
        assert words in answer["text"]
        assert "menu" in answer
        assert await person.balance() == "50.00"


async def test_a_second_use_names_what_the_first_gave(mia: Person, masha: Person) -> None:
    for person, words in ((mia, "You have used this promo code and got 10 ⚡."), (masha, "и получили 10 ⚡.")):
        await person.send("/promo FOX")
        [answer] = await person.send("/promo FOX")
        assert words in answer["text"]
        assert await person.balance() == "60.00"


async def test_guessing_is_stopped_with_words(masha: Person) -> None:
    for number in range(tries.MOST):
        await masha.send(f"/promo GUESS{number}")
    [answer] = await masha.send("/promo FOX")
    assert answer["text"] == "Слишком много промокодов с ошибкой. Попробуйте через 10 мин."
    assert await masha.balance() == "50.00"


@pytest.mark.parametrize("text", ["🦊", "F" * 4000, "<b>FOX</b>", "../../FOX", "FOX FOX", "%FOX%", "-"])
async def test_nonsense_behind_the_command_is_an_unknown_code(mia: Person, text: str) -> None:
    [answer] = await mia.send(f"/promo {text}")
    assert "There is no such promo code" in answer["text"]


async def test_a_percentage_is_explained_with_its_conditions_and_a_way_to_top_up(
    somebody: Callable[..., Person], masha: Person
) -> None:
    until = datetime(2099, 12, 31, 20, 59, tzinfo=UTC)
    await codes.create(
        NewCode(
            "HALF",
            Decimal(50),
            is_percentage=True,
            max_uses=9,
            min_deposit=Decimal(100),
            max_bonus=Decimal("150.50"),
            valid_until=until,
        )
    )
    [answer] = await masha.send("/promo half")
    assert answer["text"] == (
        "🎉 Промокод HALF включён.\n\n"
        "К следующему пополнению добавлю 50 % сверху.\n"
        "Нужно пополнить на 100 ⚡ или больше.\n"
        "Добавлю не больше 150,50 ⚡.\n"
        "Успейте до 31.12.2099, 23:59."
    )
    assert buttons(answer) == {"⚡ Пополнить": "t"}
    assert await masha.balance() == "50.00"
    [again] = await masha.send("/promo half")
    assert again["text"].startswith("Промокод HALF уже включён и ждёт вашего пополнения.")


async def test_tokens_for_a_later_deposit_are_said_in_tokens(mia: Person) -> None:
    await codes.create(NewCode("LATER", Decimal("12.50"), min_deposit=Decimal(200)))
    [answer] = await mia.send("/promo later")
    assert answer["text"] == (
        "🎉 Promo code LATER is on.\n\nYour next top-up brings 12.50 ⚡ on top.\nIt has to be 200 ⚡ or more."
    )


async def test_a_promise_that_ran_out_was_a_use_without_tokens(mia: Person) -> None:
    soon = datetime.now(UTC) + timedelta(days=1)
    await codes.create(NewCode("HALF", Decimal(50), is_percentage=True, max_uses=9, valid_until=soon))
    await mia.send("/promo half")
    await db.execute("UPDATE botapp_promocode SET valid_from = now() - interval '2 d', valid_until = now()")
    [answer] = await mia.send("/promo half")
    assert answer["text"] == "You have used this promo code."


async def test_a_code_can_be_typed_after_a_result_too(mia: Person, world: World) -> None:
    await mia.send("a red fox in the snow")
    await world.work()
    await mia.send("/promo FOX")
    assert await mia.balance() == "59.20"

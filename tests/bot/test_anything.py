"""Whatever people do and whatever breaks meanwhile: everybody is answered, nobody pays twice, the books agree."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from aiogram.exceptions import TelegramNetworkError, TelegramRetryAfter

from core import db
from core.generations import Status
from providers.base import Failed, Finished, Media, Running, Submitted
from providers.errors import FAILURE_CLASSES
from tests.bot.people import Person, World, picture
from tests.bot.telegram import FakeTelegram, buttons
from tests.core.generations.conftest import assert_books_agree
from tests.core.generations.conftest import make_due as make_generation_due
from tests.core.generations.scripted import ScriptedProvider
from tests.core.generations.scripted import picture as made

pytestmark = pytest.mark.integration

Action = Callable[[Person, random.Random], Awaitable[Any]]

COMMANDS = ["/start", "/help", "/balance", "/cancel", "/models", "/language", "/x"]
WORDS = ["a red fox", "лиса", "", " ", "<b>", "🦊" * 900, *COMMANDS]
MENU = ["🖼 Create image", "🎬 Создать видео", "⚡ Balance", "❓ Помощь"]


async def write(person: Person, chance: random.Random) -> Any:
    return await person.send(message=person.message(text=chance.choice([*WORDS, *MENU])))


async def show_a_photo(person: Person, chance: random.Random) -> Any:
    words = chance.choice([{}, {"caption": "a hat"}, {"caption": "шляпа"}, {"caption": " "}])
    return await person.send(message=person.photo(picture(chance.choice(["red", "blue"])), **words))


async def send_a_file(person: Person, chance: random.Random) -> Any:
    content = chance.choice([b"", b"%PDF", picture(kind="PNG"), picture(kind="GIF")])
    return await person.send(message=person.document(content, chance.choice(["image/png", "video/mp4", "x/y"])))


async def forward(person: Person, chance: random.Random) -> Any:
    origin = {"type": "hidden_user", "date": 1, "sender_user_name": "Somebody"}
    return await person.send(message=person.message(text="their words", forward_origin=origin))


async def change_a_message(person: Person, chance: random.Random) -> Any:
    return await person.edit(person.message(text="new words"), text="newer words")


async def answer_a_message(person: Person, chance: random.Random) -> Any:
    mine = [message for message in person.telegram.now_shown if message["chat"]["id"] == person.id]
    return await person.send("with a hat", reply_to_message=chance.choice(mine)) if mine else None


async def press_a_button(person: Person, chance: random.Random) -> Any:
    shown = [message for message in person.telegram.now_shown if buttons(message)]
    if not shown:
        return None
    message = chance.choice(shown)
    return await person.tap(chance.choice(list(buttons(message).values())), message)


async def send_a_sticker(person: Person, chance: random.Random) -> Any:
    return await person.send(voice={"file_id": "f", "file_unique_id": "u", "duration": 3})


ACTIONS: list[Action] = [write, show_a_photo, send_a_file, forward, change_a_message, answer_a_message, send_a_sticker]
OFTEN: list[Action] = [write, press_a_button, press_a_button, press_a_button]


def prepare(provider: ScriptedProvider, chance: random.Random, number: int) -> None:
    """Let the provider's next answer be anything."""
    failure = chance.choice(FAILURE_CLASSES)("vendor words")
    kind = chance.randrange(5)
    if kind == 0:
        provider.answers.append(failure)
    elif kind == 1:
        provider.answers.append(Submitted(f"job-{number}"))
        answers: list[Running | Failed | Finished] = [Running(0.5), Failed(failure), Finished((made(),))]
        provider.polls.append(chance.choice(answers))
    elif kind == 2:
        provider.answers.append(Finished((Media("video/mp4", data=b"\0\0\0\x18ftypisom" + bytes(40)),)))
    elif kind == 3:
        provider.answers.append(Finished((made("red"), made("blue"))))


def disturb(telegram: FakeTelegram, chance: random.Random) -> None:
    """Let one of the deliveries' next calls meet a network that fails."""
    method = chance.choice(["sendPhoto", "sendMediaGroup", "sendVideo"])
    telegram.fail(method, chance.choice([lost, busy]))


def lost(method: Any) -> Exception:
    return TelegramNetworkError(method, "lost")


def busy(method: Any) -> Exception:
    return TelegramRetryAfter(method, "slow down", 60)


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_people_do_they_are_answered_and_the_books_agree(
    seed: int, world: World, somebody: Callable[..., Person], provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    chance = random.Random(seed)
    people = [somebody(language=language, name="M & <M>") for language in ("ru", "en", "de")]
    for number in range(70):
        person = chance.choice(people)
        prepare(provider, chance, 1000 * seed + number)
        calls, toasts = len(telegram.calls), len(person.toasts)
        action = chance.choice([*ACTIONS, *OFTEN])
        if await action(person, chance) is not None:
            spoken = {call.__api_method__ for call in telegram.calls[calls:]}
            assert spoken & {"sendMessage", "editMessageText", "sendDocument"} or len(person.toasts) > toasts, action
        assert "Something broke" not in str(telegram.now_shown) and "сломалось" not in str(telegram.now_shown)
        if chance.random() < 0.3:
            disturb(telegram, chance)
        await world.work()
        telegram.failures.clear()
    provider.answers.clear()
    provider.polls.clear()
    await let_everything_end(world, people)
    for person in people:
        for job in await person.jobs():
            assert job.status.is_final, job
            charged = await db.fetch_value(
                "SELECT sum(amount) FROM botapp_transaction WHERE id = $1 OR related_transaction_id = $1",
                job.transaction_id,
            )
            kept = job.tokens - job.refunded if job.status is Status.DONE else 0
            assert -charged == kept, job
    await assert_books_agree()


async def let_everything_end(world: World, people: list[Person]) -> None:
    """Let pauses be over until every job has ended."""
    for _ in range(12):
        open_jobs = [job for person in people for job in await jobs_of(person) if not job.status.is_final]
        if not open_jobs:
            return
        for job in open_jobs:
            await make_generation_due(job)
            await db.execute(
                "INSERT INTO botapp_outbox (task, arguments) VALUES ($1, $2)",
                "bot.deliver" if job.stage == "delivering" else "generations.advance",
                db.to_json({"run_code": job.run_code}),
            )
        await world.work()
    raise AssertionError("some jobs never end")


async def jobs_of(person: Person) -> list[Any]:
    return await person.jobs() if await _is_known(person) else []


async def _is_known(person: Person) -> bool:
    return bool(await db.fetch_value("SELECT 1 FROM botapp_tguser WHERE chat_id = $1", person.id))


@pytest.mark.parametrize("broken", [1, 2])
async def test_an_order_interrupted_at_any_call_is_charged_once_and_told(
    broken: int, mia: Person, world: World, telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer to one call of Telegram is lost while an update is handled; then it is handled again."""
    event = await world.store({"update_id": 410_000, "message": mia.photo(caption="a hat")}, mia.id)
    make_request, calls = telegram.make_request, itertools.count(1)

    async def cut(bot: Any, method: Any, timeout: int | None = None) -> Any:
        if next(calls) == broken:
            raise TelegramNetworkError(method, "lost")
        return await make_request(bot, method, timeout)

    monkeypatch.setattr("bot.client.ATTEMPTS", 1)
    monkeypatch.setattr(telegram, "make_request", cut)
    with suppress(TelegramNetworkError):
        await world.runtime.handle(event)
    await world.runtime.handle(event)
    assert len(await mia.jobs()) == 1 and await mia.balance() == "49.20"
    await world.work()
    assert telegram.last["photo"] and "a hat" in telegram.last["caption"]
    await assert_books_agree()


async def test_an_update_that_two_workers_handle_at_once_is_charged_once(mia: Person, world: World) -> None:
    event = await world.store({"update_id": 420_000, "message": mia.message(text="a red fox")}, mia.id)
    await asyncio.gather(*(world.runtime.handle(event) for _ in range(4)))
    assert len(await mia.jobs()) == 1 and await mia.balance() == "49.20"


async def test_an_album_whose_parts_two_workers_handle_at_once_is_charged_once(mia: Person, world: World) -> None:
    parts = [mia.photo(picture(colour), media_group_id="g", caption="a hat") for colour in ("red", "blue")]
    events = [await world.store({"update_id": 430_000 + n, "message": part}, mia.id) for n, part in enumerate(parts)]
    await asyncio.gather(*(world.runtime.handle(event) for event in events * 2))
    [job] = await mia.jobs()
    assert len(job.images) == 2 and await mia.balance() == "49.20"


async def test_many_people_at_once_get_one_bonus_each(world: World, somebody: Callable[..., Person]) -> None:
    people = [somebody() for _ in range(10)]
    updates = [person.update(message=person.message(text="/start")) for person in people for _ in range(3)]
    await asyncio.gather(*updates)
    assert {await person.balance() for person in people} == {"50.00"}
    await assert_books_agree()


async def test_a_delivery_that_two_workers_try_at_once_happens_once(
    mia: Person, world: World, telegram: FakeTelegram
) -> None:
    await mia.send("a red fox")
    [job] = await mia.jobs()
    await world.work()
    await db.execute(
        """UPDATE botapp_genrequest SET status = 'processing', stage = 'delivering', lease_until = NULL
        WHERE id = $1""",
        job.id,
    )
    before = len(telegram.named("sendPhoto"))
    await asyncio.gather(*(world.runtime.deliver(job.run_code) for _ in range(5)))
    assert len(telegram.named("sendPhoto")) == before + 1

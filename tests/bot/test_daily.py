"""The daily gift in the chat: the ladder, tomorrow, and the clock that one's days go by."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.keyboards_bonuses import OFFSETS, ZONES, zone_name
from bot.texts import Words
from core import db
from core.bonuses import zones
from tests.bot.people import Person, World
from tests.bot.telegram import FakeTelegram, buttons

pytestmark = pytest.mark.integration


NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
_updates = itertools.count(910_000)


async def come(person: Person, *days: int) -> list[dict[str, Any]]:
    """Say /daily on these days, counted from a Sunday in November; return what was answered."""
    answers = []
    for day in days:
        event = await person.world.store(
            {"update_id": next(_updates), "message": person.message(text="/daily")}, person.id
        )
        await person.world.handle(replace(event, received_at=NOON + timedelta(days=day)))
        answers.append(person.telegram.last)
    return answers


async def test_the_first_gift(mia: Person) -> None:
    [answer] = await mia.send("/daily")
    first, ladder, tomorrow, zone = answer["text"].split("\n\n")
    assert first == "🎁 +1 ⚡, 1 day in a row."
    assert ladder == "🎁 1  1.50  2  2.50  3  4  5"
    assert re.fullmatch(
        r"Tomorrow 1\.50 ⚡\. Your new day begins in \d+ (h \d+ min|min|s)\.\nMiss a day and the ladder starts over\.",
        tomorrow,
    )
    assert zone == "🕒 Your days go by the time of UTC."
    assert await mia.balance() == "51.00"


async def test_days_in_a_row_climb_in_russian(masha: Person) -> None:
    *_, answer = await come(masha, 0, 1, 2)
    assert answer["text"].startswith("🎁 +2 ⚡, 3 дня подряд.\n\n✅ 1  ✅ 1,50  🎁 2  2,50  3  4  5\n\nЗавтра 2,50 ⚡.")
    assert "День считаю по времени: Москва." in answer["text"]
    assert await masha.balance() == "54.50"


async def test_after_the_last_step_it_stays_there(mia: Person) -> None:
    *_, answer = await come(mia, *range(9))
    assert answer["text"].startswith("🎁 +5 ⚡, 9 days in a row.\n\n✅ 1  ✅ 1.50  ✅ 2  ✅ 2.50  ✅ 3  ✅ 4  🎁 5\n\n")
    assert "Tomorrow 5 ⚡" in answer["text"]


async def test_a_second_time_says_that_it_was_taken(mia: Person, masha: Person) -> None:
    for person, words in (
        (mia, "You have today’s gift already, 1 day in a row."),
        (masha, "Сегодняшний подарок уже у вас, 1 день подряд."),
    ):
        await person.send("/daily")
        [answer] = await person.send("/daily")
        assert answer["text"].startswith(words)
        assert await person.balance() == "51.00"


async def test_a_missed_day_starts_over(mia: Person) -> None:
    *_, answer = await come(mia, 0, 1, 3)
    assert answer["text"].startswith("🎁 +1 ⚡, 1 day in a row.")


async def test_the_time_until_the_next_day_goes_by_ones_own_clock(mia: Person, masha: Person) -> None:
    [english] = await come(mia, 0)
    [russian] = await come(masha, 0)
    assert "Your new day begins in 12 h 0 min." in english["text"]
    assert "Новый день у вас начнётся через 9 ч 0 мин." in russian["text"]


async def test_the_button_gives_it_too(mia: Person, telegram: FakeTelegram) -> None:
    [answer] = await mia.tap("y", telegram.last)
    assert "+1 ⚡" in answer["text"]


async def test_an_update_handled_twice_gives_once(mia: Person, world: World) -> None:
    event = await world.store({"update_id": next(_updates), "message": mia.message(text="/daily")}, mia.id)
    for _ in range(2):
        await world.handle(event)
    assert await mia.balance() == "51.00"


async def test_choosing_a_city_by_its_clock(masha: Person, telegram: FakeTelegram) -> None:
    await masha.send("/daily")
    await masha.press("Мой часовой пояс")
    cities = buttons(telegram.last)
    assert telegram.last["text"] == "Который у вас час? Нажмите на своё время."
    assert all(re.match(r"\d\d:\d\d · ", text) for text in list(cities)[:-1])
    await masha.press("Владивосток")
    assert telegram.last["text"].startswith("Запомнил: Владивосток.")
    assert await zones.name_of((await masha.account()).id, "ru") == "Asia/Vladivostok"
    assert await masha.balance() == "51.00"


async def test_after_a_move_the_next_gift_is_held_back_and_says_why(
    masha: Person, mia: Person, telegram: FakeTelegram
) -> None:
    for person, label, words in (
        (masha, "Мой часовой пояс", "Часовой пояс новый, поэтому следующий подарок, 1,50 ⚡, придёт через 1"),
        (mia, "My time zone", "Your time zone is new, so the next gift, 1.50 ⚡, comes in 1"),
    ):
        await person.send("/daily")
        account = (await person.account()).id
        # Somebody who took it late in the evening of the westernmost zone, and now lives where it is tomorrow.
        await db.execute(
            "UPDATE botapp_dailyreward SET timezone = 'Etc/GMT+12', day = current_date - 3 WHERE user_id = $1", account
        )
        await person.press(label)
        await person.press("Москва" if person is masha else "Moscow")
        assert words in telegram.last["text"]
        [answer] = await person.send("/daily")
        assert "+1" not in answer["text"].splitlines()[0]


async def test_choosing_hours_from_utc_and_going_back(mia: Person, telegram: FakeTelegram) -> None:
    await mia.send("/daily")
    await mia.press("My time zone")
    await mia.press("hours from UTC")
    assert {text.split(" · ")[1] for text in list(buttons(telegram.last))[:-1]} >= {"UTC−11", "UTC", "UTC+14"}
    await mia.press("Choose a city")
    await mia.press("hours from UTC")
    await mia.press("UTC+9")
    assert "Noted: UTC+9." in telegram.last["text"]
    assert await zones.name_of((await mia.account()).id, "en") == "Etc/GMT-9"


async def test_before_the_first_gift_the_new_zone_offers_it(mia: Person, telegram: FakeTelegram) -> None:
    await mia.tap("z", telegram.last)
    await mia.press("Tokyo")
    assert telegram.last["text"] == "Noted: Tokyo.\n\nToday’s gift is waiting for you."
    await mia.press("Daily gift")
    assert "+1 ⚡" in telegram.last["text"] and "Tokyo" in telegram.last["text"]


@pytest.mark.parametrize("data", ["z:Mars/Olympus", "z:", "z:../../etc/passwd", "z:Europe/Paris", "z:Etc/GMT-99"])
async def test_a_forged_zone_changes_nothing(mia: Person, telegram: FakeTelegram, data: str) -> None:
    await mia.tap(data, telegram.last)
    assert "out of date" in mia.toasts[-1]
    assert await zones.name_of((await mia.account()).id, "en") == "UTC"


@pytest.mark.parametrize("name", [*ZONES, *OFFSETS])
def test_every_zone_that_is_offered_exists_and_has_a_name(name: str) -> None:
    assert zones.find(name) is not None
    assert len(name) <= 40
    for language in ("ru", "en"):
        assert "/" not in zone_name(Words(language), name)

"""The daily reward: its ladder, what a day is in every zone, and that no journey and no crowd brings a second one."""

from __future__ import annotations

import asyncio
import itertools
import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import db, ledger
from core.bonuses import daily, zones
from core.bonuses.daily import LADDER
from core.types import Language
from core.users import User
from tests.core.bonuses.conftest import NOW, gifts
from tests.core.payments.conftest import assert_books_agree, balance, newcomer

pytestmark = pytest.mark.integration

STEPS = ["1.00", "1.50", "2.00", "2.50", "3.00", "4.00", "5.00", "5.00", "5.00"]


async def taken(person: User, moment: datetime) -> Decimal | None:
    """Ask for the reward at a moment; return what was given, None for nothing."""
    outcome = await daily.take(person, moment)
    return None if outcome.posting is None else outcome.posting.amount


def in_zone(name: str, *parts: int) -> datetime:
    """A moment by the clock of a zone."""
    year, month, day, hour, minute = parts
    return datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(name)).astimezone(UTC)


async def days(person: User) -> list[tuple[date, int]]:
    """The days that were taken, with their streaks."""
    rows = await db.fetch("SELECT day, streak FROM botapp_dailyreward WHERE user_id = $1 ORDER BY day", person.id)
    return [(row["day"], row["streak"]) for row in rows]


async def test_the_ladder_rises_for_a_week_and_stays(fox: User) -> None:
    for number, reward in enumerate(STEPS):
        assert str(await taken(fox, NOW + timedelta(days=number))) == reward
    assert await gifts(fox) == [(reward, "daily") for reward in STEPS]


async def test_a_day_is_taken_once_and_says_when_the_next_begins(fox: User) -> None:
    first = await daily.take(fox, NOW)
    again = await daily.take(fox, NOW + timedelta(hours=3))
    midnight = in_zone("Europe/Moscow", 2026, 11, 23, 0, 0)
    assert first.posting is not None and again.posting is None
    for outcome in (first, again):
        assert (outcome.streak, outcome.tomorrow, outcome.next_at) == (1, LADDER[1], midnight)
        assert outcome.zone == "Europe/Moscow"
    assert await balance(fox) == "1.00"


async def test_a_missed_day_begins_the_ladder_again(fox: User) -> None:
    for number in (0, 1, 3, 4):
        await taken(fox, NOW + timedelta(days=number))
    assert [amount for amount, _ in await gifts(fox)] == ["1.00", "1.50", "1.00", "1.50"]


async def test_twenty_five_hours_later_is_the_next_day_not_a_missed_one(fox: User) -> None:
    await taken(fox, NOW)
    assert await taken(fox, NOW + timedelta(hours=25)) == LADDER[1]


async def test_almost_two_days_apart_may_still_be_days_in_a_row(fox: User) -> None:
    await taken(fox, in_zone("Europe/Moscow", 2026, 11, 22, 0, 1))
    assert await taken(fox, in_zone("Europe/Moscow", 2026, 11, 23, 23, 59)) == LADDER[1]


async def test_two_minutes_around_midnight_are_two_days(fox: User) -> None:
    assert await taken(fox, in_zone("Europe/Moscow", 2026, 11, 22, 23, 59)) == LADDER[0]
    assert await taken(fox, in_zone("Europe/Moscow", 2026, 11, 23, 0, 0)) == LADDER[1]


async def test_the_day_begins_at_the_persons_own_midnight(fox: User) -> None:
    await zones.choose(fox.id, "Asia/Vladivostok")
    await taken(fox, in_zone("Asia/Vladivostok", 2026, 11, 22, 23, 0))
    assert await taken(fox, in_zone("Asia/Vladivostok", 2026, 11, 22, 23, 59)) is None
    assert await taken(fox, in_zone("Asia/Vladivostok", 2026, 11, 23, 0, 1)) == LADDER[1]


@pytest.mark.parametrize("at_once", [8])
async def test_eight_at_once_are_one(fox: User, at_once: int) -> None:
    outcomes = await asyncio.gather(*(daily.take(fox, NOW) for _ in range(at_once)))
    assert sum(outcome.posting is not None for outcome in outcomes) == 1
    assert {outcome.streak for outcome in outcomes} == {1}
    assert await balance(fox) == "1.00"
    await assert_books_agree()


async def test_the_database_keeps_a_day_single_by_itself(fox: User) -> None:
    await taken(fox, NOW)
    copy = """INSERT INTO botapp_dailyreward (user_id, day, streak, transaction_id)
        SELECT user_id, day, streak, transaction_id FROM botapp_dailyreward"""
    with pytest.raises(asyncpg.UniqueViolationError):
        await db.execute(copy)


async def test_travelling_east_brings_no_second_reward_at_once(fox: User) -> None:
    await zones.choose(fox.id, "Pacific/Pago_Pago")
    moment = in_zone("Pacific/Pago_Pago", 2026, 11, 22, 23, 0)
    await taken(fox, moment)
    await zones.choose(fox.id, "Pacific/Kiritimati")
    outcome = await daily.take(fox, moment + timedelta(minutes=1))
    assert outcome.posting is None and outcome.is_held_back
    assert outcome.next_at == moment + daily.AFTER_A_MOVE
    assert await taken(fox, moment + timedelta(hours=11, minutes=59)) is None
    assert await taken(fox, moment + timedelta(hours=12)) is not None


async def test_travelling_west_never_brings_a_day_back(fox: User) -> None:
    await zones.choose(fox.id, "Pacific/Kiritimati")
    moment = in_zone("Pacific/Kiritimati", 2026, 11, 23, 0, 30)
    await taken(fox, moment)
    await zones.choose(fox.id, "Pacific/Pago_Pago")
    for hours in (1, 12, 24, 36):
        assert await taken(fox, moment + timedelta(hours=hours)) is None
    outcome = await daily.take(fox, moment + timedelta(hours=37))
    assert outcome.posting is None and outcome.next_at == in_zone("Pacific/Pago_Pago", 2026, 11, 24, 0, 0)
    assert not outcome.is_held_back
    assert await taken(fox, outcome.next_at) == LADDER[1]


async def test_changing_the_zone_there_and_back_changes_nothing(fox: User) -> None:
    await taken(fox, NOW)
    for name in ("Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Moscow"):
        await zones.choose(fox.id, name)
        assert await taken(fox, NOW + timedelta(minutes=5)) is None
    assert await taken(fox, in_zone("Europe/Moscow", 2026, 11, 23, 0, 0)) == LADDER[1]


@pytest.mark.parametrize(
    ("zone", "day", "length"),
    [
        ("Europe/Berlin", (2026, 3, 29), 23),
        ("Europe/Berlin", (2026, 10, 25), 25),
        ("America/New_York", (2026, 3, 8), 23),
        ("America/New_York", (2026, 11, 1), 25),
        ("Africa/Cairo", (2026, 4, 24), 23),
        ("Australia/Lord_Howe", (2026, 4, 5), 24.5),
    ],
)
async def test_days_that_are_longer_or_shorter_end_at_their_own_midnight(
    fox: User, zone: str, day: tuple[int, int, int], length: float
) -> None:
    await zones.choose(fox.id, zone)
    noon = in_zone(zone, *day, 12, 0)
    outcome = await daily.take(fox, noon)
    start = datetime(*day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    assert outcome.next_at - start == timedelta(hours=length)
    assert await taken(fox, outcome.next_at - timedelta(seconds=1)) is None
    assert await taken(fox, outcome.next_at) == LADDER[1]


@pytest.mark.parametrize(("language", "zone"), [("ru", "Europe/Moscow"), ("en", "UTC")])
async def test_the_zone_follows_the_language_until_one_is_chosen(fox: User, language: Language, zone: str) -> None:
    assert await zones.name_of(fox.id, language) == zone
    await zones.choose(fox.id, "Asia/Tokyo")
    assert await zones.name_of(fox.id, language) == "Asia/Tokyo"


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../../etc/passwd", "Europe", "\x00", "A" * 41, "/etc/localtime"])
async def test_what_is_no_zone_is_not_chosen(fox: User, name: str) -> None:
    with pytest.raises(LookupError):
        await zones.choose(fox.id, name)
    assert await zones.name_of(fox.id, "en") == "UTC"


async def test_a_zone_that_this_machine_lost_is_as_if_not_chosen(fox: User) -> None:
    await db.execute("UPDATE botapp_usersettings SET timezone = 'Europe/Atlantis'")
    assert await zones.name_of(fox.id, "ru") == "Europe/Moscow"
    assert await taken(fox, NOW) == LADDER[0]


def test_the_defaults_need_no_zone_data(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_: str) -> ZoneInfo:
        raise LookupError

    monkeypatch.setattr(zones, "ZoneInfo", nothing)
    for name in zones.DEFAULTS.values():
        assert zones.find(name) is not None
    assert zones.find("Europe/Berlin") is None
    moscow = zones.find("Europe/Moscow")
    assert NOW.astimezone(moscow).utcoffset() == timedelta(hours=3)


@given(streak=st.integers(1, 4000))
def test_a_step_is_never_below_the_one_before(streak: int) -> None:
    assert LADDER[0] <= daily.step(streak) <= daily.step(streak + 1) <= LADDER[-1]


ZONES = ("UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kolkata", "America/New_York", "Europe/Moscow")


@pytest.mark.parametrize("seed", range(4))
async def test_no_journey_brings_more_than_a_reward_per_day_of_the_world(fox: User, seed: int) -> None:
    """Somebody who moves around the world and asks at any time; ten journeys of each seed."""
    drawn = random.Random(seed)
    for _ in range(10):
        moves = [(drawn.choice(ZONES), drawn.randint(1, 60 * 30)) for _ in range(drawn.randint(2, 25))]
        person = await newcomer()
        given_at, moment = [], NOW
        for zone, minutes in moves:
            moment += timedelta(minutes=minutes)
            await zones.choose(person.id, zone)
            if await taken(person, moment):
                given_at.append(moment)
        seen = await days(person)
        assert [day for day, _ in seen] == sorted({day for day, _ in seen})
        assert len(given_at) == len(seen)
        assert len(given_at) <= (given_at[-1] - given_at[0]).days + 2
        for (before, streak), (after, next_streak) in itertools.pairwise(seen):
            assert next_streak == (streak + 1 if after - before == timedelta(days=1) else 1)
        assert await ledger.balance_of(person.id) == sum(daily.step(streak) for _, streak in seen)


async def test_what_a_screen_shows_is_what_is_given(fox: User) -> None:
    for number in (0, 1, 2, 5):
        moment = NOW + timedelta(days=number)
        shown = await daily.available(fox, moment)
        assert await daily.look(fox, moment) is None
        assert await taken(fox, moment) == shown
        assert await daily.available(fox, moment) is None
        assert (await daily.look(fox, moment)) == await daily.take(fox, moment)

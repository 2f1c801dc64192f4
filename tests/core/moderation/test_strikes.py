"""Repeat offenders wait, longer each time; everybody else never does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core import db, moderation, users
from core.generations import ContentRefused, TooManyRefusals
from core.moderation import strikes
from core.moderation.strikes import Strike

pytestmark = pytest.mark.integration

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def made(*ages: timedelta, source: str = "words") -> list[Strike]:
    """Refusals of so long ago, newest first."""
    return [Strike(NOW - age, source, "sexual") for age in sorted(ages)]


def minutes(count: int, *, apart: int = 1) -> list[timedelta]:
    """So many ages, some minutes apart."""
    return [timedelta(minutes=number * apart) for number in range(count)]


@pytest.mark.parametrize(
    ("refusals", "pause"),
    [
        ([], None),
        (made(*minutes(2)), None),
        (made(*minutes(3)), timedelta(hours=1)),
        (made(*minutes(3, apart=40)), None),
        (made(*minutes(6, apart=120)), timedelta(hours=6)),
        (made(*minutes(12, apart=600)), timedelta(days=1)),
        (made(*minutes(24, apart=1700)), timedelta(days=7)),
        (made(*minutes(5), source="provider"), None),
        (made(*minutes(6), source="provider"), timedelta(hours=1)),
    ],
)
def test_the_table_of_pauses(refusals: list[Strike], pause: timedelta | None) -> None:
    """A pause is counted from the last refusal; a provider's refusal weighs half."""
    end = strikes.paused_until(refusals)
    assert end == (None if pause is None else refusals[0].at + pause)


async def test_three_refusals_in_an_hour_make_the_user_wait(user: users.User) -> None:
    """The fourth order is not even looked at, however harmless it is."""
    for number in range(3):
        with pytest.raises(ContentRefused) as refused:
            await moderation.check(user.id, f"naked child {number}")
        assert refused.value.category == "minors"
    with pytest.raises(TooManyRefusals) as waiting:
        await moderation.check(user.id, "a fox in the snow")
    assert 3500 < waiting.value.seconds <= 3600


async def test_a_pause_ends_and_does_not_grow_by_waiting(user: users.User) -> None:
    """Orders that were turned away during it count for nothing."""
    for number in range(3):
        with pytest.raises(ContentRefused):
            await moderation.check(user.id, f"naked child {number}")
    for _ in range(5):
        with pytest.raises(TooManyRefusals):
            await moderation.check(user.id, "naked child again")
    assert await db.fetch_value("SELECT count(*) FROM botapp_refusal") == 3
    await db.execute("UPDATE botapp_refusal SET at = at - interval '61 minutes'")
    await moderation.check(user.id, "a fox in the snow")


async def test_the_same_words_at_once_are_one_refusal(user: users.User) -> None:
    """A message that is handled twice is one wish; a minute later the same words are another."""
    for _ in range(4):
        with pytest.raises(ContentRefused):
            await moderation.check(user.id, "naked child")
    assert len((await moderation.record_of(user.id)).refusals) == 1
    await db.execute("UPDATE botapp_refusal SET at = at - interval '61 seconds'")
    with pytest.raises(ContentRefused):
        await moderation.check(user.id, "naked child")
    assert len((await moderation.record_of(user.id)).refusals) == 2


async def test_somebody_elses_refusals_are_nobody_elses(user: users.User) -> None:
    """Nor does an old one count."""
    other = await users.upsert(users.Profile(777, "cat", "Cat", "", "en"))
    for number in range(3):
        await moderation.note(other.id, "moderation", "sexual", f"words {number}")
    await moderation.check(user.id, "a fox in the snow")
    await db.execute("UPDATE botapp_refusal SET at = at - interval '40 days'")
    assert (await moderation.record_of(other.id)) == moderation.Record((), None)


async def test_the_words_themselves_are_not_kept(user: users.User) -> None:
    """Only their digest, to see repetitions by."""
    await moderation.note(user.id, "provider", "content_blocked", "secret words")
    row = await db.fetch_one("SELECT source, category, digest FROM botapp_refusal")
    assert row is not None
    assert (row["source"], row["category"], len(row["digest"])) == ("provider", "content_blocked", 64)
    assert "secret" not in str(dict(row))


@pytest.fixture
async def user(database: object) -> users.User:
    """Somebody new."""
    return await users.upsert(users.Profile(4242, "fox", "Fox", "", "en"))

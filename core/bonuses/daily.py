"""The reward for coming every day: a ladder that one climbs day by day and falls off by missing one.

A day is a calendar day of the person, in the zone that they chose. A day never comes back, and somebody who moves to
another zone waits half a day, so that travelling around the world brings no second reward.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal

from core import db, ledger
from core.bonuses import zones
from core.bonuses.person import lock_person
from core.ledger import Posting, PostingKind
from core.logs import get_logger
from core.types import IdempotencyKey, Tokens, UserId
from core.users import User

log = get_logger(__name__)

LADDER: tuple[Tokens, ...] = tuple(map(Decimal, ("1.00", "1.50", "2.00", "2.50", "3.00", "4.00", "5.00")))
AFTER_A_MOVE = timedelta(hours=12)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Daily:
    """How somebody stands on the ladder.

    Attributes:
        posting: what was given just now; None when today's reward was taken before.
        streak: days in a row, the last one taken included.
        tomorrow: what the next day gives when none is missed.
        next_at: when that can be taken.
        zone: name of the zone whose days count.
    """

    posting: Posting | None
    streak: int
    tomorrow: Tokens
    next_at: datetime
    zone: str


@dataclass(frozen=True, slots=True)
class _Taken:
    day: date
    streak: int
    at: datetime
    zone: str


def step(streak: int) -> Tokens:
    """Return what the given day in a row is worth; after the last step it stays there."""
    return LADDER[min(streak, len(LADDER)) - 1]


async def take(user: User, now: datetime) -> Daily:
    """Give today's reward, in a transaction of its own, or say when the next one comes."""
    async with db.transaction():
        await lock_person(user.id)
        name = await zones.name_of(user.id, user.language)
        zone = zones.find(name) or UTC
        last = await _last(user.id)
        if last is not None and now < _next_at(last, name, zone):
            return _standing(last, name, zone)
        today = now.astimezone(zone).date()
        streak = _streak(last, today)
        posting = await _give(user.id, _Taken(today, streak, now, name))
    log.info("daily.taken", user=user.id, day=str(today), streak=streak)
    return _standing(_Taken(today, streak, now, name), name, zone, posting)


async def look(user: User, now: datetime) -> Daily | None:
    """Say how somebody stands without giving anything; None while today's reward can be taken."""
    name = await zones.name_of(user.id, user.language)
    zone = zones.find(name) or UTC
    last = await _last(user.id)
    return _standing(last, name, zone) if last is not None and now < _next_at(last, name, zone) else None


def _standing(last: _Taken, name: str, zone: tzinfo, posting: Posting | None = None) -> Daily:
    return Daily(posting, last.streak, step(last.streak + 1), _next_at(last, name, zone), name)


async def available(user: User, now: datetime) -> Tokens | None:
    """Return what `take` would give now, for a screen that shows it; None when today's reward was taken."""
    name = await zones.name_of(user.id, user.language)
    zone = zones.find(name) or UTC
    last = await _last(user.id)
    if last is not None and now < _next_at(last, name, zone):
        return None
    return step(_streak(last, now.astimezone(zone).date()))


def _streak(last: _Taken | None, today: date) -> int:
    return last.streak + 1 if last is not None and last.day == today - _DAY else 1


def _next_at(last: _Taken, name: str, zone: tzinfo) -> datetime:
    """Return when the day after the last one taken begins. Midnights differ from UTC as the zone does on that day."""
    begins = datetime.combine(last.day + _DAY, time(), zone).astimezone(UTC)
    return begins if name == last.zone else max(begins, last.at + AFTER_A_MOVE)


async def _last(user: UserId) -> _Taken | None:
    row = await db.fetch_one(
        "SELECT day, streak, created_at, timezone FROM botapp_dailyreward WHERE user_id = $1 ORDER BY day DESC LIMIT 1",
        user,
    )
    return None if row is None else _Taken(row["day"], row["streak"], row["created_at"], row["timezone"])


async def _give(user: UserId, taken: _Taken) -> Posting:
    posting = await ledger.post(
        user,
        step(taken.streak),
        PostingKind.BONUS,
        key=IdempotencyKey(f"daily:{user}:{taken.day}"),
        reason="daily",
    )
    await db.execute(
        """
        INSERT INTO botapp_dailyreward (user_id, day, streak, transaction_id, timezone, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        """,
        user,
        taken.day,
        taken.streak,
        posting.id,
        taken.zone,
        taken.at,
    )
    return posting

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
        is_held_back: it comes later than the next day begins, because the zone was changed.
        zone: name of the zone whose days count.
    """

    posting: Posting | None
    streak: int
    tomorrow: Tokens
    next_at: datetime
    is_held_back: bool
    zone: str


@dataclass(frozen=True, slots=True)
class _Taken:
    day: date
    streak: int
    at: datetime
    zone: str


@dataclass(frozen=True, slots=True)
class _Calendar:
    """A person's days: the zone that they go by now, and the last one whose reward was taken."""

    zone_name: str
    last: _Taken | None

    @property
    def zone(self) -> tzinfo:
        return zones.find(self.zone_name) or UTC

    def standing(self, now: datetime) -> Daily | None:
        """How the person stands; None when there is a reward to take."""
        if self.last is None or now >= self._next_at(self.last):
            return None
        return self.after(self.last)

    def after(self, taken: _Taken, posting: Posting | None = None) -> Daily:
        """How the person stands with that day taken."""
        next_at = self._next_at(taken)
        is_held_back = next_at > self._begins_after(taken)
        return Daily(posting, taken.streak, step(taken.streak + 1), next_at, is_held_back, self.zone_name)

    def today(self, now: datetime) -> _Taken:
        """The day that can be taken now."""
        day = now.astimezone(self.zone).date()
        is_next = self.last is not None and self.last.day == day - _DAY
        return _Taken(day, self.last.streak + 1 if self.last is not None and is_next else 1, now, self.zone_name)

    def _next_at(self, taken: _Taken) -> datetime:
        begins = self._begins_after(taken)
        return begins if self.zone_name == taken.zone else max(begins, taken.at + AFTER_A_MOVE)

    def _begins_after(self, taken: _Taken) -> datetime:
        """When the day after one begins. Midnights differ from UTC as the zone does on that day."""
        return datetime.combine(taken.day + _DAY, time(), self.zone).astimezone(UTC)


def step(streak: int) -> Tokens:
    """Return what the given day in a row is worth; after the last step it stays there."""
    return LADDER[min(streak, len(LADDER)) - 1]


async def take(user: User, now: datetime) -> Daily:
    """Give today's reward, in a transaction of its own, or say when the next one comes."""
    async with db.transaction():
        await lock_person(user.id)
        calendar = await _calendar_of(user)
        standing = calendar.standing(now)
        if standing is not None:
            return standing
        today = calendar.today(now)
        posting = await _give(user.id, today)
    log.info("daily.taken", user=user.id, day=str(today.day), streak=today.streak)
    return calendar.after(today, posting)


async def look(user: User, now: datetime) -> Daily | None:
    """Say how somebody stands without giving anything; None while today's reward can be taken."""
    return (await _calendar_of(user)).standing(now)


async def available(user: User, now: datetime) -> Tokens | None:
    """Return what `take` would give now, for a screen that shows it; None when today's reward was taken."""
    calendar = await _calendar_of(user)
    return step(calendar.today(now).streak) if calendar.standing(now) is None else None


async def _calendar_of(user: User) -> _Calendar:
    return _Calendar(await zones.name_of(user.id, user.language), await _last(user.id))


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

"""Who was refused how often, and how long such a person waits before the next order is looked at.

    points within      pause after the last refusal
     6   an hour         1 hour
    12   a day           6 hours
    24   a week          1 day
    48   30 days         1 week

A refusal of ours is two points, a provider's one: providers refuse much that nobody meant badly. The same words within
a minute are one refusal, so a message that is handled twice or a second tap counts once. Orders that are turned away
during a pause are not looked at and add nothing, so a pause cannot grow by itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, TypeAlias

from core import db
from core.types import UserId

Source: TypeAlias = Literal["words", "moderation", "provider"]

POINTS: Final[dict[str, int]] = {"words": 2, "moderation": 2, "provider": 1}
SAME_WORDS: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Step:
    """So many points within a time lead to a pause."""

    points: int
    within: timedelta
    pause: timedelta


STEPS: Final = (
    Step(6, timedelta(hours=1), timedelta(hours=1)),
    Step(12, timedelta(days=1), timedelta(hours=6)),
    Step(24, timedelta(days=7), timedelta(days=1)),
    Step(48, timedelta(days=30), timedelta(days=7)),
)
REMEMBERED: Final = max(step.within for step in STEPS)
MOST_READ: Final = max(step.points for step in STEPS)


@dataclass(frozen=True, slots=True)
class Strike:
    """One refusal."""

    at: datetime
    source: str
    category: str


@dataclass(frozen=True, slots=True)
class Record:
    """How somebody stands.

    Attributes:
        refusals: within the last 30 days, newest first.
        paused_until: end of the pause, None without one.
    """

    refusals: tuple[Strike, ...]
    paused_until: datetime | None


async def of_user(user_id: UserId) -> Record:
    """Return how a user stands now."""
    rows = await db.fetch(
        "SELECT at, source, category FROM botapp_refusal WHERE user_id = $1 AND at > $2 ORDER BY at DESC LIMIT $3",
        user_id,
        datetime.now(UTC) - REMEMBERED - max(step.pause for step in STEPS),
        MOST_READ * 2,
    )
    strikes = tuple(Strike(row["at"], row["source"], row["category"]) for row in rows)
    end = paused_until(strikes)
    now = datetime.now(UTC)
    shown = tuple(strike for strike in strikes if strike.at > now - REMEMBERED)
    return Record(shown, end if end is not None and end > now else None)


def paused_until(strikes: Sequence[Strike]) -> datetime | None:
    """Return when the pause that follows from refusals, newest first, is over; None where none follows."""
    if not strikes:
        return None
    last = strikes[0].at
    pauses = [step.pause for step in STEPS if _points(strikes, last - step.within) >= step.points]
    return last + max(pauses) if pauses else None


async def add(user_id: UserId, source: Source, category: str, prompt: str) -> bool:
    """Remember a refusal; False where the same words were refused a moment ago."""
    digest = hashlib.sha256(prompt.strip().encode("utf-8", "surrogatepass")).hexdigest()
    added = await db.execute(
        """
        INSERT INTO botapp_refusal (user_id, source, category, digest)
        SELECT $1, $2, $3, $4::varchar WHERE NOT EXISTS (
            SELECT FROM botapp_refusal WHERE user_id = $1 AND digest = $4::varchar AND at > now() - $5::interval
        )
        """,
        user_id,
        source,
        category[:60],
        digest,
        SAME_WORDS,
    )
    return bool(added)


def _points(strikes: Sequence[Strike], since: datetime) -> int:
    return sum(POINTS.get(strike.source, 1) for strike in strikes if strike.at >= since)

"""How fast one process polls: what is under way, whether polls come in time, and how much of it people are shown."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from core import db

COUNTED_EVERY = 5.0
LATE = 1.2
"""Seconds; ticks come one second apart, so a poll that has room is less late than this."""

MOST_STRETCH = 2.0
STRETCHED_EVERY = 2.0


@dataclass(slots=True)
class Census:
    """How many jobs are under way at each provider, counted now and then, and how far polls are stretched.

    A process that comes late makes the pauses longer until it comes in time, and shorter again when it has room: a poll
    that is planned later is of more use than many that are all late.
    """

    counts: dict[str, int] = field(default_factory=dict)
    counted_at: float = float("-inf")
    stretch: float = 1.0
    stretched_at: float = float("-inf")

    def weight(self, provider: str) -> int:
        """Return the jobs at a provider as the pauses count them."""
        return round(self.counts.get(provider, 0) * self.stretch)

    def note_lateness(self, late: float, *, now: float) -> None:
        """Adapt to how late jobs are claimed, in seconds, now and then."""
        if now - self.stretched_at < STRETCHED_EVERY:
            return
        self.stretched_at = now
        changed = self.stretch * (1.5 if late > LATE else 0.9)
        self.stretch = min(max(changed, 1.0), MOST_STRETCH)

    async def look(self) -> None:
        """Count, unless that was done a moment ago."""
        if time.monotonic() - self.counted_at < COUNTED_EVERY:
            return
        self.counted_at = time.monotonic()
        rows = await db.fetch(
            """
            SELECT provider, count(*) AS jobs FROM botapp_genrequest
            WHERE status = 'processing' AND stage IN ('submitting', 'submitted') GROUP BY provider
            """
        )
        self.counts = {row["provider"]: row["jobs"] for row in rows}


@dataclass(slots=True)
class Allowance:
    """Lets so many through in a second."""

    per_second: int
    second: int = 0
    used: int = 0

    def take(self) -> bool:
        """Say whether one more may pass now."""
        now = int(time.monotonic())
        if now != self.second:
            self.second, self.used = now, 0
        self.used += 1
        return self.used <= self.per_second

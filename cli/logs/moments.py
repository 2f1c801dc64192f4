"""Moments as people ask logs for them: `15m`, `2h`, `12:30`, `today`, `2026-11-22T10:00`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

FORMS = "15m, 2h, 3d, 12:30, today, yesterday, 2026-11-22, 2026-11-22T10:00, 2026-11-22T10:00Z"
"""What is taken; said when something else is given."""

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
AGO = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)([smhdw])(?: ago)?", re.ASCII)
CLOCK = re.compile(r"\d{1,2}:\d\d(?::\d\d)?", re.ASCII)


def parse_when(text: str, now: datetime) -> datetime:
    """The moment that is meant, in UTC. Without an offset it is the clock of `now`, the one that is shown.

    Raises:
        ValueError: it is none.
    """
    text = text.strip()
    word = text.lower()
    midnight = datetime.combine(now.date(), time(), now.tzinfo)
    try:
        if word == "now":
            return now.astimezone(UTC)
        if word in ("today", "yesterday"):
            return (midnight - timedelta(days=word == "yesterday")).astimezone(UTC)
        if found := AGO.fullmatch(word):
            return (now - timedelta(seconds=float(found[1]) * UNITS[found[2]])).astimezone(UTC)
        if CLOCK.fullmatch(text):
            return datetime.combine(now.date(), time.fromisoformat(text.zfill(5)), now.tzinfo).astimezone(UTC)
        moment = datetime.fromisoformat(text)
        return (moment.replace(tzinfo=now.tzinfo) if moment.tzinfo is None else moment).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"not a moment such as {FORMS}") from None

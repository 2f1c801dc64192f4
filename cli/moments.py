"""Moments as people read them: UTC, to the second."""

from __future__ import annotations

from datetime import UTC, datetime


def parse_moment(text: str) -> datetime:
    """An ISO 8601 moment; one without an offset is UTC.

    Raises:
        ValueError: it is none.
    """
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def say_moment(text: str | None, *, short: bool = False) -> str:
    """`2026-11-22 12:00:03`, short `11-22 12:00`; text that is no moment stays as it is, nothing is a dash."""
    if text is None:
        return "-"
    try:
        return parse_moment(text).strftime("%m-%d %H:%M" if short else "%Y-%m-%d %H:%M:%S")
    except ValueError:
        return text


def age_s(text: str, now: str) -> float | None:
    """Seconds from one moment to another, None when one of them is no moment."""
    try:
        return (parse_moment(now) - parse_moment(text)).total_seconds()
    except ValueError:
        return None

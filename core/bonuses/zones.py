"""Time zones: in which one a person's day begins. A zone that this machine does not know is treated as not chosen."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from core import db
from core.types import Language, UserId

MOSCOW = "Europe/Moscow"
DEFAULTS: dict[Language, str] = {"ru": MOSCOW, "en": "UTC"}
_WITHOUT_A_DATABASE: dict[str, tzinfo] = {"UTC": UTC, MOSCOW: timezone(timedelta(hours=3), "MSK")}
"""The defaults work on a machine without zone data too: neither has had summer time for years."""


def find(name: str) -> tzinfo | None:
    """Return the zone of an IANA name, None when there is none here."""
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return _WITHOUT_A_DATABASE.get(name)


async def name_of(user: UserId, language: Language) -> str:
    """Return the zone that a person chose, else the one of most who read their language."""
    chosen = await db.fetch_value("SELECT timezone FROM botapp_usersettings WHERE user_id = $1", user)
    return chosen if chosen is not None and find(chosen) is not None else DEFAULTS[language]


async def choose(user: UserId, name: str) -> None:
    """Remember in which zone a person lives.

    Raises:
        LookupError: there is no such zone.
    """
    if find(name) is None:
        raise LookupError(f"There is no time zone {name!r}")
    await db.execute("UPDATE botapp_usersettings SET timezone = $2, updated_at = now() WHERE user_id = $1", user, name)

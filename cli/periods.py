"""Where a period begins and ends, as people write it, in UTC: `7d`, `24h`, `2026-11-01`, `2026-11-01T12:00`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from cli.errors import UsageMistake
from cli.moments import parse_moment

_SPAN = re.compile(r"([1-9][0-9]{0,4})([mhdw])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(days=7)}


def begin_of(option: str, text: str, now: datetime) -> datetime:
    """The moment that an option means.

    Minutes and hours are counted back from now. Days and weeks are whole days: `1d` is today, `7d` today and the six
    days before.

    Raises:
        UsageMistake: it means none.
    """
    if matched := _SPAN.fullmatch(text.strip()):
        number, unit = int(matched[1]), matched[2]
        if unit in "mh":
            return now - number * _UNITS[unit]
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight - number * _UNITS[unit] + timedelta(days=1)
    try:
        return parse_moment(text.strip())
    except ValueError:
        raise UsageMistake(
            f"{option} {text!r} is neither a span such as 7d or 24h nor a day such as 2026-11-01", fix=f"{option} 7d"
        ) from None

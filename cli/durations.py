"""Spans of time as people write them: `90`, `30s`, `3m`, `1h`, `500ms`."""

from __future__ import annotations

UNITS = (("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0))
LONGEST = 24 * 3600.0


def parse_duration(text: str) -> float:
    """Seconds in `text`; a bare number is seconds.

    Raises:
        ValueError: it is no time, is not positive, or is longer than a day.
    """
    number, factor = text.strip(), 1.0
    for unit, seconds in UNITS:
        if number.endswith(unit):
            number, factor = number.removesuffix(unit), seconds
            break
    try:
        value = float(number) * factor
    except ValueError:
        raise ValueError("not a time such as 30s, 3m or 1h") from None
    if not 0 < value <= LONGEST:
        raise ValueError("a time is more than 0 and at most 24h")
    return value


def is_duration(text: str) -> bool:
    """Whether :func:`parse_duration` would take it."""
    try:
        parse_duration(text)
    except ValueError:
        return False
    return True


def say_duration(seconds: float) -> str:
    """The shortest common form: `340 ms`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if round(seconds) < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"

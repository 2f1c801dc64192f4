"""Shows lines of logs to people: `12:00:01 web      info    message key=value`, a colour per service."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from datetime import UTC, date, datetime, tzinfo

from cli.logs.lines import Line, value_text
from cli.output import NARROW, Screen

COLOURS = {
    "web": "36",
    "worker": "35",
    "beat": "34",
    "poller": "94",
    "sandbox": "32",
    "emulators": "92",
    "postgres": "33",
    "redis": "31",
    "prepare": "96",
    "nb": "1",
}
LEVEL_COLOURS = {"debug": "2", "warning": "33", "error": "31", "critical": "1;31"}

INDENT = 26
NARROW_INDENT = 2
STACK_INDENT = 9
"""Where a traceback begins on a terminal: it needs the room, and stands apart by itself."""


def render(line: Line, screen: Screen, zone: tzinfo | None = None, *, today: date | None = None) -> Iterator[str]:
    """Return a line as people read it, with its traceback below. Times are local unless a zone is given.

    The date is there when it is not today's; without `today` it never is.
    """
    at = (line.at or datetime.now(UTC)).astimezone(zone)
    time = f"{at:%H:%M:%S}" if today is None or at.date() == today else f"{at:%Y-%m-%d %H:%M:%S}"
    event = screen.fit(" ".join(line.event.splitlines())).expandtabs(1)
    told = {name: value for name, value in line.fields.items() if value is not None and value != ""}
    fields = screen.fit(" ".join(f"{name}={value_text(value)}" for name, value in told.items()))
    service = screen.fit(line.service)
    if screen.folds and screen.width < NARROW:
        yield f"{_dim(screen, time)} {_service(screen, service)} {_level(screen, line.level)}"
        first, indent = "", NARROW_INDENT
        body = _wrapped(screen, event, fields, screen.width - indent)
    else:
        first = f"{_dim(screen, time)} {_service(screen, f'{service:<8}')} {_level(screen, f'{line.level:<7}')} "
        indent = INDENT + len(time) - len("HH:MM:SS")
        body = _wrapped(screen, event, fields, screen.width - indent)
        yield (first + body.pop(0)).rstrip()
    yield from (" " * indent + text for text in body)
    for text in line.traceback.splitlines():
        yield from _stack(screen, text, min(indent, STACK_INDENT) if screen.folds else indent)
    if line.count > 1 and line.last_at is not None:
        last = line.last_at.astimezone(zone)
        said = f"{last:%H:%M:%S}" if last.date() == at.date() else f"{last:%Y-%m-%d %H:%M:%S}"
        yield " " * indent + _dim(screen, f"seen {line.count} times, last {said}")


def _stack(screen: Screen, text: str, indent: int) -> Iterator[str]:
    """A line of a traceback; on a terminal one that is too long goes on below, further to the right."""
    text = screen.fit(text).expandtabs()
    if not screen.folds:
        yield " " * indent + text
        return
    own = " " * (len(text) - len(text.lstrip(" ")))
    room = screen.width - indent
    for part in textwrap.wrap(
        text, room, subsequent_indent=own + "  ", drop_whitespace=False, break_on_hyphens=False
    ) or [""]:
        yield " " * indent + part.rstrip()


def _wrapped(screen: Screen, event: str, fields: str, room: int) -> list[str]:
    """Break into lines that fit beside the columns; what follows the event is dim."""
    text = f"{event} {fields}".rstrip()
    if not screen.folds:
        return [text]
    if any(len(word) > room for word in fields.split(" ")):
        # An id in a line of its own stays whole.
        fields = " ".join(word.replace("=", "= ", 1) if len(word) > room else word for word in fields.split(" "))
        text = f"{event} {fields}"
    lines, end = [], 0
    for part in textwrap.wrap(text, room, break_on_hyphens=False, replace_whitespace=False) or [""]:
        start = text.find(part, end)
        end = start + len(part)
        bright = part[: max(0, len(event) - start)]
        lines.append(bright + (_dim(screen, part[len(bright) :]) if len(bright) < len(part) else ""))
    return lines


def _service(screen: Screen, name: str) -> str:
    return _coloured(screen, COLOURS.get(name.strip(), "0"), name)


def _level(screen: Screen, level: str) -> str:
    return _coloured(screen, LEVEL_COLOURS.get(level.strip(), "0"), screen.fit(level))


def _dim(screen: Screen, text: str) -> str:
    return _coloured(screen, "2", text)


def _coloured(screen: Screen, code: str, text: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if screen.color else text

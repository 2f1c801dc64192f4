"""Shows the services' logs as one stream, a colour per service: `12:00:01 web    info     message key=value`."""

from __future__ import annotations

import json
import os
import re
import textwrap
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, BinaryIO

from cli.output import Screen

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
LEVELS = {
    "log": "info",
    "statement": "info",
    "detail": "info",
    "hint": "info",
    "context": "info",
    "notice": "info",
    "fatal": "error",
    "panic": "critical",
}
HIDDEN = frozenset({"at", "level", "event", "service", "logger", "exception", "stack"})

POSTGRES = re.compile(r"^(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+) UTC \[\d+\] (?P<level>[A-Z]+):\s+(?P<event>.*)$")
REDIS = re.compile(r"^\d+:[A-Z] (?P<at>\d+ \w{3} \d{4} \d\d:\d\d:\d\d\.\d+) (?P<level>[.\-*#]) (?P<event>.*)$")
REDIS_LEVELS = {".": "debug", "-": "debug", "*": "info", "#": "info"}
"""Redis marks with `#` what it wants seen, a clean exit included; only what says WARNING is one."""

QUIET = frozenset({"postgres", "redis"})
"""Servers whose everyday lines stay in their files."""

INDENT = 26
NARROWEST_BODY = 30


@dataclass(frozen=True)
class Line:
    """One line of a log, whoever wrote it."""

    service: str
    event: str
    level: str = "info"
    at: datetime | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    traceback: str = ""


def parse(service: str, text: str) -> Line:
    """Read a line as the service writes them; what is not understood is kept as it stands."""
    if text.startswith("{"):
        try:
            return _from_json(service, json.loads(text))
        except ValueError:
            return Line(service, text)
    if found := POSTGRES.match(text):
        level = found["level"].lower()
        at = datetime.strptime(found["at"], "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
        return Line(service, found["event"], LEVELS.get(level, level), at)
    if found := REDIS.match(text):
        at = datetime.strptime(found["at"], "%d %b %Y %H:%M:%S.%f").replace(tzinfo=UTC)
        level = "warning" if found["event"].startswith("WARNING") else REDIS_LEVELS[found["level"]]
        return Line(service, found["event"], level, at)
    return Line(service, text)


def _from_json(service: str, entry: dict[str, Any]) -> Line:
    try:
        at = datetime.fromisoformat(str(entry.get("at")))
    except ValueError:
        at = None
    return Line(
        # The supervisor's lines name the service that they are about.
        service=str(entry.get("service") or service),
        event=str(entry.get("event", "")),
        level=str(entry.get("level", "info")).lower(),
        at=at,
        fields={name: value for name, value in entry.items() if name not in HIDDEN},
        traceback=str(entry.get("exception") or entry.get("stack") or ""),
    )


def render(line: Line, screen: Screen, zone: tzinfo | None = None) -> Iterator[str]:
    """Return a line as people read it, with its traceback below. Times are local unless a zone is given."""
    at = (line.at or datetime.now(UTC)).astimezone(zone)
    time, name, level = f"{at:%H:%M:%S}", f"{line.service:<8}", f"{line.level:<7}"
    event = screen.fit(" ".join(line.event.splitlines()))
    fields = screen.fit(" ".join(f"{name}={_value(value)}" for name, value in line.fields.items()))
    if not screen.color:
        yield f"{time} {name} {level} {event} {fields}".rstrip()
    else:
        first, *rest = _wrapped(event, fields, screen.width - INDENT)
        name = _coloured(COLOURS.get(line.service, "0"), name)
        level = _coloured(LEVEL_COLOURS.get(line.level, "0"), level)
        yield f"{_coloured('2', time)} {name} {level} {first}"
        yield from (" " * INDENT + text for text in rest)
    yield from (" " * INDENT + screen.fit(text) for text in line.traceback.splitlines())


def _wrapped(event: str, fields: str, room: int) -> list[str]:
    """Break into lines that fit beside the columns; what follows the event is dim."""
    lines, left = [], len(event)
    room = max(room, NARROWEST_BODY)
    for text in textwrap.wrap(f"{event} {fields}".rstrip(), room, break_on_hyphens=False) or [""]:
        bright, dim = text[: max(0, left)], text[max(0, left) :]
        lines.append(bright + (_coloured("2", dim) if dim else ""))
        left -= len(text) + 1
    return lines


def _coloured(code: str, text: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m"


def _value(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return json.dumps(text, ensure_ascii=False) if re.search(r"[\s\"=]", text) else text


class Follower:
    """Reads what is added to log files from now on. Survives rotation and files that appear later."""

    def __init__(self, paths: Mapping[str, Path]) -> None:
        self._paths = paths
        self._open: dict[str, BinaryIO] = {}
        self._partial: dict[str, bytes] = {}
        for service in paths:
            self._reopen(service, from_end=True)

    def read(self) -> list[Line]:
        """Return the lines that were completed since the last call, by time where it is known."""
        lines: list[Line] = []
        for service in self._paths:
            lines += self._read_one(service)
        return sorted(lines, key=lambda line: line.at.timestamp() if line.at else float("inf"))

    def close(self) -> None:
        """Close the files."""
        for file in self._open.values():
            file.close()
        self._open.clear()

    def _reopen(self, service: str, *, from_end: bool) -> None:
        try:
            file = self._paths[service].open("rb")
        except FileNotFoundError:
            return
        if from_end:
            file.seek(0, 2)
        if previous := self._open.pop(service, None):
            previous.close()
        self._open[service] = file

    def _read_one(self, service: str) -> list[Line]:
        content = self._open[service].read() if service in self._open else b""
        if self._was_replaced(service):
            self._reopen(service, from_end=False)
            content += self._open[service].read() if service in self._open else b""
        *complete, rest = (self._partial.get(service, b"") + content).split(b"\n")
        self._partial[service] = rest
        return [parse(service, line.decode(errors="replace")) for line in complete if line.strip()]

    def _was_replaced(self, service: str) -> bool:
        try:
            there = self._paths[service].stat()
        except FileNotFoundError:
            return False
        if service not in self._open:
            return True
        here = os.fstat(self._open[service].fileno())
        return (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino)


class LogView:
    """Prints the merged logs from a thread of its own: a terminal that is held (Ctrl-S) must not stop the services."""

    def __init__(self, paths: Mapping[str, Path], screen: Screen, *, interval: float = 0.1) -> None:
        self._follower = Follower(paths)
        self._screen = screen
        self._interval = interval
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="logs", daemon=True)

    def start(self) -> None:
        """Begin to print."""
        self._thread.start()

    def stop(self) -> None:
        """Print what is left and end. Gives up on a terminal that is held."""
        self._stopped.set()
        self._thread.join(timeout=2.0)

    def _run(self) -> None:
        while True:
            is_last = self._stopped.wait(self._interval)
            try:
                self._print(self._follower.read())
            except BrokenPipeError:
                # Nobody reads any more (`nb up | head`); the services run on until they are stopped.
                is_last = True
            if is_last:
                self._follower.close()
                return

    def _print(self, lines: Sequence[Line]) -> None:
        for line in lines:
            if line.service in QUIET and line.level in ("info", "debug"):
                continue
            for text in render(line, self._screen):
                self._screen.stream.write(text + "\n")
        if lines:
            self._screen.stream.flush()

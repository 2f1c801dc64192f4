"""Reads lines of logs, whoever wrote them: our JSON, PostgreSQL, Redis, Python's own forms, words of nobody.

A line alone is read by :func:`parse`; :func:`grouped` puts what belongs together into one, a traceback with its error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

LEVELS = ("debug", "info", "warning", "error", "critical")
"""From the least to the most."""

SYNONYMS = {
    "log": "info",
    "notice": "info",
    "fatal": "error",
    "panic": "critical",
    "warn": "warning",
    "err": "error",
}
"""Words of others for our levels."""

HIDDEN = frozenset({"at", "level", "event", "service", "logger", "exception", "stack"})
"""Keys of a structured line that are no fields of it."""

POSTGRES = re.compile(r"^(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+) UTC \[\d+\] (?P<level>[A-Z]+):\s+(?P<event>.*)$")
POSTGRES_MORE = frozenset({"detail", "hint", "context", "statement", "query", "location"})
"""What PostgreSQL adds to the line before, each with the time again."""

REDIS = re.compile(r"^\d+:[A-Z] (?P<at>\d+ \w{3} \d{4} \d\d:\d\d:\d\d\.\d+) (?P<level>[.\-*#]) (?P<event>.*)$")
REDIS_LEVELS = {".": "debug", "-": "debug", "*": "info", "#": "info"}
"""Redis marks with `#` what it wants seen, a clean exit included; only what says WARNING is one."""

STAMPED = re.compile(
    r"^\[?(?P<at>\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)"
    r"[\s:\]-]*(?:(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL)\b(?:/[\w-]+)?[\s:\]-]*)?(?P<event>.*)$"
)
LEVELLED = re.compile(r"^(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL):\s*(?P<event>.*)$")

OWN_TIME = re.compile(r'\{"at":\s*"([0-9T:.+Z-]{19,35})"')
"""How our own lines begin, those that were cut short as well."""

HEAD = (
    rb"(?:\{|\d+:[A-Z] \d+ \w{3} \d{4} \d\d:\d\d:\d\d\.\d+ [.\-*#] "
    rb"|\[?\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d"
    rb"(?!\.\d+ UTC \[\d+\] (?:DETAIL|HINT|CONTEXT|STATEMENT|QUERY|LOCATION):))"
)
"""How a line begins that goes on with no line before it, in bytes: what lies between two of them is read as a whole."""

TRACEBACK = "Traceback (most recent call last):"
CHAINED = (
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
)

Kind = Literal["json", "postgres", "more", "redis", "plain", "loose"]


@dataclass(frozen=True)
class Line:
    """One line of a log, whoever wrote it."""

    service: str
    event: str
    level: str = "info"
    at: datetime | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    traceback: str = ""
    deployment: str | None = None
    kind: Kind = "loose"
    count: int = 1
    """How many lines this one stands for."""
    last_at: datetime | None = None
    """When the last of them came."""

    @property
    def trace_id(self) -> str | None:
        """The correlation id, where the line has one."""
        found = self.fields.get("trace_id")
        return str(found) if found else None

    @property
    def text(self) -> str:
        """What can be searched: the event, the fields as they are shown, the traceback."""
        return _text(self.event, self.fields.items(), self.traceback)


def _text(event: str, fields: Iterable[tuple[str, object]], traceback: str) -> str:
    return " ".join([event, *[f"{name}={value_text(value)}" for name, value in fields]]) + "\n" + traceback


def text_of(entry: Mapping[str, Any]) -> str | None:
    """What can be searched in the line that an object becomes, at once; None where that takes :func:`structured`."""
    event = entry.get("event")
    if type(event) is not str or not entry.keys().isdisjoint(_NOT_PLAIN):
        return None
    shown, words = [event], ""
    for name, value in entry.items():
        if name in HIDDEN:
            continue
        kind = type(value)
        if kind is str:
            words += value
        elif kind is not int and kind is not float:
            value = value_text(value)
        shown.append(f"{name}={value}")
    if _SPECIAL.search(words):
        # One of them is shown in quotes. To look at all of them at once is what makes this fast.
        return _text(event, ((name, value) for name, value in entry.items() if name not in HIDDEN), "")
    return " ".join(shown) + "\n"


_NOT_PLAIN = frozenset({"data", "exception", "stack"})


def rank(level: str) -> int:
    """How bad a level is; a word that is not known is no worse than info."""
    return LEVELS.index(level) if level in LEVELS else 1


def value_text(value: object) -> str:
    """A field's value as it is shown; in quotes where it would not be one word."""
    if type(value) in (int, float):
        return repr(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return json.dumps(text, ensure_ascii=False) if _SPECIAL.search(text) else text


_SPECIAL = re.compile(r"[\s\"=]")


def parse(service: str, text: str) -> Line:
    """Read a line as the service writes them; what is not understood is kept as it stands."""
    if text.startswith("{"):
        try:
            # What is no JSON, such as NaN, must not come out as if it were.
            entry = json.loads(text, parse_constant=str)
        except (ValueError, RecursionError):
            found = OWN_TIME.match(text)
            return Line(service, text, at=_moment(found[1]) if found else None, kind="json")
        return structured(service, entry)
    if found := POSTGRES.match(text):
        level = found["level"].lower()
        if level in POSTGRES_MORE:
            # Its time is that of the line before.
            return Line(service, f"{found['level']}: {found['event']}", kind="more")
        return Line(service, found["event"], SYNONYMS.get(level, level), _moment(found["at"]), kind="postgres")
    if found := REDIS.match(text):
        level = "warning" if found["event"].startswith("WARNING") else REDIS_LEVELS[found["level"]]
        return Line(service, found["event"], level, _redis_moment(found["at"]), kind="redis")
    if found := STAMPED.match(text) or LEVELLED.match(text):
        level = (found["level"] or "info").lower()
        at = _moment(found["at"]) if found.re is STAMPED else None
        return Line(service, found["event"], level, at, kind="plain")
    return Line(service, text)


def structured(service: str, entry: Mapping[str, Any]) -> Line:
    """A line that is an object: its time, level and words under our names, everything else as fields."""
    level = str(entry.get("level", "info")).lower()
    fields = {name: value for name, value in entry.items() if name not in HIDDEN}
    event = entry.get("event")
    if event is None:
        event = fields.pop("message", None) or fields.pop("msg", "")
    traceback = _words(entry.get("exception") or entry.get("stack") or "")
    if traceback and isinstance(fields.get("data"), dict):
        # Celery repeats the traceback among its facts.
        fields["data"] = {name: value for name, value in fields["data"].items() if name != "traceback"}
    return Line(
        # The supervisor's lines name the service that they are about.
        service=str(entry.get("service") or service),
        event=_words(event),
        level=SYNONYMS.get(level, level),
        at=_moment(entry.get("at")),
        fields=fields,
        traceback=traceback,
        kind="json",
    )


def _words(value: object) -> str:
    """A value as words; what is no text stays as it was written, so that it is found."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _moment(text: object) -> datetime | None:
    """A moment; one without an offset is UTC, as containers and PostgreSQL write them."""
    try:
        moment = datetime.fromisoformat(str(text))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _redis_moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%d %b %Y %H:%M:%S.%f").replace(tzinfo=UTC)
    except ValueError:
        return None


class Group:
    """A line that may still grow by what follows it."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.lines = [line]
        """What it is made of, as it was read."""
        self.more: list[str] = []
        self.state: Literal["plain", "stack", "after"] = "plain"
        if line.kind == "loose" and line.event.lstrip(" +|").startswith(TRACEBACK):
            self.line = replace(line, level="error")
            self.more, self.state = [line.event], "stack"

    def takes(self, line: Line) -> bool:
        """Take a line that belongs to this one."""
        text = line.event
        if line.kind == "more":
            taken = self.line.kind == "postgres"
        elif line.kind != "loose":
            return False
        elif self.state == "plain":
            starts = text.startswith(TRACEBACK) and self.line.kind in ("plain", "postgres") and not self.more
            taken = starts or (self.line.kind == "postgres" and text[:1] in "\t ")
            self.state = "stack" if starts else "plain"
        else:
            taken = self._takes_of_stack(text)
        if taken:
            self.more.append(text)
            self.lines.append(line)
        return taken

    def _takes_of_stack(self, text: str) -> bool:
        if text[:1] in (" ", "\t"):
            return True
        if self.state == "stack":
            self.state = "after"
            return True
        if text.startswith(TRACEBACK) and self.more[-1].startswith(CHAINED):
            self.state = "stack"
            return True
        return text.startswith(CHAINED)

    @property
    def is_open(self) -> bool:
        """Whether the next line may belong to this one."""
        return self.line.kind in ("postgres", "plain") or self.state != "plain"

    def closed(self) -> Line:
        """The line with what belongs to it."""
        if not self.more:
            return self.line
        line, traceback = self.line, "\n".join(self.more)
        if line.kind == "loose":
            # The last words of a traceback that begins by itself say what happened.
            said = [text for text in self.more if text[:1] not in (" ", "\t") and not text.startswith(CHAINED)]
            return replace(line, event=said[-1], traceback=traceback)
        return replace(line, traceback=traceback)


def grouped(lines: Iterable[Line]) -> list[Line]:
    """Lines with what belongs to them: the stack below an error, what PostgreSQL adds."""
    return [group.closed() for group in groups(lines)]


def groups(lines: Iterable[Line]) -> list[Group]:
    """The same, the last of them still open."""
    found: list[Group] = []
    for line in lines:
        if not (found and found[-1].takes(line)):
            found.append(Group(line))
    return found

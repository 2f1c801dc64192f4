"""What is asked of logs: from whom, of when, how bad, with which words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cli.logs.lines import LEVELS, Line, rank
from cli.logs.literals import Scan, required

PLAIN_WORDS = {
    "debug": ("DEBUG",),
    "info": ("INFO",),
    "warning": ("WARNING", "WARN"),
    "error": ("ERROR", "FATAL", "Traceback (most"),
    "critical": ("CRITICAL", "PANIC"),
}
"""How lines that are not ours spell a level."""


@dataclass(frozen=True)
class Query:
    """Which lines are wanted. Everything that is given has to hold."""

    services: frozenset[str] = frozenset()
    """Empty for all."""
    since: datetime | None = None
    until: datetime | None = None
    level: str | None = None
    grep: re.Pattern[str] | None = None
    trace: str | None = None
    generation: str | None = None

    def matches(self, line: Line) -> bool:
        """Whether a line is wanted. One whose time is not known is not within any."""
        if self.services and line.service not in self.services:
            return False
        if (self.since is not None or self.until is not None) and not self._is_within(line.at):
            return False
        if self.level is not None and rank(line.level) < rank(self.level):
            return False
        if self.trace is None and self.generation is None and self.grep is None:
            return True
        text = line.text
        return all(pattern.search(text) for pattern in (*self._mentions(), self.grep) if pattern is not None)

    def _is_within(self, at: datetime | None) -> bool:
        if at is None or (self.since is not None and at < self.since):
            return False
        return self.until is None or at <= self.until

    def _mentions(self) -> Iterable[re.Pattern[str]]:
        return (_mention(code) for code in (self.trace, self.generation) if code is not None)

    def words(self) -> list[Scan]:
        """What the text of a wanted line holds, all of it, what tells most first."""
        found: list[Scan] = [(re.compile(re.escape(code).encode()),) for code in (self.trace, self.generation) if code]
        return found if self.grep is None else [*found, *required(self.grep)]

    def level_words(self) -> Scan | None:
        """What a line of the wanted level holds; None where that may be any line."""
        return _of_level(self.level) if self.level is not None and rank(self.level) > rank("info") else None


def _mention(code: str) -> re.Pattern[str]:
    """A code where it begins: a part of another one is none, the first characters of a code are enough."""
    return re.compile(rf"(?<![0-9A-Za-z]){re.escape(code)}")


def _of_level(level: str) -> Scan:
    below = "|".join(name for name in (*LEVELS, "notice", "log") if rank(name) < rank(level))
    words = [word for name, spelled in PLAIN_WORDS.items() if rank(name) >= rank(level) for word in spelled]
    structured = rf'"level"\s*:\s*"(?!(?:{below})")'
    return tuple(re.compile(text.encode()) for text in (structured, *map(re.escape, words)))

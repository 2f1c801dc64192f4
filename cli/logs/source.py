"""Where logs come from: the files of `nb up`, or Railway. Commands know no more of it than this."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Protocol

from cli.errors import NotFound
from cli.logs.following import Follower
from cli.logs.lines import LEVELS, Line, rank
from cli.logs.local import NAMES, Found, log_files, newest, newest_first
from cli.logs.query import Query
from cli.logs.shapes import Failing


def said(at: datetime | None) -> str | None:
    """A moment for machines: UTC, of one length, so that they can be sorted as they stand."""
    return None if at is None else at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


Name = Literal["files", "railway", "railway-cli"]


class Tail(Protocol):
    """What comes from now on."""

    pause: float
    """Seconds between two reads."""

    def read(self) -> list[Line]:
        """The lines that came since the last call, in order of time."""

    def close(self) -> None:
        """Let go of what is open."""


class Source(Protocol):
    """Logs of one environment."""

    name: Name
    known: Sequence[str]
    """Services that have logs here."""
    home: Path | None
    """The folder whose secrets are masked by value."""

    def newest(self, query: Query, most: int) -> Found:
        """The newest lines that are wanted."""

    def failing(self, query: Query, level: str) -> Failing | None:
        """How many lines of a level or worse are among all that are wanted; None where there is none."""

    def tail(self, query: Query) -> Tail:
        """Follow from now on; what `newest` returns after this ends where it begins."""


def at_least(query: Query, level: str) -> Query:
    """The same, of a level or worse."""
    return replace(query, level=max(query.level or LEVELS[0], level, key=rank))


class LocalLogs:
    """The files that `nb up` and its services write."""

    name: Name = "files"

    def __init__(self, home: Path) -> None:
        self.home: Path | None = home
        self._folder = home / "logs"
        self._ends: dict[Path, int] = {}
        files = log_files(self._folder)
        self.known: Sequence[str] = sorted({*NAMES, *(file.service for file in files)})
        if not files:
            raise NotFound(f"there are no logs in {self._folder}", code="no_logs", fix="nb up")

    def newest(self, query: Query, most: int) -> Found:
        """The newest lines that are wanted."""
        return newest(log_files(self._folder, self._ends), query, most)

    def failing(self, query: Query, level: str) -> Failing | None:
        """Counts every line, however many there are."""
        count, oldest = 0, None
        for line in newest_first(log_files(self._folder, self._ends), at_least(query, level)):
            count, oldest = count + 1, line.at
        return {"level": level, "count": count, "since": said(query.since or oldest)} if count else None

    def tail(self, _query: Query) -> Tail:
        """Follow the files of today and those that appear later."""
        paths = {path.stem: path for path in self._folder.glob("*.log")}
        followed = LocalTail({**{name: self._folder / f"{name}.log" for name in NAMES}, **paths})
        self._ends = followed.starts
        return followed


class LocalTail(Follower):
    """What is added to the files."""

    pause = 0.1

    def read(self) -> list[Line]:
        """The lines that were completed; those without a time came now."""
        now = datetime.now(UTC)
        return [line if line.at is not None else replace(line, at=now) for line in super().read()]

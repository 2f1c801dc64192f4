"""The logs of `nb up`: every file of the home, rotated ones included, merged by time."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from cli.logs.files import LogFile
from cli.logs.lines import Line
from cli.logs.query import Query

NAMES = ("web", "worker", "beat", "poller", "postgres", "redis", "sandbox", "emulators", "prepare", "nb")
"""Services that `nb up` may start, the supervisor itself as `nb`."""

FILE = re.compile(r"(?P<service>[a-z][a-z0-9_-]*?)(?:-\d+)?\.log(?:\.\d+)?")


@dataclass(frozen=True)
class Found:
    """The newest lines that were wanted, in order of time; `is_cut` when there are older ones."""

    lines: list[Line]
    is_cut: bool


def log_files(folder: Path, ends: Mapping[Path, int] | None = None) -> list[LogFile]:
    """The log files of a folder, read no further than `ends` says."""
    return [
        LogFile(path, name["service"], (ends or {}).get(path))
        for path in sorted(folder.glob("*.log*"))
        if (name := FILE.fullmatch(path.name)) and path.is_file()
    ]


def newest(files: Iterable[LogFile], query: Query, most: int) -> Found:
    """The newest lines of all files."""
    lines = list(islice(newest_first(files, query), most + 1))
    is_cut = len(lines) > most
    return Found(in_order(lines[:most]), is_cut)


def newest_first(files: Iterable[LogFile], query: Query) -> Iterator[Line]:
    """The lines of all files from the newest to the oldest; each file is read only as far as it is needed."""
    wanted = [file for file in files if may_hold(file, query)]
    return heapq.merge(*(file.newest_first(query) for file in wanted), key=moment_of, reverse=True)


def may_hold(file: LogFile, query: Query) -> bool:
    """Whether a file can hold wanted lines: its own service's, or the supervisor's about it."""
    return not query.services or file.service in query.services or file.service == "nb"


def in_order(lines: Iterable[Line]) -> list[Line]:
    """Lines from newest to oldest, turned around; what one file has at the same moment stays in its order."""
    lines = list(lines)
    lines.reverse()
    return sorted(lines, key=moment_of)


def moment_of(line: Line) -> float:
    """What lines are put in order by."""
    return line.at.timestamp() if line.at is not None else float("-inf")

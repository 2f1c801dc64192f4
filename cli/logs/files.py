"""Reads a log file from its end, newest line first, without reading what cannot be wanted.

The file is taken in blocks. In a block only those places are parsed where something wanted may be, found in its bytes;
where a time is asked for, the part of the file is found by bisection. Lines of one file are in order of time, give or
take what several processes that write to it differ by.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from cli.invocation import warn
from cli.logs.helpers import Helpers
from cli.logs.lines import OWN_TIME, Line, grouped, parse
from cli.logs.query import Query
from cli.logs.spans import NEXT, Span, Spans

BLOCK = 2**20
"""Bytes that are read at a time."""

LONGEST_RECORD = 4 * 2**20
"""A line with what belongs to it; what is longer is cut at an end of line."""

DISORDER = timedelta(seconds=60)
"""How far lines of one file may be out of order."""

PROBE = 64 * 1024
"""Bytes that are looked through for a line with a time."""

EDGE = 128
"""Bytes that two such looks share, so that the beginning of a line is whole in one of them."""

WORTH_HELP = 8 * 2**20
"""Bytes still to be looked through for which other processes are started."""

PATIENCE_SECONDS = 0.1
"""What is looked through for longer than this is shared with other processes."""


@dataclass(frozen=True)
class LogFile:
    """One file, and the service that it is of."""

    path: Path
    service: str
    end: int | None = None
    """Read no further than this: what comes later is followed."""

    def newest_first(self, query: Query) -> Iterator[Line]:
        """The lines that are wanted, from the newest to the oldest."""
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            # It was rotated away between the look and the read.
            return
        except OSError as error:
            warn("log_unreadable", f"{self.path} cannot be read: {error.strerror}")
            return
        with file:
            size = os.fstat(file.fileno()).st_size
            yield from _Reader(file, self.service, min(size, self.end) if self.end is not None else size).lines(query)


END_OF_LINE = re.compile(rb"\n")


class _Reader:
    """An open log file."""

    def __init__(self, file: BinaryIO, service: str, size: int) -> None:
        self._file = file
        self._service = service
        self._size = size

    def lines(self, query: Query) -> Iterator[Line]:
        start, end = 0, self._size
        if query.until is not None:
            end = self._around(query.until + DISORDER)[1]
        if query.since is not None:
            start = self._around(query.since - DISORDER)[0]
        for offset, block, spans in self._looked_through(start, end, Spans(query)):
            for first, last in reversed(spans):
                for line in reversed(self._record(offset + first, block[first:last])):
                    if query.matches(line):
                        yield line

    def _looked_through(self, start: int, end: int, spans: Spans) -> Iterator[tuple[int, bytes, list[Span]]]:
        """Blocks with where in them something may be; from a while on, other processes help to find that."""
        began, offset = time.monotonic(), end
        for offset, block in self._blocks(start, end):
            yield offset, block, spans.of(block)
            if offset - start > WORTH_HELP and time.monotonic() - began > PATIENCE_SECONDS:
                break
        else:
            return
        with Helpers(lambda: self._blocks(start, offset), spans.of) as helpers:
            for number, (place, block) in enumerate(self._blocks(start, offset)):
                yield place, block, helpers.found(number, block)

    def _record(self, offset: int, content: bytes) -> list[Line]:
        """The lines of a record; those without a time have that of the one before."""
        found = grouped(self._parsed(content))
        at: datetime | None = None
        for index, line in enumerate(found):
            if line.at is None:
                if at is None:
                    at = self._time_near(offset)
                found[index] = replace(line, at=at)
            at = found[index].at
        return found

    def _parsed(self, content: bytes) -> Iterator[Line]:
        for text in content.split(b"\n"):
            if text.strip():
                yield parse(self._service, text.decode(errors="replace"))

    def _blocks(self, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        """Parts of the file that begin and end with whole records, the last one first."""
        rest = b""
        while end > start:
            begin = max(start, end - BLOCK)
            data = self._read(begin, end) + rest
            end = begin
            if begin == start:
                yield begin, data
                return
            found = NEXT.search(data)
            if found is None and len(data) > LONGEST_RECORD:
                found = END_OF_LINE.search(data)
                if found is None:
                    # A line without an end is shown in pieces.
                    yield begin, data
                    rest = b""
                    continue
            if found is None:
                rest = data
                continue
            rest = data[: found.end()]
            yield begin + found.end(), data[found.end() :]

    def _read(self, start: int, end: int) -> bytes:
        # Without a position that is shared: other processes read the same file.
        return os.pread(self._file.fileno(), end - start, start)

    def _around(self, moment: datetime) -> tuple[int, int]:
        """Where the last record before a moment begins, and the first one at or after it."""
        low, high = 0, self._size
        while high - low > PROBE:
            middle = (low + high) // 2
            found = self._first_time(middle, high)
            if found is None or found[1] >= moment:
                high = middle
            else:
                low = found[0]
        start = low
        while start < self._size:
            for offset, at in self._times(start, start + PROBE):
                if at >= moment:
                    return low, offset
                low = offset
            start += PROBE - EDGE
        return low, self._size

    def _first_time(self, start: int, end: int) -> tuple[int, datetime] | None:
        """The first record with a time that begins after `start`, and where."""
        while start < end:
            found = next(self._times(start, min(end, start + PROBE)), None)
            if found is not None:
                return found
            start += PROBE - EDGE
        return None

    def _times(self, start: int, end: int) -> Iterator[tuple[int, datetime]]:
        """Records that begin between two offsets and have a time."""
        data = self._read(start, end)
        heads = [0] if start == 0 else []
        heads += [match.end() for match in NEXT.finditer(data)]
        for head in heads:
            at = self._time_at(start + head, data[head : _end_of_line(data, head)])
            if at is not None:
                yield start + head, at

    def _time_at(self, offset: int, text: bytes) -> datetime | None:
        if offset + len(text) < self._size and not text.startswith(b"{"):
            return parse(self._service, text.decode(errors="replace")).at
        found = TIME.match(text)
        if found is not None:
            return parse(self._service, f'{{"at":"{found[1].decode()}"}}').at
        return parse(self._service, text.decode(errors="replace")).at

    def _time_near(self, offset: int) -> datetime:
        """The time of the nearest record before, else after; that of the file's last change where none has one."""
        end = offset
        while end > 0:
            start = max(0, end - PROBE)
            before = [at for _, at in self._times(start, end)]
            if before:
                return before[-1]
            end = start if start == 0 else start + 1
            if offset - end > LONGEST_RECORD:
                break
        after = self._first_time(offset, min(self._size, offset + LONGEST_RECORD))
        if after is not None:
            return after[1]
        return datetime.fromtimestamp(os.fstat(self._file.fileno()).st_mtime, UTC)


TIME = re.compile(OWN_TIME.pattern.encode())


def _end_of_line(data: bytes, start: int) -> int:
    end = data.find(b"\n", start)
    return len(data) if end < 0 else end

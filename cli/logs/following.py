"""Follows log files: what is added to them, over rotation and restarts, and the view of `nb up` that prints it."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from cli.logs.lines import Line, groups, parse
from cli.logs.rendering import render
from cli.output import Screen

QUIET = frozenset({"postgres", "redis"})
"""Servers whose everyday lines stay in their files."""

LONGEST_PARTIAL = 4 * 2**20
"""Bytes without an end of line that are kept back; more of them are shown as they are."""


class Follower:
    """Reads what is added to log files from now on. Survives rotation, truncation and files that appear later."""

    def __init__(self, paths: Mapping[str, Path]) -> None:
        self._paths = paths
        self._open: dict[str, BinaryIO] = {}
        self._partial: dict[str, bytes] = {}
        self._held: dict[str, list[Line]] = {}
        self.starts: dict[Path, int] = {}
        """Where following began, by path: at the start of a line. What is before it was there already."""
        for service in paths:
            self._reopen(service, from_end=True)

    def read(self) -> list[Line]:
        """Return the lines that were completed since the last call, by time where it is known.

        What may still get its traceback is kept back until nothing more comes.
        """
        lines: list[Line] = []
        for service in self._paths:
            lines += self._grouped(service, self._read_one(service))
        return sorted(lines, key=lambda line: line.at.timestamp() if line.at else float("inf"))

    def close(self) -> None:
        """Close the files."""
        for file in self._open.values():
            file.close()
        self._open.clear()

    def _grouped(self, service: str, new: list[Line]) -> list[Line]:
        found = groups([*self._held.pop(service, []), *new])
        if new and found[-1].is_open:
            self._held[service] = found.pop().lines
        return [group.closed() for group in found]

    def _reopen(self, service: str, *, from_end: bool) -> None:
        path = self._paths[service]
        try:
            file = path.open("rb")
        except OSError:
            return
        if from_end:
            self.starts[path] = _last_line(file)
            file.seek(self.starts[path])
        if previous := self._open.pop(service, None):
            previous.close()
        self._open[service] = file

    def _read_one(self, service: str) -> list[Line]:
        # Looked at before it is read: what its writer said last, before it was rotated, is still in the old file.
        was_replaced = self._was_replaced(service)
        content = self._read_open(service)
        if was_replaced:
            self._reopen(service, from_end=False)
            content += self._read_open(service)
        *complete, rest = (self._partial.get(service, b"") + content).split(b"\n")
        if len(rest) > LONGEST_PARTIAL:
            complete, rest = [*complete, rest], b""
        self._partial[service] = rest
        return [parse(service, line.decode(errors="replace")) for line in complete if line.strip()]

    def _read_open(self, service: str) -> bytes:
        file = self._open.get(service)
        if file is None:
            return b""
        if os.fstat(file.fileno()).st_size < file.tell():
            # It was emptied where it stands.
            file.seek(0)
            self._partial.pop(service, None)
        return file.read()

    def _was_replaced(self, service: str) -> bool:
        try:
            there = self._paths[service].stat()
        except OSError:
            return False
        if service not in self._open:
            return True
        here = os.fstat(self._open[service].fileno())
        return (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino)


def _last_line(file: BinaryIO) -> int:
    """Where the unfinished line at the end of a file begins; its end where there is none."""
    end = file.seek(0, os.SEEK_END)
    start = max(0, end - LONGEST_PARTIAL)
    file.seek(start)
    return start + file.read(end - start).rfind(b"\n") + 1


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
                if is_last:
                    # What was kept back comes when nothing more does.
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

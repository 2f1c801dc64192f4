"""Other processes that look through the blocks of a file, each through its share, while this one does its own.

A helper is a copy of this process that only computes. One that cannot start, or ends early, leaves its share to us.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterable
from typing import BinaryIO, NoReturn, Self

from cli.logs.spans import Span

MOST = 2
"""Helpers at a time, of all files: with us they stay below what one run of `nb` may take of memory."""

Look = Callable[[bytes], list[Span]]
Blocks = Callable[[], Iterable[tuple[int, bytes]]]

_free = MOST


class Helpers:
    """Each takes every n-th block, in the order in which they are asked for; the last share is ours."""

    def __init__(self, blocks: Blocks, look: Look) -> None:
        self._blocks = blocks
        self._look = look
        self._shares = 1
        self._running: list[tuple[int, BinaryIO]] = []

    def __enter__(self) -> Self:
        global _free
        # A copy of a process with threads may wait for ever for what another thread held.
        most = min(_free, _processors() - 1) if threading.active_count() == 1 else 0
        self._shares = most + 1
        for share in range(most):
            if not self._start(share):
                break
        _free -= len(self._running)
        return self

    def __exit__(self, *_: object) -> None:
        global _free
        _free += len(self._running)
        for process, pipe in self._running:
            pipe.close()
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
        self._running = []

    def found(self, number: int, block: bytes) -> list[Span]:
        """What a helper found in the block of this number; what it did not tell is looked for here."""
        share = number % self._shares
        if share < len(self._running):
            told = self._running[share][1].readline()
            if told.endswith(b"\n"):
                return [(first, last) for first, last in json.loads(told)]
        return self._look(block)

    def _start(self, share: int) -> bool:
        """Start a helper; False where the machine allows no more."""
        reading, writing = os.pipe()
        pipe = os.fdopen(reading, "rb")
        try:
            process = os.fork()
        except OSError:
            pipe.close()
            os.close(writing)
            return False
        if process == 0:
            pipe.close()
            self._help(share, writing)
        os.close(writing)
        self._running.append((process, pipe))
        return True

    def _help(self, share: int, writing: int) -> NoReturn:
        """Look through a share; whatever happens ends this process and says nothing."""
        try:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            with os.fdopen(writing, "wb") as pipe:
                for number, (_, block) in enumerate(self._blocks()):
                    if number % self._shares == share:
                        pipe.write(json.dumps(self._look(block)).encode() + b"\n")
                        pipe.flush()
        finally:
            os._exit(0)


def _processors() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1

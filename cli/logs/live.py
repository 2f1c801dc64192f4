"""`nb logs --follow`: prints lines as they come, until Ctrl-C, the given time, or nobody reads any more."""

from __future__ import annotations

import io
import select
import time
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from typing import TextIO

from cli.envelope import Outcome
from cli.exit_codes import ExitCode
from cli.invocation import current
from cli.logs import view
from cli.logs.lines import Line, rank
from cli.logs.masking import masker
from cli.logs.query import Query
from cli.logs.shapes import Failing, LogsData
from cli.logs.source import Source, said
from cli.output import Screen


def follow(source: Source, query: Query, number: int, *, fail_on: str | None, patience: float | None) -> Outcome:
    """Print the newest lines, then every one that comes. The document of the end counts them.

    Raises:
        Interrupted: by Ctrl-C; its document counts them, too.
    """
    from cli.application import Interrupted
    from cli.commands.logs import problem_of

    current().follows = True
    live = _Live(source, query, fail_on)
    try:
        live.run(number, patience)
    except KeyboardInterrupt:
        raise Interrupted("interrupted", data=live.data()) from None
    problem = problem_of(live.failing)
    code = ExitCode.OK if problem is None else ExitCode.CHECK_FAILED
    return Outcome(live.data(), lambda _screen: None, problem, code)


class _Live:
    """A log that is being followed."""

    def __init__(self, source: Source, query: Query, fail_on: str | None) -> None:
        self._source = source
        self._query = query
        self._mask = masker(source.home)
        self._fail_on = fail_on
        self._counts: Counter[str] = Counter()
        self._is_cut = False
        self.failing: Failing | None = None
        stream = current().stream
        assert stream is not None
        self._stream: TextIO = stream
        self._screen = Screen(stream, color=not current().no_color)

    def run(self, number: int, patience: float | None) -> None:
        """Print until the time is over, nobody reads, or what is asked for lies in the past."""
        deadline = None if patience is None else time.monotonic() + patience
        with closing(self._source.tail(self._query)) as tail:
            found = self._source.newest(self._query, number)
            self._is_cut = found.is_cut
            try:
                self._print(found.lines)
                while not self._is_over(deadline):
                    if reader_is_gone(self._stream, min(tail.pause, _left(deadline))):
                        return
                    self._print([line for line in tail.read() if self._query.matches(line)])
            except BrokenPipeError:
                # Whoever read has seen enough (`nb logs -f | head`).
                return

    def data(self) -> LogsData:
        """What was printed."""
        return {
            "source": self._source.name,
            "services": sorted(self._query.services) or ["all"],
            "since": said(self._query.since),
            "until": said(self._query.until),
            "lines": [],
            "counts": dict(sorted(self._counts.items(), key=lambda item: -rank(item[0]))),
            "truncated": self._is_cut,
            "failing": self.failing,
        }

    def _is_over(self, deadline: float | None) -> bool:
        if deadline is not None and time.monotonic() >= deadline:
            return True
        return self._query.until is not None and datetime.now(UTC) > self._query.until

    def _print(self, lines: list[Line]) -> None:
        if not lines:
            return
        for line in map(self._mask, lines):
            self._counts[line.level] += 1
            self._note(line)
            if current().json:
                view.write(self._stream, [line])
            else:
                view.show(self._screen, [line])
        self._stream.flush()

    def _note(self, line: Line) -> None:
        if self._fail_on is None or rank(line.level) < rank(self._fail_on):
            return
        before = self.failing
        self.failing = {
            "level": self._fail_on,
            "count": before["count"] + 1 if before else 1,
            "since": before["since"] if before else said(line.at),
        }


def _left(deadline: float | None) -> float:
    return float("inf") if deadline is None else max(0.0, deadline - time.monotonic())


def reader_is_gone(stream: TextIO, seconds: float) -> bool:
    """Wait this long, or shorter when the other end of a pipe is closed meanwhile."""
    try:
        descriptor = stream.fileno()
    except (OSError, io.UnsupportedOperation):
        time.sleep(seconds)
        return False
    poll = select.poll()
    poll.register(descriptor, 0)
    return bool(poll.poll(seconds * 1000))

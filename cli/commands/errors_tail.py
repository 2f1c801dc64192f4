"""`nb errors tail`: prints faults as they are met, until Ctrl-C, the given time, or nobody reads any more."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import timedelta

from cli.client import OpsClient
from cli.commands.errors_view import tail_line
from cli.errors import UpstreamFault
from cli.invocation import DEFAULT_TIMEOUT, current
from cli.logs.live import reader_is_gone
from cli.moments import parse_moment
from cli.output import Screen, progress
from cli.wire import ServiceStatus
from cli.wire_errors import ErrorItem, ErrorPage

LOOKS_EVERY = 2.0
"""Seconds between two looks."""

AT_ONCE = 200
OVERLAP = timedelta(seconds=30)
"""How much of what was seen is asked for again: a fault is written a moment after it was met."""

REMEMBERED = 5000
"""Faults whose count is kept in mind, so that none is printed twice."""


def follow(client: OpsClient, wanted: Mapping[str, str | None], since: str | None, patience: float | None) -> int:
    """Print what is met; return how many lines that was. Without `since` it is from now on, by the service's clock.

    Raises:
        UpstreamFault: the service did not answer the first time. Later it is asked again: it may be being deployed.
    """
    # What --timeout says is how long to follow; a request has the usual time, and less where there is less.
    client.timeout = min(DEFAULT_TIMEOUT, max(patience or DEFAULT_TIMEOUT, LOOKS_EVERY))
    current().follows = True
    since = since or client.read(ServiceStatus, client.get("/api/ops/v1/status"))["at"]
    tail = _Tail(client, wanted, since)
    deadline = None if patience is None else time.monotonic() + patience
    try:
        while True:
            tail.look()
            pause = LOOKS_EVERY if deadline is None else min(LOOKS_EVERY, deadline - time.monotonic())
            if pause <= 0 or reader_is_gone(tail.stream, pause):
                return tail.lines
    except BrokenPipeError:
        # Whoever read has seen enough (`nb errors tail | head`).
        return tail.lines


class _Tail:
    """What was seen of the faults, and where it is printed."""

    def __init__(self, client: OpsClient, wanted: Mapping[str, str | None], since: str) -> None:
        self._client = client
        self._wanted = wanted
        self._since = parse_moment(since)
        self._seen: dict[str, int] = {}
        self._has_answered = False
        self._is_away = False
        self.lines = 0
        stream = current().stream
        assert stream is not None
        self.stream = stream
        self._screen = Screen(stream, color=not current().no_color)

    def look(self) -> None:
        """Print what is new. A flood is one fault whose count grows; each growth is a line."""
        for item in reversed(self._met()):
            if self._seen.get(item["id"]) != item["times"]:
                self._seen[item["id"]] = item["times"]
                self._print(item)
            self._since = max(self._since, parse_moment(item["last_at"]) - OVERLAP)
        while len(self._seen) > REMEMBERED:
            self._seen.pop(next(iter(self._seen)))

    def _met(self) -> list[ErrorItem]:
        query: dict[str, str | int | None] = {**self._wanted, "since": self._since.isoformat(), "limit": AT_ONCE}
        try:
            items = self._client.read(ErrorPage, self._client.get("/api/ops/v1/errors", query))["items"]
        except UpstreamFault as fault:
            if not self._has_answered:
                raise
            if not self._is_away:
                progress().state("unknown", f"{fault.message}; it is asked again")
            self._is_away = True
            return []
        self._has_answered, self._is_away = True, False
        return items

    def _print(self, item: ErrorItem) -> None:
        self.lines += 1
        if current().json:
            self.stream.write(json.dumps(item, ensure_ascii=False) + "\n")
        else:
            tail_line(self._screen, item)
        self.stream.flush()

"""The correlation id that follows one event through every process, kept in a context variable."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from core.types import TraceId

TRACE_HEADER = "X-Request-Id"

NO_TRACE = TraceId("")

_TRACE = re.compile(r"[0-9a-f]{32}")
_current: ContextVar[TraceId] = ContextVar("nb_trace", default=NO_TRACE)


def new_trace() -> TraceId:
    """Make a trace id: 32 hexadecimal digits, as W3C Trace Context wants them."""
    return TraceId(secrets.token_hex(16))


def parse_trace(value: str | None) -> TraceId | None:
    """Read a trace id that somebody sent; None when it is none. A UUID with dashes counts."""
    if not value or len(value) > 36:
        return None
    plain = value.replace("-", "").lower()
    return TraceId(plain) if _TRACE.fullmatch(plain) else None


def current_trace() -> TraceId:
    """The trace of the running task, empty outside of any."""
    return _current.get()


@contextmanager
def trace(trace_id: TraceId) -> Iterator[TraceId]:
    """Bind the trace to everything that the block logs, publishes and starts."""
    token = _current.set(trace_id)
    try:
        yield trace_id
    finally:
        _current.reset(token)

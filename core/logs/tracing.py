"""The correlation id that follows one event through every process, kept in structlog's context."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager

from structlog import contextvars

from core.types import TraceId

TRACE_HEADER = "X-Request-Id"

_TRACE = re.compile(r"[0-9a-f]{32}")


def new_trace() -> TraceId:
    """Make a trace id: 32 hexadecimal digits, as W3C Trace Context wants them."""
    return TraceId(f"{random.getrandbits(128):032x}")  # An id, not a secret: it need not be unguessable.


def parse_trace(value: str | None) -> TraceId | None:
    """Read a trace id that somebody sent; None when it is none. A UUID with dashes counts."""
    if not value or len(value) > 36:
        return None
    plain = value.replace("-", "").lower()
    return TraceId(plain) if _TRACE.fullmatch(plain) else None


def current_trace() -> TraceId:
    """The trace of the running task, empty outside of any."""
    return TraceId(contextvars.get_contextvars().get("trace_id", ""))


def bind(trace_id: TraceId) -> None:
    """Bind the trace for the rest of the running task."""
    contextvars.bind_contextvars(trace_id=trace_id)


@contextmanager
def trace(trace_id: TraceId) -> Iterator[TraceId]:
    """Bind the trace to everything that the block logs, publishes and starts."""
    with contextvars.bound_contextvars(trace_id=trace_id):
        yield trace_id

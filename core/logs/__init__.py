"""Structured logs: every record of every library as one line, with the trace it belongs to and without secrets.

`configure` is called once by a process's entry point. Lines go to standard error: standard output belongs to commands.
"""

from __future__ import annotations

from core.logs.configuration import configure, get_logger, service_name
from core.logs.tracing import TRACE_HEADER, bind, current_trace, new_trace, parse_trace, trace
from core.redaction import Redactor, redact

__all__ = [
    "TRACE_HEADER",
    "Redactor",
    "bind",
    "configure",
    "current_trace",
    "get_logger",
    "new_trace",
    "parse_trace",
    "redact",
    "service_name",
    "trace",
]

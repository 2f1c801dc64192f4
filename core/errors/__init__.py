"""Faults that the service meets, kept in `botapp_boterrorevent` for operators to find, understand and close.

`record` is called where a fault ends: it costs microseconds, never raises and never waits. What it was given is written
by a task of its own, outside of every transaction, by `recording`, which each process has open. The log has all of it
besides, so that nothing is lost where the database is away.
"""

from __future__ import annotations

from core.errors.faults import Fault, Origin, Severity, Status
from core.errors.passing import BACKEND_AWAY, expect, is_passing
from core.errors.recorder import note, record, recording, written

__all__ = [
    "BACKEND_AWAY",
    "Fault",
    "Origin",
    "Severity",
    "Status",
    "expect",
    "is_passing",
    "note",
    "record",
    "recording",
    "written",
]

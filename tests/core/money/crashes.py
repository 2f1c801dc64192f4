"""Crashes at a chosen statement: the task is cancelled, or its connection dies, as when a process is killed.

The pool of the tests is made of connections that look, before each statement, whether their task is doomed. BEGIN and
COMMIT are statements too, so that a crash may come when nobody can tell whether the transaction took place.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core import db


class Manner(StrEnum):
    """How a task ends before its time."""

    CANCELLED = "cancelled"
    KILLED = "killed before the statement"
    KILLED_AFTER = "killed after the statement"


@dataclass
class Doom:
    """At which statement a task ends, and whether it has."""

    manner: Manner
    statement: int
    is_done: bool = False

    def is_due(self) -> bool:
        """Count a statement; True for the one at which it ends."""
        self.statement -= 1
        return self.statement < 0 and not self.is_done


doom: ContextVar[Doom | None] = ContextVar("doom", default=None)


class FragileConnection(db._Connection):
    """A connection of the product that breaks when its task is doomed."""

    async def fetch(self, query: str, *args: Any, **options: Any) -> Any:
        manner = _strike(self)
        rows = await super().fetch(query, *args, **options)
        _strike_after(self, manner)
        return rows

    async def execute(self, query: str, *args: Any, **options: Any) -> Any:
        manner = _strike(self)
        status = await super().execute(query, *args, **options)
        _strike_after(self, manner)
        return status


def _strike(connection: FragileConnection) -> Manner | None:
    doomed = doom.get()
    if doomed is None or not doomed.is_due():
        return None
    doomed.is_done = True
    if doomed.manner is Manner.CANCELLED:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
    elif doomed.manner is Manner.KILLED:
        connection.terminate()
    return doomed.manner


def _strike_after(connection: FragileConnection, manner: Manner | None) -> None:
    if manner is Manner.KILLED_AFTER:
        connection.terminate()

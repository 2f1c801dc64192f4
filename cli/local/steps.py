"""The numbered steps of starting: each runs when what it needs is there, all are told in order.

Steps overlap where they can, so a step's time is its own and the sum is more than the whole.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from cli.local.launch import LocalError


class StepState(StrEnum):
    """How far a step is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass
class Step:
    """One line of the list."""

    number: int
    title: str
    state: StepState = StepState.WAITING
    seconds: float = 0.0
    note: str = ""


class Watcher(Protocol):
    """Somebody who wants to see the steps change."""

    def changed(self, steps: Sequence[Step]) -> None:
        """Called after every change, with all steps in order."""


@dataclass(frozen=True)
class Planned:
    """A step before it runs."""

    title: str
    action: Callable[[], Awaitable[str]]
    """Does the work and returns a note for the person, possibly empty."""
    after: tuple[str, ...] = ()
    """Titles of the steps that must be done before."""


@dataclass
class Plan:
    """Runs planned steps, each as early as possible."""

    planned: Sequence[Planned]
    watcher: Watcher
    steps: list[Step] = field(init=False)

    def __post_init__(self) -> None:
        self.steps = [Step(number, planned.title) for number, planned in enumerate(self.planned, 1)]

    async def run(self) -> None:
        """Run all steps.

        Raises:
            LocalError: the first step that failed; the others were cancelled.
        """
        done = {planned.title: asyncio.Event() for planned in self.planned}
        tasks = [
            asyncio.create_task(self._run(step, planned, done), name=planned.title)
            for step, planned in zip(self.steps, self.planned, strict=True)
        ]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.watcher.changed(self.steps)

    async def _run(self, step: Step, planned: Planned, done: dict[str, asyncio.Event]) -> None:
        try:
            for title in planned.after:
                await done[title].wait()
            self._enter(step, StepState.RUNNING)
            began = time.monotonic()
            try:
                step.note = await planned.action()
            finally:
                step.seconds = time.monotonic() - began
        except asyncio.CancelledError:
            step.state = StepState.CANCELLED
            raise
        except LocalError:
            self._enter(step, StepState.FAILED)
            raise
        self._enter(step, StepState.DONE)
        done[planned.title].set()

    def _enter(self, step: Step, state: StepState) -> None:
        step.state = state
        self.watcher.changed(self.steps)

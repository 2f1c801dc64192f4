"""What a check of readiness says, how much it weighs, and how checks share one question."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Generic, Literal, TypeAlias, TypeVar

State: TypeAlias = Literal["ok", "failed", "unknown"]

Level: TypeAlias = Literal["needed", "watched", "noted"]
"""`needed`: without it nothing works, and probes get 503. `watched`: it is for people to look at, and fails `nb ready`.
`noted`: the service is made to live with it, so it is told and fails nothing."""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found, the same in facts for machines, and what to do about it."""

    state: State
    detail: str
    fix: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict, compare=False)


CheckFunction: TypeAlias = Callable[[], Awaitable[Verdict]]


@dataclass(frozen=True, slots=True)
class Weighed:
    """A check that is not needed; one that is, is a bare function."""

    level: Level
    look: CheckFunction

    async def __call__(self) -> Verdict:
        """Look."""
        return await self.look()


class Shared(Generic[Value]):
    """One answer for everybody who asks at the same time, and for those who ask while it is fresh.

    An answer that `is_kept` refuses, like one that raised, is asked for again at the next question.
    """

    def __init__(
        self,
        ask: Callable[[], Awaitable[Value]],
        *,
        fresh_s: Callable[[], float],
        is_kept: Callable[[Value], bool] = lambda _: True,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._ask = ask
        self._fresh_s = fresh_s
        self._is_kept = is_kept
        self._clock = clock
        self._running: asyncio.Task[Value] | None = None
        self._last: tuple[float, Value] | None = None

    async def __call__(self) -> Value:
        """Return the answer, as of now or a moment ago."""
        if self._last is not None and self._clock() - self._last[0] < self._fresh_s():
            return self._last[1]
        if self._running is None:
            self._running = asyncio.create_task(self._run())
            self._running.add_done_callback(_read)
        # Whoever hangs up does not stop the question for the others.
        return await asyncio.shield(self._running)

    async def _run(self) -> Value:
        try:
            found = await self._ask()
            self._last = (self._clock(), found) if self._is_kept(found) else None
            return found
        finally:
            self._running = None


def _read(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()  # Read, so that asyncio does not report it where everybody who asked has gone.

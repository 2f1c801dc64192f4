"""Runs coroutines as Celery tasks on the one event loop of a worker process.

Celery's threads only wait: every task is handed to the loop that lives in a thread of its own, where the database pool,
the Redis client and the HTTP sessions are.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, ParamSpec, Self

import structlog
from celery.exceptions import SoftTimeLimitExceeded

from core import errors
from core.errors import Origin, Severity
from core.queue.app import celery
from core.settings import Settings

P = ParamSpec("P")
Part = Callable[[Settings], AbstractAsyncContextManager[None]]
"""Something that a worker has open while it works."""

STOP_LIMIT = 30.0


@dataclass(slots=True)
class _Runtime:
    loop: asyncio.AbstractEventLoop | None = None
    parts: list[Part] = field(default_factory=list)


_runtime = _Runtime()


def part_of_worker(part: Part) -> Part:
    """Have an async context manager open on the worker's loop from before its first task until after its last."""
    _runtime.parts.append(part)
    return part


def task(name: str) -> Callable[[Callable[P, Coroutine[Any, Any, None]]], Callable[P, Coroutine[Any, Any, None]]]:
    """Register a coroutine function as the task `name`; its queue follows from the name, see `core.queue.app.ROUTES`.

    The function itself stays callable as it is. Its arguments are keywords that JSON can hold. It may run more than
    once for the same message.
    """

    def register(function: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, Coroutine[Any, Any, None]]:
        @functools.wraps(function)
        def run(**arguments: Any) -> None:  # noqa: ANN401  Keywords out of a message.
            trace_id = arguments.pop("trace_id", "")
            _bind(trace_id, arguments)
            try:
                _wait_for(_traced(function, trace_id, arguments))
            except Exception as error:
                _note(name, error, trace_id, arguments)
                raise

        celery.task(name=name, typing=False)(run)
        return function

    return register


class Running:
    """The loop of a worker in its thread, and the parts that are open on it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stack = AsyncExitStack()
        self._loop = _new_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="event-loop", daemon=True)

    def __enter__(self) -> Self:
        """Start the loop and open the parts in the order in which they were registered.

        Raises:
            Whatever a part raises: the worker must not take tasks then.
        """
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()
        except BaseException:
            self._end()
            raise
        _runtime.loop = self._loop
        return self

    def __exit__(self, *_: object) -> None:
        _runtime.loop = None
        self._end()

    def _end(self) -> None:
        """Close what is open, in reverse order, and stop the loop."""
        asyncio.run_coroutine_threadsafe(self._stack.aclose(), self._loop).result(STOP_LIMIT)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STOP_LIMIT)
        self._loop.close()

    async def _open(self) -> None:
        for part in _runtime.parts:
            await self._stack.enter_async_context(part(self._settings))


async def _traced(function: Callable[..., Coroutine[Any, Any, None]], trace_id: str, arguments: dict[str, Any]) -> None:
    with structlog.contextvars.bound_contextvars(trace_id=trace_id):
        await function(**arguments)


def _bind(trace_id: str, arguments: dict[str, Any]) -> None:
    """Have what Celery says of the task in this thread, its failure above all, bear the ids that find it."""
    structlog.contextvars.clear_contextvars()
    ids = {"trace_id": trace_id, "run_code": arguments.get("run_code")}
    structlog.contextvars.bind_contextvars(**{name: value for name, value in ids.items() if value})


def _note(name: str, error: Exception, trace_id: str, arguments: dict[str, Any]) -> None:
    """Have operators see a task that failed. Celery logs it and forgets the message."""
    errors.record(
        error,
        origin=Origin.CELERY_TASK,
        severity=Severity.CRITICAL,
        handler=name,
        run_code=str(arguments.get("run_code", "")),
        trace_id=trace_id,
        extra={"arguments": arguments},
    )


def _wait_for(coroutine: Coroutine[Any, Any, None]) -> None:
    if _runtime.loop is None:
        coroutine.close()
        raise RuntimeError("The task runs in a worker without an event loop; start workers with `nb worker`")
    future = asyncio.run_coroutine_threadsafe(coroutine, _runtime.loop)
    try:
        future.result()
    except SoftTimeLimitExceeded:
        future.cancel()
        raise
    except CancelledError as error:
        raise RuntimeError("The task was cancelled from inside the loop") from error


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()

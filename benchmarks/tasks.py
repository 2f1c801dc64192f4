"""What our tasks cost over bare Celery ones: the way onto the worker's event loop and back.

Both run through Celery's own tracer in one process, in turns, with the worker's settings. The broker would cost both
the same and is left out.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from time import perf_counter
from typing import Any

from celery import Task

from benchmarks.table import Row
from core.queue import celery, task
from core.queue import runtime as queue_runtime

ROUNDS = 500
WARM_UP = 50


def run() -> list[Row]:
    """Measure a task that does nothing."""
    ours, bare = _tasks()
    with _loop_of_a_worker():
        for _ in range(WARM_UP):
            _seconds(ours), _seconds(bare)
        pairs = [(_seconds(ours), _seconds(bare)) for _ in range(ROUNDS)]
    bare_ms = median(second for _, second in pairs) * 1000
    ours_ms = median(first for first, _ in pairs) * 1000
    return [
        Row.of_value("our task over a bare Celery task", ours_ms - bare_ms, "ms", at_most=1),
        Row.of_ratio(
            "a task of ours", ours_ms, "ms", yardstick="bare Celery task", yardstick_value=bare_ms, at_most=10
        ),
    ]


def _tasks() -> tuple[Task[Any, Any], Task[Any, Any]]:
    @task("measure.ours")
    async def ours(number: int) -> None:
        assert number == 1

    @celery.task(name="measure.bare", typing=False)
    def bare(number: int) -> None:
        assert number == 1

    celery.finalize()
    return celery.tasks["measure.ours"], celery.tasks["measure.bare"]


def _seconds(measured: Task[Any, Any]) -> float:
    began = perf_counter()
    measured.apply(kwargs={"number": 1}, throw=True)
    return perf_counter() - began


@contextmanager
def _loop_of_a_worker() -> Iterator[None]:
    """Run the event loop of a worker in its thread, with nothing open on it."""
    loop = _new_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    queue_runtime._runtime.loop = loop
    try:
        yield
    finally:
        queue_runtime._runtime.loop = None
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _new_loop() -> asyncio.AbstractEventLoop:
    new: Callable[[], asyncio.AbstractEventLoop] = queue_runtime._new_loop
    return new()

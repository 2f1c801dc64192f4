"""Tasks are coroutines on one loop per worker process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import structlog
from celery.exceptions import SoftTimeLimitExceeded

from core.queue import celery, runtime
from core.queue.runtime import Running, task
from core.settings import Settings

pytestmark = pytest.mark.integration


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> list[runtime.Part]:
    """The parts of this test's workers, and of no others."""
    mine: list[runtime.Part] = []
    monkeypatch.setattr(runtime._runtime, "parts", mine)
    return mine


def test_a_task_runs_on_the_loop_with_its_trace(settings: Settings, parts: list[runtime.Part]) -> None:
    seen: dict[str, object] = {}

    @task("test.remember")
    async def remember(word: str) -> None:
        seen.update(word=word, thread=threading.current_thread().name, **structlog.contextvars.get_contextvars())

    with Running(settings):
        celery.tasks["test.remember"](word="fox", trace_id="abc")
    assert seen == {"word": "fox", "thread": "event-loop", "trace_id": "abc"}


def test_what_a_task_raises_reaches_celery(settings: Settings, parts: list[runtime.Part]) -> None:
    @task("test.fail")
    async def fail() -> None:
        raise ZeroDivisionError("as told")

    with Running(settings), pytest.raises(ZeroDivisionError, match="as told"):
        celery.tasks["test.fail"]()


def test_what_is_said_of_a_task_after_it_failed_bears_its_ids(settings: Settings, parts: list[runtime.Part]) -> None:
    @task("test.fail_with_ids")
    async def fail(run_code: str = "") -> None:
        raise ZeroDivisionError(run_code)

    with Running(settings):
        with pytest.raises(ZeroDivisionError):
            celery.tasks["test.fail_with_ids"](run_code="r1", trace_id="abc")
        assert structlog.contextvars.get_contextvars() == {"trace_id": "abc", "run_code": "r1"}
        with pytest.raises(ZeroDivisionError):
            celery.tasks["test.fail_with_ids"]()
        assert structlog.contextvars.get_contextvars() == {}


def test_a_task_outside_a_worker_says_what_to_do() -> None:
    @task("test.nowhere")
    async def nowhere() -> None:
        pass

    with pytest.raises(RuntimeError, match="nb worker"):
        celery.tasks["test.nowhere"]()


def test_a_task_over_its_time_limit_is_cancelled_on_the_loop(
    settings: Settings, parts: list[runtime.Part], monkeypatch: pytest.MonkeyPatch
) -> None:
    cancelled = threading.Event()

    @task("test.slow")
    async def slow() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    class OutOfTime:
        """A future whose waiter is interrupted, as Celery's soft limit does it."""

        def __init__(self, future: object) -> None:
            self._future = future

        def result(self) -> None:
            raise SoftTimeLimitExceeded

        def cancel(self) -> None:
            self._future.cancel()  # type: ignore[attr-defined]

    submit = asyncio.run_coroutine_threadsafe

    with Running(settings):
        monkeypatch.setattr(
            asyncio, "run_coroutine_threadsafe", lambda coroutine, loop: OutOfTime(submit(coroutine, loop))
        )
        with pytest.raises(SoftTimeLimitExceeded):
            celery.tasks["test.slow"]()
        monkeypatch.undo()
        assert cancelled.wait(5)


def test_parts_are_open_while_the_worker_runs_and_closed_in_reverse(
    settings: Settings, parts: list[runtime.Part]
) -> None:
    steps: list[str] = []

    def part(name: str) -> runtime.Part:
        @asynccontextmanager
        async def opened(_: Settings) -> AsyncIterator[None]:
            steps.append(f"{name} opened")
            yield
            steps.append(f"{name} closed")

        return opened

    parts.extend([part("database"), part("bot")])
    with Running(settings):
        steps.append("working")
    assert steps == ["database opened", "bot opened", "working", "bot closed", "database closed"]


def test_a_part_that_cannot_open_keeps_the_worker_from_starting(settings: Settings, parts: list[runtime.Part]) -> None:
    @asynccontextmanager
    async def broken(_: Settings) -> AsyncIterator[None]:
        raise ConnectionRefusedError("no database")
        yield

    parts.append(broken)
    with pytest.raises(ConnectionRefusedError), Running(settings):
        pass

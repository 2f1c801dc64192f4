"""The trace id belongs to a task and to what the task starts."""

from __future__ import annotations

import asyncio

import pytest

from core import logs
from core.types import TraceId


def test_a_new_trace_is_32_hexadecimal_digits_and_never_the_same() -> None:
    traces = {logs.new_trace() for _ in range(100)}

    assert len(traces) == 100
    assert all(logs.parse_trace(trace) == trace for trace in traces)


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("0af7651916cd43dd8448eb211c80319c", "0af7651916cd43dd8448eb211c80319c"),
        ("0AF76519-16CD-43DD-8448-EB211C80319C", "0af7651916cd43dd8448eb211c80319c"),
        ("", None),
        (None, None),
        ("not-a-trace", None),
        ("0af7651916cd43dd8448eb211c80319c00", None),
        ("0af7651916cd43dd8448eb211c80319\n", None),
        ("x" * 10_000, None),
    ],
)
def test_only_a_trace_is_taken_for_one(sent: str | None, read: str | None) -> None:
    assert logs.parse_trace(sent) == read


def test_a_trace_ends_with_its_block() -> None:
    with logs.trace(TraceId("a" * 32)):
        with logs.trace(TraceId("b" * 32)):
            assert logs.current_trace() == "b" * 32
        assert logs.current_trace() == "a" * 32
    assert logs.current_trace() == ""


async def test_a_task_inherits_the_trace_and_keeps_its_own() -> None:
    async def inner(trace_id: TraceId) -> tuple[str, str]:
        inherited = logs.current_trace()
        logs.bind(trace_id)
        await asyncio.sleep(0)
        return inherited, logs.current_trace()

    with logs.trace(TraceId("a" * 32)):
        results = await asyncio.gather(inner(TraceId("b" * 32)), inner(TraceId("c" * 32)))
        assert logs.current_trace() == "a" * 32

    assert list(results) == [("a" * 32, "b" * 32), ("a" * 32, "c" * 32)]

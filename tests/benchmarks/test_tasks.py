"""The measure of our tasks runs and leaves the queue as it was."""

from __future__ import annotations

import pytest

from benchmarks import pipeline, tasks
from core.queue import runtime


def test_both_kinds_of_tasks_are_measured_and_the_loop_is_gone_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "ROUNDS", 5)
    monkeypatch.setattr(tasks, "WARM_UP", 1)
    over, ratio = tasks.run()
    assert over.unit == ratio.unit == "ms"
    assert over.target == "<= 1 ms"
    assert ratio.yardstick == "bare Celery task"
    assert ratio.yardstick_value is not None
    assert ratio.value == pytest.approx(over.value + ratio.yardstick_value)
    assert runtime._runtime.loop is None


def test_a_measure_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "GENERATION_LIMIT", 0)
    with pytest.raises(RuntimeError, match="picture 7 is delivered: not within 0 s"):
        pipeline._until(lambda: None, "picture 7 is delivered")


def test_what_was_waited_for_is_returned() -> None:
    answers = iter([None, None, 3.5])
    assert pipeline._until(lambda: next(answers), "an answer") == 3.5

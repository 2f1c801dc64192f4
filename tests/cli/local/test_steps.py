"""Steps run as early as they can and are told in order."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Sequence

import pytest

from cli.local.home import Home
from cli.local.launch import LocalError
from cli.local.progress import PipeWatcher, StepPrinter, print_last_lines, read_steps
from cli.local.steps import Plan, Planned, Step, StepState
from cli.output import Screen


class Recorder:
    def __init__(self) -> None:
        self.seen: list[list[StepState]] = []

    def changed(self, steps: Sequence[Step]) -> None:
        self.seen.append([step.state for step in steps])


async def nothing() -> str:
    return ""


async def test_a_step_waits_for_what_it_needs() -> None:
    order: list[str] = []

    def action(name: str) -> Planned:
        async def run() -> str:
            order.append(name)
            return name.upper()

        return Planned(name, run, after=("first",) if name != "first" else ())

    plan = Plan([action("second"), action("first"), action("third")], Recorder())
    await plan.run()

    assert order[0] == "first"
    assert sorted(order[1:]) == ["second", "third"]
    assert [step.note for step in plan.steps] == ["SECOND", "FIRST", "THIRD"]
    assert [step.number for step in plan.steps] == [1, 2, 3]
    assert {step.state for step in plan.steps} == {StepState.DONE}


async def test_steps_that_need_nothing_of_each_other_overlap() -> None:
    met = asyncio.Barrier(2)

    async def meet() -> str:
        async with asyncio.timeout(20), met:
            return ""

    await Plan([Planned("one", meet), Planned("other", meet)], Recorder()).run()


async def test_a_failure_ends_the_other_steps() -> None:
    cancelled = asyncio.Event()

    async def long() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return ""

    async def fail() -> str:
        raise LocalError("no", fix="yes", service="web")

    watcher = Recorder()
    plan = Plan([Planned("long", long), Planned("fail", fail), Planned("never", nothing, after=("fail",))], watcher)
    with pytest.raises(LocalError, match="no"):
        await plan.run()

    assert cancelled.is_set()
    assert watcher.seen[-1] == [StepState.CANCELLED, StepState.FAILED, StepState.CANCELLED]


async def test_a_plan_that_is_cancelled_cancels_its_steps() -> None:
    started = asyncio.Event()

    async def long() -> str:
        started.set()
        await asyncio.Event().wait()
        return ""

    plan = Plan([Planned("long", long)], Recorder())
    task = asyncio.create_task(plan.run())
    await started.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert plan.steps[0].state is StepState.CANCELLED


def steps(*states: StepState) -> list[Step]:
    return [Step(number, f"step {number}", state, 1.25, "note") for number, state in enumerate(states, 1)]


def test_a_step_is_printed_when_all_before_it_are_done() -> None:
    stream = io.StringIO()
    printer = StepPrinter(Screen(stream))

    printer.changed(steps(StepState.RUNNING, StepState.DONE, StepState.WAITING))
    assert stream.getvalue() == ""
    printer.changed(steps(StepState.DONE, StepState.DONE, StepState.RUNNING))
    printer.changed(steps(StepState.DONE, StepState.DONE, StepState.DONE))
    printer.close()

    lines = stream.getvalue().splitlines()
    assert [line.partition("]")[2] or line for line in lines] == [
        "  1/3  step 1               1.2 s  note",
        "  2/3  step 2               1.2 s  note",
        "  3/3  step 3               1.2 s  note",
    ]


def test_a_failed_step_is_printed_even_when_one_before_it_is_not_done() -> None:
    stream = io.StringIO()
    printer = StepPrinter(Screen(stream))

    printer.changed(steps(StepState.RUNNING, StepState.FAILED, StepState.CANCELLED))
    printer.changed(steps(StepState.CANCELLED, StepState.FAILED, StepState.CANCELLED))
    printer.close()

    assert stream.getvalue().count("\n") == 1
    assert "[failed]  2/3  step 2" in stream.getvalue()


def test_a_long_note_does_not_break_the_line() -> None:
    stream = io.StringIO()
    printer = StepPrinter(Screen(stream))

    printer.changed([Step(1, "data folder", StepState.DONE, 0.1, "/a/very/long/path" * 10)])

    assert len(stream.getvalue().rstrip()) <= 88
    assert stream.getvalue().rstrip().endswith("...")


def test_nothing_is_drawn_over_off_a_terminal() -> None:
    stream = io.StringIO()
    printer = StepPrinter(Screen(stream))
    printer.changed(steps(StepState.DONE))
    printer.close()

    assert "\x1b" not in stream.getvalue()
    assert "\r" not in stream.getvalue()


def test_steps_travel_through_a_pipe() -> None:
    stream = io.StringIO()
    sent = steps(StepState.DONE, StepState.RUNNING)

    PipeWatcher(stream).changed(sent)

    assert read_steps(json.loads(stream.getvalue())) == sent


def test_a_parent_that_is_gone_does_not_matter() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    PipeWatcher(Gone()).changed(steps(StepState.DONE))


def test_the_last_lines_of_what_failed_are_shown_as_people_read_them(home: Home) -> None:
    home.create()
    home.log("web").write_text('{"at":"2026-01-02T03:04:05Z","level":"error","event":"broken","port":8000}\nplain\n')
    stream = io.StringIO()

    print_last_lines(Screen(stream), home, LocalError("web ended", fix="", service="web"))

    assert "error   broken port=8000" in stream.getvalue()
    assert "plain" in stream.getvalue()
    assert "{" not in stream.getvalue()


@pytest.mark.parametrize("service", [None, "never-started"])
def test_a_failure_without_a_log_shows_none(home: Home, service: str | None) -> None:
    home.create()
    stream = io.StringIO()

    print_last_lines(Screen(stream), home, LocalError("no", fix="", service=service))

    assert stream.getvalue() == ""

"""Shows the steps: on a terminal with the current one at the bottom, elsewhere as lines, to a parent as JSON."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, TextIO

from cli.local.home import Home
from cli.local.launch import LocalError, tail
from cli.local.steps import Step, StepState
from cli.logs.lines import parse
from cli.logs.rendering import render
from cli.output import Screen

FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
ERASE_LINE = "\r\x1b[2K"
LAST_LINES = 15


class StepPrinter:
    """Prints each step when it and all before it are done."""

    def __init__(self, screen: Screen, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._screen = screen
        self._clock = clock
        self._printed = 0
        self._steps: Sequence[Step] = ()
        self._began: dict[int, float] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._has_spinner = screen.color and screen.unicode
        if self._has_spinner:
            threading.Thread(target=self._spin, name="spinner", daemon=True).start()

    def changed(self, steps: Sequence[Step]) -> None:
        """Print what can be printed now."""
        with self._lock:
            self._steps = steps
            for step in steps:
                if step.state is StepState.RUNNING:
                    self._began.setdefault(step.number, self._clock())
            while self._printed < len(steps) and steps[self._printed].state is StepState.DONE:
                self._print(steps[self._printed])
                self._printed += 1
            for step in steps:
                if step.state is StepState.FAILED and step.number > self._printed:
                    self._print(step)
                    self._printed = len(steps)

    def close(self) -> None:
        """Stop drawing."""
        self._closed.set()
        with self._lock:
            self._erase()

    def _print(self, step: Step) -> None:
        self._erase()
        failed = step.state is StepState.FAILED
        number = f"{step.number:>2}/{len(self._steps)}"
        line = f"{number}  {step.title:<18}{step.seconds:>6.1f} s"
        room = self._screen.width - len(line) - 6
        note = f"  {_shortened(step.note, room)}" if step.note else ""
        self._screen.state("failed" if failed else "ok", line + note)
        self._screen.stream.flush()

    def _erase(self) -> None:
        if self._has_spinner:
            self._screen.stream.write(ERASE_LINE)

    def _spin(self) -> None:
        frame = 0
        while not self._closed.wait(0.1):
            with self._lock:
                step = next((step for step in self._steps[self._printed :] if step.state is StepState.RUNNING), None)
                if step is None or self._closed.is_set():
                    continue
                frame += 1
                seconds = self._clock() - self._began.get(step.number, self._clock())
                sign = FRAMES[frame % len(FRAMES)]
                text = f"{step.number:>2}/{len(self._steps)}  {step.title:<18}{seconds:>6.1f} s"
                self._screen.stream.write(f"{ERASE_LINE}\x1b[36m{sign}\x1b[0m {text}")
                self._screen.stream.flush()


class PipeWatcher:
    """Tells the parent process about every change, one JSON document a line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def changed(self, steps: Sequence[Step]) -> None:
        """Send all steps."""
        self.send({"steps": [asdict(step) for step in steps]})

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one message. A parent that has gone away is no reason to stop."""
        try:
            self._stream.write(json.dumps(message) + "\n")
            self._stream.flush()
        except BrokenPipeError:
            return


def read_steps(message: Mapping[str, Any]) -> list[Step]:
    """Turn a message of :class:`PipeWatcher` back into steps."""
    return [Step(**{**step, "state": StepState(step["state"])}) for step in message["steps"]]


def print_last_lines(screen: Screen, home: Home, error: LocalError) -> None:
    """Show what the service that failed wrote last."""
    lines = tail(home.log(error.service)) if error.service else []
    if not lines:
        return
    screen.line()
    screen.line(f"Last lines of {home.log(error.service or '')}:", style="2")
    rendered = [text for line in lines for text in render(parse(error.service or "", line), screen)]
    for text in rendered[-LAST_LINES:]:
        screen.stream.write(f"  {text}\n")
    screen.line()


def _shortened(text: str, room: int) -> str:
    return text if len(text) <= room else text[: max(0, room - 1)] + "…"

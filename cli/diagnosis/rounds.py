"""Looks side by side: each in a thread of its own, all of them within one time. A look that is late is unknown."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

from cli.diagnosis.checks import check, of_failure
from cli.durations import say_duration
from cli.errors import CommandFailed
from cli.shapes import DoctorCheck


@dataclass(frozen=True, slots=True)
class Look:
    """Something to look at. `groups` are those that its checks may be of; one that is late is unknown in the first."""

    name: str
    groups: tuple[str, ...]
    ask: Callable[[], Sequence[DoctorCheck]]


def look(looks: Sequence[Look], *, within: float) -> list[DoctorCheck]:
    """Take every look at the same time and return what they found in the order of the looks."""
    answers: queue.SimpleQueue[tuple[int, Sequence[DoctorCheck] | BaseException]] = queue.SimpleQueue()
    for number, one in enumerate(looks):
        context = contextvars.copy_context()
        # Daemons: nobody waits at the end for one that hangs.
        threading.Thread(target=context.run, args=(_take, number, one, answers), daemon=True).start()
    found: dict[int, Sequence[DoctorCheck]] = {}
    deadline = monotonic() + within
    while len(found) < len(looks):
        try:
            number, answer = answers.get(timeout=max(0.0, deadline - monotonic()))
        except queue.Empty:
            break
        if isinstance(answer, BaseException):
            raise answer
        found[number] = answer
    late = f"no answer within {say_duration(within)}"
    return [
        part
        for number, one in enumerate(looks)
        for part in found.get(
            number, [check(f"{one.groups[0]}.{one.name}", "unknown", late, "repeat with --timeout 30s")]
        )
    ]


def _take(
    number: int, one: Look, answers: queue.SimpleQueue[tuple[int, Sequence[DoctorCheck] | BaseException]]
) -> None:
    try:
        answers.put((number, one.ask()))
    except CommandFailed as failure:
        answers.put((number, [of_failure(f"{one.groups[0]}.{one.name}", failure)]))
    except BaseException as error:  # noqa: BLE001  The boundary of a thread: raised again where somebody listens.
        answers.put((number, error))

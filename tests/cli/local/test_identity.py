"""Processes are told apart by more than their number, and only our own are ever signalled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from cli.local.identity import RUN_VARIABLE, ProcessIdentity, end_sessions
from tests.cli.local.conftest import wait_until

SLEEP = "import time; time.sleep(60)"
PARENT = (
    "import subprocess, sys, time;"
    f"child = subprocess.Popen([sys.executable, '-c', '{SLEEP}']);"
    "print(child.pid, flush=True); time.sleep(60)"
)
IGNORE = (
    "import signal, time; [signal.signal(n, signal.SIG_IGN) for n in (signal.SIGINT, signal.SIGTERM)];"
    "print('deaf', flush=True); time.sleep(60)"
)


class Processes:
    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def start(self, code: str, run: str | None) -> subprocess.Popen[str]:
        environment = {"PATH": os.environ["PATH"], **({RUN_VARIABLE: run} if run else {})}
        process = self._stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-S", "-c", code],
                env=environment,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        )
        self._stack.callback(process.kill)
        return process


@pytest.fixture
def processes() -> Iterator[Processes]:
    with ExitStack() as stack:
        yield Processes(stack)


def of(process: subprocess.Popen[str]) -> ProcessIdentity:
    identity = ProcessIdentity.of(process.pid)
    assert identity is not None
    return identity


def test_a_process_keeps_its_identity(processes: Processes) -> None:
    process = processes.start(SLEEP, "run")

    assert of(process) == of(process)
    assert of(process).is_alive


def test_a_process_that_has_ended_has_none(processes: Processes) -> None:
    process = processes.start("pass", "run")
    identity = ProcessIdentity.of(process.pid)
    process.wait()

    assert ProcessIdentity.of(process.pid) is None
    assert identity is None or not identity.is_alive


def test_a_zombie_counts_as_gone(processes: Processes) -> None:
    process = processes.start(SLEEP, "run")
    identity = of(process)

    os.kill(process.pid, signal.SIGKILL)

    wait_until(lambda: not identity.is_alive)
    assert process.returncode is None


def test_a_later_process_with_the_same_number_is_another_one(processes: Processes) -> None:
    process = processes.start(SLEEP, "run")
    earlier = ProcessIdentity(process.pid, "0:12345")

    earlier.send(signal.SIGKILL)

    assert not earlier.is_alive
    assert process.poll() is None


def test_a_session_is_ended_as_a_whole(processes: Processes) -> None:
    process = processes.start(PARENT, "run")
    assert process.stdout is not None
    child = ProcessIdentity.of(int(process.stdout.readline()))
    leader = of(process)
    assert child is not None

    assert end_sessions([leader], "run") == [leader]

    assert not leader.is_alive
    assert not child.is_alive


def test_what_a_killed_leader_left_behind_is_ended(processes: Processes) -> None:
    process = processes.start(PARENT, "run")
    assert process.stdout is not None
    child = ProcessIdentity.of(int(process.stdout.readline()))
    leader = of(process)
    assert child is not None
    process.kill()
    process.wait()
    assert child.is_alive
    assert not leader.session_is_empty("run")

    end_sessions([leader], "run")

    assert not child.is_alive


def test_a_process_that_ignores_requests_is_killed(processes: Processes) -> None:
    process = processes.start(IGNORE, "run")
    assert process.stdout is not None
    assert process.stdout.readline() == "deaf\n"

    end_sessions([of(process)], "run", patience=0.2)

    assert process.wait() == -signal.SIGKILL


@pytest.mark.parametrize("run", [None, "another-run"])
def test_a_session_that_is_not_ours_is_left_alone(processes: Processes, run: str | None) -> None:
    process = processes.start(SLEEP, run)
    # As if the number of a process of ours had been given to a stranger.
    mistaken = ProcessIdentity(process.pid, "0:12345")

    assert end_sessions([mistaken], "run", patience=0.2) == []

    assert process.poll() is None


def test_nothing_to_end_is_fine() -> None:
    assert end_sessions([], "run") == []

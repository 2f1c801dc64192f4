"""Which process is meant by a number: a pid alone may belong to somebody else by now."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

RUN_VARIABLE = "NANOBANANA_RUN"
"""Marks every process of one run in its environment, so that a grandchild is recognized after its parent is gone."""

_IS_LINUX = sys.platform.startswith("linux")


@dataclass(frozen=True)
class ProcessIdentity:
    """A process, told from a later one with the same number by the moment it started."""

    pid: int
    start: str

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity | None:
        """Return the identity of a process that runs now, None when there is none or it is a zombie."""
        start = _start(pid)
        return None if start is None else cls(pid, start)

    @property
    def is_alive(self) -> bool:
        """True when this very process still runs."""
        return _start(self.pid) == self.start

    def send(self, number: signal.Signals) -> None:
        """Signal this very process; does nothing when it is gone."""
        if self.is_alive:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return

    def send_to_session(self, number: signal.Signals, run: str) -> None:
        """Signal what is left of the session that this process leads or led, and nothing else."""
        if self.is_alive:
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:
                return
        for pid in _members(self.pid, run):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue

    def session_is_empty(self, run: str) -> bool:
        """True when neither the process nor any of its session's members of the same run is left."""
        return not self.is_alive and not _members(self.pid, run)


def end_sessions(leaders: Iterable[ProcessIdentity], run: str, patience: float = 5.0) -> list[ProcessIdentity]:
    """End what is left of the sessions: asked first, killed after `patience` seconds. Returns those that were there."""
    left = [leader for leader in leaders if not leader.session_is_empty(run)]
    # SIGINT is the one signal that makes PostgreSQL close open sessions; everything of ours takes it as a stop, too.
    for number, limit in ((signal.SIGINT, patience / 2), (signal.SIGTERM, patience / 2), (signal.SIGKILL, 5.0)):
        for leader in left:
            leader.send_to_session(number, run)
        deadline = time.monotonic() + limit
        while not all(leader.session_is_empty(run) for leader in left):
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
        else:
            break
    return left


@functools.cache
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
    except OSError:
        return ""


def _start(pid: int) -> str | None:
    if not _IS_LINUX:
        return _start_by_ps(pid)
    fields = _stat(pid)
    if fields is None or fields[0] in ("Z", "X"):
        return None
    return f"{_boot()}:{fields[19]}"


def _stat(pid: int) -> list[str] | None:
    """Fields of /proc/<pid>/stat from the third one on; the second, the name, may contain anything."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None


def _start_by_ps(pid: int) -> str | None:
    answer = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False, timeout=5
    ).stdout.strip()
    state, _, start = answer.partition(" ")
    return None if not start or state.startswith("Z") else start.strip()


def _members(session: int, run: str) -> list[int]:
    """Pids of the run's processes in a session, its leader included. Linux only; elsewhere the leader must do."""
    if not _IS_LINUX:
        return []
    mark = f"{RUN_VARIABLE}={run}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        fields = _stat(int(entry.name))
        if fields is None or fields[0] in ("Z", "X") or int(fields[3]) != session:
            continue
        try:
            environment = (entry / "environ").read_bytes()
        except OSError:
            continue
        if mark in environment.split(b"\0"):
            found.append(int(entry.name))
    return found

"""What is known about a home's processes: the lock that their supervisor holds and the file that it keeps current."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from cli.local.home import Home, read_json, write_private
from cli.local.identity import ProcessIdentity

SCHEMA = "nb-run/1"
ATTEMPTS = 5


class Phase(StrEnum):
    """How far the product is."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"
    DIED = "died"
    """The supervisor was killed; never written, concluded from a free lock."""


@dataclass(frozen=True)
class ProcessRecord:
    """One service as the supervisor sees it."""

    name: str
    identity: ProcessIdentity | None
    started_at: float
    restarts: int
    state: str


@dataclass(frozen=True)
class Addresses:
    """Where things are. Passwords are never in here."""

    web: str
    sandbox: str | None
    chat: str | None
    console: str
    database: str
    redis: str
    emulators: dict[str, str] = field(default_factory=dict)
    """Where the emulated vendors are; none without `--emulate`."""

    @property
    def health(self) -> str:
        """What answers without a token."""
        return f"{self.web}/api/health"


@dataclass(frozen=True)
class RunState:
    """One run of `nb up`, or the last one."""

    phase: Phase
    run: str
    supervisor: ProcessIdentity | None
    started_at: float
    ports: dict[str, int] = field(default_factory=dict)
    addresses: Addresses | None = None
    processes: tuple[ProcessRecord, ...] = ()

    def save(self, home: Home) -> None:
        """Write the state for other commands."""
        write_private(home.run / "state.json", {"schema": SCHEMA, **asdict(self)})

    @classmethod
    def load(cls, home: Home) -> RunState | None:
        """Read the state; None when there is none or it is not ours."""
        content = read_json(home.run / "state.json")
        if content.pop("schema", None) != SCHEMA:
            return None
        try:
            return cls._from(content)
        except (KeyError, TypeError, ValueError):
            return None

    @classmethod
    def _from(cls, content: dict[str, Any]) -> RunState:
        return cls(
            phase=Phase(content["phase"]),
            run=str(content["run"]),
            supervisor=_identity(content["supervisor"]),
            started_at=float(content["started_at"]),
            ports={str(name): int(port) for name, port in content["ports"].items()},
            addresses=Addresses(**content["addresses"]) if content["addresses"] else None,
            processes=tuple(
                ProcessRecord(**{**record, "identity": _identity(record["identity"])})
                for record in content["processes"]
            ),
        )


def _identity(content: dict[str, Any] | None) -> ProcessIdentity | None:
    return None if content is None else ProcessIdentity(int(content["pid"]), str(content["start"]))


class AlreadyRunning(Exception):
    """Another supervisor holds the home."""


@contextmanager
def holding(home: Home) -> Iterator[None]:
    """Hold the home's lock. The kernel frees it when the process ends, however it ends.

    Raises:
        AlreadyRunning: another process holds it.
    """
    descriptor = os.open(home.run / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        # More than once, because `is_held` takes the lock for a moment.
        for attempt in range(ATTEMPTS):
            if _try_lock(descriptor, fcntl.LOCK_EX):
                break
            if attempt == ATTEMPTS - 1:
                raise AlreadyRunning
            time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


def is_held(home: Home) -> bool:
    """Tell whether a supervisor holds the home now."""
    try:
        descriptor = os.open(home.run / "lock", os.O_RDWR)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        return not _try_lock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

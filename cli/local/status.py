"""What runs on this machine, as its supervisor wrote it down and as the processes themselves confirm."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from cli.local.home import Home
from cli.local.state import Addresses, Phase, RunState, is_held


@dataclass(frozen=True)
class LocalProcess:
    """One service now."""

    name: str
    state: str
    pid: int | None
    uptime_s: float | None
    restarts: int


@dataclass(frozen=True)
class LocalStatus:
    """The whole of one home."""

    home: str
    phase: Phase
    supervisor_pid: int | None
    uptime_s: float | None
    addresses: Addresses | None
    processes: tuple[LocalProcess, ...]

    @property
    def is_running(self) -> bool:
        """True while `nb up` is at work here, from its start until it has stopped."""
        return self.phase in (Phase.STARTING, Phase.READY, Phase.STOPPING)

    @property
    def leftovers(self) -> tuple[LocalProcess, ...]:
        """Processes that outlived their supervisor; the next `nb up` or `nb down` ends them."""
        return () if self.is_running else tuple(process for process in self.processes if process.pid is not None)

    def as_data(self) -> dict[str, Any]:
        """Return the status as JSON-ready values."""
        return {
            "home": self.home,
            "phase": self.phase.value,
            "running": self.is_running,
            "supervisor_pid": self.supervisor_pid,
            "uptime_s": self.uptime_s,
            "addresses": addresses_as_data(self.addresses) if self.addresses else None,
            "processes": [
                {
                    "name": process.name,
                    "state": process.state,
                    "pid": process.pid,
                    "uptime_s": process.uptime_s,
                    "restarts": process.restarts,
                }
                for process in self.processes
            ],
        }


def addresses_as_data(addresses: Addresses) -> dict[str, Any]:
    """Return the addresses under the names of the contract."""
    return {
        "web": addresses.web,
        "sandbox": addresses.sandbox,
        "chat": addresses.chat,
        "console": addresses.console,
        "health": addresses.health,
        "database": addresses.database,
        "redis": addresses.redis,
        "emulators": addresses.emulators,
    }


def local_status(home: Home) -> LocalStatus:
    """Look at a home. Reads two files and asks the kernel; nothing is started or changed."""
    state, held = RunState.load(home), is_held(home)
    if state is None:
        phase = Phase.STARTING if held else Phase.STOPPED
        return LocalStatus(str(home.root), phase, None, None, None, ())
    phase = state.phase
    if not held and phase in (Phase.STARTING, Phase.READY, Phase.STOPPING):
        phase = Phase.DIED
    if held and phase in (Phase.STOPPED, Phase.FAILED):
        phase = Phase.STARTING
    now = time.time()
    processes = []
    for record in state.processes:
        alive = record.identity is not None and record.identity.is_alive
        processes.append(
            LocalProcess(
                name=record.name,
                state=record.state if alive or record.state not in ("running", "starting", "stopping") else "gone",
                pid=record.identity.pid if alive and record.identity else None,
                uptime_s=round(now - record.started_at, 1) if alive else None,
                restarts=record.restarts,
            )
        )
    supervisor = state.supervisor if held else None
    return LocalStatus(
        home=str(home.root),
        phase=phase,
        supervisor_pid=supervisor.pid if supervisor else None,
        uptime_s=round(now - state.started_at, 1) if held else None,
        addresses=state.addresses,
        processes=tuple(processes),
    )

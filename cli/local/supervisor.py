"""Keeps processes running: starts each in a session of its own, restarts what dies, stops all in order.

It knows nothing of what the processes are; :mod:`cli.local.product` says that.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from cli.local.home import Home
from cli.local.identity import ProcessIdentity, end_sessions
from cli.local.journal import Journal
from cli.local.launch import Launch, LocalError, tail
from cli.local.state import ProcessRecord

FIRST_DELAY = 0.2
LONGEST_DELAY = 10.0
CALM = 30.0
"""Seconds of running after which a crash counts as the first one again."""

POLL = 0.05

SERVICE_NAMES = ("nb", "postgres", "redis", "prepare", "sandbox", "emulators", "web", "worker", "beat", "poller")
"""Everything that may have a log file, the supervisor itself as `nb`."""


@dataclass(frozen=True)
class Service:
    """One process to keep running."""

    name: str
    launch: Callable[[], Launch]
    """Called before every start, so that it may clean up after the last one."""
    is_ready: Callable[[], Awaitable[bool]]
    start_limit: float = 60.0
    stop_limit: float = 15.0
    patience: int = 0
    """Crashes that are forgiven before the service was ready for the first time."""


@dataclass
class Supervised:
    """A service and the process that serves it now."""

    service: Service
    home: Home
    journal: Journal
    changed: Callable[[], None]
    state: str = "waiting"
    restarts: int = 0
    started_at: float = 0.0
    identity: ProcessIdentity | None = None
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _keeper: asyncio.Task[None] | None = field(default=None, repr=False)
    _gave_up: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    _last_exit: str = ""
    _was_ready: bool = False
    _stopping: bool = False

    def record(self) -> ProcessRecord:
        """Return what others may know."""
        return ProcessRecord(self.service.name, self.identity, self.started_at, self.restarts, self.state)

    async def start(self) -> None:
        """Start the process and wait until it is ready.

        Raises:
            LocalError: it ended, or was not ready in time.
        """
        self._keeper = asyncio.create_task(self._keep(), name=f"keep {self.service.name}")
        deadline = time.monotonic() + self.service.start_limit
        while not await self.service.is_ready():
            if self._gave_up.is_set():
                # A launch that fails says so itself; anything else is an exit.
                if self._keeper.done():
                    self._keeper.result()
                raise self._failure(f"{self.service.name} {self._last_exit} before it was ready")
            if time.monotonic() > deadline:
                raise self._failure(f"{self.service.name} was not ready within {self.service.start_limit:.0f} s")
            await asyncio.sleep(POLL)
        self._was_ready = True
        self._set("running")

    def _failure(self, message: str) -> LocalError:
        log = self.home.log(self.service.name)
        fix = f"Its last lines are above; all of them are in {log}." if tail(log, 1) else f"Its log, {log}, is empty."
        return LocalError(message, fix=fix, service=self.service.name)

    async def stop(self) -> None:
        """Ask the process to end, kill it when it does not, and wait until it is gone."""
        self._stopping = True
        process = self._process
        if process is not None and process.poll() is None and self.identity is not None:
            self._set("stopping")
            process.send_signal(self._stop_signal)
            ended = await _wait(process, self.service.stop_limit)
            if not ended:
                self.journal.write("warning", "did not stop in time and is killed", service=self.service.name)
        await asyncio.to_thread(self.kill)
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        self.identity = None
        self._set("stopped")

    def kill(self) -> None:
        """End the process and its session at once."""
        self._stopping = True
        process = self._process
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()
        if self.identity is not None:
            end_sessions([self.identity], self.journal.run, patience=0.0)

    async def _keep(self) -> None:
        delay, crashes = FIRST_DELAY, 0
        try:
            while not self._stopping:
                launch = self.service.launch()
                began = time.monotonic()
                process = self._begin(launch)
                await _exit_of(process)
                if self._stopping:
                    return
                self._last_exit = describe_exit(process.returncode)
                if self.identity is not None:
                    # What the dead process left behind would hold its port.
                    await asyncio.to_thread(end_sessions, [self.identity], self.journal.run, 1.0)
                crashes += 1
                if not self._was_ready and crashes > self.service.patience:
                    self._set("failed")
                    return
                if time.monotonic() - began > CALM:
                    delay = FIRST_DELAY
                self._set("restarting")
                self.journal.write(
                    "warning", f"{self._last_exit}; starting it again in {delay:.1f} s", service=self.service.name
                )
                await asyncio.sleep(delay)
                delay = min(delay * 2, LONGEST_DELAY)
                self.restarts += 1
        finally:
            self._gave_up.set()

    def _begin(self, launch: Launch) -> subprocess.Popen[bytes]:
        try:
            process = launch.start(self.home.log(self.service.name))
        except (OSError, subprocess.SubprocessError) as error:
            raise LocalError(
                f"{self.service.name} cannot be started: {error}",
                fix=f"See that {launch.argv[0]} exists and may be executed.",
                service=self.service.name,
            ) from None
        self._process, self._stop_signal = process, launch.stop_signal
        self.identity = ProcessIdentity.of(process.pid)
        self.started_at = time.time()
        self._set("running" if self._was_ready else "starting")
        return process

    _stop_signal: signal.Signals = signal.SIGTERM

    def _set(self, state: str) -> None:
        self.state = state
        self.changed()


class Supervisor:
    """All services of one run, in the order in which they are stopped."""

    def __init__(self, services: Sequence[Service], home: Home, journal: Journal, changed: Callable[[], None]) -> None:
        self.supervised = {service.name: Supervised(service, home, journal, changed) for service in services}
        self._journal = journal

    def records(self) -> tuple[ProcessRecord, ...]:
        """Return what others may know about each."""
        return tuple(supervised.record() for supervised in self.supervised.values())

    async def start(self, name: str) -> None:
        """Start one service and wait until it is ready."""
        await self.supervised[name].start()

    async def stop(self) -> None:
        """Stop everything, one after the other."""
        for name, supervised in self.supervised.items():
            began = time.monotonic()
            await supervised.stop()
            self._journal.write("info", f"stopped in {time.monotonic() - began:.1f} s", service=name)

    def kill(self) -> None:
        """End everything at once; for a person who asks a second time."""
        for supervised in self.supervised.values():
            supervised.kill()


def describe_exit(code: int) -> str:
    """Say in words how a process ended."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


async def _exit_of(process: subprocess.Popen[bytes]) -> None:
    """Wait for a process without polling: a thread of its own waits, the loop stays free."""
    loop = asyncio.get_running_loop()
    ended = loop.create_future()

    def tell() -> None:
        if not ended.done():
            ended.set_result(None)

    def wait() -> None:
        process.wait()
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell)

    threading.Thread(target=wait, name=f"wait for {process.pid}", daemon=True).start()
    await ended


async def _wait(process: subprocess.Popen[bytes], limit: float) -> bool:
    deadline = time.monotonic() + limit
    while process.poll() is None:
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True

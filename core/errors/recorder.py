"""Takes faults in and has them written, without anybody waiting for it.

Faults of one kind that come faster than they are written are counted, not kept one by one: a flood costs a lock and a
hash each. What cannot be written now waits, for so many kinds; beyond them only the log has it.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg

from core import db
from core.errors import faults, store
from core.errors.faults import Fault, Met, Origin, Severity
from core.errors.passing import is_passing
from core.logs import current_trace, get_logger, service_name
from core.settings import Settings

PAUSE: Final = 0.5
"""Seconds between two writings, in which a flood gathers."""

PAUSE_AWAY: Final = 5.0
"""The same while the database is away."""

MOST_KINDS: Final = 200
"""Kinds of faults that wait to be written, at most."""

STOP_LIMIT: Final = 3.0
"""Seconds that what waits gets to be written when the process stops."""

MARK: Final = "_is_recorded_fault"
"""Attribute of an exception that was recorded: it may pass several hooks, and is one fault."""

log = get_logger(__name__)


@dataclass(slots=True)
class Recorder:
    """What one process has met and not written yet."""

    settings: Settings
    loop: asyncio.AbstractEventLoop
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    dropped: int = 0
    _waiting: dict[str, store.Gathered] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def count(self, fingerprint: str, met: Met, severity: Severity) -> bool:
        """Count a fault of a kind that waits already; False when none does."""
        with self._lock:
            gathered = self._waiting.get(fingerprint)
            if gathered is None:
                return False
            gathered.add(met, severity)
            return True

    def take(self, fault: Fault) -> None:
        """Take in a fault. Called from any thread."""
        with self._lock:
            if gathered := self._waiting.get(fault.fingerprint):
                gathered.add(fault.met, fault.severity)
                return
            if len(self._waiting) >= MOST_KINDS:
                self.dropped += 1
                return
            self._waiting[fault.fingerprint] = store.Gathered(fault, service_name(), self.settings.commit)
        self.loop.call_soon_threadsafe(self.wake.set)

    async def run(self) -> None:
        """Write what comes until cancelled."""
        while True:
            await self.wake.wait()
            self.wake.clear()
            is_away = not await self.write()
            await asyncio.sleep(PAUSE_AWAY if is_away else PAUSE)

    async def write(self) -> bool:
        """Write what waits. While the database is away it goes on waiting, and False is returned."""
        async with self._writing:
            with self._lock:
                taken, self._waiting = deque(self._waiting.values()), {}
                dropped, self.dropped = self.dropped, 0
            if dropped:
                log.warning("errors.not_kept", faults=dropped, reason="too many kinds at once")
            while taken:
                gathered = taken.popleft()
                try:
                    await store.keep(gathered)
                except asyncio.CancelledError:
                    # The process stops; what was taken out is written by its last look.
                    self._put_back([gathered, *taken])
                    raise
                except asyncpg.DataError as error:
                    # A value that the driver refuses. Before the others, since asyncpg calls it an InterfaceError.
                    log.error("errors.not_kept", faults=gathered.times, reason=type(error).__name__, detail=str(error))
                except db.UNAVAILABLE as error:
                    self._put_back([gathered, *taken])
                    log.warning("errors.not_written", kinds=1 + len(taken), error=type(error).__name__)
                    return False
                except (asyncpg.PostgresError, ValueError, TypeError) as error:
                    log.error("errors.not_kept", faults=gathered.times, reason=type(error).__name__, detail=str(error))
        return True

    def _put_back(self, unwritten: list[store.Gathered]) -> None:
        with self._lock:
            waiting = {gathered.fault.fingerprint: gathered for gathered in unwritten}
            for kind, later in self._waiting.items():
                if kind in waiting:
                    waiting[kind].join(later)
                elif len(waiting) < MOST_KINDS:
                    waiting[kind] = later
                else:
                    # The first ones say how it began.
                    self.dropped += later.times
            self._waiting = waiting
        self.wake.set()


_recorder: Recorder | None = None


@asynccontextmanager
async def recording(settings: Settings) -> AsyncIterator[None]:
    """Have what is recorded written while the block runs. The database is connected before and disconnected after."""
    global _recorder
    recorder = Recorder(settings, asyncio.get_running_loop())
    # In a context of its own: it must not write on a transaction, or under a trace, of whoever opened it.
    writer = contextvars.Context().run(asyncio.create_task, recorder.run())
    _recorder = recorder
    try:
        yield
    finally:
        _recorder = None
        writer.cancel()
        with suppress(asyncio.CancelledError):
            await writer
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_LIMIT):
                await recorder.write()


async def written() -> None:
    """Wait until everything recorded so far is written. Not to be called inside a transaction."""
    if _recorder is not None:
        await _recorder.write()


def record(
    error: BaseException,
    *,
    origin: Origin,
    severity: Severity,
    handler: str,
    run_code: str = "",
    chat_id: int | None = None,
    trace_id: str | None = None,
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Take note of a fault, once for each exception. Never raises, never waits; callable from any thread.

    Args:
        severity: a failure that passes by itself is a warning at most, see `core.errors.passing`.
        handler: the route, task or handler that the fault ended.
        run_code: the generation that it is about.
        trace_id: the trace; the one of the running task when not given.
        extra: plain facts; what is named like a secret or a person's text is left out.
    """
    try:
        trace = current_trace() if trace_id is None else trace_id
        met = Met(faults.now(), trace, run_code, chat_id)
        _record(error, _Report(origin, severity, handler, met, extra or {}))
    except Exception as mistake:  # noqa: BLE001  Whoever reports a fault must not get another one for it.
        log.error("errors.not_recorded", handler=handler, error=type(mistake).__name__, detail=str(mistake))


def note(
    kind: str,
    text: str,
    *,
    origin: Origin,
    severity: Severity,
    run_code: str = "",
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Take note of trouble that is no exception. `kind` is what it is about; ids in it make no other kind."""
    try:
        met = Met(faults.now(), current_trace(), run_code)
        _note(_Report(origin, severity, kind, met, extra or {}), text)
    except Exception as mistake:  # noqa: BLE001  As above.
        log.error("errors.not_recorded", handler=kind, error=type(mistake).__name__, detail=str(mistake))


@dataclass(frozen=True, slots=True)
class _Report:
    origin: Origin
    severity: Severity
    handler: str
    met: Met
    extra: Mapping[str, Any]


def _record(error: BaseException, report: _Report) -> None:
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            _record(member, report)
        return
    recorder = _recorder
    if recorder is None or not _is_first(error):
        return
    name, place = faults.name_of(error), faults.place_of(error)
    kind = faults.fingerprint(name, report.handler, place)
    is_mild = report.severity in (Severity.INFO, Severity.WARNING) or not is_passing(error)
    severity = report.severity if is_mild else Severity.WARNING
    if recorder.count(kind, report.met, severity):
        return
    fault = Fault(
        fingerprint=kind,
        origin=report.origin,
        severity=severity,
        handler=faults.clean(report.handler, limit=faults.LONGEST_NAME),
        error_class=name,
        message=faults.message_of(error),
        met=report.met,
        stacktrace=faults.stack_of(error),
        extra=faults.plain({**report.extra, **({"place": place} if place else {})}),
    )
    recorder.take(fault)


def _note(report: _Report, text: str) -> None:
    recorder = _recorder
    kind = faults.fingerprint("", report.handler)
    if recorder is None or recorder.count(kind, report.met, report.severity):
        return
    fault = Fault(
        fingerprint=kind,
        origin=report.origin,
        severity=report.severity,
        handler=faults.clean(faults.without_ids(report.handler), limit=faults.LONGEST_NAME),
        error_class="",
        message=faults.clean(text),
        met=report.met,
        extra=faults.plain(report.extra),
    )
    recorder.take(fault)


def _is_first(error: BaseException) -> bool:
    """Mark an exception as recorded; False when it, or what it was raised from, is so already."""
    link: BaseException | None = error
    for _ in range(faults.LONGEST_CHAIN):
        if link is None:
            break
        if getattr(link, MARK, False):
            return False
        link = link.__cause__
    with suppress(AttributeError, TypeError):
        setattr(error, MARK, True)
    return True

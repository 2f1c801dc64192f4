"""What the outside world tells us: stored once before it is answered, handled once after.

An event is a row. `store` gathers concurrent calls into one INSERT, since a sender waits for each of them. `run` claims
rows with a lease and hands them to the handler: events of one subject in the order in which they came, different
subjects side by side. A handler that dies leaves a lease that runs out, and its event is handled again. An event whose
handler keeps failing is given up, unless it is about money: that is tried until it works, and the operators are told.

The two may live in different processes: `store` rings a bell in Redis, and `run` looks by itself where it is not heard.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog

from core import db, errors, redis
from core.alerts import alert
from core.errors import Origin, Severity
from core.text import storable
from core.types import TraceId

log = structlog.get_logger(__name__)

LEASE_SECONDS = 15
RENEWED_EVERY = 5.0
IDLE_POLL = 1.0
"""Seconds between looks for events that other processes stored or left behind."""

BELL_WAIT = 0.05
"""Seconds that a sender waits for Redis to have heard of its event."""

MAX_ATTEMPTS = 5
"""Attempts after which an event is given up, or the operators are told that it is not."""

LONGEST_PAUSE = 600.0
"""Seconds between attempts at an event that is never given up."""

BATCH = 200
CONCURRENT_SUBJECTS = 64
GATHERED = 256
"""Events in one INSERT at the most."""

ORIGINS = {"telegram": Origin.TELEGRAM_HANDLER, "providers": Origin.GENERATION}
"""What an event of a source is about; that of any other source, and what is never given up, is money."""

_STORE = """
    INSERT INTO botapp_inbox (source, event_id, subject, payload, trace_id)
    SELECT $1, event.id, event.subject, event.payload::jsonb, event.trace
    FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) AS event (id, subject, payload, trace)
    ON CONFLICT (source, event_id) DO NOTHING
    RETURNING event_id
"""

# An event may be claimed when no earlier event of its subject is still to be handled. Two claimers cannot split a
# subject: both want its oldest row, and the second one skips the locked row.
_CLAIM = """
    WITH due AS (
        SELECT id FROM botapp_inbox AS event
        WHERE source = $1 AND handled_at IS NULL AND (lease_until IS NULL OR lease_until < now())
            AND NOT EXISTS (
                SELECT 1 FROM botapp_inbox AS earlier
                WHERE earlier.source = event.source AND earlier.subject = event.subject
                    AND earlier.handled_at IS NULL AND earlier.id < event.id
            )
        ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED
    )
    UPDATE botapp_inbox AS event SET lease_until = now() + make_interval(secs => $3), attempts = attempts + 1
    FROM due WHERE event.id = due.id
    RETURNING event.id, event.event_id, event.subject, event.payload, event.trace_id, event.attempts,
        event.received_at
"""


@dataclass(frozen=True, slots=True)
class Event:
    """A stored event. `attempts` counts this one, `received_at` is when it was stored."""

    id: int
    event_id: str
    subject: str
    payload: dict[str, Any]
    trace_id: TraceId
    attempts: int
    received_at: datetime


Handler = Callable[[Event], Awaitable[None]]
Judgement = Callable[[Event], bool]


def never(event: Event) -> bool:
    """Say of every event that it may be given up."""
    del event
    return False


class InvalidEvent(Exception):
    """The event cannot be kept: PostgreSQL does not take its JSON."""


@dataclass(slots=True)
class _Waiting:
    event_id: str
    subject: str
    payload: str
    trace_id: str
    is_new: asyncio.Future[bool]

    def refuse(self, error: Exception) -> None:
        """Tell the sender, unless it has stopped waiting."""
        if not self.is_new.done():
            self.is_new.set_exception(error)


@dataclass(slots=True)
class Inbox:
    """The events of one source. `is_money` says which of them are never given up."""

    source: str
    is_money: Judgement = never
    _waiting: list[_Waiting] = field(default_factory=list)
    _writer: asyncio.Task[None] | None = None
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _ringer: asyncio.Task[None] | None = None
    _is_to_ring: bool = False
    _running: dict[int, asyncio.Task[None]] = field(default_factory=dict)

    async def store(self, event_id: str, subject: str, payload: bytes, trace_id: TraceId) -> bool:
        """Keep an event; True when it is new, False when it was stored before.

        Raises:
            InvalidEvent: the payload holds something that PostgreSQL's JSON does not, such as a NUL character.
            core.db.UNAVAILABLE: the database is away and nothing was kept.
        """
        waiting = _Waiting(
            event_id, subject, payload.decode("utf-8"), trace_id, asyncio.get_running_loop().create_future()
        )
        self._waiting.append(waiting)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return await waiting.is_new

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:GATHERED], self._waiting[GATHERED:]
            await self._write_batch(batch)

    async def _write_batch(self, batch: list[_Waiting]) -> None:
        unique = {waiting.event_id: waiting for waiting in reversed(batch)}
        columns = zip(*((w.event_id, w.subject, w.payload, w.trace_id) for w in unique.values()), strict=True)
        try:
            new = {
                row["event_id"] for row in await db.fetch(_STORE, self.source, *(list(column) for column in columns))
            }
        except db.INVALID_TEXT as error:
            await self._write_one_by_one(batch, error)
            return
        except Exception as error:  # noqa: BLE001  Every sender must be told; none may wait for ever.
            for waiting in batch:
                waiting.refuse(error)
            return
        try:
            if new:
                self._note(unique, new)
                await self._ring()
        finally:
            for waiting in batch:
                if not waiting.is_new.done():
                    waiting.is_new.set_result(waiting.event_id in new)
                    new.discard(waiting.event_id)

    def _note(self, stored: dict[str, _Waiting], new: set[str]) -> None:
        """One line for a batch, however large: a line for each event would cost more than keeping it."""
        traces = [stored[event_id].trace_id for event_id in stored if event_id in new]
        rest = {"more_traces": traces[1:]} if len(traces) > 1 else {}
        log.info("inbox.stored", source=self.source, events=len(new), trace_id=traces[0], **rest)

    async def _ring(self) -> None:
        """Wake whoever handles. Senders do not wait long for that: their events are kept, whatever Redis does."""
        self._is_to_ring = True
        if self._ringer is None or self._ringer.done():
            self._ringer = asyncio.create_task(self._ring_bell())
        await asyncio.wait({self._ringer}, timeout=BELL_WAIT)

    async def _ring_bell(self) -> None:
        while self._is_to_ring:
            self._is_to_ring = False
            try:
                await redis.client().publish(self._bell, "")
            except redis.UNAVAILABLE as error:
                log.warning("inbox.bell_not_rung", source=self.source, error=type(error).__name__)

    @property
    def _bell(self) -> str:
        return f"nb:inbox:{self.source}"

    async def _write_one_by_one(self, batch: list[_Waiting], error: Exception) -> None:
        """Find the event that spoilt its batch, so that only its own sender is told."""
        if len(batch) == 1:
            batch[0].refuse(InvalidEvent(str(error)))
            return
        for waiting in batch:
            await self._write_batch([waiting])

    async def run(self, handler: Handler) -> None:
        """Handle events until cancelled; then wait for the handlers that are at work."""
        listener = asyncio.create_task(self._listen())
        try:
            while True:
                self._wake.clear()
                claimed = await self._claim()
                for event in claimed:
                    self._running[event.id] = asyncio.create_task(self._handle(event, handler))
                if len(claimed) < BATCH:
                    await self._sleep()
                await self._have_room()
        finally:
            await redis.end(listener)
            if self._running:
                await asyncio.wait(self._running.values())

    async def _listen(self) -> None:
        """Wake `run` when the bell is rung. Without Redis, `run` still looks every `IDLE_POLL` seconds."""
        while True:
            try:
                async with redis.client().pubsub() as bell:
                    await bell.subscribe(self._bell)
                    self._wake.set()
                    async for _ in bell.listen():
                        self._wake.set()
            except redis.UNAVAILABLE as error:
                log.warning("inbox.bell_not_heard", source=self.source, error=type(error).__name__)
                await asyncio.sleep(IDLE_POLL)

    async def _claim(self) -> list[Event]:
        try:
            rows = await db.fetch(
                _CLAIM, self.source, min(BATCH, CONCURRENT_SUBJECTS - len(self._running)), LEASE_SECONDS
            )
        except db.UNAVAILABLE as error:
            log.warning("inbox.database_is_away", source=self.source, error=type(error).__name__)
            await asyncio.sleep(IDLE_POLL)
            return []
        return [
            Event(
                id=row["id"],
                event_id=row["event_id"],
                subject=row["subject"],
                payload=json.loads(row["payload"]),
                trace_id=row["trace_id"],
                attempts=row["attempts"],
                received_at=row["received_at"],
            )
            for row in sorted(rows, key=lambda row: row["id"])
        ]

    async def _sleep(self) -> None:
        # Not wait_for: before Python 3.12 it loses a cancellation that comes together with the bell.
        with suppress(TimeoutError):
            async with asyncio.timeout(IDLE_POLL):
                await self._wake.wait()

    async def _have_room(self) -> None:
        while len(self._running) >= CONCURRENT_SUBJECTS:
            await asyncio.wait(self._running.values(), return_when=asyncio.FIRST_COMPLETED)

    async def _handle(self, event: Event, handler: Handler) -> None:
        renewal = asyncio.create_task(self._renew(event))
        error, fault = "interrupted", None
        try:
            with structlog.contextvars.bound_contextvars(trace_id=event.trace_id):
                await handler(event)
                log.info("inbox.handled", source=self.source, event_id=event.event_id, attempt=event.attempts)
            error = ""
        except Exception as exception:
            error, fault = f"{type(exception).__name__}: {exception}", exception
            log.exception("inbox.handler_failed", source=self.source, event_id=event.event_id, attempt=event.attempts)
        finally:
            renewal.cancel()
            try:
                await self._finish(event, error, fault)
            finally:
                # Whatever became of that, the place is free: without places nothing would be handled any more.
                self._running.pop(event.id, None)
                self._wake.set()

    async def _renew(self, event: Event) -> None:
        while True:
            await asyncio.sleep(RENEWED_EVERY)
            try:
                await db.execute(
                    "UPDATE botapp_inbox SET lease_until = now() + make_interval(secs => $2) WHERE id = $1",
                    event.id,
                    LEASE_SECONDS,
                )
            except db.UNAVAILABLE as error:
                log.warning("inbox.lease_not_renewed", event_id=event.event_id, error=type(error).__name__)

    async def _finish(self, event: Event, error: str, fault: Exception | None) -> None:
        is_last = event.attempts >= MAX_ATTEMPTS
        is_money = bool(error) and is_last and self.is_money(event)
        is_over = not error or (is_last and not is_money)
        if fault is not None and is_last and not is_money:
            self._report(event, fault)
        pause = 0.0 if is_over else min(2.0 ** min(event.attempts - 1, 20), LONGEST_PAUSE if is_money else 30.0)
        try:
            if is_money:
                await self._alarm(event, error, fault)
            await db.execute(
                """
                UPDATE botapp_inbox SET error = $2, handled_at = CASE WHEN $3 THEN now() END,
                    lease_until = now() + make_interval(secs => $4)
                WHERE id = $1
                """,
                event.id,
                storable(error)[:2000],
                is_over,
                pause,
            )
        except db.UNAVAILABLE as exception:
            # The lease runs out and the event is handled again; handlers are made for that.
            log.warning("inbox.finish_not_recorded", event_id=event.event_id, error=type(exception).__name__)

    def _report(self, event: Event, fault: Exception) -> None:
        """Have operators see what keeps failing. Until now a repetition could have cured it."""
        errors.record(
            fault,
            origin=ORIGINS.get(self.source, Origin.PAYMENT),
            severity=Severity.CRITICAL,
            handler=f"inbox {self.source}",
            trace_id=event.trace_id,
            chat_id=int(event.subject) if event.subject.isdigit() and self.source == "telegram" else None,
            extra={"event": event.event_id, "attempts": event.attempts},
        )

    async def _alarm(self, event: Event, error: str, fault: Exception | None) -> None:
        """Tell the operators of money that cannot be handled. The text names the error and quotes nothing."""
        await alert(
            f"inbox:{self.source}:{event.event_id}",
            f"An event about money cannot be handled: {self.source} {event.event_id}, attempt {event.attempts}, "
            f"{error.partition(':')[0]}. It is tried again until it works; the log has it under trace {event.trace_id}",
            error=fault,
        )

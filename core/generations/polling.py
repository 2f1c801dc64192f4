"""Asks providers how accepted jobs stand: all that are due, side by side, claimed and written down in batches.

A claim is one statement for many rows, and so is what comes of polls that say "not yet". Only a job that ends is taken
up as a whole. A tick works until nothing is due; others that come meanwhile leave it to that one in the same process,
and share the rows with it in another.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from core import db, errors, provider_health, providers
from core.alerts import alert
from core.generations import cadence, endings, handover, repository
from core.generations.claims import LEASE_SECONDS, RENEWED_EVERY, Claim, held
from core.generations.failures import policy_for
from core.generations.pace import Allowance, Census
from core.generations.states import Generation, Stage
from core.queue import outbox
from providers.base import Failed, Finished, Running
from providers.errors import ProviderError

log = structlog.get_logger(__name__)

POLL_AGAIN = timedelta(seconds=4)
"""Pause after a poll that got no answer."""

POLLS_AT_ONCE = 100
ENDINGS_AT_ONCE = 16
"""Jobs of one worker whose results are fetched and stored at the same moment."""

MOST_ENDINGS = 100
"""Jobs that may wait for that. One that ends beyond them is asked for again: polls of the others go on in time."""

ENDS_LATER = timedelta(seconds=10)

CLAIMED_AT_ONCE = 200
WRITTEN_EVERY = 0.1
LONGEST_TICK = 20.0
"""Seconds after which a tick leaves what is due to the next one."""

SHOWN_PROGRESS_STEP = 10
"""Percent points of progress that are worth an edit of the status message."""

SHOWN_PER_SECOND = 10
"""Status messages that one worker has edited because of polls; Telegram bears thirty messages a second in all."""

ALERTED_EVERY = 300.0

_CLAIM = """
    WITH due AS (
        SELECT id FROM botapp_genrequest
        WHERE status = 'processing' AND stage = 'submitted' AND next_action_at <= now()
            AND (lease_until IS NULL OR lease_until < now()) AND deadline_at > now()
        ORDER BY next_action_at LIMIT $2 FOR UPDATE SKIP LOCKED
    )
    UPDATE botapp_genrequest AS generation SET polls = polls + 1, lease_owner = $1,
        lease_until = now() + make_interval(secs => $3)
    FROM due WHERE generation.id = due.id
    RETURNING generation.id, run_code, next_action_at AS due_at, provider, provider_job_id, progress, typical_seconds,
        deadline_at, trace_id, coalesce(started_at, created_at) AS started_at,
        coalesce(submitted_at, started_at, created_at) AS submitted_at
"""

_WRITE = """
    WITH told AS (
        UPDATE botapp_genrequest AS generation SET next_action_at = now() + poll.pause, lease_owner = NULL,
            lease_until = NULL, progress = coalesce(poll.progress, generation.progress)
        FROM unnest($2::bigint[], $3::interval[], $4::smallint[], $5::bool[]) AS poll (id, pause, progress, is_shown)
        WHERE generation.id = poll.id AND generation.lease_owner = $1
        RETURNING generation.run_code, generation.trace_id, poll.is_shown
    )
    INSERT INTO botapp_outbox (task, arguments, trace_id)
    SELECT 'bot.show_status', jsonb_build_object('run_code', run_code), trace_id FROM told WHERE is_shown
"""


@dataclass(frozen=True, slots=True)
class Polled:
    """As much of a claimed job as a poll needs."""

    id: int
    run_code: str
    due_at: datetime
    provider: str
    provider_job_id: str
    progress: int | None
    typical_seconds: int
    deadline_at: datetime
    trace_id: str
    started_at: datetime
    submitted_at: datetime

    @classmethod
    def of(cls, generation: Generation) -> Polled:
        """Return the same of a job that is claimed alone."""
        started_at = generation.started_at or generation.created_at
        return cls(
            generation.id,
            generation.run_code,
            datetime.now(UTC),
            generation.provider,
            generation.external_id or "",
            generation.progress,
            generation.typical_seconds,
            generation.deadline_at,
            generation.trace_id,
            started_at,
            generation.submitted_at or started_at,
        )


@dataclass(frozen=True, slots=True)
class NotYet:
    """What is written about a job that goes on."""

    job: Polled
    pause: timedelta
    progress: int | None = None
    is_shown: bool = False


_census = Census()
_shown = Allowance(SHOWN_PER_SECOND)
_alerted: dict[tuple[str, str], float] = {}


async def poll_one(taken: Claim, external_id: str) -> None:
    """Poll a job that somebody claimed alone."""
    generation = taken.generation
    await taken.change(polls=generation.polls + 1)
    await _census.look()
    try:
        answer = await providers.poll(generation.provider, external_id)
    except ProviderError as error:
        await _note_trouble(generation.provider, error)
        await taken.release(due=POLL_AGAIN)
        return
    if isinstance(answer, Running):
        told = _not_yet(Polled.of(generation), answer)
        progress = generation.progress if told.progress is None else told.progress
        await taken.release(due=told.pause, stage=Stage.SUBMITTED.value, progress=progress)
        if told.is_shown:
            await outbox.publish_later("bot.show_status", {"run_code": generation.run_code})
    else:
        await _end(taken, answer)


class Poller:
    """The polls of one process."""

    def __init__(self) -> None:
        self._is_claiming = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._endings = _Endings()

    async def run(self) -> int:
        """Poll what is due until nothing is, and return how many polls that were. Does nothing while it runs already.

        Raises:
            ExceptionGroup: jobs met defects; the others were looked after all the same.
        """
        if self._is_claiming:
            return 0
        if self._loop is not asyncio.get_running_loop():
            self._loop, self._endings = asyncio.get_running_loop(), _Endings()
        batch = _Batch(self._endings)
        self._is_claiming = True
        try:
            await batch.claim_and_poll()
        finally:
            self._is_claiming = False
            await batch.end()
        return batch.report()


class _Endings:
    """The jobs of a process that have ended and are being stored, or wait for that."""

    def __init__(self) -> None:
        self.places = asyncio.Semaphore(ENDINGS_AT_ONCE)
        self.waiting = 0

    @property
    def is_full(self) -> bool:
        """True when no more may come for now."""
        return self.waiting >= MOST_ENDINGS


class _Batch:
    """The polls of one tick: one owner of many leases."""

    def __init__(self, endings: _Endings) -> None:
        self.lags: list[float] = []
        self._owner = uuid.uuid4().hex
        self._places = asyncio.Semaphore(POLLS_AT_ONCE)
        self._endings = endings
        self._running: set[asyncio.Task[None]] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._held: set[int] = set()
        self._to_write: list[NotYet] = []
        self._problems: list[Exception] = []
        self._keeper: asyncio.Task[None] | None = None

    async def claim_and_poll(self) -> None:
        """Claim and start polls as long as some are due and there is room."""
        until = time.monotonic() + LONGEST_TICK
        while time.monotonic() < until:
            room = CLAIMED_AT_ONCE - len(self._running)
            claimed = await self._claim(room) if room > 0 else []
            for job in claimed:
                _start(self._poll(job), self._running)
            if len(claimed) < room:
                return
            await self._have_room()

    async def end(self) -> None:
        """Wait for what was started, and write the rest."""
        try:
            while self._running or self._ending:
                await asyncio.wait(self._running | self._ending, timeout=WRITTEN_EVERY)
                await self._write()
            await self._write()
        finally:
            if self._keeper is not None:
                self._keeper.cancel()
        if self._problems:
            raise ExceptionGroup("generations.tick", self._problems)

    def report(self) -> int:
        """Write to the log how many polls there were and how late they came; return how many."""
        if self.lags:
            late = sorted(self.lags)
            p50, p95 = (round(late[int(len(late) * share)], 3) for share in (0.5, 0.95))
            log.info(
                "generations.polled", polls=len(late), late_p50_s=p50, late_p95_s=p95, late_max_s=round(late[-1], 3)
            )
        return len(self.lags)

    async def _claim(self, room: int) -> list[Polled]:
        await _census.look()
        rows = await db.fetch(_CLAIM, self._owner, room, LEASE_SECONDS)
        claimed = [Polled(**dict(row)) for row in rows]
        self._held.update(job.id for job in claimed)
        if claimed:
            median = sorted(job.due_at for job in claimed)[len(claimed) // 2]
            late = (datetime.now(UTC) - median).total_seconds()
            _census.note_lateness(late, now=time.monotonic())
        if claimed and self._keeper is None:
            self._keeper = asyncio.create_task(self._keep())
        return claimed

    async def _have_room(self) -> None:
        while len(self._running) > CLAIMED_AT_ONCE // 2:
            await asyncio.wait(self._running, timeout=WRITTEN_EVERY, return_when=asyncio.FIRST_COMPLETED)
            if len(self._to_write) >= CLAIMED_AT_ONCE // 4:
                await self._write()
        await self._write()

    async def _poll(self, job: Polled) -> None:
        try:
            async with self._places:
                answer = await self._ask(job)
        except Exception as error:  # noqa: BLE001  One job's defect must not stop the polls of the others.
            self._note_defect(job, error)
            return
        if isinstance(answer, NotYet):
            self._to_write.append(answer)
        elif self._endings.is_full:
            self._to_write.append(NotYet(job, ENDS_LATER))
        else:
            self._endings.waiting += 1
            _start(self._end(job, answer), self._ending)

    async def _end(self, job: Polled, answer: Finished | Failed) -> None:
        try:
            async with self._endings.places:
                await self._take_up(job, answer)
        except Exception as error:  # noqa: BLE001  As above.
            self._note_defect(job, error)
        finally:
            self._endings.waiting -= 1

    def _note_defect(self, job: Polled, error: Exception) -> None:
        log.error("generation.poll_broken", run_code=job.run_code, exc_info=error)
        errors.record(
            error,
            origin=errors.Origin.GENERATION,
            severity=errors.Severity.CRITICAL,
            handler="generations.tick",
            run_code=job.run_code,
        )
        self._problems.append(error)
        self._held.discard(job.id)

    async def _ask(self, job: Polled) -> NotYet | Finished | Failed:
        self.lags.append((datetime.now(UTC) - job.due_at).total_seconds())
        try:
            answer = await providers.poll(job.provider, job.provider_job_id)
        except ProviderError as error:
            await _note_trouble(job.provider, error)
            return NotYet(job, POLL_AGAIN)
        return _not_yet(job, answer) if isinstance(answer, Running) else answer

    async def _take_up(self, job: Polled, answer: Finished | Failed) -> None:
        """End a job under the lease that it was polled with."""
        self._held.discard(job.id)
        taken = Claim(await repository.get(job.run_code), self._owner)
        with structlog.contextvars.bound_contextvars(trace_id=job.trace_id, run_code=job.run_code):
            async with held(taken):
                await _end(taken, answer)
        await outbox.flush()

    async def _write(self) -> None:
        """Write what goes on, in one statement. A row whose lease was lost meanwhile is somebody else's."""
        told, self._to_write = self._to_write, []
        if not told:
            return
        self._held.difference_update(one.job.id for one in told)
        columns = zip(*((one.job.id, one.pause, one.progress, one.is_shown) for one in told), strict=True)
        try:
            await db.execute(_WRITE, self._owner, *(list(column) for column in columns))
        except db.UNAVAILABLE as error:
            # The leases run out, and the jobs are asked for again.
            log.warning("generation.polls_not_written", jobs=len(told), error=type(error).__name__)
            return
        if any(one.is_shown for one in told):
            await outbox.flush()

    async def _keep(self) -> None:
        """Renew the leases of the jobs that are being asked for or wait to be written."""
        while True:
            await asyncio.sleep(RENEWED_EVERY)
            try:
                await db.execute(
                    "UPDATE botapp_genrequest SET lease_until = now() + make_interval(secs => $3)"
                    " WHERE id = ANY($2::bigint[]) AND lease_owner = $1",
                    self._owner,
                    list(self._held),
                    LEASE_SECONDS,
                )
            except db.UNAVAILABLE as error:
                log.warning("generation.leases_not_renewed", jobs=len(self._held), error=type(error).__name__)


def _start(work: Coroutine[None, None, None], tasks: set[asyncio.Task[None]]) -> None:
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)


async def _end(taken: Claim, answer: Finished | Failed) -> None:
    generation = taken.generation
    await provider_health.record_success(generation.provider, is_result=True)
    if isinstance(answer, Finished):
        await handover.finish(taken, answer)
        return
    await taken.tell("failed_at_provider", code=answer.error.code, detail=answer.error.detail[:500])
    await endings.fail(taken, answer.error)
    await handover.free(generation.provider)


def _not_yet(job: Polled, answer: Running) -> NotYet:
    now = datetime.now(UTC)
    pause = cadence.pause(
        now - job.submitted_at,
        timedelta(seconds=job.typical_seconds),
        least=answer.poll_after,
        under_way=_census.weight(job.provider),
    )
    pause = min(pause, max(job.deadline_at - now, timedelta(0)))
    progress = None if answer.progress is None else max(0, min(99, round(answer.progress * 100)))
    has_moved = progress is not None and progress // SHOWN_PROGRESS_STEP > (job.progress or 0) // SHOWN_PROGRESS_STEP
    is_shown = (has_moved or _is_time_to_show(now - job.started_at, pause)) and _shown.take()
    return NotYet(job, pause, progress, is_shown)


def _is_time_to_show(elapsed: timedelta, pause: timedelta) -> bool:
    """Say whether one of the moments at which the elapsed time is shown lies between the last poll and this one.

    They are ten seconds apart in the first minute, then half a minute.
    """
    every = timedelta(seconds=10) if elapsed < timedelta(minutes=1) else timedelta(seconds=30)
    return elapsed // every > max(elapsed - pause, timedelta(0)) // every


async def _note_trouble(provider: str, error: ProviderError) -> None:
    """A poll without an answer says nothing of the job, and an operator may cure it before the deadline.

    Thousands may fail in one second; the operators are told of one.
    """
    log.warning("generation.poll_failed", provider=provider, code=error.code, detail=error.detail[:500])
    key = (provider, error.code)
    if policy_for(error).alerts and time.monotonic() - _alerted.get(key, float("-inf")) > ALERTED_EVERY:
        _alerted[key] = time.monotonic()
        text = f"{provider} answers no polls: {error.code}. nb providers show {provider}"
        await alert(f"provider:{provider}:{error.code}", text, error=error)


poller = Poller()

"""Carries generations out, one step at a time, each resumable by another worker.

    queued ──submit──▶ submitting ──▶ submitted ──poll──▶ storing ──▶ delivering
                           │                                  ▲
                           └──────── finished at once ────────┘

A job found in `submitting` was left by a worker that never saw the answer: it is looked up at the provider, never
submitted again blindly. `routing` says which way a job takes and `slots` whose turn it is.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import structlog

from core import catalog, db, provider_health, providers
from core.alerts import alert
from core.catalog import CatalogModel, UnknownModel
from core.generations import endings, handover, jobs, polling, routing, slots
from core.generations.claims import Claim, claim, held
from core.generations.failures import pause_before, policy_for
from core.generations.routing import Way
from core.generations.states import Stage, Status
from core.queue import outbox
from core.storage import FileNotStored, StorageRefused, StorageUnavailable
from providers.base import Finished, Job, LookupUnsupported, Submitted
from providers.errors import Ambiguous, InvalidRequest, ModelRetired, ProviderError, TimedOut

log = structlog.get_logger(__name__)

LOOK_UP_AGAIN = timedelta(seconds=2)
STORAGE_AGAIN = timedelta(seconds=5)
AS_LONG_AS_IT_MAY = timedelta(hours=1)
"""For a job that is woken when its turn comes; its deadline comes first."""

_telling: set[asyncio.Task[int]] = set()


async def advance(run_code: str) -> None:
    """Take a generation as far as it goes now. Does nothing when somebody else has it or it has ended."""
    taken = await claim(run_code)
    if taken is None:
        return
    with structlog.contextvars.bound_contextvars(trace_id=taken.generation.trace_id, run_code=run_code):
        async with held(taken):
            await _step(taken)
    await outbox.flush()


async def _step(taken: Claim) -> None:
    generation = taken.generation
    if datetime.now(UTC) > generation.deadline_at:
        await _give_up(taken)
    elif generation.stage in {Stage.QUEUED, Stage.FETCHING}:
        await _set_off(taken)
    elif generation.external_id is None:
        await _look_up(taken)
    else:
        await polling.poll_one(taken, generation.external_id)


async def _set_off(taken: Claim) -> None:
    """Submit over the first way that is free, or wait for one."""
    try:
        model = await catalog.get(taken.generation.model)
    except UnknownModel as error:
        await endings.fail(taken, ModelRetired(str(error)))
        return
    ways = await routing.ways(taken.generation, model)
    if ways.failure is not None:
        await endings.fail(taken, ways.failure)
        return
    is_patient = datetime.now(UTC) - taken.generation.created_at < routing.PATIENCE
    for way in ways.open[:1] if is_patient else ways.open:
        try:
            await jobs.gather(taken, model, way.route)
        except ProviderError as error:
            await endings.fail(taken, error)
            return
        if not await jobs.can_take(taken.generation, model, way.route):
            # What the link led to is nothing for this way: the ways are looked at anew with it.
            await taken.release(due=timedelta(0))
            return
        if await _enter(taken, way):
            await _submit(taken, model, way)
            return
    if not ways.open:
        assert ways.opens_at is not None
        await _wait(taken, ways.waits_for, "parked", ways.opens_at - datetime.now(UTC))
        return
    # Who could go another way looks again when patience is over; the others are woken when their turn comes. A probe
    # may be over before whoever waits for it has written that down, and then nobody wakes them.
    is_woken = len(ways.open) == 1 and not ways.open[0].is_probe
    again = AS_LONG_AS_IT_MAY if is_woken else routing.PATIENCE
    await _wait(taken, ways.open[0].route.provider, "no free slot", again)


async def _enter(taken: Claim, way: Way) -> bool:
    """Take a slot of a provider and write that the job is being submitted; False when it is not its turn."""
    generation, provider = taken.generation, way.route.provider
    attempt = generation.attempts + 1 if generation.provider == provider else 1
    started_at = generation.started_at or datetime.now(UTC)
    async with db.transaction():
        if not await slots.is_next(generation, way.health):
            return False
        if way.is_probe and not await provider_health.begin_probe(provider):
            return False
        await taken.change(
            stage=Stage.SUBMITTING.value,
            status=Status.PROCESSING.value,
            provider=provider,
            attempts=attempt,
            started_at=started_at,
            # Whoever finds this row without its worker looks at it at once, however long it was to wait for its turn.
            next_action_at=datetime.now(UTC),
        )
        probe = {"probe": True} if way.is_probe else {}
        await taken.tell("submitting", provider=provider, model=way.route.model, attempt=attempt, **probe)
        if attempt == 1:
            await outbox.publish_later("bot.show_status", {"run_code": generation.run_code})
    taken.generation = replace(
        generation,
        stage=Stage.SUBMITTING,
        status=Status.PROCESSING,
        provider=provider,
        attempts=attempt,
        started_at=started_at,
    )
    return True


async def _wait(taken: Claim, provider: str, reason: str, pause: timedelta) -> None:
    """Put a job into the queue before a provider."""
    generation = taken.generation
    left = generation.deadline_at - datetime.now(UTC)
    is_news = generation.provider != provider or generation.status is not Status.QUEUED
    if is_news:
        await taken.tell("waiting", provider=provider, reason=reason)
    await taken.release(
        due=min(max(pause, timedelta(seconds=1)), left),
        stage=Stage.QUEUED.value,
        status=Status.QUEUED.value,
        provider=provider,
        attempts=generation.attempts if generation.provider == provider else 0,
    )
    if is_news:
        await outbox.publish_later("bot.show_status", {"run_code": generation.run_code})


async def _submit(taken: Claim, model: CatalogModel, way: Way) -> None:
    generation, provider = taken.generation, way.route.provider
    try:
        job = await jobs.build(generation, model, way.route)
    except FileNotStored as error:
        await endings.fail(taken, InvalidRequest(f"an input is gone: {error}"))
        await slots.wake(provider)
        return
    except (StorageUnavailable, StorageRefused) as error:
        # Nothing was sent, so there is nothing to look up: the job goes back to where it was.
        # It was no attempt at the provider either, whose failures it may still be tried after.
        log.error("generation.storage_is_away", error=str(error))
        taken.generation = replace(generation, attempts=generation.attempts - 1)
        await _wait(taken, provider, "the storage is away", STORAGE_AGAIN)
        return
    try:
        answer = await _ask(provider, job)
    except ProviderError as error:
        await provider_health.record_failure(provider, error, is_probe=way.is_probe)
        await _not_accepted(taken, model, way, error)
        await slots.wake(provider)
        return
    await _works(provider, is_probe=way.is_probe, is_result=isinstance(answer, Finished))
    if isinstance(answer, Finished):
        await handover.finish(taken, answer)
    else:
        await _accepted(taken, answer)


async def _ask(provider: str, job: Job) -> Submitted | Finished:
    """Hand a job over. Its user is told meanwhile that work on it has begun; nobody waits for that."""
    telling = asyncio.create_task(outbox.flush())
    _telling.add(telling)
    telling.add_done_callback(_told)
    return await providers.submit(provider, job)


def _told(telling: asyncio.Task[int]) -> None:
    _telling.discard(telling)
    if not telling.cancelled() and telling.exception() is not None:
        # Beat publishes what is left.
        log.warning("generation.not_published", error=type(telling.exception()).__name__)


async def _works(provider: str, *, is_probe: bool, is_result: bool) -> None:
    """Note that a provider accepted a job; whoever waits for it to work again is looked at."""
    await provider_health.record_success(provider, is_probe=is_probe, is_result=is_result)
    if is_probe:
        await slots.look_again(provider)


async def _accepted(taken: Claim, answer: Submitted) -> None:
    """Keep the external id before anything else happens."""
    await taken.release(
        due=answer.poll_after,
        stage=Stage.SUBMITTED.value,
        provider_job_id=answer.external_id,
        submitted_at=datetime.now(UTC),
    )
    await taken.tell("accepted", external_id=answer.external_id)
    # From here on the job can be cancelled, and its message has the button for it.
    await outbox.publish_later("bot.show_status", {"run_code": taken.generation.run_code})


async def _not_accepted(taken: Claim, model: CatalogModel, way: Way, error: ProviderError) -> None:
    generation, attempt = taken.generation, taken.generation.attempts
    await taken.tell("submission_failed", code=error.code, detail=error.detail[:500], attempt=attempt)
    if isinstance(error, Ambiguous):
        await taken.release(due=LOOK_UP_AGAIN)
        return
    policy = policy_for(error)
    others = await routing.ways(generation, model, without=way.route) if policy.next_route else routing.Ways()
    if attempt <= policy.retries and not (others.open and _waits_long(error, attempt)):
        await taken.release(due=_with_jitter(pause_before(error, attempt)), stage=Stage.QUEUED.value)
    elif others.open or others.opens_at is not None:
        await _leave(taken, way, error)
    else:
        await endings.fail(taken, error)


async def _leave(taken: Claim, way: Way, error: ProviderError) -> None:
    """Give a route up for this job and look for the next one."""
    generation, route = taken.generation, way.route
    async with db.transaction():
        if policy_for(error).alerts:
            text, key = endings.alert_text(generation, error), f"provider:{route.provider}:{error.code}"
            await alert(key, text, error=error, run_code=generation.run_code)
        await taken.tell(routing.LEFT, provider=route.provider, model=route.model, code=error.code)
        await taken.release(due=timedelta(0), stage=Stage.QUEUED.value, route=generation.route + 1, attempts=0)
        await outbox.publish_later("generations.advance", {"run_code": generation.run_code})


async def _look_up(taken: Claim) -> None:
    """Find out what became of a submission whose answer nobody saw."""
    generation = taken.generation
    try:
        external_id = await providers.find(generation.provider, generation.run_code)
    except LookupUnsupported:
        await taken.tell("lookup", found=None)
        await endings.fail(taken, Ambiguous(f"{generation.provider} cannot say whether it accepted the job"))
        await slots.wake(generation.provider)
        return
    except ProviderError as error:
        await taken.tell("lookup_failed", code=error.code, detail=error.detail[:500])
        await taken.release(due=_with_jitter(polling.POLL_AGAIN))
        return
    await taken.tell("lookup", found=external_id is not None)
    if external_id is not None:
        await _accepted(taken, Submitted(external_id, poll_after=timedelta(0)))
    # A provider that keeps losing answers may be starting, and billing, what it cannot find.
    elif generation.attempts > policy_for(Ambiguous()).retries:
        await endings.fail(taken, Ambiguous(f"no trace of {generation.attempts} submissions"))
        return
    else:
        await taken.release(due=timedelta(0), stage=Stage.QUEUED.value)
    await outbox.publish_later("generations.advance", {"run_code": generation.run_code})


async def _give_up(taken: Claim) -> None:
    """End a job whose time is over. The provider is asked to stop; whether it does changes nothing for the user."""
    generation = taken.generation
    error = TimedOut(f"not finished by {generation.deadline_at:%Y-%m-%dT%H:%M:%SZ}")
    if generation.external_id is not None:
        await providers.stop(generation.provider, generation.external_id)
        if generation.stage is Stage.SUBMITTED:
            # Who has finished is not to blame for what our storage did not take.
            await provider_health.record_failure(generation.provider, error)
    await endings.fail(taken, error)
    if generation.stage is not Stage.QUEUED:
        await slots.wake(generation.provider)


def _waits_long(error: ProviderError, tried: int) -> bool:
    return pause_before(error, tried) > timedelta(seconds=4)


def _with_jitter(pause: timedelta) -> timedelta:
    return pause * random.uniform(1.0, 1.25)

"""Carries generations out, one step at a time, each resumable by another worker.

    queued ──submit──▶ submitting ──▶ submitted ──poll──▶ storing ──▶ delivering
                           │                                  ▲
                           └──────── finished at once ────────┘

A job found in `submitting` was left by a worker that never saw the answer: it is looked up at the provider, never
submitted again blindly.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import structlog

from core import catalog, db, providers
from core.catalog import CatalogModel
from core.generations import endings, jobs, results
from core.generations.claims import Claim, claim, held
from core.generations.failures import pause_before, policy_for
from core.generations.states import Generation, Stage
from core.queue import outbox
from providers.base import Failed, Finished, LookupUnsupported, Running, Submitted
from providers.errors import Ambiguous, ModelRetired, ProviderError, TimedOut

log = structlog.get_logger(__name__)

POLL_AGAIN = timedelta(seconds=4)
"""Pause after a poll that got no answer."""

LOOK_UP_AGAIN = timedelta(seconds=2)
SHOWN_PROGRESS_STEP = 10
"""Percent points of progress that are worth an edit of the status message."""

SHOWN_EVERY = timedelta(seconds=10)
"""Time after which the status message is worth an edit where the provider tells no progress."""


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
    elif generation.stage is Stage.QUEUED:
        await _submit(taken)
    elif generation.external_id is None:
        await _look_up(taken)
    else:
        await _poll(taken, generation.external_id)


async def _submit(taken: Claim) -> None:
    generation = taken.generation
    model = await catalog.get(generation.model)
    if generation.route >= len(model.routes):
        await endings.fail(taken, ModelRetired(f"{model.slug} has no route {generation.route}"))
        return
    route = model.routes[generation.route]
    attempt = generation.attempts + 1
    job = await jobs.build(generation, model, route)
    async with db.transaction():
        await taken.change(stage=Stage.SUBMITTING.value, provider=route.provider, attempts=attempt)
        await taken.tell("submitting", provider=route.provider, model=route.model, attempt=attempt)
        if attempt == 1:
            await outbox.publish_later("bot.show_status", {"run_code": generation.run_code})
    taken.generation = replace(generation, provider=route.provider, attempts=attempt)
    await outbox.flush()
    try:
        answer = await providers.get(route.provider).submit(job)
    except ProviderError as error:
        await _not_accepted(taken, model, error, attempt)
        return
    if isinstance(answer, Finished):
        await results.store(taken, answer)
    else:
        await _accepted(taken, answer)


async def _accepted(taken: Claim, answer: Submitted) -> None:
    """Keep the external id before anything else happens."""
    await taken.release(due=answer.poll_after, stage=Stage.SUBMITTED.value, provider_job_id=answer.external_id)
    await taken.tell("accepted", external_id=answer.external_id)
    # From here on the job can be cancelled, and its message has the button for it.
    await outbox.publish_later("bot.show_status", {"run_code": taken.generation.run_code})


async def _not_accepted(taken: Claim, model: CatalogModel, error: ProviderError, attempt: int) -> None:
    generation = taken.generation
    await taken.tell("submission_failed", code=error.code, detail=error.detail[:500], attempt=attempt)
    if isinstance(error, Ambiguous):
        await taken.release(due=LOOK_UP_AGAIN)
        return
    policy = policy_for(error)
    has_next = policy.next_route and generation.route + 1 < len(model.routes)
    if attempt <= policy.retries and not (has_next and _waits_long(error, attempt)):
        await taken.release(due=_with_jitter(pause_before(error, attempt)), stage=Stage.QUEUED.value)
    elif has_next:
        if policy.alerts:
            log.error("provider.alert", provider=generation.provider, code=error.code, detail=error.detail[:500])
        await taken.tell("next_route", route=generation.route + 1)
        await taken.release(due=timedelta(0), stage=Stage.QUEUED.value, route=generation.route + 1, attempts=0)
        await outbox.publish_later("generations.advance", {"run_code": generation.run_code})
    else:
        await endings.fail(taken, error)


async def _look_up(taken: Claim) -> None:
    """Find out what became of a submission whose answer nobody saw."""
    generation = taken.generation
    try:
        external_id = await providers.get(generation.provider).find(generation.run_code)
    except LookupUnsupported:
        await endings.fail(taken, Ambiguous(f"{generation.provider} cannot say whether it accepted the job"))
        return
    except ProviderError as error:
        await taken.tell("lookup_failed", code=error.code, detail=error.detail[:500])
        await taken.release(due=_with_jitter(POLL_AGAIN))
        return
    if external_id is None:
        await taken.tell("lookup", found=False)
        # A provider that keeps losing answers may be starting, and billing, what it cannot find.
        if generation.attempts > policy_for(Ambiguous()).retries:
            await endings.fail(taken, Ambiguous(f"no trace of {generation.attempts} submissions"))
            return
        await taken.release(due=timedelta(0), stage=Stage.QUEUED.value)
        await outbox.publish_later("generations.advance", {"run_code": generation.run_code})
        return
    await taken.tell("lookup", found=True)
    await _accepted(taken, Submitted(external_id, poll_after=timedelta(0)))
    await outbox.publish_later("generations.advance", {"run_code": generation.run_code})


async def _poll(taken: Claim, external_id: str) -> None:
    generation = taken.generation
    try:
        answer = await providers.get(generation.provider).poll(external_id)
    except ProviderError as error:
        # An operator may cure it (a key, a quota) before the deadline; the job at the provider goes on meanwhile.
        level = log.error if policy_for(error).alerts else log.warning
        level("generation.poll_failed", provider=generation.provider, code=error.code, detail=error.detail[:500])
        await taken.release(due=_with_jitter(POLL_AGAIN))
        return
    if isinstance(answer, Running):
        await _keep_waiting(taken, answer)
    elif isinstance(answer, Failed):
        await taken.tell("failed_at_provider", code=answer.error.code, detail=answer.error.detail[:500])
        await endings.fail(taken, answer.error)
    else:
        await results.store(taken, answer)


async def _keep_waiting(taken: Claim, answer: Running) -> None:
    generation = taken.generation
    progress = None if answer.progress is None else max(0, min(99, round(answer.progress * 100)))
    shown = generation.progress or 0
    await taken.release(due=answer.poll_after, progress=progress)
    has_moved = progress is not None and progress // SHOWN_PROGRESS_STEP > shown // SHOWN_PROGRESS_STEP
    if has_moved or _is_time_to_show(generation, answer.poll_after):
        await outbox.publish_later("bot.show_status", {"run_code": generation.run_code})


def _is_time_to_show(generation: Generation, since_last_poll: timedelta) -> bool:
    """Say whether one of the moments `SHOWN_EVERY` apart lies between the last poll and now."""
    elapsed = datetime.now(UTC) - (generation.started_at or generation.created_at)
    return elapsed // SHOWN_EVERY > max(elapsed - since_last_poll, timedelta(0)) // SHOWN_EVERY


async def _give_up(taken: Claim) -> None:
    """End a job whose time is over. The provider is asked to stop; whether it does changes nothing for the user."""
    generation = taken.generation
    if generation.external_id is not None:
        try:
            await providers.get(generation.provider).cancel(generation.external_id)
        except ProviderError as error:
            log.warning("generation.cancel_failed", provider=generation.provider, code=error.code)
    await endings.fail(taken, TimedOut(f"not finished by {generation.deadline_at:%Y-%m-%dT%H:%M:%SZ}"))


def _waits_long(error: ProviderError, tried: int) -> bool:
    return pause_before(error, tried) > timedelta(seconds=4)


def _with_jitter(pause: timedelta) -> timedelta:
    return pause * random.uniform(1.0, 1.25)

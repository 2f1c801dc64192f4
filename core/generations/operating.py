"""What operators do to a job by hand: look at it now, stop it, give its tokens back. Each says why it will not.

They run inside the caller's transaction, together with the record of who wanted it and why.
"""

from __future__ import annotations

from core import db, service_state
from core.generations import endings, repository
from core.generations.states import Generation, Stage, Status
from core.queue import outbox

MOST_SUBMISSIONS = 10
"""Submissions of one job after which an operator's wish starts no other."""


class NotAllowed(Exception):
    """The job is in a state in which this would do harm, or nothing. `rule` is stable."""

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(detail)
        self.rule = rule


async def stuck(limit: int) -> list[Generation]:
    """Return jobs that nobody takes up although they are overdue, the longest waiting first."""
    return await repository.where(
        """
        generation.status IN ('queued', 'processing')
            AND coalesce(greatest(next_action_at, lease_until), generation.updated_at)
                < now() - make_interval(mins => $1)
        ORDER BY generation.next_action_at NULLS FIRST LIMIT $2
        """,
        service_state.STUCK_AFTER_MINUTES,
        limit,
    )


async def retry(run_code: str) -> Generation:
    """Have a job looked at now, at the step where it stands; what was submitted is never submitted again blindly.

    Raises:
        GenerationNotFound: there is none of that code.
        NotAllowed: it has ended, somebody works on it, or it was submitted too often.
    """
    generation = await _open(run_code)
    submitted = await db.fetch_value(
        "SELECT count(*) FROM botapp_genevent WHERE generation_id = $1 AND event = 'submitting'", generation.id
    )
    if submitted >= MOST_SUBMISSIONS:
        raise NotAllowed("attempt_cap", f"It was submitted {submitted} times already; refund it instead.")
    task = "bot.deliver" if generation.stage is Stage.DELIVERING else "generations.advance"
    await repository.change(generation.id, next_action_at=await db.fetch_value("SELECT now()"))
    await repository.tell(generation.id, "looked_at_again", by="operator")
    await outbox.publish_later(task, {"run_code": run_code})
    return await repository.get(run_code)


async def cancel(run_code: str) -> Generation:
    """End a waiting or running job as its user could, with its tokens back; the provider is asked to stop later.

    Raises:
        GenerationNotFound: there is none of that code.
        NotAllowed: it has ended, or is being submitted, stored or handed over.
    """
    return await _end(run_code, Status.CANCELLED, (Stage.QUEUED, Stage.SUBMITTED), event="cancelled")


async def refund(run_code: str) -> Generation:
    """End a job that does not come to an end, at whatever step, and give its tokens back.

    Raises:
        GenerationNotFound: there is none of that code.
        NotAllowed: it has ended, or somebody works on it right now.
    """
    return await _end(run_code, Status.ERROR, tuple(Stage), event="refunded")


async def _end(run_code: str, status: Status, stages: tuple[Stage, ...], *, event: str) -> Generation:
    generation = await _open(run_code)
    if generation.stage not in stages:
        raise NotAllowed("not_cancellable", f"It is {generation.stage}: wait, or refund it once nobody works on it.")
    changed = await db.execute(
        """
        UPDATE botapp_genrequest SET status = $2, stage = 'finished', completed_at = now(), lease_owner = NULL,
            lease_until = NULL, next_action_at = now() + $3, updated_at = now(),
            error_code = $5
        WHERE id = $1 AND stage = $4 AND (lease_until IS NULL OR lease_until < now())
        """,
        generation.id,
        status.value,
        endings.TOLD_LATE,
        generation.stage.value,
        "stopped_by_operator" if status is Status.ERROR else "",
    )
    if not changed:
        raise NotAllowed("in_flight", "A worker works on it right now; repeat this in a moment.")
    await endings.give_back(generation, reason=f"{event} by an operator")
    await repository.tell(generation.id, event, by="operator")
    await outbox.publish_later("bot.tell_failure", {"run_code": run_code})
    if generation.external_id is not None:
        arguments = {"provider": generation.provider, "external_id": generation.external_id}
        await outbox.publish_later("generations.stop", arguments)
    return await repository.get(run_code)


async def _open(run_code: str) -> Generation:
    """Return a job that has not ended and that nobody works on."""
    generation = await repository.get(run_code)
    if generation.charge_state == "refunded":
        raise NotAllowed("already_refunded", "Its tokens were given back.")
    if generation.status.is_final:
        fix = f'for a result that was no good: nb users credit {generation.chat_id} TOKENS --reason "…"'
        raise NotAllowed("already_ended", f"It is {generation.status}; {fix}")
    is_held = await db.fetch_value(
        "SELECT lease_until > now() FROM botapp_genrequest WHERE id = $1 FOR UPDATE", generation.id
    )
    if is_held:
        raise NotAllowed("in_flight", "A worker works on it right now; repeat this in a moment.")
    return generation

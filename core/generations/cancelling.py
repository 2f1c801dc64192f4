"""Stops a generation at the user's wish, while that still can be done."""

from __future__ import annotations

from core import db, providers
from core.generations import endings, repository, slots
from core.generations.states import Generation, Status
from core.queue import outbox
from core.types import UserId


class CannotCancel(Exception):
    """The job is being handed over, has been made, or has failed."""


async def cancel(run_code: str, user: UserId) -> Generation:
    """End a waiting or running job and give its tokens back, in a transaction of its own.

    The row is taken from whoever polls it: their next write finds the lease gone. Cancelling once more changes nothing.

    Raises:
        GenerationNotFound: the user has no such job.
        CannotCancel: see the class.
    """
    before = await repository.get(run_code)
    if before.user_id != user:
        raise repository.GenerationNotFound(run_code)
    async with db.transaction():
        changed = await db.execute(
            """
            UPDATE botapp_genrequest SET status = 'cancelled', stage = 'finished', completed_at = now(),
                lease_owner = NULL, lease_until = NULL, next_action_at = now() + $2, updated_at = now()
            WHERE id = $1 AND status IN ('queued', 'processing') AND stage IN ('queued', 'submitted')
            """,
            before.id,
            endings.TOLD_LATE,
        )
        if not changed:
            found = await repository.get(run_code)
            if found.status is Status.CANCELLED:
                return found
            raise CannotCancel(run_code)
        # It may have been accepted since it was looked at.
        ended = await repository.get(run_code)
        await endings.give_back(ended, reason="cancelled by the user")
        await repository.tell(before.id, "cancelled", by="user")
        await outbox.publish_later("bot.tell_failure", {"run_code": run_code})
    if ended.external_id is not None:
        await providers.stop(ended.provider, ended.external_id)
        await slots.wake(ended.provider)
    await outbox.flush()
    return await repository.get(run_code)

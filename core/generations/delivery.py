"""Hands results over: who tries, whether it worked, and that the charge stands then. The bot does the sending.

A delivery that fails is tried again; the generation itself never is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import structlog

from core import db, ledger
from core.generations import endings, repository
from core.generations.states import Generation, Stage, Status
from core.queue import outbox

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=15)
RENEWED_EVERY = 5.0

LOOK_AGAIN = timedelta(seconds=30)


async def claim_delivery(run_code: str) -> Generation | None:
    """Return a generation that is to be delivered now; None when it was, or somebody is at it."""
    changed = await db.execute(
        """
        UPDATE botapp_genrequest SET delivery_attempts = delivery_attempts + 1, lease_owner = 'delivery',
            lease_until = $2
        WHERE run_code = $1 AND stage = $3 AND status = $4 AND (lease_until IS NULL OR lease_until < now())
        """,
        run_code,
        datetime.now(UTC) + LEASE,
        Stage.DELIVERING.value,
        Status.PROCESSING.value,
    )
    return await repository.get(run_code) if changed else None


@asynccontextmanager
async def delivering(run_code: str) -> AsyncIterator[None]:
    """Renew the lease of a claimed delivery while the block runs: an upload may take longer than a lease."""
    renewal = asyncio.create_task(_renew(run_code))
    try:
        yield
    finally:
        renewal.cancel()


async def _renew(run_code: str) -> None:
    while True:
        await asyncio.sleep(RENEWED_EVERY)
        try:
            await db.execute(
                "UPDATE botapp_genrequest SET lease_until = $2 WHERE run_code = $1 AND lease_owner = 'delivery'",
                run_code,
                datetime.now(UTC) + LEASE,
            )
        except db.UNAVAILABLE as error:
            log.warning("delivery.lease_not_renewed", run_code=run_code, error=type(error).__name__)


async def record_delivery(run_code: str, message_ids: Sequence[int]) -> None:
    """Note that the user has the result, and keep the charge. Noting it twice changes nothing."""
    await _complete(run_code, "delivered", message_ids)


async def abandon_delivery(run_code: str, reason: str) -> None:
    """Note that the user cannot be reached. The result stays in storage and the charge stands: the work was done."""
    await _complete(run_code, "undeliverable", (), reason=reason)


async def refuse_delivery(run_code: str, reason: str) -> None:
    """Note that the result can never be handed over, and give the tokens back."""
    generation = await repository.get(run_code)
    async with db.transaction():
        changed = await db.execute(
            """
            UPDATE botapp_genrequest SET status = 'error', stage = 'finished', error_code = 'undeliverable',
                error_message = $2, completed_at = now(), lease_owner = NULL, lease_until = NULL,
                next_action_at = now() + $3, updated_at = now()
            WHERE id = $1 AND status = 'processing' AND stage = 'delivering'
            """,
            generation.id,
            reason[:2000],
            endings.TOLD_LATE,
        )
        if changed:
            await endings.give_back(generation, reason="undeliverable")
            await repository.tell(generation.id, "failed", code="undeliverable", detail=reason[:500])
            await outbox.publish_later("bot.tell_failure", {"run_code": run_code})
    await outbox.flush()


async def record_told(run_code: str) -> None:
    """Note that the user knows how a generation ended without a result."""
    await db.execute(
        "UPDATE botapp_genrequest SET next_action_at = NULL WHERE run_code = $1 AND status IN ('error', 'cancelled')",
        run_code,
    )


async def postpone_delivery(run_code: str, *, after: timedelta, reason: str) -> None:
    """Note that a try failed and when the next one is due."""
    generation = await repository.get(run_code)
    async with db.transaction():
        await repository.change(
            generation.id, lease_owner=None, lease_until=None, next_action_at=datetime.now(UTC) + after
        )
        await repository.tell(generation.id, "delivery_postponed", reason=reason[:500], seconds=after.total_seconds())


async def publish_due(limit: int) -> int:
    """Publish deliveries and messages about failures that are due again or were lost on the way; return how many.

    A failure that nobody could be told of for a day is left alone: its tokens are back all the same.
    """
    async with db.transaction():
        rows = await db.fetch(
            """
            WITH due AS (
                SELECT id FROM botapp_genrequest
                WHERE next_action_at <= now() AND (lease_until IS NULL OR lease_until < now())
                    AND (status = 'processing' AND stage = 'delivering' OR status IN ('error', 'cancelled'))
                ORDER BY next_action_at LIMIT $1 FOR UPDATE SKIP LOCKED
            )
            UPDATE botapp_genrequest AS generation SET next_action_at =
                CASE WHEN completed_at < now() - interval '1 day' THEN NULL ELSE now() + $2 END
            FROM due WHERE generation.id = due.id RETURNING generation.run_code, generation.status
            """,
            limit,
            LOOK_AGAIN,
        )
        for row in rows:
            task = "bot.deliver" if row["status"] == Status.PROCESSING.value else "bot.tell_failure"
            await outbox.publish_later(task, {"run_code": row["run_code"]})
    return len(rows)


async def _complete(run_code: str, event: str, message_ids: Sequence[int], **detail: object) -> None:
    generation = await repository.get(run_code)
    async with db.transaction():
        changed = await db.execute(
            """
            UPDATE botapp_genrequest SET status = 'done', stage = 'finished', result_message_ids = $2,
                delivered_at = now(), completed_at = now(), lease_owner = NULL, lease_until = NULL,
                next_action_at = NULL, updated_at = now()
            WHERE id = $1 AND status = 'processing' AND stage = 'delivering'
            """,
            generation.id,
            db.to_json(list(message_ids)),
        )
        if changed:
            await ledger.settle(generation.transaction_id)
            await repository.tell(generation.id, event, messages=list(message_ids), **detail)

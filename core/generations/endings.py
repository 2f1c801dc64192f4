"""How a generation ends without a result: the tokens go back in the same transaction that ends it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from core import db, errors, ledger, moderation
from core.alerts import alert
from core.generations.claims import Claim
from core.generations.failures import policy_for
from core.generations.states import Generation, Stage, Status
from core.queue import outbox
from core.references.errors import LinkFailed
from core.text import storable
from core.types import IdempotencyKey
from providers.errors import ContentBlocked, ProviderError

TOLD_LATE = timedelta(seconds=15)
"""Time after which somebody looks whether the message to the user was lost."""


async def fail(taken: Claim, error: ProviderError) -> None:
    """End a claimed generation with an error, give the tokens back, and have the user told.

    Raises:
        LeaseLost: somebody else owns the generation; nothing was changed.
    """
    generation = taken.generation
    async with db.transaction():
        await note(generation, error)
        await taken.release(
            due=TOLD_LATE,
            status=Status.ERROR.value,
            stage=Stage.FINISHED.value,
            error_code=error.code,
            error_message=storable(error.detail)[:2000],
            completed_at=datetime.now(UTC),
        )
        await give_back(generation, reason=error.code)
        await taken.tell("failed", code=error.code, detail=error.detail[:500])
        await outbox.publish_later("bot.tell_failure", {"run_code": generation.run_code})
        if isinstance(error, ContentBlocked):
            await moderation.note(generation.user_id, "provider", error.code, generation.prompt)


async def note(generation: Generation, error: ProviderError) -> None:
    """Have operators see a failure that is not its user's own, and tell them at once where they have to act."""
    if isinstance(error, (ContentBlocked, LinkFailed)):
        return
    key = f"provider:{generation.provider}:{error.code}"
    if policy_for(error).alerts:
        await alert(key, alert_text(generation, error), error=error, run_code=generation.run_code)
        return
    extra = {"model": generation.model, "code": error.code}
    severity = errors.Severity.WARNING
    run_code, origin = generation.run_code, errors.Origin.GENERATION
    errors.record(error, origin=origin, severity=severity, handler=key, run_code=run_code, extra=extra)


def alert_text(generation: Generation, error: ProviderError) -> str:
    """Say to the operators what failed, where, and how to see all of it. The vendor's words are in the log."""
    return (
        f"{generation.provider or 'no provider'} failed {generation.model}: {error.code}. "
        f"nb gen show {generation.run_code}"
    )


async def give_back(generation: Generation, *, reason: str) -> None:
    """Refund what is left of the charge, once."""
    left = generation.tokens - generation.refunded
    if left > 0:
        await ledger.refund(
            generation.transaction_id, key=IdempotencyKey(f"refund:{generation.run_code}"), amount=left, reason=reason
        )

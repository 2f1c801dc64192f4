"""From what a provider answered to what we keep: frees its slot, then stores the result."""

from __future__ import annotations

from core.generations import results, slots
from core.generations.claims import Claim
from core.generations.states import Stage
from core.queue import outbox
from providers.base import Finished


async def finish(taken: Claim, answer: Finished) -> None:
    """Keep what a provider made. Its slot is free from here on, before any file is fetched.

    Raises:
        LeaseLost: somebody else owns the generation.
    """
    await taken.change(stage=Stage.STORING.value)
    if await slots.wake(taken.generation.provider):
        await outbox.flush()
    await results.store(taken, answer)


async def free(provider: str) -> None:
    """Have the next ones taken on after a job has left a provider without a result."""
    if await slots.wake(provider):
        await outbox.flush()

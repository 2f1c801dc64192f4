"""The tasks of the generation queue."""

from __future__ import annotations

import asyncio

from core.generations import claims, delivery, execution
from core.queue import outbox, task

DUE_AT_ONCE = 500
SIDE_BY_SIDE = 100


@task("generations.advance")
async def advance(run_code: str) -> None:
    """Take one generation as far as it goes now."""
    await execution.advance(run_code)


@task("generations.tick")
async def tick() -> None:
    """Look after everything whose time has come: polls, retries, jobs that a dead worker left, lost deliveries."""
    places = asyncio.Semaphore(SIDE_BY_SIDE)

    async def advance_one(run_code: str) -> None:
        async with places:
            await execution.advance(run_code)

    due = await claims.due(DUE_AT_ONCE)
    failures = await asyncio.gather(*(advance_one(run_code) for run_code in due), return_exceptions=True)
    if await delivery.publish_due(DUE_AT_ONCE):
        await outbox.flush()
    problems = [failure for failure in failures if isinstance(failure, Exception)]
    if problems:
        raise ExceptionGroup("generations.tick", problems)

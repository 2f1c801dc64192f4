"""The tasks of the generation queue."""

from __future__ import annotations

from core import providers
from core.generations import claims, delivery, execution, measuring, polling, slots
from core.queue import outbox, task

DUE_AT_ONCE = 500


@task("generations.advance")
async def advance(run_code: str) -> None:
    """Take one generation as far as it goes now."""
    await execution.advance(run_code)


@task("generations.tick")
async def tick() -> None:
    """Look after everything whose time has come: polls, retries, jobs that a dead worker left, lost deliveries.

    Only polls are done here; the rest is published, so that all workers share it.
    """
    published = await claims.publish_due(DUE_AT_ONCE)
    published += await slots.wake_everywhere()
    published += await delivery.publish_due(DUE_AT_ONCE)
    if published:
        await outbox.flush()
    await polling.poller.run()


@task("generations.stop")
async def stop(provider: str, external_id: str) -> None:
    """Ask a provider to stop a job that an operator ended here."""
    await providers.stop(provider, external_id)
    await slots.wake(provider)
    await outbox.flush()


@task("catalog.measure")
async def measure() -> None:
    """Find out what jobs of each model usually take."""
    await measuring.measure()

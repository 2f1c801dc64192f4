"""Opens and closes what every process of the service stands on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core import (
    catalog,
    db,
    errors,
    heartbeat,
    moderation,
    provider_health,
    providers,
    queue,
    redis,
    retention,
    storage,
)
from core.errors import tasks as errors_tasks
from core.generations import callbacks
from core.payments import gateways
from core.settings import Settings


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[None]:
    """Connect to the database, Redis and storage, and set up the providers.

    Raises:
        core.db.UNAVAILABLE: the database cannot be reached; the process should end and be started again.
    """
    await db.connect(settings)
    await redis.connect(settings)
    await storage.connect(settings)
    retention.configure(results_kept_days=settings.results_kept_days)
    errors_tasks.configure(kept_days=settings.errors_kept_days)
    queue.configure(settings)
    providers.connect(settings)
    provider_health.connect(settings)
    callbacks.connect(settings)
    catalog.configure(providers.names())
    gateways.connect(settings)
    await moderation.connect(settings)
    try:
        async with errors.recording(settings):
            yield
    finally:
        await moderation.disconnect()
        await gateways.disconnect()
        await providers.disconnect()
        await storage.disconnect()
        await redis.disconnect()
        await db.disconnect()


@asynccontextmanager
async def alive(settings: Settings, kind: heartbeat.ProcessKind) -> AsyncIterator[None]:
    """Show that this process works: to be entered last, when it really does."""
    pulse = asyncio.create_task(heartbeat.run(kind, settings))
    try:
        yield
    finally:
        await redis.end(pulse)

"""The core's services on a fresh database, and somebody with tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core import catalog, db, ledger, providers, redis, storage, users
from core.settings import Settings

PROVIDERS = frozenset({"scripted", "demo", "gemini"})
"""Providers that the catalogue believes to be configured; none of them is called."""


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Settings]:
    """A pool on a fresh migrated database, closed after the test."""
    await db.connect(settings)
    yield settings
    await db.disconnect()


@pytest.fixture
async def service(database: Settings) -> AsyncIterator[Settings]:
    """Database, Redis, storage and the shipped catalogue; no provider can be called."""
    await redis.connect(database)
    await storage.connect(database)
    catalog.configure(PROVIDERS)
    await catalog.sync()
    yield database
    catalog.configure(())
    await providers.disconnect()
    await storage.disconnect()
    await redis.disconnect()


@pytest.fixture
async def user(database: Settings) -> users.User:
    """Somebody new with the welcome bonus of 50.00."""
    somebody = await users.upsert(users.Profile(4242, "fox", "Fox", "", "en"))
    await ledger.give_welcome_bonus(somebody.id)
    return somebody

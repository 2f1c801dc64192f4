"""A service in which histories can happen: models with a route, two gateways, and nobody who publishes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from core import catalog, db, provider_health, providers, redis, storage
from core.payments import gateways, packages
from core.queue import outbox
from core.settings import Settings
from tests.core.generations.scripted import ScriptedProvider
from tests.core.payments.till import Till
from tests.core.statistics.histories import MODELS, PROVIDERS


@pytest.fixture
async def service(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Settings]:
    """Everything that orders and payments need; nothing is called from it."""
    await db.connect(settings)
    await redis.connect(settings)
    await storage.connect(settings)
    provider_health.connect(settings)
    for name in PROVIDERS:
        providers.use(name, ScriptedProvider())
    catalog.configure(providers.names())
    await catalog.sync()
    await packages.seed()
    await db.execute(
        """UPDATE botapp_aimodel SET routes = '[{"provider": "first", "model": "one"}]', is_active = true
        WHERE slug = ANY($1)""",
        list(MODELS),
    )
    catalog.configure(providers.names())
    gateways.use(Till())
    gateways.use(Till("bank", gives_ids=True))

    async def publish_nothing(**_: Any) -> int:
        return 0

    monkeypatch.setattr(outbox, "flush", publish_nothing)
    yield settings
    catalog.configure(())
    await gateways.disconnect()
    await providers.disconnect()
    await storage.disconnect()
    await redis.disconnect()
    await db.disconnect()

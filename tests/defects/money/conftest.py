"""A till, a bank and a buyer, as the tests of payments have them, with Redis for promo codes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core import redis
from core.settings import Settings
from tests.core.payments.conftest import bank, buyer, database, order, till

__all__ = ["bank", "buyer", "database", "order", "till"]


@pytest.fixture
async def counted(database: Settings) -> AsyncIterator[None]:
    """Redis, which counts the wrong promo codes that people type."""
    await redis.connect(database)
    yield
    await redis.disconnect()

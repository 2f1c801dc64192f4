"""A process that records faults on a fresh database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core import db, errors
from core.settings import Settings


@pytest.fixture
async def recording(database: Settings) -> AsyncIterator[Settings]:
    """Faults are written while the test runs."""
    async with errors.recording(database):
        yield database


async def kept() -> list[db.Row]:
    """Every row, the oldest first, once everything is written."""
    await errors.written()
    return await db.fetch("SELECT * FROM botapp_boterrorevent ORDER BY id")


def raised(error: Exception) -> Exception:
    """An exception with a traceback."""
    try:
        raise error
    except type(error) as caught:
        return caught

"""A website for links to lead to."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.core.references.website import Website, opened


@pytest.fixture
async def website() -> AsyncIterator[Website]:
    """A website on loopback."""
    async with opened() as site:
        yield site

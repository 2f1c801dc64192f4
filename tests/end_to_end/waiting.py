"""Waiting on conditions instead of sleeping."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

LOOK_EVERY = 0.05

PATIENCE = 3 if "PYTEST_XDIST_WORKER" in os.environ else 1
"""By how much limits grow where other tests run beside this one; it costs time only where something fails."""


async def until(look: Callable[[], Awaitable[T | None]], what: str, *, limit: float = 20.0) -> T:
    """Return the first answer of `look` that is neither None nor False.

    Raises:
        AssertionError: `what` did not happen within `limit` seconds.
    """
    deadline = time.monotonic() + limit * PATIENCE
    while True:
        found = await look()
        if found is not None and found is not False:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {limit * PATIENCE:g} s")
        await asyncio.sleep(LOOK_EVERY)

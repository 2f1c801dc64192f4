"""The emulator that all three adapters talk to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from providers.base import Job, Provider
from tests.emulators.service import serve
from tests.emulators.useapi import UseApiEmulator
from tests.providers.contract import Case, Lookup

KEY = "user:1234-useapi-token-0123456789"


@pytest.fixture
async def emulator() -> AsyncIterator[UseApiEmulator]:
    service = UseApiEmulator(key=KEY)
    async with serve(service):
        yield service


def orders(emulator: UseApiEmulator) -> int:
    """How often something was ordered; uploads cost nothing."""
    return sum(call.method == "POST" and not call.path.endswith("/assets/") for call in emulator.calls)


def case_of(
    emulator: UseApiEmulator, adapter: Callable[..., Provider], job: Callable[[str], Job], lookup: Lookup, **more: Any
) -> Case:
    def make(base_url: str | None = None, timeout: float = 20, key: str = KEY) -> Provider:
        return adapter(key, base_url=base_url or emulator.address, timeout=timeout)

    return Case(emulator, make, job, (KEY,), lookup, orders=lambda: orders(emulator), **more)

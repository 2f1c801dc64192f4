"""Every gateway passes the contract."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core.settings import Settings
from tests.core.payments.gateways.contract import GatewayContract, Harness
from tests.core.payments.gateways.harnesses import EVERY_GATEWAY

pytestmark = pytest.mark.integration


@pytest.fixture(params=EVERY_GATEWAY, ids=lambda make: make.__name__)
async def harness(request: Any, database: Settings, tmp_path: Path) -> AsyncIterator[Harness]:
    """A gateway with its emulator."""
    async with request.param(tmp_path) as opened:
        yield opened


class TestEveryGateway(GatewayContract):
    """See `contract`."""

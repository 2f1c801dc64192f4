"""A web server with the Mini App's API, and a sandbox that is its Telegram."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from core import catalog
from core.payments import packages
from core.settings import Settings
from tests.bot.sandbox.conftest import TOKEN, Running, start
from tests.core.http.app.people import Visitor
from tests.core.http.conftest import serving


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Running]:
    """The Telegram behind the server."""
    running = await start(tmp_path / "sandbox")
    yield running
    await running.stop()


@pytest.fixture
async def client(settings: Settings, sandbox: Running) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a web server that knows the sandbox's bot, with the shipped models and packages."""
    own = settings.model_copy(update={"telegram_bot_token": SecretStr(TOKEN), "telegram_api_base_url": sandbox.address})
    async with serving(own) as opened:
        await catalog.sync()
        await packages.seed()
        yield opened


@pytest.fixture
def mia(client: httpx.AsyncClient) -> Visitor:
    """Somebody whom the bot has not met."""
    return Visitor(client, TOKEN)


@pytest.fixture
def max_(client: httpx.AsyncClient) -> Visitor:
    """Somebody else."""
    return Visitor(client, TOKEN, name="Max")

"""The bot on a real database and Redis, with a Telegram inside the process and a provider that does as told."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import structlog

from bot import neighbours, progress
from bot.runtime import Runtime
from bot.webhook import SOURCE
from core import catalog, db, providers, redis, storage
from core.inbox import Inbox
from core.payments import gateways, packages
from core.queue import outbox
from core.settings import Settings
from tests.bot.people import Person, World
from tests.bot.telegram import FakeTelegram
from tests.core.generations.scripted import ScriptedProvider


@pytest.fixture(scope="session", autouse=True)
def plain_tracebacks() -> Iterator[None]:
    """Write exceptions without the values of their variables, which take seconds to draw."""
    before = structlog.get_config()["processors"]
    renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*before[:-1], renderer])
    yield
    structlog.configure(processors=before)


@pytest.fixture
def telegram() -> FakeTelegram:
    """The Telegram that the bot talks to."""
    return FakeTelegram()


@pytest.fixture
async def provider(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ScriptedProvider]:
    """The provider behind every model; the services are open while the test runs."""
    await db.connect(settings)
    await redis.connect(settings)
    await storage.connect(settings)
    scripted = ScriptedProvider()
    providers.use("demo", scripted)
    catalog.configure(providers.names())
    await catalog.sync()
    gateways.connect(settings)
    await packages.seed()

    async def publish_nothing(**_: Any) -> int:
        return 0

    # Tasks stay in the outbox until the test does a worker's work.
    monkeypatch.setattr(outbox, "flush", publish_nothing)
    monkeypatch.setattr(progress, "EDIT_EVERY", 0.01)
    monkeypatch.setattr(neighbours, "QUIET", 0.05)
    monkeypatch.setattr(neighbours, "LOOK_EVERY", 0.01)
    yield scripted
    await gateways.disconnect()
    await providers.disconnect()
    await storage.disconnect()
    await redis.disconnect()
    await db.disconnect()


@pytest.fixture
async def world(provider: ScriptedProvider, settings: Settings, telegram: FakeTelegram) -> AsyncIterator[World]:
    """The bot in a worker that does what tests tell it."""
    runtime = Runtime(settings, telegram)
    yield World(telegram, runtime, Inbox(SOURCE))
    await runtime.stop()


_ids = itertools.count(7001)


@pytest.fixture
def somebody(world: World) -> Callable[..., Person]:
    """Make people; keywords are fields of `Person`."""

    def appear(**fields: Any) -> Person:
        return Person(world, next(_ids), **fields)

    return appear


@pytest.fixture
async def mia(somebody: Callable[..., Person]) -> Person:
    """Somebody who speaks English and has said /start: 50 tokens."""
    person = somebody()
    await person.send("/start")
    return person


@pytest.fixture
async def masha(somebody: Callable[..., Person]) -> Person:
    """Somebody who speaks Russian and has said /start: 50 tokens."""
    person = somebody(language="ru", name="Маша")
    await person.send("/start")
    return person

"""A service with one image model over two scripted providers, and nobody who publishes what it writes to the outbox."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from core import catalog, db, ledger, provider_health, providers, redis, storage, users
from core.generations import Generation, Order, execution, get, submit
from core.queue import outbox
from core.settings import Settings
from core.types import IdempotencyKey, TraceId
from tests.core.generations.scripted import ScriptedProvider

Ordering = Callable[..., Awaitable[Generation]]


@pytest.fixture(autouse=True)
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Vendors are on this machine: the settings name it as the address of a provider."""
    monkeypatch.setattr(providers, "hosts", lambda: frozenset({"127.0.0.1"}))


@pytest.fixture
async def first(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ScriptedProvider]:
    """The provider that is asked first. The service is open while the test runs."""
    await db.connect(settings)
    await redis.connect(settings)
    await storage.connect(settings)
    provider_health.connect(settings)
    provider = ScriptedProvider()
    providers.use("first", provider)
    providers.use("second", ScriptedProvider())
    catalog.configure(providers.names())
    await catalog.sync()
    await db.execute(
        """UPDATE botapp_aimodel SET routes = '[{"provider": "first", "model": "one"},
        {"provider": "second", "model": "two"}]', type = 'image', cost_unit = 'image' WHERE slug = 'nano-banana'"""
    )
    catalog.configure(providers.names())

    async def publish_nothing(**_: Any) -> int:
        return 0

    monkeypatch.setattr(outbox, "flush", publish_nothing)
    yield provider
    await providers.disconnect()
    await storage.disconnect()
    await redis.disconnect()
    await db.disconnect()


@pytest.fixture
def second(first: ScriptedProvider) -> ScriptedProvider:
    """The provider that is asked when the first one cannot."""
    provider = providers.get("second")
    assert isinstance(provider, ScriptedProvider)
    return provider


@pytest.fixture
async def user(first: ScriptedProvider) -> users.User:
    """Somebody with 50 tokens."""
    somebody = await users.upsert(users.Profile(4242, "fox", "Fox", "", "en"))
    await ledger.give_welcome_bonus(somebody.id)
    return somebody


_keys = itertools.count()


@pytest.fixture
def order(user: users.User) -> Ordering:
    """Order a generation; keywords are fields of `Order`."""

    async def place(**fields: Any) -> Generation:
        values: dict[str, Any] = {
            "user": user,
            "model": "nano-banana",
            "prompt": "a red fox in the snow",
            "key": IdempotencyKey(f"order-{next(_keys)}"),
            "language": "en",
            "trace_id": TraceId("0" * 32),
        }
        return await submit(Order(**{**values, **fields}))

    return place


async def make_due(generation: Generation) -> None:
    """Let the pause of a generation be over, and the lease of whoever held it."""
    await db.execute(
        """UPDATE botapp_genrequest SET next_action_at = now() - interval '1 second',
        lease_until = CASE WHEN lease_until IS NULL THEN NULL ELSE now() - interval '1 second' END WHERE id = $1""",
        generation.id,
    )


async def advance(generation: Generation, times: int = 1) -> Generation:
    """Take a generation on as a worker would, whose clock has reached the next step, and return how it stands."""
    for _ in range(times):
        await make_due(generation)
        await execution.advance(generation.run_code)
    return await get(generation.run_code)


async def tasks_waiting() -> list[str]:
    """Names of the tasks that the outbox holds, in order."""
    return [row["task"] for row in await db.fetch("SELECT task FROM botapp_outbox ORDER BY id")]


async def balance(user: users.User) -> str:
    """The user's tokens, as text."""
    return str(await ledger.balance_of(user.id))


async def assert_books_agree() -> None:
    """Fail when the ledger finds any disagreement."""
    report = await ledger.verify()
    assert report.ok, report.problems

"""Changes that operators make to prices, and prices as people then see them."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from core import audit, catalog, db
from core.audit import Change
from core.pricing import quote, revisions
from core.pricing.revisions import Edit, Terms
from core.queue import outbox
from core.settings import Settings
from core.types import IdempotencyKey

_numbers = itertools.count(1)

Editing = Callable[..., Awaitable[Edit]]


def change_of(actor: str = "token:mia", reason: str = "a test") -> Change:
    """A change of its own each time."""
    return Change(actor, "pricing.set", "nano-banana", reason, IdempotencyKey(f"key-{next(_numbers)}"))


async def in_transaction(perform: Callable[[], Awaitable[Any]], change: Change) -> Any:
    """Run what changes something as the ops API does, and return what it returned."""
    kept: list[Any] = []

    async def once() -> dict[str, Any]:
        kept.append(await perform())
        return {}

    await audit.once(change, once)
    return kept[0]


@pytest.fixture(autouse=True)
def nobody_publishes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave in the outbox what is written there; no worker takes it."""

    async def publish_nothing(**_: Any) -> int:
        return 0

    monkeypatch.setattr(outbox, "flush", publish_nothing)


@pytest.fixture
def edit(service: Settings) -> Editing:
    """Edit a price as an operator would; keywords are fields, terms, or the actor."""

    async def make(subject: str = "nano-banana", *, actor: str = "token:mia", **given: Any) -> Edit:
        terms = Terms(given.pop("max_delta_pct", 30), given.pop("expect", None), given.pop("approval", None))
        changes = given.pop("changes", None) or given
        change = change_of(actor)
        done: Edit = await in_transaction(lambda: revisions.edit(subject, changes, change, terms), change)
        return done

    return make


@pytest.fixture
def revert(service: Settings) -> Editing:
    """Undo an edit as an operator would."""

    async def make(number: int, *, force: bool = False, max_delta_pct: int = 30, **given: Any) -> Edit:
        change = change_of()
        terms = Terms(max_delta_pct, **given)
        done: Edit = await in_transaction(lambda: revisions.revert(number, change, terms, force=force), change)
        return done

    return make


async def price_of(slug: str, **params: Any) -> str:
    """Tokens that an order costs now, read past every snapshot."""
    return str(quote(await catalog.find(slug), params).tokens)


async def revisions_made() -> int:
    """How many revisions there are."""
    return int(await db.fetch_value("SELECT count(*) FROM botapp_pricerevision"))

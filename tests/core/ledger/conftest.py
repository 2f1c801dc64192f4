"""Many connections to one ledger, quotes of any price, and people with tokens."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from typing import TypeVar

import pytest

from core import db, ledger, users
from core.catalog import CostUnit
from core.ledger import Posting, PostingKind
from core.pricing import Quote
from core.settings import Settings
from core.types import IdempotencyKey, UserId

CONNECTIONS = 50

TABLES = (
    "botapp_userbalance",
    "botapp_transaction",
    "botapp_charge",
    "botapp_payment",
    "botapp_promocode",
    "botapp_promoredemption",
    "botapp_referral",
    "botapp_dailyreward",
)
"""Those whose triggers stand in the way of whoever wants to break the books."""

Result = TypeVar("Result")
_numbers = itertools.count(1)


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Settings]:
    """A pool that lets fifty transactions run at the same time."""
    await db.connect(settings, pool_size=CONNECTIONS)
    yield settings
    await db.disconnect()


def key() -> IdempotencyKey:
    """A key that nobody used."""
    return IdempotencyKey(f"test:{next(_numbers)}")


def quote_of(tokens: str | Decimal) -> Quote:
    """A quote of this many tokens."""
    price = Decimal(tokens).quantize(Decimal("0.01"))
    return Quote(
        model="nano-banana",
        params={},
        tokens=price,
        usd=price / 40,
        units=1,
        unit=CostUnit.IMAGE,
        unit_cost_usd=price / 40,
        rate=Decimal(20),
        markup=Decimal(2),
    )


async def somebody(tokens: str = "0") -> UserId:
    """Somebody new with this many tokens."""
    number = 10_000 + next(_numbers)
    user = await users.upsert(users.Profile(number, f"user{number}", "Somebody"))
    if Decimal(tokens):
        await ledger.post(user.id, Decimal(tokens), PostingKind.ADMIN, key=key(), reason="to begin with")
    return user.id


async def charged(user: UserId, tokens: str) -> Posting:
    """A charge of this many tokens."""
    return await ledger.charge(user, quote_of(tokens), key=key())


async def at_once(times: int, action: Callable[[int], Awaitable[Result]]) -> list[Result | BaseException]:
    """Run the action many times, each in a transaction of its own, all begun before any goes on."""
    barrier = asyncio.Barrier(times)

    async def run(number: int) -> Result:
        async with db.transaction():
            await db.fetch_value("SELECT 1")
            await barrier.wait()
            return await action(number)

    return await asyncio.gather(*(run(number) for number in range(times)), return_exceptions=True)


def successes(outcomes: list[Result | BaseException]) -> list[Result]:
    """What was returned, without what was raised."""
    return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]


def failures(outcomes: list[Result | BaseException]) -> list[type[BaseException]]:
    """Types of what was raised."""
    return [type(outcome) for outcome in outcomes if isinstance(outcome, BaseException)]


async def assert_books_agree() -> None:
    """Fail when the ledger finds a disagreement, other than that these tests charge for no generation."""
    report = await ledger.verify()
    problems = [problem for problem in report.problems if problem.kind != "charge_without_generation"]
    assert problems == []


async def plant(*statements: str) -> None:
    """Break the books as somebody with the rights of the owner could."""
    for table in TABLES:
        await db.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    for statement in statements:
        await db.execute(statement)
    for table in TABLES:
        await db.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


async def found() -> dict[str, str]:
    """The kinds of problems that `verify` finds, and its words for each."""
    return {problem.kind: f"{problem.subject}: {problem.detail}" for problem in (await ledger.verify()).problems}

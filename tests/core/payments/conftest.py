"""A till to pay at, packages to buy, and somebody who buys; what the outbox is given stays there to be read."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from core import db, ledger, users
from core.ledger import PostingKind
from core.payments import Payment, gateways, orders, packages
from core.payments.gateways.base import Outcome, Receipt
from core.payments.orders import Purchase
from core.pricing import Quote
from core.queue import outbox
from core.settings import Settings
from core.types import IdempotencyKey
from core.users import User
from tests.core.ledger.conftest import quote_of
from tests.core.payments.till import Till

CONNECTIONS = 30
_numbers = itertools.count(1)

flushed: list[int] = []
"""How much waited in the outbox each time that somebody had it published."""

Buying = Callable[..., Awaitable[Payment]]


@pytest.fixture
async def database(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Settings]:
    """A pool for many transactions at once, the shipped packages, and nobody who publishes what the outbox holds."""

    async def publish_nothing(**_: Any) -> int:
        flushed.append(await db.fetch_value("SELECT count(*) FROM botapp_outbox"))
        return 0

    flushed.clear()
    monkeypatch.setattr(outbox, "flush", publish_nothing)
    await db.connect(settings, pool_size=CONNECTIONS)
    await packages.seed()
    yield settings
    await gateways.disconnect()
    await db.disconnect()


@pytest.fixture
def till(database: Settings) -> Till:
    """A gateway that carries our code back and gives its own id with the payment, as Stars do."""
    gateway = Till()
    gateways.use(gateway)
    return gateway


@pytest.fixture
def bank(database: Settings) -> Till:
    """A gateway that gives its own id with the invoice, as Lava.top does."""
    gateway = Till("bank", gives_ids=True)
    gateways.use(gateway)
    return gateway


@pytest.fixture
async def buyer(database: Settings) -> User:
    """Somebody without tokens whose first deposit is behind them, so that a deposit brings only itself."""
    user = await newcomer()
    await ledger.give_once(
        user.id, Decimal("0.01"), PostingKind.BONUS, key=IdempotencyKey(f"first_deposit:{user.id}"), reason="test"
    )
    await spend(user, "0.01")
    return user


@pytest.fixture
def order(buyer: User, till: Till) -> Buying:
    """Place an order; keywords are fields of `Purchase`."""

    async def place(**fields: Any) -> Payment:
        return await orders.place(purchase(buyer, **fields))

    return place


async def newcomer() -> User:
    """Somebody new, without tokens."""
    number = 70_000 + next(_numbers)
    return await users.upsert(users.Profile(number, f"buyer{number}", "Buyer", "", "ru"))


def purchase(user: User, **fields: Any) -> Purchase:
    """A wish to buy 100 tokens for 5.00 USD at the till."""
    values: dict[str, Any] = {"package": "tokens-100", "gateway": "till", "key": key()}
    return Purchase(user=user, **{**values, **fields})


def key() -> IdempotencyKey:
    """A key that nobody used."""
    return IdempotencyKey(f"payment-test:{next(_numbers)}")


def paid(payment: Payment, external_id: str = "", **fields: Any) -> Receipt:
    """What the gateway says when exactly this order was paid by exactly this user."""
    values: dict[str, Any] = {
        "gateway": payment.gateway,
        "external_id": external_id or payment.external_id or f"charge-of-{payment.code}",
        "outcome": Outcome.PAID,
        "amount": payment.amount,
        "currency": payment.currency,
        "order_code": payment.code,
        "payer": payment.chat_id,
    }
    return Receipt(**{**values, **fields})


async def spend(user: User, tokens: str) -> None:
    """Have the user spend this many tokens."""
    await ledger.charge(user.id, priced(tokens), key=key())


def priced(tokens: str) -> Quote:
    """A quote of this many tokens."""
    return quote_of(tokens)


async def balance(user: User) -> str:
    """The user's tokens, as text."""
    return str(await ledger.balance_of(user.id))


async def tasks() -> list[tuple[str, str]]:
    """What the outbox holds: each task with the code or key that it is about."""
    rows = await db.fetch("SELECT task, arguments FROM botapp_outbox ORDER BY id")
    found = []
    for row in rows:
        arguments = json.loads(row["arguments"])
        found.append((row["task"], arguments.get("code") or arguments["key"]))
    return found


async def statement(user: User) -> list[tuple[str, str, str]]:
    """The user's postings, oldest first: kind, amount, actor."""
    return [(line.kind.value, str(line.amount), line.actor) for line in reversed(await ledger.statement(user.id))]


async def payments() -> list[tuple[str, str]]:
    """All payments, oldest first: status and external id."""
    rows = await db.fetch("SELECT status, coalesce(external_id, '') AS external_id FROM botapp_payment ORDER BY id")
    return [(row["status"], row["external_id"]) for row in rows]


async def assert_books_agree() -> None:
    """Fail when the ledger finds a disagreement, other than that these tests charge for no generation."""
    report = await ledger.verify()
    assert [problem for problem in report.problems if problem.kind != "charge_without_generation"] == []

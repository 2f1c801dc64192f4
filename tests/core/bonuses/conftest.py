"""A till that takes payments, Redis for counting wrong codes, and short ways to make codes and deposits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from core import db, ledger, redis
from core.bonuses import codes
from core.bonuses.codes import NewCode, PromoCode
from core.payments import Payment, crediting, orders
from core.settings import Settings
from core.users import User
from tests.core.payments import conftest as payments
from tests.core.payments.till import Till

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

database = payments.database
till = payments.till
bank = payments.bank


@pytest.fixture
async def counting(database: Settings, redis_url: str) -> AsyncIterator[Settings]:
    """Redis beside the database."""
    del redis_url
    await redis.connect(database)
    yield database
    await redis.disconnect()


@pytest.fixture
async def fox(counting: Settings, till: Till) -> User:
    """Somebody without tokens who never paid."""
    return await payments.newcomer()


async def code(name: str = "FOX", value: str = "10", **fields: Any) -> PromoCode:
    """Make a code of that many tokens; keywords are fields of `NewCode`."""
    amounts: dict[str, Any] = {
        key: Decimal(fields.pop(key)) for key in ("min_deposit", "max_bonus", "budget") if key in fields
    }
    return await codes.create(NewCode(name, Decimal(value), **amounts, **fields))


async def percent(name: str = "HALF", value: str = "50", **fields: Any) -> PromoCode:
    """Make a code of that percentage, which 100 people may use."""
    return await code(name, value, **{"is_percentage": True, "max_uses": 100, **fields})


async def deposit(user: User, package: str = "tokens-100", *, gateway: str = "till") -> Payment:
    """Have somebody buy a package and pay for it."""
    payment = await crediting.receive(
        payments.paid(await orders.place(payments.purchase(user, package=package, gateway=gateway)))
    )
    assert payment is not None
    return payment


async def gifts(user: User) -> list[tuple[str, str]]:
    """What somebody was given beside deposits, oldest first: amount and reason."""
    lines = reversed(await ledger.statement(user.id, limit=100))
    return [(str(line.amount), line.reason) for line in lines if line.kind.value in {"bonus", "referral"}]


async def told() -> list[tuple[int, str]]:
    """What inviters are to be told: referral and news."""
    rows = await db.fetch(
        """SELECT (arguments ->> 'referral')::int AS referral, arguments ->> 'news' AS news
        FROM botapp_outbox WHERE task = 'bot.tell_bonus' ORDER BY id"""
    )
    return [(row["referral"], row["news"]) for row in rows]

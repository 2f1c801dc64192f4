"""What PostgreSQL itself refuses, whoever asks: the invariants do not depend on our code."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from core import db, ledger
from core.settings import Settings
from tests.core.ledger.conftest import assert_books_agree, charged, key, somebody

pytestmark = pytest.mark.integration


@pytest.fixture
async def names(database: Settings) -> AsyncIterator[dict[str, int]]:
    """Two people and their charges, by the names that the statements below use. Nothing of it may change."""
    anna, boris = await somebody("20"), await somebody("20")
    charges = {name: (await charged(anna, "2")).id for name in ("open", "part", "refunded", "settled")}
    charges["of_boris"] = (await charged(boris, "2")).id
    await ledger.refund(charges["part"], key=key(), amount=Decimal(1))
    await ledger.refund(charges["refunded"], key=key())
    await ledger.settle(charges["settled"])
    before = await everything()
    yield {"anna": anna, "boris": boris, **charges}
    assert await everything() == before
    await assert_books_agree()


async def everything() -> list[tuple[Any, ...]]:
    """Every row of the ledger."""
    tables = ("botapp_userbalance", "botapp_transaction", "botapp_charge")
    return [tuple(row.values()) for table in tables for row in await db.fetch(f"SELECT * FROM {table} ORDER BY id")]


REFUSED = [
    ("UPDATE botapp_transaction SET amount = amount - 1", "transaction_is_append_only"),
    ("UPDATE botapp_transaction SET reason = 'another'", "transaction_is_append_only"),
    ("UPDATE botapp_transaction SET user_id = {boris} WHERE id = {open}", "transaction_is_append_only"),
    ("UPDATE botapp_transaction SET id = id", "transaction_is_append_only"),
    ("DELETE FROM botapp_transaction WHERE id = {open}", "transaction_is_append_only"),
    ("DELETE FROM botapp_transaction", "transaction_is_append_only"),
    ("TRUNCATE botapp_transaction CASCADE", "transaction_is_append_only"),
    (
        "INSERT INTO botapp_transaction (user_id, type, amount, idempotency_key) VALUES ({anna}, 'deposit', 5, 'd') "
        "ON CONFLICT (idempotency_key) DO UPDATE SET amount = 9; UPDATE botapp_transaction SET amount = 9",
        "transaction_is_append_only",
    ),
    ("UPDATE botapp_userbalance SET balance = 1000000", "userbalance_moves_only_by_postings"),
    ("UPDATE botapp_userbalance SET balance = balance - 1", "userbalance_moves_only_by_postings"),
    ("UPDATE botapp_userbalance SET balance = -1", "userbalance_moves_only_by_postings"),
    ("UPDATE botapp_userbalance SET user_id = {boris} WHERE user_id = {anna}", "userbalance_moves_only_by_postings"),
    ("DELETE FROM botapp_userbalance", "userbalance_moves_only_by_postings"),
    ("TRUNCATE botapp_userbalance", "transaction_is_append_only"),
    ("UPDATE botapp_charge SET state = 'open', refunded = 0 WHERE transaction_id = {refunded}", "charge_resolves_once"),
    ("UPDATE botapp_charge SET state = 'settled' WHERE transaction_id = {refunded}", "charge_resolves_once"),
    ("UPDATE botapp_charge SET state = 'open' WHERE transaction_id = {settled}", "charge_resolves_once"),
    ("UPDATE botapp_charge SET state = 'refunded' WHERE transaction_id = {settled}", "charge_resolves_once"),
    ("UPDATE botapp_charge SET amount = 1 WHERE transaction_id = {open}", "charge_resolves_once"),
    ("UPDATE botapp_charge SET refunded = 0 WHERE transaction_id = {part}", "charge_resolves_once"),
    ("UPDATE botapp_charge SET transaction_id = {of_boris} WHERE transaction_id = {open}", "charge_resolves_once"),
    ("UPDATE botapp_charge SET refunded = 1 WHERE transaction_id = {open}", "charge_moves_only_by_postings"),
    (
        "UPDATE botapp_charge SET state = 'refunded' WHERE transaction_id = {open}",
        "charge_is_refunded_when_nothing_is_left",
    ),
    ("UPDATE botapp_charge SET state = 'lost' WHERE transaction_id = {open}", "charge_state_is_known"),
    ("DELETE FROM botapp_charge WHERE transaction_id = {open}", "charge_resolves_once"),
    ("TRUNCATE botapp_charge", "transaction_is_append_only"),
    ("INSERT INTO botapp_charge (transaction_id, amount) VALUES ({open}, 2)", "charge_moves_only_by_postings"),
    ("DELETE FROM botapp_tguser WHERE id = {anna}", None),
]


@pytest.mark.parametrize(("statement", "constraint"), REFUSED)
async def test_a_statement_that_would_break_the_books_is_refused(
    names: dict[str, int], statement: str, constraint: str | None
) -> None:
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refusal:
        async with db.transaction():
            await db.execute(statement.format(**names))
    if constraint is not None:
        assert refusal.value.constraint_name == constraint


POSTING = (
    "INSERT INTO botapp_transaction (user_id, type, amount, idempotency_key, related_transaction_id, quote, reason)"
)

ILL_FORMED = [
    ("a charge that gives", "({anna}, 'generation', 5, 'k', NULL, '{{}}', '')"),
    ("a charge without its quote", "({anna}, 'generation', -5, 'k', NULL, NULL, '')"),
    ("a charge of a charge", "({anna}, 'generation', -5, 'k', {open}, '{{}}', '')"),
    ("a charge above the balance", "({anna}, 'generation', -15.01, 'k', NULL, '{{}}', '')"),
    ("a refund that takes", "({anna}, 'refund', -1, 'k', {open}, NULL, '')"),
    ("a refund of nothing in particular", "({anna}, 'refund', 1, 'k', NULL, NULL, '')"),
    ("a refund above the charge", "({anna}, 'refund', 2.01, 'k', {open}, NULL, '')"),
    ("a refund above what is left", "({anna}, 'refund', 1.01, 'k', {part}, NULL, '')"),
    ("a refund of a refunded charge", "({anna}, 'refund', 0.01, 'k', {refunded}, NULL, '')"),
    ("a refund of a settled charge", "({anna}, 'refund', 0.01, 'k', {settled}, NULL, '')"),
    ("a refund of another user's charge", "({anna}, 'refund', 2, 'k', {of_boris}, NULL, '')"),
    ("a refund of a posting that does not exist", "({anna}, 'refund', 2, 'k', 404404, NULL, '')"),
    ("a deposit that takes", "({anna}, 'deposit', -1, 'k', NULL, NULL, '')"),
    ("a bonus that takes", "({anna}, 'bonus', -1, 'k', NULL, NULL, '')"),
    ("a referral that takes", "({anna}, 'referral', -1, 'k', NULL, NULL, '')"),
    ("a correction without a reason", "({anna}, 'admin', 1, 'k', NULL, NULL, '')"),
    ("a correction below zero", "({anna}, 'admin', -15.01, 'k', NULL, NULL, 'typed wrongly')"),
    ("a posting of nothing", "({anna}, 'admin', 0, 'k', NULL, NULL, 'why')"),
    ("a posting that is rounded to nothing", "({anna}, 'deposit', 0.004, 'k', NULL, NULL, '')"),
    ("a posting of an unknown kind", "({anna}, 'gift', 1, 'k', NULL, NULL, 'why')"),
    ("a posting of nobody", "(404404, 'deposit', 1, 'k', NULL, NULL, '')"),
    ("a posting without a key", "({anna}, 'deposit', 1, NULL, NULL, NULL, '')"),
]


@pytest.mark.parametrize(("what", "values"), ILL_FORMED, ids=[what for what, _ in ILL_FORMED])
async def test_an_ill_formed_posting_is_refused(names: dict[str, int], what: str, values: str) -> None:
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await db.execute(f"{POSTING} VALUES {values.format(**names)}")


async def test_a_used_key_is_refused(names: dict[str, int]) -> None:
    used = await db.fetch_value("SELECT idempotency_key FROM botapp_transaction LIMIT 1")
    with pytest.raises(asyncpg.UniqueViolationError):
        await db.execute(f"{POSTING} VALUES ({names['anna']}, 'deposit', 1, $1, NULL, NULL, '')", used)


async def test_a_new_balance_starts_at_nothing(names: dict[str, int]) -> None:
    number = await db.fetch_value("INSERT INTO botapp_tguser (chat_id) VALUES (5) RETURNING id")
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refusal:
        await db.execute("INSERT INTO botapp_userbalance (user_id, balance) VALUES ($1, 100)", number)
    assert refusal.value.constraint_name == "userbalance_moves_only_by_postings"

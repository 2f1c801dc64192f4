"""What each posting was for: found from the posting itself or from what it belongs to."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core import catalog, db, ledger
from core.ledger import Entry, PostingKind
from core.settings import Settings
from core.types import IdempotencyKey, UserId
from tests.core.ledger.conftest import charged, key, somebody

pytestmark = pytest.mark.integration


async def entries(user: UserId) -> list[Entry]:
    """Everything, the oldest first."""
    return list(reversed(await ledger.history(user)))


async def payment_of(deposit: int, user: UserId, code: str = "c" * 32) -> None:
    """The payment behind a deposit."""
    await db.execute(
        """INSERT INTO token_packages (code, title, credits, price_usd) VALUES ('p', 'A hundred', 100, 5)
        ON CONFLICT DO NOTHING"""
    )
    await db.execute(
        """INSERT INTO botapp_payment (code, idempotency_key, user_id, gateway, external_id, package_code, tokens,
            amount, currency, status, transaction_id, paid_at)
        VALUES ($1, $1, $2, 'stars', $1, 'p', 100, 385, 'XTR', 'paid', $3, now())""",
        code,
        user,
        deposit,
    )


async def given(user: UserId, kind: PostingKind, reason: str, related: int | None = None) -> int:
    """Ten tokens of a kind."""
    posting = await ledger.give_once(user, Decimal(10), kind, key=key(), reason=reason, related=related)
    assert posting is not None
    return posting.id


async def test_a_charge_and_its_refund_name_the_model_and_its_name(database: Settings) -> None:
    await catalog.sync()
    user = await somebody("10")
    charge = await charged(user, "1")
    await ledger.refund(charge.id, key=key())
    _, taken, returned = await entries(user)
    assert (taken.model, taken.what) == ("nano-banana", "generation with nano-banana")
    assert taken.model_name == returned.model_name != taken.model
    assert (returned.what, returned.origin) == (
        "refund of a generation with nano-banana",
        PostingKind.GENERATION,
    )


async def test_a_model_that_is_gone_keeps_its_slug(database: Settings) -> None:
    user = await somebody("10")
    await charged(user, "1")
    assert [(entry.model, entry.model_name) for entry in (await entries(user))[1:]] == [("nano-banana", None)]


async def test_a_deposit_its_bonus_and_what_takes_them_back_name_the_payment(database: Settings) -> None:
    user = await somebody()
    deposit = await ledger.post(user, Decimal(100), PostingKind.DEPOSIT, key=key())
    await payment_of(deposit.id, user)
    bonus = await given(user, PostingKind.BONUS, "first_deposit", deposit.id)
    await ledger.post(user, Decimal(5), PostingKind.ADMIN, key=key(), reason="spent", related=deposit.id)
    await ledger.reverse(deposit, key=key())
    await ledger.reverse(await ledger.get(bonus), key=key())
    found = await entries(user)
    assert [entry.payment for entry in found] == ["c" * 32] * 5
    assert [entry.what for entry in found] == [
        "deposit, A hundred",
        "first deposit",
        "write-off for a refund",
        "taken back: deposit",
        "taken back: first deposit",
    ]
    assert [entry.is_write_off for entry in found] == [False, False, True, False, False]


async def test_a_reward_for_a_friends_payment_does_not_show_that_payment(database: Settings) -> None:
    friend, user = await somebody(), await somebody()
    deposit = await ledger.post(friend, Decimal(100), PostingKind.DEPOSIT, key=key())
    await payment_of(deposit.id, friend)
    await given(user, PostingKind.REFERRAL, "friend_paid", deposit.id)
    [entry] = await entries(user)
    assert (entry.payment, entry.package, entry.what) == (None, None, "friend paid")


async def test_a_promo_code_is_named_also_when_its_bonus_is_taken_back(database: Settings) -> None:
    user = await somebody()
    bonus = await given(user, PostingKind.BONUS, "promo:SUMMER")
    promo = await db.fetch_value("INSERT INTO botapp_promocode (code, value) VALUES ('SUMMER', 10) RETURNING id")
    await db.execute(
        "INSERT INTO botapp_promoredemption (promo_id, user_id, transaction_id) VALUES ($1, $2, $3)", promo, user, bonus
    )
    await ledger.reverse(await ledger.get(bonus), key=key())
    assert [(entry.promo_code, entry.what) for entry in await entries(user)] == [
        ("SUMMER", "promo code SUMMER"),
        ("SUMMER", "taken back: promo code SUMMER"),
    ]


async def test_an_adjustment_is_one_and_names_nothing_else(database: Settings) -> None:
    user = await somebody("10")
    [entry] = await entries(user)
    assert (entry.what, entry.payment, entry.generation, entry.promo_code) == ("adjustment", None, None, None)


async def test_the_extent_counts_ones_own_postings_up_to_a_number(database: Settings) -> None:
    user, other = await somebody("1"), await somebody("1")
    assert await ledger.extent(await somebody()) == (0, 0)
    first = (await ledger.history(user))[0].posting.id
    await ledger.post(other, Decimal(1), PostingKind.ADMIN, key=key(), reason="test")
    last = await ledger.post(user, Decimal(1), PostingKind.ADMIN, key=IdempotencyKey("last"), reason="test")
    assert await ledger.extent(user) == (2, last.id)
    assert await ledger.extent(user, newest=last.id - 1) == (1, first)
    assert await ledger.extent(user, newest=0) == (0, 0)


async def test_pages_may_be_skipped(database: Settings) -> None:
    user = await somebody()
    for _ in range(5):
        await ledger.post(user, Decimal(1), PostingKind.ADMIN, key=key(), reason="test")
    assert [entry.posting.balance_after for entry in await ledger.history(user, limit=2, skip=3)] == [2, 1]

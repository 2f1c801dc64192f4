"""The invariants of the ledger, attacked over many connections at the same moment."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import asyncpg
import pytest

from core import db, ledger, users
from core.ledger import AlreadyResolved, InsufficientTokens, KeyReused, Posting, PostingKind
from core.settings import Settings
from core.types import UserId
from tests.core.ledger.conftest import (
    CONNECTIONS,
    assert_books_agree,
    at_once,
    charged,
    failures,
    key,
    quote_of,
    somebody,
    successes,
)

pytestmark = pytest.mark.integration


async def running_balances(user: UserId) -> list[Decimal]:
    """The balance after each posting, oldest first."""
    return [line.balance_after for line in reversed(await ledger.statement(user, limit=1000))]


async def test_charges_at_once_never_take_more_than_there_is(database: Settings) -> None:
    user = await somebody("10.00")
    outcomes = await at_once(CONNECTIONS, lambda _: charged(user, "0.80"))
    assert len(successes(outcomes)) == 12
    assert set(failures(outcomes)) == {InsufficientTokens}
    assert str(await ledger.balance_of(user)) == "0.40"
    assert await running_balances(user) == [Decimal("10") - Decimal("0.80") * taken for taken in range(13)]
    await assert_books_agree()


async def test_charges_at_once_without_a_transaction_never_take_more_than_there_is(database: Settings) -> None:
    user = await somebody("10.00")
    outcomes = await asyncio.gather(*(charged(user, "3") for _ in range(CONNECTIONS)), return_exceptions=True)
    assert len(successes(list(outcomes))) == 3
    assert str(await ledger.balance_of(user)) == "1.00"
    await assert_books_agree()


async def test_one_key_at_once_posts_once(database: Settings) -> None:
    user, shared = await somebody("10.00"), key()
    outcomes = await at_once(20, lambda _: ledger.charge(user, quote_of("4"), key=shared))
    assert failures(outcomes) == []
    assert len({posting.id for posting in successes(outcomes)}) == 1
    assert str(await ledger.balance_of(user)) == "6.00"
    assert await db.fetch_value("SELECT count(*) FROM botapp_charge") == 1
    await assert_books_agree()


async def test_one_key_at_once_for_all_the_tokens_posts_once(database: Settings) -> None:
    user, shared = await somebody("4.00"), key()
    outcomes = await at_once(20, lambda _: ledger.charge(user, quote_of("4"), key=shared))
    assert failures(outcomes) == []
    assert str(await ledger.balance_of(user)) == "0.00"


async def test_one_key_at_once_with_different_amounts_posts_one_of_them(database: Settings) -> None:
    user, shared = await somebody("10.00"), key()
    outcomes = await at_once(10, lambda number: ledger.charge(user, quote_of(Decimal(1 + number % 2)), key=shared))
    taken = {posting.amount for posting in successes(outcomes)}
    assert len(taken) == 1
    assert len(successes(outcomes)) == 5
    assert set(failures(outcomes)) == {KeyReused}
    assert await ledger.balance_of(user) == 10 + taken.pop()
    await assert_books_agree()


async def test_one_key_at_once_for_different_users_charges_one_of_them(database: Settings) -> None:
    everybody, shared = [await somebody("10.00") for _ in range(10)], key()
    outcomes = await at_once(10, lambda number: ledger.charge(everybody[number], quote_of("4"), key=shared))
    assert len(successes(outcomes)) == 1
    assert failures(outcomes) == [KeyReused] * 9
    assert sorted([str(await ledger.balance_of(user)) for user in everybody]) == ["10.00"] * 9 + ["6.00"]
    await assert_books_agree()


async def test_a_key_of_a_transaction_that_fails_can_be_used_by_one_that_waited(database: Settings) -> None:
    user, shared = await somebody("10.00"), key()
    holding, go_on = asyncio.Event(), asyncio.Event()

    async def fail() -> None:
        async with db.transaction():
            await ledger.charge(user, quote_of("4"), key=shared)
            holding.set()
            await go_on.wait()
            raise ZeroDivisionError

    failing = asyncio.create_task(fail())
    await holding.wait()
    waiting = asyncio.create_task(ledger.charge(user, quote_of("4"), key=shared))
    async with asyncio.timeout(20):
        while not await db.fetch_value("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            assert not waiting.done()
    go_on.set()
    with pytest.raises(ZeroDivisionError):
        await failing
    assert str((await waiting).balance_after) == "6.00"
    assert str(await ledger.balance_of(user)) == "6.00"
    await assert_books_agree()


async def test_refunds_at_once_return_a_charge_once(database: Settings) -> None:
    user = await somebody("10.00")
    charge = await charged(user, "4")
    outcomes = await at_once(20, lambda _: ledger.refund(charge.id, key=key()))
    assert len(successes(outcomes)) == 1
    assert set(failures(outcomes)) == {AlreadyResolved}
    assert str(await ledger.balance_of(user)) == "10.00"
    await assert_books_agree()


async def test_refunds_at_once_without_a_transaction_return_a_charge_once(database: Settings) -> None:
    user = await somebody("10.00")
    charge = await charged(user, "4")
    attempts = (ledger.refund(charge.id, key=key()) for _ in range(20))
    outcomes = list(await asyncio.gather(*attempts, return_exceptions=True))
    assert len(successes(outcomes)) == 1
    assert set(failures(outcomes)) == {AlreadyResolved}
    assert str(await ledger.balance_of(user)) == "10.00"


async def test_one_refund_at_once_with_one_key_is_given_once_to_all_callers(database: Settings) -> None:
    user, shared = await somebody("10.00"), key()
    charge = await charged(user, "4")
    outcomes = await at_once(20, lambda _: ledger.refund(charge.id, key=shared))
    assert failures(outcomes) == []
    assert len({posting.id for posting in successes(outcomes)}) == 1
    assert str(await ledger.balance_of(user)) == "10.00"


async def test_parts_at_once_never_return_more_than_the_charge(database: Settings) -> None:
    user = await somebody("10.00")
    charge = await charged(user, "4")
    outcomes = await at_once(20, lambda _: ledger.refund(charge.id, key=key(), amount=Decimal("0.70")))
    assert len(successes(outcomes)) == 5
    assert set(failures(outcomes)) == {AlreadyResolved}
    assert str(await ledger.balance_of(user)) == "9.50"
    await assert_books_agree()


async def test_settling_and_refunding_at_once_resolves_one_way(database: Settings) -> None:
    user = await somebody("100.00")
    for _ in range(10):
        charge = await charged(user, "4")

        async def resolve(number: int, charge: Posting = charge) -> None:
            if number % 2:
                await ledger.settle(charge.id)
            else:
                await ledger.refund(charge.id, key=key())

        before = await ledger.balance_of(user)
        outcomes = await at_once(8, resolve)
        state = await db.fetch_value("SELECT state FROM botapp_charge WHERE transaction_id = $1", charge.id)
        assert set(failures(outcomes)) <= {AlreadyResolved}
        assert len(successes(outcomes)) == (4 if state == "settled" else 1)
        assert await ledger.balance_of(user) - before == (0 if state == "settled" else 4)
    await assert_books_agree()


async def test_a_welcome_at_once_is_given_once(database: Settings) -> None:
    user = await somebody()
    outcomes = await at_once(8, lambda _: ledger.give_welcome_bonus(user))
    assert failures(outcomes) == []
    assert len([bonus for bonus in successes(outcomes) if bonus is not None]) == 1
    assert str(await ledger.balance_of(user)) == "50.00"
    await assert_books_agree()


async def test_somebody_who_arrives_twice_at_once_is_one_user_with_one_bonus(database: Settings) -> None:
    async def arrive(_: int) -> UserId:
        user = await users.upsert(users.Profile(77, "fox", "Fox"))
        await ledger.give_welcome_bonus(user.id)
        return user.id

    outcomes = await asyncio.gather(*(arrive(number) for number in range(8)))
    assert len(set(outcomes)) == 1
    assert str(await ledger.balance_of(outcomes[0])) == "50.00"


async def test_postings_of_every_kind_at_once_keep_the_running_balance_in_order(database: Settings) -> None:
    user = await somebody("20.00")
    charges = [await charged(user, "1") for _ in range(10)]

    async def move(number: int) -> None:
        match number % 5:
            case 0:
                await charged(user, "0.30")
            case 1:
                await ledger.refund(charges[number // 5].id, key=key())
            case 2:
                await ledger.post(user, Decimal("2"), PostingKind.ADMIN, key=key(), reason="test")
            case 3:
                await ledger.give_welcome_bonus(user)
            case _:
                await ledger.post(user, Decimal("-0.10"), PostingKind.ADMIN, key=key(), reason="test")

    outcomes = await at_once(CONNECTIONS, move)
    assert failures(outcomes) == []
    # 20 - 10 charged, 10 charges more, all of the first returned, 10 deposits, the bonus once, 10 corrections.
    assert str(await ledger.balance_of(user)) == str(Decimal("20") - 10 - 3 + 10 + 20 + 50 - 1) + ".00"
    await assert_books_agree()


async def test_users_do_not_wait_for_each_other(database: Settings) -> None:
    anna, boris = await somebody("10"), await somebody("10")
    async with db.transaction():
        await charged(anna, "1")
        async with asyncio.timeout(20):
            other = asyncio.create_task(_in_its_own_context(boris))
            assert str((await other).balance_after) == "9.00"


async def _in_its_own_context(user: UserId) -> Posting:
    db.DB.current_transaction.set(None)
    return await charged(user, "1")


async def test_charges_and_refunds_of_many_users_at_once_do_not_deadlock(database: Settings) -> None:
    everybody = [await somebody("10.00") for _ in range(5)]

    async def use(number: int) -> None:
        charge = await charged(everybody[number % 5], "0.10")
        if number % 2:
            await ledger.refund(charge.id, key=key())
        else:
            await ledger.settle(charge.id)

    outcomes = await at_once(CONNECTIONS, use)
    assert asyncpg.DeadlockDetectedError not in failures(outcomes)
    assert failures(outcomes) == []
    assert [str(await ledger.balance_of(user)) for user in everybody] == ["9.50"] * 5
    await assert_books_agree()

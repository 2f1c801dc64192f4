"""`verify` finds every kind of disagreement, and finds it quickly."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from core import catalog, db, ledger, users
from core.generations import Order, repository, submit
from core.ledger.verification import SHOWN
from core.queue import outbox
from core.settings import Settings
from core.types import TraceId
from tests.core.ledger.conftest import at_once, charged, failures, found, key, plant, quote_of, somebody

pytestmark = pytest.mark.integration


@pytest.fixture
async def run_code(database: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """A queued generation of user 4242, who had 50.00 and was charged 0.80."""

    async def publish_nothing(**_: float) -> int:
        return 0

    monkeypatch.setattr(outbox, "flush", publish_nothing)
    catalog.configure({"demo"})
    await catalog.sync()
    user = await users.upsert(users.Profile(4242, "fox", "Fox"))
    await ledger.give_welcome_bonus(user.id)
    order = Order(user=user, model="nano-banana", prompt="a fox", key=key(), language="en", trace_id=TraceId("0" * 32))
    yield (await submit(order)).run_code
    catalog.configure(())


async def test_an_empty_ledger_agrees(database: Settings) -> None:
    report = await ledger.verify()
    assert (report.ok, report.users, report.postings) == (True, 0, 0)


async def test_a_ledger_in_use_agrees_and_is_counted(run_code: str) -> None:
    report = await ledger.verify()
    assert (report.ok, report.users, report.postings) == (True, 1, 2)


async def test_a_changed_balance_is_found(run_code: str) -> None:
    await plant("UPDATE botapp_userbalance SET balance = balance + 100")
    assert await found() == {"balance_differs_from_statement": "user 1: balance 149.20, postings 49.20"}


async def test_a_lost_balance_is_found(run_code: str) -> None:
    await plant("DELETE FROM botapp_userbalance")
    assert await found() == {"balance_differs_from_statement": "user 1: balance is missing, postings 49.20"}


async def test_a_balance_from_nowhere_is_found(run_code: str) -> None:
    await plant(
        "INSERT INTO botapp_tguser (chat_id) VALUES (13)",
        "INSERT INTO botapp_userbalance (user_id, balance) SELECT id, 7 FROM botapp_tguser WHERE chat_id = 13",
    )
    assert list(await found()) == ["balance_differs_from_statement"]


async def test_a_posting_that_moved_nothing_is_found(run_code: str) -> None:
    await plant(
        """INSERT INTO botapp_transaction (user_id, type, amount, balance_after, idempotency_key)
        VALUES (1, 'deposit', 5, 54.20, 'planted')"""
    )
    assert set(await found()) == {
        "balance_differs_from_statement",
        "totals_differ_from_statement",
        "deposit_without_payment",
    }


@pytest.mark.parametrize("column", ["total_spent", "total_deposited", "bonus_balance"])
async def test_a_changed_total_is_found(run_code: str, column: str) -> None:
    await plant(f"UPDATE botapp_userbalance SET {column} = {column} + 1")
    assert list(await found()) == ["totals_differ_from_statement"]


async def test_a_changed_amount_is_found_wherever_it_shows(run_code: str) -> None:
    await plant("UPDATE botapp_transaction SET amount = -0.70 WHERE type = 'generation'")
    assert set(await found()) == {
        "balance_differs_from_statement",
        "totals_differ_from_statement",
        "balance_after_is_wrong",
        "charge_differs_from_posting",
        "generation_differs_from_charge",
        "charged_other_than_quoted",
    }


async def test_a_changed_running_balance_is_found(run_code: str) -> None:
    await plant("UPDATE botapp_transaction SET balance_after = 51 WHERE type = 'bonus'")
    problem = (await found())["balance_after_is_wrong"]
    assert problem.endswith("says 51.00, running sum 50.00")


async def test_a_lost_charge_is_found(run_code: str) -> None:
    await plant("DELETE FROM botapp_charge")
    assert (await found())["charge_differs_from_posting"].endswith("took 0.80, charge missing")


async def test_a_refund_without_a_posting_is_found(run_code: str) -> None:
    await plant("UPDATE botapp_charge SET refunded = 0.30")
    problem = (await found())["charge_differs_from_refunds"]
    assert problem.endswith("charge says 0.30 refunded, postings say 0")


async def test_a_refund_to_another_user_is_found(run_code: str) -> None:
    other = await somebody()
    await plant(
        f"""INSERT INTO botapp_transaction (user_id, type, amount, balance_after, idempotency_key,
            related_transaction_id)
        SELECT {other}, 'refund', 0.80, 0.80, 'planted', id FROM botapp_transaction WHERE type = 'generation'"""
    )
    assert "refund_of_no_charge" in await found()


async def test_a_refund_of_a_deposit_is_found(run_code: str) -> None:
    await plant(
        """INSERT INTO botapp_transaction (user_id, type, amount, balance_after, idempotency_key,
            related_transaction_id)
        SELECT 1, 'refund', 50, 99.20, 'planted', id FROM botapp_transaction WHERE type = 'bonus'"""
    )
    assert "refund_of_no_charge" in await found()


async def test_a_charge_for_no_generation_is_found(run_code: str) -> None:
    await plant("DELETE FROM botapp_genevent", "DELETE FROM botapp_genrequest")
    assert (await found())["charge_without_generation"].endswith("-0.80 taken for no generation")


async def test_a_generation_of_another_price_is_found(run_code: str) -> None:
    await plant("UPDATE botapp_genrequest SET cost = 0.10")
    problem = (await found())["generation_differs_from_charge"]
    assert problem == f"generation {run_code}: user 1 for 0.10, posting says user 1 for 0.80"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("done", "open"),
        ("error", "open"),
        ("cancelled", "open"),
        ("error", "settled"),
        ("queued", "settled"),
        ("processing", "settled"),
    ],
)
async def test_a_generation_that_ended_otherwise_than_its_charge_is_found(
    run_code: str, status: str, state: str
) -> None:
    await plant(f"UPDATE botapp_genrequest SET status = '{status}'", f"UPDATE botapp_charge SET state = '{state}'")
    assert await found() == {"finished_but_unresolved": f"generation {run_code}: {status}, charge is {state}"}


async def test_a_done_generation_whose_charge_was_returned_is_found(run_code: str) -> None:
    generation = await repository.get(run_code)
    await ledger.refund(generation.transaction_id, key=key())
    await plant("UPDATE botapp_genrequest SET status = 'done'")
    assert list(await found()) == ["finished_but_unresolved"]


async def test_a_quote_of_another_price_is_found(run_code: str) -> None:
    await plant(
        "UPDATE botapp_transaction SET quote = jsonb_set(quote, '{tokens}', '\"0.70\"') WHERE type = 'generation'"
    )
    assert (await found())["charged_other_than_quoted"].endswith("took 0.80, quoted 0.70")


async def test_a_quote_without_a_price_is_found(run_code: str) -> None:
    await plant("UPDATE botapp_transaction SET quote = '{}' WHERE type = 'generation'")
    assert list(await found()) == ["charged_other_than_quoted"]


async def test_problems_of_one_kind_are_cut_off_at_a_readable_number(database: Settings) -> None:
    user = await somebody("1000")
    for _ in range(SHOWN + 5):
        await charged(user, "1")
    problems = (await ledger.verify()).problems
    assert len(problems) == SHOWN
    assert {problem.kind for problem in problems} == {"charge_without_generation"}


async def test_it_sees_one_moment_of_a_ledger_that_moves(database: Settings) -> None:
    everybody = [await somebody("100") for _ in range(8)]

    async def move(number: int) -> None:
        charge = await ledger.charge(everybody[number], quote_of("1"), key=key())
        await ledger.refund(charge.id, key=key())

    async def look() -> list[str]:
        report = await ledger.verify()
        return [problem.kind for problem in report.problems if problem.kind != "charge_without_generation"]

    for _ in range(5):
        outcomes, seen = await asyncio.gather(at_once(8, move), look())
        assert failures(outcomes) == []
        assert seen == []


async def test_thousands_of_postings_are_verified_within_a_second(database: Settings) -> None:
    await db.execute("INSERT INTO botapp_tguser (chat_id) SELECT generate_series(1, 200)")
    await db.execute("INSERT INTO botapp_userbalance (user_id) SELECT id FROM botapp_tguser")
    for _ in range(40):
        await db.execute(
            """INSERT INTO botapp_transaction (user_id, type, amount, idempotency_key, reason)
            SELECT id, 'admin', 1.10, gen_random_uuid()::text, 'test' FROM botapp_tguser"""
        )
    begin = time.perf_counter()
    report = await ledger.verify()
    took = time.perf_counter() - begin
    assert (report.ok, report.users, report.postings) == (True, 200, 8000)
    assert took < 1

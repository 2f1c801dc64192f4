"""The books: everything that happens to tokens and money as double entry, checked by hledger and by Beancount."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from cli.books import WRITERS
from cli.wire_ledger import BookEntry as WireEntry
from core import db, ledger, users
from core.http.ops.ledger_schemas import BookEntry as Answer
from core.ledger import PostingKind, books
from core.ledger.books import BookEntry, Position
from core.payments import Payment, crediting, gateways, orders, packages, refunds
from core.payments.gateways.base import Outcome
from core.payments.orders import Purchase
from core.queue import outbox
from core.settings import Settings
from scripts import accounting
from tests.core.ledger.conftest import key, quote_of
from tests.core.payments.conftest import paid
from tests.core.payments.till import Till

pytestmark = pytest.mark.integration

HOSTILE = 'he said; "no" | paid: \\ twice, =SUM(A1)\n2026-01-01 * forged\n  Assets:X  1 TOKEN \x1b[31m\u2028 \U0001f98a'


@pytest.fixture
async def tills(database: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Till]:
    """Two gateways and the shipped packages; the outbox keeps what it is given."""

    async def publish_nothing(**_: Any) -> int:
        return 0

    monkeypatch.setattr(outbox, "flush", publish_nothing)
    await packages.seed()
    first = Till()
    gateways.use(first)
    gateways.use(Till("bank-2.test", gives_ids=True))
    yield first
    await gateways.disconnect()


async def person(number: int) -> users.User:
    """Somebody with the welcome bonus."""
    user = await users.upsert(users.Profile(number, f"user{number}", "User", "", "ru"))
    await ledger.give_welcome_bonus(user.id)
    return user


async def buy(user: users.User, gateway: str = "till", package: str = "tokens-100") -> Payment:
    """Buy a package and pay."""
    payment = await orders.place(Purchase(user=user, package=package, gateway=gateway, key=key()))
    credited = await crediting.receive(paid(payment))
    assert credited is not None
    return credited


async def refund(payment: Payment, *, write_off: bool = False, reason: str = "asked for it") -> None:
    """Give a payment's money back, all the way."""
    async with db.transaction():
        await refunds.refund(payment.code, actor="token:ops", reason=reason, write_off=write_off)
    await refunds.carry_out(payment.code)


async def adjust(user: users.User, amount: str, reason: str) -> None:
    """Give or take tokens as an operator."""
    await ledger.post(user.id, Decimal(amount), PostingKind.ADMIN, key=key(), actor="token:ops", reason=reason)


@pytest.fixture
async def story(tills: Till) -> None:
    """Everything that happens: purchases, charges of every end, bonuses, adjustments, refunds, strange money."""
    ann, bob, eve = await person(101), await person(102), await person(103)
    await buy(ann)
    bought = await buy(bob, "bank-2.test", "tokens-500")
    await ledger.settle((await ledger.charge(ann.id, quote_of("8.05"), key=key())).id)
    await ledger.refund((await ledger.charge(ann.id, quote_of("4"), key=key())).id, key=key())
    partly = await ledger.charge(ann.id, quote_of("10"), key=key())
    await ledger.refund(partly.id, amount=Decimal("2.50"), key=key())
    await ledger.settle(partly.id)
    await ledger.charge(bob.id, quote_of("3.33"), key=key())
    await adjust(ann, "25.10", HOSTILE)
    await adjust(ann, "-5", "credited twice")
    await ledger.give_once(bob.id, Decimal(10), PostingKind.REFERRAL, key=key(), reason="friend_paid")
    await ledger.give_once(bob.id, Decimal("1.5"), PostingKind.BONUS, key=key(), reason="promo:SUMMER")
    await refund(bought)
    spent = await buy(eve)
    await ledger.settle((await ledger.charge(eve.id, quote_of("120"), key=key())).id)
    await refund(spent, write_off=True, reason=HOSTILE)
    lost = await orders.place(Purchase(user=eve, package="tokens-100", gateway="till", key=key()))
    await crediting.receive(paid(lost, external_id="short", amount=Decimal("4.99")))
    odd = await crediting.receive(paid(lost, external_id="odd", currency="€$", order_code="", amount=Decimal(7)))
    assert odd is not None
    await refund(odd)


async def everything(*, limit: int = 3, since: date | None = None, until: date | None = None) -> list[BookEntry]:
    """All entries, read in small pages."""
    entries: list[BookEntry] = []
    position: Position | None = Position()
    while position is not None:
        page = await books.read(position, limit=limit, since=since, until=until)
        entries += page.entries
        position = page.following
    return entries


async def text(form: str) -> str:
    """The books in a format, through the shape that the API gives them and that `nb` reads."""
    writer = WRITERS[form]()
    wire = [cast("WireEntry", json.loads(Answer.of(entry).model_dump_json())) for entry in await everything()]
    return writer.head('a "title"; with \\') + "".join(map(writer.entry, wire))


async def balances() -> dict[str, Decimal]:
    """What everybody has, by account of the books."""
    rows = await db.fetch(
        "SELECT chat_id, balance FROM botapp_userbalance JOIN botapp_tguser AS person ON person.id = user_id"
    )
    return {f"Liabilities:Users:{row['chat_id']}": row["balance"] for row in rows}


def totals(entries: list[BookEntry]) -> dict[tuple[str, str], Decimal]:
    """What each account holds, by commodity."""
    found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for entry in entries:
        for line in entry.lines:
            found[line.account, line.commodity] += line.amount
    return {name: amount for name, amount in found.items() if amount}


def program(found: str | None) -> str:
    """The path of an accounting program."""
    assert found is not None, "hledger or Beancount is missing; install them with: ./run just accounting"
    return found


def ran(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    return subprocess.run(command, capture_output=True, text=True, check=False, env={"LANG": "C.UTF-8"})


def hledger(journal: Path, *arguments: str) -> str:
    """Run hledger on a journal and return what it prints."""
    done = ran(program(accounting.find_hledger()), "--file", str(journal), *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_every_entry_adds_up_to_nothing(story: None) -> None:
    entries = await everything()
    assert len(entries) > 25
    for entry in entries:
        worth: dict[str, Decimal] = defaultdict(Decimal)
        for line in entry.lines:
            if line.tokens is None:
                worth[line.commodity] += line.amount
            else:
                worth["TOKEN"] += line.tokens.copy_sign(line.amount)
        assert set(worth.values()) == {0}, entry


async def test_what_users_have_is_what_the_books_owe_them(story: None) -> None:
    held = totals(await everything())
    owed = {account: -amount for (account, _), amount in held.items() if account.startswith("Liabilities:Users:")}
    assert owed == {account: balance for account, balance in (await balances()).items() if balance}


async def test_every_account_says_what_happened(story: None) -> None:
    found = totals(await everything())
    assert found["Income:Generations:Nano-banana", "TOKEN"] == -(Decimal("8.05") + Decimal("7.50") + 120)
    assert found["Liabilities:Held", "TOKEN"] == Decimal("-3.33")
    assert found["Expenses:Adjustments", "TOKEN"] == Decimal("20.10")
    assert found["Expenses:WriteOffs", "TOKEN"] == 70
    assert found["Expenses:Bonuses:Welcome", "TOKEN"] == 150
    assert found["Expenses:Bonuses:Promo", "TOKEN"] == Decimal("1.5")
    assert found["Expenses:Bonuses:Friend-paid", "TOKEN"] == 10
    assert found["Expenses:Bonuses:First-deposit", "TOKEN"] == 20
    assert found["Assets:Gateways:Till", "USD"] == 5 + Decimal("4.99")
    assert found["Liabilities:Quarantine:Till", "USD"] == Decimal("-4.99")
    assert not any(account.startswith(("Assets:Gateways:Bank", "Liabilities:Refunds")) for account, _ in found)
    assert not any(commodity == "XXX" for _, commodity in found)


async def test_money_on_its_way_back_is_owed_until_it_went(tills: Till) -> None:
    payment = await buy(await person(101))
    async with db.transaction():
        await refunds.refund(payment.code, actor="token:ops", reason="asked for it")
    found = totals(await everything())
    assert found["Assets:Gateways:Till", "USD"] == 5
    assert found["Liabilities:Refunds:Till", "USD"] == -5
    await refunds.carry_out(payment.code)
    assert {account for account, _ in totals(await everything())} == {
        "Liabilities:Users:101",
        "Expenses:Bonuses:Welcome",
    }


async def test_a_refund_that_overtook_its_payment_comes_and_goes(tills: Till) -> None:
    user = await person(101)
    payment = await orders.place(Purchase(user=user, package="tokens-100", gateway="till", key=key()))
    await crediting.receive(paid(payment, outcome=Outcome.REFUNDED))
    entries = await everything()
    assert [entry.id.partition("-")[2] for entry in entries] == ["", "quarantined", "returned"]
    assert ("Assets:Gateways:Till", "USD") not in totals(entries)


async def test_the_pages_do_not_depend_on_their_size(story: None) -> None:
    assert await everything(limit=1) == await everything(limit=7) == await everything(limit=1000)


async def test_days_are_cut_at_midnight_in_utc_wherever_an_entry_lies(story: None) -> None:
    today = datetime.now(UTC).date()
    all_entries = await everything()
    assert await everything(since=today - timedelta(days=1), until=today + timedelta(days=2)) == all_entries
    for limit in (1, 3):
        before = await everything(until=today - timedelta(days=1), limit=limit)
        after = await everything(since=today + timedelta(days=2), limit=limit)
        assert (before, after) == ([], [])


async def test_a_period_is_found_beyond_pages_without_any_of_it(tills: Till) -> None:
    user = await person(101)
    for _ in range(3 * books.STEP):
        await adjust(user, "1", "before")
    last = await ledger.post(user.id, Decimal(2), PostingKind.ADMIN, key=key(), reason="later")
    later = datetime.now(UTC) + timedelta(days=40)
    async with db.transaction():
        await db.execute("SET LOCAL session_replication_role = replica")
        await db.execute("UPDATE botapp_transaction SET created_at = $1 WHERE id = $2", later, last.id)
    assert [entry.id for entry in await everything(since=later.date(), limit=1)] == [f"t{last.id}"]
    assert len(await everything(until=later.date(), limit=1)) == 3 * books.STEP + 1


async def test_a_settlement_on_another_day_than_its_charge_is_in_its_own_period(tills: Till) -> None:
    user = await person(101)
    charge = await ledger.charge(user.id, quote_of("4"), key=key())
    await ledger.settle(charge.id)
    later = datetime.now(UTC) + timedelta(days=40)
    async with db.transaction():
        await db.execute("SET LOCAL session_replication_role = replica")
        await db.execute("UPDATE botapp_charge SET resolved_at = $1", later)
    assert [entry.id for entry in await everything(since=later.date())] == [f"t{charge.id}-settled"]
    assert f"t{charge.id}-settled" not in [entry.id for entry in await everything(until=later.date())]


async def test_a_deposit_without_a_payment_balances_and_shows(database: Settings) -> None:
    user = await users.upsert(users.Profile(101, "", "User"))
    await ledger.post(user.id, Decimal(7), PostingKind.DEPOSIT, key=key())
    assert totals(await everything()) == {
        ("Equity:Unmatched", "TOKEN"): 7,
        ("Liabilities:Users:101", "TOKEN"): -7,
    }


async def test_hledger_accepts_the_journal_strictly_and_agrees_with_every_balance(story: None, tmp_path: Path) -> None:
    journal = tmp_path / "books.journal"
    journal.write_text(await text("hledger"), encoding="utf-8")
    assert hledger(journal, "check", "--strict") == ""
    table = hledger(journal, "balance", "--flat", "--no-total", "--output-format", "csv", "^Liabilities:Users:")
    owed = {
        account: -Decimal(amount.removesuffix(" TOKEN")) for account, amount in list(csv.reader(io.StringIO(table)))[1:]
    }
    assert owed == {account: balance for account, balance in (await balances()).items() if balance}
    assert hledger(journal, "balance", "--cost", "--no-elide", "--depth", "0").split()[-1] == "0"


async def test_hledger_finds_a_posting_by_its_user_and_its_payment(story: None, tmp_path: Path) -> None:
    journal = tmp_path / "books.journal"
    journal.write_text(await text("hledger"), encoding="utf-8")
    payment = await db.fetch_value("SELECT code FROM botapp_payment WHERE status = 'paid' LIMIT 1")
    printed = hledger(journal, "print", f"tag:reference={payment}")
    assert printed.count("deposit") == 1
    assert "forged" not in hledger(journal, "accounts", "--declared")


async def test_beancount_accepts_the_file(story: None, tmp_path: Path) -> None:
    file = tmp_path / "books.beancount"
    file.write_text(await text("beancount"), encoding="utf-8")
    done = ran(program(accounting.find_bean_check()), "--no-cache", str(file))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("form", ["hledger", "beancount"])
async def test_both_programs_notice_a_cent_that_is_missing(story: None, tmp_path: Path, form: str) -> None:
    file = tmp_path / f"broken.{form}"
    file.write_text((await text(form)).replace(" -8.05 TOKEN", " -8.04 TOKEN"), encoding="utf-8")
    found = accounting.find_hledger() if form == "hledger" else accounting.find_bean_check()
    arguments = ["--file", str(file), "check"] if form == "hledger" else ["--no-cache", str(file)]
    done = ran(program(found), *arguments)
    assert done.returncode != 0


async def test_a_spreadsheet_gets_rows_that_add_up_and_no_formulas(story: None) -> None:
    rows = list(csv.DictReader(io.StringIO(await text("csv"), newline="")))
    assert {row["account"] for row in rows} >= {"Liabilities:Users:101", "Assets:Gateways:Till"}
    assert sum(Decimal(row["amount"]) for row in rows if row["account"].startswith("Liabilities:Users:")) == -sum(
        (await balances()).values()
    )
    assert not [row for row in rows if row["reason"].startswith(("=", "+", "-", "@"))]
    assert HOSTILE in {row["reason"] for row in rows if row["account"] == "Expenses:Adjustments"}


@pytest.mark.parametrize(
    ("name", "account"),
    [
        ("veo-3.1", "Income:Generations:Veo-3-1"),
        ("4k", "Income:Generations:4k"),
        ("лиса", "Income:Generations:Unknown"),
        ("", "Income:Generations:Unknown"),
        ("a:b c", "Income:Generations:A-b-c"),
    ],
)
def test_any_name_becomes_an_account_that_both_programs_take(name: str, account: str) -> None:
    assert books._account("Income:Generations", name) == account


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\t=1"])
def test_a_reason_that_looks_like_a_formula_is_text(text: str) -> None:
    entry: dict[str, Any] = {
        "id": "t1",
        "at": "2026-11-22T12:00:00.000Z",
        "what": "adjustment",
        "user": "101",
        "reference": "",
        "actor": "token:ops",
        "reason": text,
        "lines": [{"account": "A:B", "amount": "-1.00", "commodity": "TOKEN", "tokens": None}],
    }
    row = next(csv.reader(io.StringIO(WRITERS["csv"]().entry(cast("WireEntry", entry)), newline="")))
    assert (row[-1], row[5]) == (f"'{text}", "-1.00")


async def test_keys_of_entries_are_unique(story: None) -> None:
    ids = [entry.id for entry in await everything()]
    assert len(set(ids)) == len(ids)

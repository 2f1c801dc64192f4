"""`nb ledger export`: all pages, into a file that appears when it is complete, or to stdout."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.books import WRITERS
from cli.commands import ledger_export
from cli.wire_ledger import BookEntry
from tests.cli.conftest import Place, Runner
from tests.cli.emulator import Emulator, Fault, problem

PATH = "/api/ops/v1/ledger/entries"


def entry(number: int, **changes: Any) -> dict[str, Any]:
    """An entry of the books."""
    return {
        "id": f"t{number}",
        "at": "2026-11-22T12:00:00.000Z",
        "what": "adjustment",
        "user": "100200300",
        "reference": "",
        "actor": "token:ops",
        "reason": "ticket 4711",
        "lines": [
            {"account": "Liabilities:Users:100200300", "amount": "-1.50", "commodity": "TOKEN", "tokens": None},
            {"account": "Expenses:Adjustments", "amount": "1.50", "commodity": "TOKEN", "tokens": None},
        ],
        **changes,
    }


@pytest.fixture
def books(service: Emulator) -> Emulator:
    """A service with five entries, two a page."""
    entries = [entry(number) for number in range(1, 6)]
    ordinary = service._ops

    def answer(method: str, path: str, query: dict[str, str], body: bytes) -> tuple[int, object]:
        if path != "ledger/entries":
            return ordinary(method, path, query, body)
        start = int(query.get("cursor", "t0")[1:])
        more = start + 2 < len(entries)
        return 200, {"items": entries[start : start + 2], "next_cursor": f"t{start + 2}" if more else None}

    service._ops = answer  # type: ignore[method-assign]
    return service


pytestmark = pytest.mark.integration


@pytest.mark.parametrize("form", ["hledger", "beancount", "csv"])
def test_every_page_reaches_the_file_and_the_totals(nb: Runner, books: Emulator, place: Place, form: str) -> None:
    ran = nb("ledger", "export", "--format", form, "--output", "books.txt", "--json")
    assert (ran.code, ran.data["entries"], ran.data["output"]) == (0, 5, "books.txt")
    assert ran.data["totals"] == [
        {"account": "Expenses:Adjustments", "amount": "7.50", "commodity": "TOKEN"},
        {"account": "Liabilities:Users", "amount": "-7.50", "commodity": "TOKEN"},
    ]
    file = place.project / "books.txt"
    assert all(f"t{number}" in file.read_text("utf-8") for number in range(1, 6))
    assert file.stat().st_mode & 0o077 == 0
    assert [path.name for path in place.project.iterdir() if path.suffix == ".part"] == []


def test_without_a_file_stdout_holds_the_books_alone(nb: Runner, books: Emulator) -> None:
    ran = nb("ledger", "export", "--format", "hledger")
    assert ran.code == 0
    assert ran.out.startswith("; NanoBanana local")
    assert ran.out.rstrip().endswith("1.50 TOKEN")
    assert ran.out.count("account Liabilities:Users:100200300\n") == 1
    assert "5 entries in hledger format" in ran.err


def test_days_are_passed_on(nb: Runner, books: Emulator) -> None:
    nb("ledger", "export", "--format", "csv", "--from", "2026-11-01", "--to", "2026-12-01")
    assert "since=2026-11-01&until=2026-12-01" in books.requests[0][1]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--format", "qif"),
        (),
        ("--format", "csv", "--from", "yesterday"),
        ("--format", "csv", "--to", "2026-02-30"),
        ("--format", "csv", "--json"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_asked(
    nb: Runner, books: Emulator, arguments: tuple[str, ...]
) -> None:
    assert nb("ledger", "export", *arguments).code == 2 or nb("ledger", "export", *arguments, "--json").code == 2
    assert [path for _, path, _, _ in books.requests] == []


def test_a_file_is_replaced_only_when_that_is_agreed(nb: Runner, books: Emulator, place: Place) -> None:
    file = place.project / "books.csv"
    file.write_text("precious")
    refused = nb("ledger", "export", "--format", "csv", "-o", "books.csv", "--json")
    assert (refused.code, refused.error["code"], file.read_text()) == (7, "file_exists", "precious")
    assert nb("ledger", "export", "--format", "csv", "-o", "books.csv", "--yes").code == 0
    assert "t5" in file.read_text()


def test_a_folder_that_is_not_there_is_said(nb: Runner, books: Emulator) -> None:
    ran = nb("ledger", "export", "--format", "csv", "-o", "nowhere/books.csv", "--json")
    assert (ran.code, ran.error["code"]) == (1, "not_writable")


def test_a_page_that_fails_leaves_no_file(nb: Runner, books: Emulator, place: Place) -> None:
    books.faults[PATH] = Fault(500)
    ran = nb("ledger", "export", "--format", "csv", "-o", "books.csv", "--json")
    assert (ran.code, len(books.requests)) == (75, 1)
    assert [path.name for path in place.project.iterdir() if "books" in path.name] == []


def test_a_page_is_asked_for_again_while_the_service_is_busy(
    nb: Runner, books: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    def recover(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            del books.faults[PATH]

    monkeypatch.setattr("cli.commands.ledger_export.time.sleep", recover)
    books.faults[PATH] = Fault(503, problem(503, "unavailable", "busy"), headers={"Retry-After": "2"})
    ran = nb("ledger", "export", "--format", "csv", "-o", "books.csv", "--json")
    assert (ran.code, ran.data["entries"], len(pauses)) == (0, 5, 2)
    assert all(1 <= pause <= 3 for pause in pauses)


def test_a_service_that_stays_busy_is_given_up_on(nb: Runner, books: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.commands.ledger_export.time.sleep", lambda _seconds: None)
    books.faults[PATH] = Fault(503, problem(503, "unavailable", "busy"))
    ran = nb("ledger", "export", "--format", "csv", "-o", "books.csv", "--json")
    assert (ran.code, len(books.requests)) == (75, ledger_export.ATTEMPTS)


def test_nothing_that_is_written_can_forge_an_entry() -> None:
    hostile: Any = entry(
        1, what="a\n2026-01-01 * b ; c | d", reason='x" \\\n  Assets:A  1 TOKEN\u2028\x1b[0m', actor="a,b:c"
    )
    for form in ("hledger", "beancount"):
        lines = WRITERS[form]().entry(hostile).splitlines()
        assert sum(line.startswith("2026-") for line in lines) == 1
        assert not any(line.lstrip().startswith("Assets:A") for line in lines)
        assert not any("\x1b" in line for line in lines)


def test_a_price_in_tokens_is_the_price_of_the_whole() -> None:
    stars = {"account": "Assets:Gateways:Stars", "amount": "385.00", "commodity": "XTR", "tokens": "100.00"}
    tokens = {"account": "Liabilities:Users:1", "amount": "-100.00", "commodity": "TOKEN", "tokens": None}
    bought: Any = entry(1, lines=[stars, tokens])
    text = WRITERS["hledger"]().entry(bought)
    assert "385.00 XTR @@ 100.00 TOKEN" in text
    assert "commodity 1000.00 XTR" in text


@pytest.mark.parametrize("form", ["hledger", "beancount", "csv"])
def test_memory_does_not_grow_with_the_number_of_entries(form: str, tmp_path: Path) -> None:
    def entries(count: int) -> Iterator[BookEntry]:
        for number in range(count):
            made: Any = json.loads(json.dumps(entry(number)))
            yield made

    def peak(count: int) -> int:
        writer, sums = WRITERS[form](), ledger_export.Sums()
        tracemalloc.start()
        try:
            with (tmp_path / "books").open("w") as file:
                for one in entries(count):
                    file.write(writer.entry(one))
                    sums.add(one)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(100)
    assert peak(20_000) < peak(200) + 100_000

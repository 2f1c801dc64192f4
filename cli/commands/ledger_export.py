"""`nb ledger export`: the books page by page into a file or to stdout."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from cli.books import WRITERS
from cli.client import OpsClient, connect
from cli.envelope import Outcome
from cli.errors import CommandFailed, Conflict, UpstreamFault, UsageMistake
from cli.invocation import current
from cli.output import Column, Screen, progress
from cli.wire_ledger import BookEntry, BookPage, BookTotal, ExportData

PAGE = 2000
"""Entries of a page; at most some hundred bytes each, far below what the client accepts."""

ATTEMPTS = 4
"""A page is asked for again when the service is busy: reading twice changes nothing."""


@dataclass(slots=True)
class Sums:
    """What was written: how many entries, and what each kind of account holds."""

    entries: int = 0
    totals: dict[tuple[str, str], Decimal] = field(default_factory=dict)

    def add(self, entry: BookEntry) -> None:
        """Count an entry."""
        self.entries += 1
        for line in entry["lines"]:
            kind = ":".join(line["account"].split(":")[:2]), line["commodity"]
            self.totals[kind] = self.totals.get(kind, Decimal(0)) + Decimal(line["amount"])

    def listed(self) -> list[BookTotal]:
        """The totals by account and commodity."""
        return [
            {"account": account, "amount": f"{amount:.2f}", "commodity": commodity}
            for (account, commodity), amount in sorted(self.totals.items())
        ]


def export(
    form: Annotated[str, typer.Option("--format", metavar="FORMAT", help="hledger, beancount or csv.")],
    since: Annotated[str | None, typer.Option("--from", metavar="DATE", help="From this day (UTC).")] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="DATE", help="Up to the day before this one.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to; stdout without it.")
    ] = None,
) -> Outcome:
    """Write the books as double entry: users' tokens, revenue, bonuses, gateways. Both programs accept and balance it.

    Examples:
        nb ledger export --format hledger --output books.journal --env production
        nb ledger export --format beancount --from 2026-11-01 -o books.beancount
        nb ledger export --format csv --json -o books.csv
    """
    if form not in WRITERS:
        raise UsageMistake(f"--format {form!r} is none of {', '.join(WRITERS)}", fix="--format hledger")
    query = {"since": _day("--from", since), "until": _day("--to", until)}
    if output is None and current().json:
        raise UsageMistake("--json prints one document; the books need a file", fix="add --output FILE")
    client = connect()
    writer, sums = WRITERS[form](), Sums()
    with _target(output) as write:
        write(writer.head(f"NanoBanana {client.target.name}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"))
        for entry in _entries(client, query):
            write(writer.entry(entry))
            sums.add(entry)
    data: ExportData = {
        "format": form,
        "output": str(output) if output is not None else None,
        "since": query["since"],
        "until": query["until"],
        "entries": sums.entries,
        "totals": sums.listed(),
    }
    return Outcome(data=data, show=lambda screen: _show(screen if output is not None else progress(), data))


def _day(option: str, text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").date().isoformat()  # noqa: DTZ007  A day has no zone.
    except ValueError:
        raise UsageMistake(f"{option} {text!r} is no day", fix=f"{option} 2026-11-01") from None


def _entries(client: OpsClient, query: dict[str, str | None]) -> Iterator[BookEntry]:
    cursor: str | None = None
    while True:
        page = _page(client, {**query, "limit": PAGE, "cursor": cursor})
        yield from page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return


def _page(client: OpsClient, query: dict[str, str | int | None]) -> BookPage:
    for attempt in range(1, ATTEMPTS):
        try:
            return client.read(BookPage, client.get("/api/ops/v1/ledger/entries", query))
        except UpstreamFault as fault:
            if fault.code not in {"timeout", "broken_answer", "unavailable", "too_many_requests"}:
                raise
            time.sleep(min(fault.retry_after or 0.2 * 2**attempt, 5) * (0.5 + random.random()))
    return client.read(BookPage, client.get("/api/ops/v1/ledger/entries", query))


@contextmanager
def _target(output: Path | None) -> Iterator[Callable[[str], object]]:
    """Where text goes. A file appears when it is complete, readable by its owner alone, and replaces none unasked."""
    if output is None:
        yield sys.stdout.write
        sys.stdout.flush()
        return
    if output.is_dir() or (output.exists() and not current().yes):
        raise Conflict(f"{output} exists", code="file_exists", fix="add --yes to replace it, or name another file")
    partial = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            yield file.write
        partial.replace(output)
    except OSError as error:
        raise CommandFailed(f"{output} cannot be written: {error.strerror}", code="not_writable") from None
    finally:
        partial.unlink(missing_ok=True)


COLUMNS = (Column("account", "id"), Column("amount", "number"), Column("in", "id"))


def _show(screen: Screen, data: ExportData) -> None:
    where = data["output"] or "stdout"
    screen.state("ok", f"{data['entries']} entries in {data['format']} format: {where}")
    if data["totals"]:
        screen.table(COLUMNS, ((total["account"], total["amount"], total["commodity"]) for total in data["totals"]))

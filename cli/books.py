"""The books as text for hledger, Beancount and spreadsheets, entry by entry: nothing grows with the number of entries.

What a format has to declare before it is used is declared at its first use, so that one pass is enough.
"""

from __future__ import annotations

import csv
import io
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Literal

from cli.spreadsheets import as_text
from cli.wire_ledger import BookEntry, BookLine

Format = Literal["hledger", "beancount", "csv"]


class Writer(ABC):
    """Makes text from entries. Knows which accounts and commodities it has declared: as many as there are users."""

    def __init__(self) -> None:
        self._declared: set[str] = set()

    @abstractmethod
    def head(self, title: str) -> str:
        """What comes before everything else."""

    @abstractmethod
    def entry(self, entry: BookEntry) -> str:
        """One entry with what it is the first to use."""

    def _new(self, names: Iterator[str]) -> Iterator[str]:
        for name in names:
            if name not in self._declared:
                self._declared.add(name)
                yield name


class Hledger(Writer):
    """A journal for `hledger check --strict`."""

    def head(self, title: str) -> str:
        """A title, and how many decimals our own currency has."""
        return f"; {_plain(title)}\n\n{self._commodity('TOKEN')}"

    def entry(self, entry: BookEntry) -> str:
        """Directives, then the transaction with its facts as tags."""
        commodities = "".join(self._commodity(line["commodity"]) for line in entry["lines"])
        accounts = "".join(f"account {name}\n" for name in self._new(line["account"] for line in entry["lines"]))
        head = f"{entry['at'][:10]} * ({entry['id']}) {_no_comment(entry['what'])}\n"
        facts = {"user": entry["user"], "reference": entry["reference"], "actor": entry["actor"]}
        tags = ", ".join(f"{name}:{_no_comma(value)}" for name, value in facts.items() if value)
        # Last on its line, since it may hold commas, and a comma ends a tag.
        reason = f"    ; reason: {_plain(entry['reason'])}\n" if entry["reason"] else ""
        return f"{commodities}{accounts}\n{head}    ; {tags}\n{reason}{_lines(entry['lines'])}"

    def _commodity(self, name: str) -> str:
        return "".join(f"commodity 1000.00 {found}\n" for found in self._new(iter([name])))


class Beancount(Writer):
    """A file for `bean-check`."""

    def head(self, title: str) -> str:
        """Options; our own currency is what reports add up in."""
        return f'option "title" {_quoted(title)}\noption "operating_currency" "TOKEN"\n'

    def entry(self, entry: BookEntry) -> str:
        """Directives, then the transaction with its facts as metadata."""
        accounts = self._new(line["account"] for line in entry["lines"])
        opened = "".join(f"1970-01-01 open {name}\n" for name in accounts)
        payee = f"user {entry['user']}" if entry["user"] else ""
        head = f"{entry['at'][:10]} * {_quoted(payee)} {_quoted(entry['what'])}\n"
        facts = {name: entry[name] for name in ("id", "reference", "actor", "reason")}
        metadata = "".join(f"  {name}: {_quoted(str(value))}\n" for name, value in facts.items() if value)
        return f"{opened}\n{head}{metadata}{_lines(entry['lines'])}"


class Csv(Writer):
    """A row for each line of an entry."""

    COLUMNS = (
        "entry",
        "at",
        "what",
        "user",
        "account",
        "amount",
        "commodity",
        "tokens",
        "reference",
        "actor",
        "reason",
    )

    def head(self, title: str) -> str:
        """The names of the columns."""
        del title
        return _row(self.COLUMNS)

    def entry(self, entry: BookEntry) -> str:
        """The lines, each with what the entry says."""
        about = [entry["id"], entry["at"], as_text(entry["what"]), entry["user"] or ""]
        rest = [as_text(entry[name]) for name in ("reference", "actor", "reason")]
        return "".join(
            _row([*about, line["account"], line["amount"], line["commodity"], line["tokens"] or "", *rest])
            for line in entry["lines"]
        )


WRITERS: dict[str, type[Writer]] = {"hledger": Hledger, "beancount": Beancount, "csv": Csv}


def _lines(lines: list[BookLine]) -> str:
    """Accounts and amounts, in the words that both programs read."""
    text = ""
    for line in lines:
        price = f" @@ {line['tokens']} TOKEN" if line["tokens"] else ""
        text += f"    {line['account']:<44}  {line['amount']:>14} {line['commodity']}{price}\n"
    return text


def _plain(text: str) -> str:
    """Text on one line, without what steers a terminal or ends a record."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(text.split())


def _no_comment(text: str) -> str:
    # A semicolon begins a comment, a bar splits payee and note.
    return _plain(text).replace(";", ",").replace("|", "/")


def _no_comma(text: str) -> str:
    return _plain(text).replace(",", " ")


def _quoted(text: str) -> str:
    return '"' + _plain(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _row(values: object) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(values)  # type: ignore[arg-type]
    return text.getvalue()

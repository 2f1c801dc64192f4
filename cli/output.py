"""Printing for people: words beside signs, no colour off a terminal, nothing that a plain locale cannot print.

A :class:`Screen` wraps one stream. Rich is imported only when a table is drawn.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TextIO

State = Literal["ok", "failed", "unknown", "note"]

SIGNS: dict[State, tuple[str, str, str]] = {
    "ok": ("✓", "[ok]", "32"),
    "failed": ("✗", "[failed]", "31"),
    "unknown": ("?", "[unknown]", "33"),
    "note": ("·", "-", "2"),
}
"""Sign, its plain form, colour."""

PLAIN = {"–": "-", "—": "-", "…": "...", "→": "->", "·": "-", "⚡": "tokens", "✓": "[ok]", "✗": "[failed]", "×": "x"}

STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Controls, and what has text read in another direction: what a terminal shows would not be what is there."""

NARROW = 60
"""Below this many columns a table becomes one block per row."""

GAP = 2
"""Columns between two columns of a table."""

FOLDED = 11
"""Text in a table may be folded to this many columns, not to fewer."""

LONGEST_WORD = 24
"""A word up to this length is not broken by folding."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. An id is never cut; text folds; what is optional gives way on a small screen."""

    title: str
    kind: Literal["id", "text", "number"] = "text"
    optional: bool = False


class Screen:
    """Where lines for people go."""

    def __init__(self, stream: TextIO, *, color: bool = True) -> None:
        self.stream = stream
        terminal = stream.isatty()
        self.color = color and terminal and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        self.unicode = _can_print_signs(stream)
        self.folds = terminal or "COLUMNS" in os.environ
        columns = shutil.get_terminal_size((80, 24)).columns if self.folds else 80
        self.width = max(20, min(columns, 160))

    def line(self, text: str = "", *, style: str = "") -> None:
        """Print a line; `style` is an ANSI code used on a terminal only."""
        text = self.fit(text)
        self.stream.write(f"\x1b[{style}m{text}\x1b[0m\n" if style and self.color else f"{text}\n")

    def state(self, state: State, text: str, *, indent: int = 0) -> None:
        """Print a line that starts with a sign; the words must say the same, since a sign may be missed."""
        sign, plain, colour = SIGNS[state]
        mark = sign if self.unicode else plain
        first, *rest = self.folded(self.fit(text), self.width - indent - len(mark) - 1)
        if self.color:
            self.stream.write(f"{' ' * indent}\x1b[{colour}m{mark}\x1b[0m {first}\n")
        else:
            self.stream.write(f"{' ' * indent}{mark} {first}\n")
        for line in rest:
            self.stream.write(f"{' ' * (indent + len(mark) + 3)}{line}\n")

    def sign(self, state: State) -> str:
        """The sign of a state in this stream's character set."""
        return SIGNS[state][0 if self.unicode else 1]

    def heading(self, text: str) -> None:
        """Print a heading after an empty line."""
        self.line()
        self.line(text, style="1")

    def pairs(self, rows: Mapping[str, object], *, indent: int = 0) -> None:
        """Print names and values in two columns; on a narrow screen the value goes under its name."""
        if not rows:
            return
        column = max(map(len, rows)) + 2
        margin = " " * indent
        for name, value in rows.items():
            text = "-" if value is None else str(value)
            room = self.width - indent - column
            if "\n" not in text and len(text) <= room:
                self.line(f"{margin}{name.ljust(column)}{text}")
                continue
            self.line(f"{margin}{name}")
            for part in text.splitlines() or [""]:
                self.wrapped(part, indent=indent + 2)

    def wrapped(self, text: str, *, indent: int = 0, style: str = "") -> None:
        """Print text in as many lines as it needs."""
        for line in self.folded(self.fit(text), self.width - indent):
            self.line(" " * indent + line, style=style)

    def folded(self, text: str, width: int) -> list[str]:
        """Text as lines for a screen; off a terminal it stays one line, and what has no spaces is left whole."""
        if not self.folds:
            return [text]
        lines: list[str] = []
        line = ""
        for word in text.split(" "):
            # Following lines are indented by two more.
            room = width - (2 if lines else 0)
            if line and len(line) + 1 + len(word) > room:
                lines.append(line)
                line = word
            else:
                line = f"{line} {word}" if line or not word else word
        return [*lines, line]

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> None:
        """Print a table when it fits, one block per row otherwise."""
        cells = [["-" if value is None else self.fit(str(value)) for value in row] for row in rows]
        kept, fitting = _without_optional(columns, cells, self.width)
        if self.width < NARROW or _needed(kept, fitting) > self.width:
            # Below each other there is room for everything.
            self._blocks(columns, cells)
            return
        columns, cells = kept, fitting
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False, padding=(0, GAP, 0, 0))
        for column in columns:
            table.add_column(
                self.fit(column.title),
                justify="right" if column.kind == "number" else "left",
                no_wrap=column.kind != "text",
                overflow="fold",
            )
        for row in cells:
            table.add_row(*(Text(cell) for cell in row))
        text = io.StringIO()
        console = Console(
            file=text, width=self.width, force_terminal=self.color, no_color=not self.color, highlight=False
        )
        console.print(table)
        for line in text.getvalue().splitlines():
            self.stream.write(line.rstrip() + "\n")

    def _blocks(self, columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> None:
        for number, row in enumerate(cells):
            if number:
                self.line()
            self.pairs({self.fit(column.title): cell for column, cell in zip(columns, row, strict=True)})

    def fit(self, text: str) -> str:
        """Text that this stream can encode, without control characters that would steer a terminal."""
        text = STEERING.sub("�", text)
        if self.unicode:
            return text.encode("utf-8", "replace").decode("utf-8")
        for sign, plain in PLAIN.items():
            text = text.replace(sign, plain)
        encoding = self.stream.encoding or "ascii"
        return text.encode(encoding, "replace").decode(encoding)


def _without_optional(
    columns: Sequence[Column], cells: list[list[str]], width: int
) -> tuple[Sequence[Column], list[list[str]]]:
    """Columns and cells with as many optional columns left out, from the right, as it takes to fit."""
    kept = list(range(len(columns)))
    for index in reversed(range(len(columns))):
        if _needed([columns[i] for i in kept], [[row[i] for i in kept] for row in cells]) <= width:
            break
        if columns[index].optional:
            kept.remove(index)
    return [columns[i] for i in kept], [[row[i] for i in kept] for row in cells]


def _needed(columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> int:
    """Columns that the table takes with its text folded."""
    total = 0
    for index, column in enumerate(columns):
        texts = [column.title, *(row[index] for row in cells)]
        longest = max(map(len, texts))
        total += longest if column.kind != "text" else min(longest, max(FOLDED, _longest_word(texts)))
    return total + GAP * (len(columns) - 1)


def _longest_word(texts: Sequence[str]) -> int:
    return min(LONGEST_WORD, max((len(word) for text in texts for word in text.split()), default=0))


def _can_print_signs(stream: TextIO) -> bool:
    # Python itself sets LC_CTYPE=C.UTF-8 where the locale is a plain one: LANG tells what was meant.
    plain = {"C", "POSIX"}
    locale = next((value for name in ("LC_ALL", "LC_CTYPE", "LANG") if (value := os.environ.get(name))), "")
    if locale in plain or (locale == "C.UTF-8" and not os.environ.get("LC_ALL") and os.environ.get("LANG") in plain):
        return False
    return (stream.encoding or "ascii").lower().replace("-", "") == "utf8"


def people() -> TextIO:
    """Where lines for people go in the running invocation: stdout, or stderr when stdout carries the document."""
    from cli.invocation import current

    return sys.stderr if current().json else sys.stdout


def progress() -> Screen:
    """The screen for what happens before the outcome: always stderr, so that stdout holds the answer alone."""
    from cli.invocation import current

    return Screen(sys.stderr, color=not current().no_color)

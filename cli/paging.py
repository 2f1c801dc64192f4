"""Lists come in pages: how many, from where, and the command for the next page."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, TypeVar

import typer

from cli.envelope import NextStep
from cli.errors import UsageMistake
from cli.invocation import current

Limit = Annotated[int, typer.Option("--limit", min=1, max=200, help="How many at most.")]
Cursor = Annotated[str | None, typer.Option("--cursor", help="Continue where the page before ended.")]


Item = TypeVar("Item")


def cut(
    items: Sequence[Item], limit: int, cursor: str | None, key: Callable[[Item], str]
) -> tuple[list[Item], str | None]:
    """A page of a list that the service gives as a whole, and the cursor of the next one: the key of its last item.

    Raises:
        UsageMistake: no item has the cursor as its key.
    """
    keys = [key(item) for item in items]
    if cursor is not None and cursor not in keys:
        raise UsageMistake(f"--cursor {cursor!r} is none of this list", code="bad_cursor", fix="leave --cursor out")
    start = keys.index(cursor) + 1 if cursor is not None else 0
    page = list(items[start : start + limit])
    more = start + limit < len(items)
    return page, key(page[-1]) if more else None


def next_page(command: str, query: Mapping[str, object], cursor: str | None) -> tuple[NextStep, ...]:
    """The command that prints the next page, when there is one."""
    if cursor is None:
        return ()
    options = {**query, "cursor": cursor, "env": current().environment}
    words = [f"--{name} {shlex.quote(str(value))}" for name, value in options.items() if value is not None]
    return (NextStep(" ".join([command, *words]), "there are more"),)

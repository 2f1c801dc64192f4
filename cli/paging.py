"""Lists come in pages: how many, from where, and the command for the next page."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Annotated

import typer

from cli.envelope import NextStep
from cli.invocation import current

Limit = Annotated[int, typer.Option("--limit", min=1, max=200, help="How many at most.")]
Cursor = Annotated[str | None, typer.Option("--cursor", help="Continue where the page before ended.")]


def next_page(command: str, query: Mapping[str, object], cursor: str | None) -> tuple[NextStep, ...]:
    """The command that prints the next page, when there is one."""
    if cursor is None:
        return ()
    options = {**query, "cursor": cursor, "env": current().environment}
    words = [f"--{name} {shlex.quote(str(value))}" for name, value in options.items() if value is not None]
    return (NextStep(" ".join([command, *words]), "there are more"),)

"""What every command that changes something has in common: why it is made, the key under which it is made once, and how
a rehearsal is told from the real thing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

import typer

from cli.envelope import NextStep, Outcome
from cli.errors import UsageMistake
from cli.invocation import current
from cli.output import Screen

SHORTEST_REASON = 3


def _reason(given: str) -> str:
    reason = given.strip()
    if len(reason) < SHORTEST_REASON:
        raise UsageMistake("--reason says nothing; the audit keeps it", fix='--reason "why this is done"')
    return reason


Reason = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why; the audit keeps it.", callback=_reason, show_default=False)
]
"""Required: `reason: Reason` without a default."""

Key = Annotated[
    str | None,
    typer.Option("--key", metavar="KEY", help="Repeat the change with this idempotency key instead of a new one."),
]
"""`key: Key = None`, handed to `client.change(..., key=key)`."""


def outcome(
    data: Mapping[str, object], show: Callable[[Screen], None], *, next_steps: tuple[NextStep, ...] = ()
) -> Outcome:
    """What a change ends with. A rehearsal says that it was one: `dry_run` in the data, the first line for people."""
    if not current().dry_run:
        return Outcome(data=data, show=show, next_steps=next_steps)

    def show_rehearsal(screen: Screen) -> None:
        screen.state("note", "dry run: this is what would be, nothing was changed")
        show(screen)

    return Outcome(data={**data, "dry_run": True}, show=show_rehearsal)

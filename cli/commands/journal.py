"""`nb journal`: what was run on this machine, when, on which commit, with which result. Secrets never got in."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from typing import Annotated

import typer

from cli import journal as kept
from cli.envelope import NextStep, Outcome
from cli.errors import UsageMistake
from cli.exit_codes import ExitCode
from cli.journal import Run
from cli.moments import say_moment
from cli.output import Column, Screen
from cli.shapes import JournalData, JournalRun

COLUMNS = (
    Column("at", "id"),
    Column("exit", "number"),
    Column("command"),
    Column("env", "id", optional=True),
    Column("took", "number", optional=True),
    Column("who", optional=True),
)
NO_FAILURE = frozenset({ExitCode.OK, ExitCode.INTERRUPTED})


def journal(
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, max=10_000, help="At most so many.")] = 20,
    since: Annotated[str | None, typer.Option("--since", metavar="TIME", help="15m, 2h, 3d, today, 10:00.")] = None,
    command: Annotated[
        str | None, typer.Option("--command", metavar="NAME", help="Only this one: deploy, or deploy.verify.")
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only what did not end with 0.")] = False,
) -> Outcome:
    """List what was run on this machine, the newest first: command, result, environment, branch, who.

    Examples:
        nb journal
        nb journal --since 2h --failed
        nb journal --command deploy -n 5 --json
    """
    after = _moment(since)
    name = None if command is None else command.strip().replace(" ", ".").removeprefix("nb.")

    def wanted(run: Run) -> bool:
        is_called_so = name is None or run.command == name or run.command.startswith(f"{name}.")
        return is_called_so and not (failed and run.exit_code in NO_FAILURE)

    try:
        runs = kept.newest(limit, wanted, since=after)
    except OSError as error:
        raise UsageMistake(f"{kept.path()} cannot be read: {error.strerror}", fix=f"ls -l {kept.path()}") from None
    data: JournalData = {"path": str(kept.path()), "items": [_item(run) for run in runs]}

    def show(screen: Screen) -> None:
        if not runs:
            screen.line(f"Nothing like that is in {kept.path()}.")
            return
        screen.table(COLUMNS, map(_row, runs))

    steps = (NextStep("nb help exit-codes", "what each number says"),) if failed and runs else ()
    return Outcome(data=data, show=show, next_steps=steps)


def _moment(since: str | None) -> datetime | None:
    if since is None:
        return None
    from cli.logs.moments import parse_when

    try:
        return parse_when(since, datetime.now(UTC).astimezone())
    except ValueError as error:
        raise UsageMistake(f"--since {since!r} is {error}", fix="--since 2h") from None


def _item(run: Run) -> JournalRun:
    return {
        "run_id": run.run_id,
        "at": run.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "command": run.command,
        "arguments": list(run.arguments),
        "env": run.env,
        "branch": run.branch,
        "head": run.head,
        "agent": run.agent,
        "exit_code": run.exit_code,
        "error": run.error,
        "duration_ms": run.duration_ms,
        "facts": dict(run.facts),
    }


def _row(run: Run) -> tuple[object, ...]:
    words = f"nb {shlex.join(run.arguments)}"
    return (
        say_moment(run.at.isoformat()),
        run.exit_code,
        words if not run.error else f"{words}  ({run.error})",
        run.env,
        f"{run.duration_ms / 1000:.1f} s",
        run.agent or None,
    )

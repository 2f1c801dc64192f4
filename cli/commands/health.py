"""`nb health`: is the service up, how fast does it answer, which commit is it."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.client import connect
from cli.commits import same_commit
from cli.envelope import NextStep, Outcome, Problem
from cli.exit_codes import ExitCode
from cli.output import Screen
from cli.wire import Health


def health(
    expect_commit: Annotated[
        str | None, typer.Option("--expect-commit", metavar="SHA", help="Fail unless this commit answers.")
    ] = None,
) -> Outcome:
    """Say whether the service answers, how fast, and which commit it runs.

    Examples:
        nb health
        nb health --env staging --expect-commit 6a090cb --json
    """
    client = connect()
    answer = client.get("/api/health", authenticated=False)
    found = client.read(Health, answer)
    data = {
        "ok": found["ok"],
        "url": client.target.url,
        "version": found["version"],
        "commit": found["commit"],
        "environment": found["environment"],
        "latency_ms": round(answer.elapsed_ms, 1),
        "expected_commit": expect_commit,
    }

    def show(screen: Screen) -> None:
        screen.state(
            "ok" if problem is None else "failed",
            f"{client.target.name} {'healthy' if found['ok'] else 'not healthy'}: {client.target.url}",
        )
        screen.pairs(
            {"version": found["version"], "commit": found["commit"], "took": f"{answer.elapsed_ms:.0f} ms"}, indent=2
        )

    problem = _problem(found, client.target.name, expect_commit)
    return Outcome(
        data=data,
        show=show,
        problem=problem,
        exit_code=ExitCode.OK if problem is None else ExitCode.CHECK_FAILED,
        next_steps=(NextStep(f"nb ready --env {client.target.name}", "health does not look at what the service needs"),)
        if problem is not None
        else (),
    )


def _problem(found: Health, name: str, expected: str | None) -> Problem | None:
    if not found["ok"]:
        return Problem("unhealthy", f"{name} says that it is not healthy", fix=f"nb ready --env {name}")
    if found["environment"] != name:
        return Problem(
            "wrong_environment",
            f"the address of {name} answers as {found['environment']}",
            fix="correct the address in nb.toml",
        )
    if expected is not None and not same_commit(found["commit"], expected):
        return Problem(
            "commit_mismatch", f"{name} runs commit {found['commit']}, not {expected}", transient=True, fix=None
        )
    return None

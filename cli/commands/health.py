"""`nb health`: is the service up, how fast does it answer, is it the one it should be, and which commit is it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli import vitals
from cli.client import OpsClient, connect
from cli.commits import same_commit
from cli.envelope import NextStep, Outcome, Problem
from cli.exit_codes import ExitCode
from cli.output import Screen
from cli.workflows import Form, FormOption, told

if TYPE_CHECKING:
    # The shapes of all commands; only what checks types needs them.
    from cli.shapes import HealthData

INTERVAL = 1.0
"""Seconds between two questions of --wait."""

ExpectedCommit = Annotated[
    str | None,
    typer.Option("--expect-commit", metavar="SHA", help="Fail unless this commit answers, short or whole."),
]


def health(expect_commit: ExpectedCommit = None, form: FormOption = Form.TEXT) -> Outcome:
    """Say whether the service answers, how fast, and which commit it runs. What it needs is not looked at.

    Examples:
        nb health
        nb health --env staging --expect-commit 6a090cb --wait 3m --json
        nb health --env staging --format github
    """
    return told(form, lambda: _health(expect_commit))


def _health(expected: str | None) -> Outcome:
    client = connect()
    name = client.target.name
    data = vitals.looked(lambda: _ask(client, expected), name, what="healthy", command="nb health", interval=INTERVAL)
    problem = _problem(data, name)
    steps = (NextStep(f"nb ready --env {name}", "health does not look at what the service needs"),)
    return Outcome(
        data=data,
        show=lambda screen: _show(screen, name, data),
        problem=problem,
        exit_code=ExitCode.OK if problem is None else ExitCode.CHECK_FAILED,
        next_steps=() if problem is None else steps,
    )


def _ask(client: OpsClient, expected: str | None) -> HealthData:
    found, took, checks = vitals.of_answer(client)
    if expected is not None:
        checks.append(vitals.of_commit(client.target.name, "web", expected, [found["commit"]]))
    return {
        "ok": not vitals.bad(checks),
        "url": client.target.url,
        "version": found["version"],
        "commit": found["commit"],
        "environment": found["environment"],
        "latency_ms": took,
        "expected_commit": expected,
        "checks": checks,
    }


def _problem(data: HealthData, name: str) -> Problem | None:
    states = {check["id"]: check for check in data["checks"] if check["state"] != "ok"}
    if "http" in states:
        return Problem("unhealthy", f"{name} says that it is not healthy", fix=f"nb ready --env {name}")
    if "environment" in states:
        return Problem("wrong_environment", states["environment"]["detail"], fix=states["environment"]["fix"])
    if "commit.web" in states:
        words = f"{name} runs commit {data['commit']}, not {data['expected_commit']}"
        return Problem("commit_mismatch", words, transient=True, fix=vitals.deploy_fix(name))
    return None


def _show(screen: Screen, name: str, data: HealthData) -> None:
    screen.state(
        "ok" if data["ok"] else "failed", f"{name} {'healthy' if data['ok'] else 'not healthy'}: {data['url']}"
    )
    expected = data["expected_commit"]
    commit = data["commit"]
    if expected is not None and not same_commit(commit, expected):
        commit += f", not {expected}"
    screen.pairs({"version": data["version"], "commit": commit, "took": f"{data['latency_ms']:.0f} ms"}, indent=2)

"""`nb ready`: does everything that the service needs work. What could not be checked counts as not ready."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from cli import vitals
from cli.client import OpsClient, connect
from cli.commands.health import ExpectedCommit
from cli.envelope import NextStep, Notice, Outcome, Problem
from cli.exit_codes import ExitCode
from cli.fixes import completed
from cli.output import Screen
from cli.project import PROCESSES
from cli.vitals import show_check as show_check
from cli.wire import Check, CheckState, Health, Readiness
from cli.workflows import Form, FormOption, told

if TYPE_CHECKING:
    # The shapes of all commands; only what checks types needs them.
    from cli.shapes import ReadyData, VitalCheck

INTERVAL = 1.0
"""Seconds between two questions of --wait."""


def ready(expect_commit: ExpectedCommit = None, form: FormOption = Form.TEXT) -> Outcome:
    """Say whether everything that the service needs works: database, queue, worker, storage, webhook.

    Without a token the service says only yes or no. With --wait it is asked again until it is ready, with
    --expect-commit until web, worker and beat run this commit, too.

    Examples:
        nb ready
        nb ready --env staging --wait 3m --json
        nb ready --env staging --expect-commit 6a090cb --wait 3m --format github
    """
    return told(form, lambda: _ready(expect_commit))


def _ready(expected: str | None) -> Outcome:
    client = connect()
    name = client.target.name
    data = vitals.looked(lambda: _ask(client, expected), name, what="ready", command="nb ready", interval=INTERVAL)
    problem = _problem(data, name)
    steps = (NextStep(f"nb status --env {name}", "shows which processes reported themselves"),)
    return Outcome(
        data=data,
        show=lambda screen: _show(screen, name, data),
        problem=problem,
        exit_code=ExitCode.OK if problem is None else ExitCode.CHECK_FAILED,
        warnings=tuple(_warnings(data, name)),
        next_steps=() if problem is None else steps,
    )


def readiness(client: OpsClient) -> tuple[Readiness, float]:
    """Ask once; not being ready is an answer. Returns it with the milliseconds it took."""
    answer = client.get("/api/ready", accept=(200, 503), authenticated=False)
    found = client.read(Readiness, answer)
    for check in found.get("checks", []):
        check["fix"] = completed(check["fix"], client.target.name)
    if answer.status != 200:
        found["ok"] = False
    return found, answer.elapsed_ms


def _ask(client: OpsClient, expected: str | None) -> ReadyData:
    # Health first: it wakes up what sleeps.
    health, _, checks = vitals.of_answer(client)
    found, elapsed = readiness(client)
    theirs = [vitals.of_service(check) for check in found.get("checks", [])]
    checks += theirs
    if expected is not None:
        checks += _commits(client, expected, health, theirs, authorized="checks" in found)
    return {
        "ok": found["ok"] and not vitals.bad(checks),
        "state": overall(found["ok"], checks),
        "url": client.target.url,
        "authorized": "checks" in found,
        "latency_ms": round(elapsed, 1),
        "commit": health["commit"],
        "expected_commit": expected,
        "checks": checks,
    }


def _commits(
    client: OpsClient, expected: str, health: Health, checks: Sequence[VitalCheck], *, authorized: bool
) -> Iterator[VitalCheck]:
    """Web, worker and beat against the commit, by what the processes themselves report."""
    name = client.target.name
    told_of = next((check["facts"].get("processes") for check in checks if check["id"] == "commits"), None)
    if not isinstance(told_of, Mapping):
        yield from _older(client, expected, health, authorized=authorized)
        return
    for process in PROCESSES:
        commits = {str(commit) for commit in told_of.get(process, ())}
        # The web that answered may not have been heard of yet.
        commits |= {health["commit"]} if process == "web" else set()
        yield vitals.of_commit(name, process, expected, sorted(commits))


def _older(client: OpsClient, expected: str, health: Health, *, authorized: bool) -> Iterator[VitalCheck]:
    """The same of a service that does not tell commits by process here: it was not asked with a token, or is old."""
    name = client.target.name
    if not authorized:
        yield vitals.of_commit(name, "web", expected, [health["commit"]])
        for process in PROCESSES[1:]:
            yield vitals.of_commit(
                name, process, expected, None, f"which commit {process} runs is said with a token only"
            )
        return
    from cli.deploys.running import reported

    for process, said in reported(client).items():
        yield vitals.of_commit(name, process, expected, said.commits, said.detail)


def overall(ok: bool, checks: Sequence[Check | VitalCheck]) -> CheckState:
    """The worst state of all checks but the noted ones; a service that says no and names nothing has failed."""
    states = {check["state"] for check in checks if check.get("level") != "noted"}
    if "failed" in states or (not ok and "unknown" not in states):
        return "failed"
    return "unknown" if "unknown" in states else "ok"


def _problem(data: ReadyData, name: str) -> Problem | None:
    if data["ok"]:
        return None
    bad = vitals.bad(data["checks"])
    fix = next((check["fix"] for check in bad if check["fix"]), None)
    what = vitals.missing(data["checks"]) or "the service does not say what is missing without a token"
    code = "not_ready"
    if (wrong := next((check for check in bad if check["id"] == "environment"), None)) is not None:
        return Problem("wrong_environment", wrong["detail"], fix=wrong["fix"])
    if bad and all(check["id"].startswith("commit.") for check in bad):
        code, fix = "commit_mismatch", vitals.deploy_fix(name)
    return Problem(code, f"{name} is not ready: {what}", transient=True, fix=fix)


def _warnings(data: ReadyData, name: str) -> Iterator[Notice]:
    if not data["authorized"]:
        yield Notice("no_detail", f"no token for {name}: the service says only yes or no")
    for check in data["checks"]:
        if check["level"] == "noted" and check["state"] != "ok":
            yield Notice("noted", f"{check['id']}: {check['detail']}")


def _show(screen: Screen, name: str, data: ReadyData) -> None:
    word = {"ok": "ready", "failed": "not ready", "unknown": "not known to be ready"}[data["state"]]
    screen.state(data["state"], f"{name} {word}: {data['url']}")
    vitals.show(screen, data["checks"])

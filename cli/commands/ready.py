"""`nb ready`: does everything that the service needs work. What could not be checked counts as not ready."""

from __future__ import annotations

import time
from collections.abc import Sequence

from cli.client import OpsClient, connect
from cli.durations import say_duration
from cli.envelope import NextStep, Notice, Outcome, Problem
from cli.errors import DeadlineReached, UpstreamFault
from cli.exit_codes import ExitCode
from cli.invocation import current
from cli.output import Screen, State, progress
from cli.shapes import ReadyData
from cli.wire import Check, CheckState, Readiness

INTERVAL = 1.0
"""Seconds between two questions of --wait."""


def ready() -> Outcome:
    """Say whether everything that the service needs works: database, queue, worker, storage, webhook.

    Without a token the service says only yes or no. With --wait it is asked again until it is ready.

    Examples:
        nb ready
        nb ready --env staging --wait 3m --json
    """
    client = connect()
    patience = current().wait
    data = _ask(client) if patience is None else _wait(client, patience)
    problem = _problem(data, client.target.name)
    warnings: tuple[Notice, ...] = ()
    if not data["authorized"]:
        warnings = (Notice("no_detail", f"no token for {client.target.name}: the service says only yes or no"),)
    return Outcome(
        data=data,
        show=lambda screen: _show(screen, client, data),
        problem=problem,
        exit_code=ExitCode.OK if problem is None else ExitCode.CHECK_FAILED,
        warnings=warnings,
        next_steps=()
        if problem is None
        else (NextStep(f"nb status --env {client.target.name}", "shows which processes reported themselves"),),
    )


def readiness(client: OpsClient) -> tuple[Readiness, float]:
    """Ask once; not being ready is an answer. Returns it with the milliseconds it took."""
    answer = client.get("/api/ready", accept=(200, 503), authenticated=False)
    found = client.read(Readiness, answer)
    if answer.status != 200:
        found["ok"] = False
    return found, answer.elapsed_ms


def _ask(client: OpsClient) -> ReadyData:
    found, elapsed = readiness(client)
    checks = found.get("checks", [])
    return {
        "ok": found["ok"] and all(check["state"] == "ok" for check in checks),
        "state": _overall(found["ok"], checks),
        "url": client.target.url,
        "authorized": "checks" in found,
        "latency_ms": round(elapsed, 1),
        "checks": checks,
    }


def _overall(ok: bool, checks: Sequence[Check]) -> CheckState:
    states = {check["state"] for check in checks}
    if "failed" in states or (not ok and "unknown" not in states):
        return "failed"
    return "unknown" if "unknown" in states else "ok"


def _wait(client: OpsClient, patience: float) -> ReadyData:
    """Ask until the service is ready.

    Raises:
        DeadlineReached: it was not in time; the message names what was missing last.
    """
    deadline = time.monotonic() + patience
    said = ""
    while True:
        data: ReadyData | None = None
        try:
            data = _ask(client)
            if data["ok"]:
                return data
            missing = _missing(data) or "the service says that it is not ready"
        except UpstreamFault as fault:
            # A service that starts does not answer yet; that is what is waited for.
            missing = fault.message
        if missing != said and not current().json:
            progress().line(f"waiting: {missing}", style="2")
            said = missing
        if time.monotonic() + INTERVAL > deadline:
            raise DeadlineReached(
                f"{client.target.name} was not ready within {say_duration(patience)}: {missing}",
                fix=f"nb ready --env {client.target.name}",
                data=data,
            )
        time.sleep(INTERVAL)


def _missing(data: ReadyData) -> str:
    return ", ".join(f"{check['id']} {check['state']}" for check in data["checks"] if check["state"] != "ok")


def _problem(data: ReadyData, name: str) -> Problem | None:
    if data["ok"]:
        return None
    bad = [check for check in data["checks"] if check["state"] != "ok"]
    fix = next((check["fix"] for check in bad if check["fix"]), None)
    what = _missing(data) or "the service does not say what is missing without a token"
    return Problem("not_ready", f"{name} is not ready: {what}", transient=True, fix=fix)


def _show(screen: Screen, client: OpsClient, data: ReadyData) -> None:
    word = {"ok": "ready", "failed": "not ready", "unknown": "not known to be ready"}[data["state"]]
    screen.state(data["state"], f"{client.target.name} {word}: {client.target.url}")
    width = max((len(check["id"]) for check in data["checks"]), default=0)
    for check in data["checks"]:
        show_check(screen, check["state"], check["id"].ljust(width), check["detail"], check["fix"])


def show_check(screen: Screen, state: State, name: str, detail: str, fix: str | None) -> None:
    """One check as a line, and the line that fixes it below."""
    word = {"ok": "ok", "failed": "failed", "unknown": "unknown", "note": "skipped"}[state]
    words = f"{name}  {word}" + (f": {detail}" if detail else "")
    screen.state(state, words, indent=2)
    if fix and state != "ok":
        screen.wrapped(f"fix: {fix}", indent=6)

"""`nb smoke`: one call that says whether what was deployed works, from the commit to a delivered picture."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli import files
from cli.client import OpsClient, connect
from cli.commits import checked_commit
from cli.durations import say_duration
from cli.envelope import NextStep, Outcome
from cli.errors import NotAuthenticated
from cli.invocation import current, warn
from cli.output import Screen, State, progress
from cli.smoke import checks
from cli.smoke.generation import Run, put_away
from cli.smoke.shapes import SmokeData, SmokeStep, StepState
from cli.smoke.trial import Trial, unheard
from cli.workflows import Form, FormOption, told

READS = ("ready", "webhook", "catalogue", "prices")
WRITES = ("generation", "cleanup")

SIGNS: dict[StepState, State] = {
    "ok": "ok",
    "failed": "failed",
    "error": "unknown",
    "pending": "unknown",
    "skipped": "note",
}


def smoke(
    expect_commit: Annotated[
        str | None, typer.Option("--expect-commit", metavar="SHA", help="Try nothing unless this commit answers.")
    ] = None,
    no_generation: Annotated[
        bool, typer.Option("--no-generation", help="Change nothing: no picture for the test user.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Write the steps as JUnit XML, replacing the file.")
    ] = None,
    form: FormOption = Form.TEXT,
) -> Outcome:
    """Try a service end to end: health, readiness, webhook, catalogue, every price, and a picture for a test user.

    The demonstration makes the picture, nobody is charged and nothing is sent to Telegram; then files and tokens are
    put away and the books are added up. With --wait health and readiness are asked until they are good. Ends with 1
    when a step failed, 75 when there was no answer, 8 when the expected commit is not there yet.

    Examples:
        nb smoke
        nb smoke --env staging --expect-commit 6a090cb --wait 5m --junit smoke.xml
        nb smoke --env production --no-generation --json
    """
    expected = checked_commit(expect_commit) if expect_commit is not None else None
    return told(form, lambda: _smoke(expected, report, held_back=_held_back(no_generation=no_generation)))


def _held_back(*, no_generation: bool) -> str:
    """Why nothing may be changed, empty where it may."""
    if no_generation:
        return "--no-generation"
    if current().dry_run:
        return "--dry-run"
    return "" if os.environ.get("NB_READONLY", "0") in ("", "0") else "NB_READONLY is set"


def _smoke(expected: str | None, report: Path | None, *, held_back: str) -> Outcome:
    client = connect(writes=not held_back)
    name = client.target.name
    if client.target.token is None:
        fix = "nb up" if name == "local" else f"export NB_TOKEN_{name.upper()}=nbk_..."
        raise NotAuthenticated(f"there is no token for {name}", code="no_token", fix=fix)
    if report is not None and report.is_dir():
        files.refuse_existing(report)
    trial = Trial(tell=_teller())
    run = Run(client, f"nb smoke {current().run_id}")
    at = datetime.now(UTC)
    deadline = time.monotonic() + (current().wait or 0)
    health = checks.HealthStep(client, expected, deadline)
    try:
        _try_everything(trial, client, health, run, held_back)
    except KeyboardInterrupt:
        _after_interruption(trial, run)
        raise
    finally:
        if report is not None:
            from cli.smoke import junit

            properties = {"environment": name, "url": client.target.url, "commit": health.commit or "unknown"}
            files.write_whole(report, junit.render(name, trial.steps, properties, at=at))
    problem, code = trial.verdict(name)
    data: SmokeData = {
        "ok": problem is None,
        "url": client.target.url,
        "commit": health.commit,
        "expected_commit": expected,
        "steps": trial.steps,
        "counts": trial.counts(),
        "generation": run.id,
        "cleaned": run.cleaned,
        "junit": str(report) if report is not None else None,
    }
    steps = () if problem is None else (NextStep(f"nb logs --env {name} --since 15m --level error", "what went wrong"),)
    return Outcome(data, lambda screen: _show(screen, data, name), problem, code, next_steps=steps)


def _try_everything(trial: Trial, client: OpsClient, health: checks.HealthStep, run: Run, held_back: str) -> None:
    if not trial.attempt("health", health):
        # Another commit, or another service: whatever it said would be said of something else.
        trial.skip((*READS, *WRITES, "ledger"), "not tried: health is not good")
        return
    is_ready = trial.attempt("ready", lambda: checks.ready(client, health.deadline))
    trial.attempt("webhook", lambda: checks.webhook(client))
    trial.attempt("catalogue", lambda: checks.catalogue(client))
    prices = checks.Prices(client)
    trial.attempt("prices", prices.read)
    for slug in prices.models():
        trial.attempt(f"quote.{slug}", lambda slug=slug: prices.quote(slug))  # type: ignore[misc]  # bound at once
    _try_generation(trial, run, held_back or ("" if is_ready else "not tried: the service is not ready"))
    trial.attempt("ledger", lambda: checks.ledger(client))


def _try_generation(trial: Trial, run: Run, held_back: str) -> None:
    if held_back:
        trial.skip(WRITES, held_back)
        return
    trial.attempt("generation", run.make)
    if run.was_begun:
        trial.attempt("cleanup", run.clean)
    else:
        trial.skip(("cleanup",), "there is nothing to put away")


def _after_interruption(trial: Trial, run: Run) -> None:
    """Leave nothing behind; what cannot be put away now is by the next run."""
    if not run.was_begun or run.cleaned is not None:
        return
    if not current().json:
        progress().line("interrupted: putting the generation away", style="2")
    left = put_away(run)
    if left is not None:
        warn("not_put_away", f"{left}; the next nb smoke does it")
    else:
        trial.attempt("cleanup", lambda: "after the interruption")


def _teller() -> Callable[[SmokeStep], None]:
    """Say how each step ended while the next one runs, to a person at a terminal."""
    screen = progress()
    if current().json or not screen.stream.isatty():
        return unheard
    return lambda step: screen.line(f"{step['id']} {step['state']}", style="2")


def _show(screen: Screen, data: SmokeData, name: str) -> None:
    counts = data["counts"]
    said = ", ".join(f"{number} {state}" for state, number in counts.items() if number)
    screen.state("ok" if data["ok"] else "failed", f"{name}: {said}: {data['url']}")
    quotes = [step for step in data["steps"] if step["id"].startswith("quote.")]
    shown = [step for step in data["steps"] if step not in quotes or step["state"] != "ok"]
    width = max(len(step["id"]) for step in shown)
    for step in shown:
        words = step["detail"] if step["state"] == "ok" else f"{step['state']}: {step['detail']}"
        took = "" if step["state"] == "skipped" else f" ({say_duration(step['duration_ms'] / 1000)})"
        screen.state(SIGNS[step["state"]], f"{step['id'].ljust(width)}  {words}{took}", indent=2)
        if step["fix"] and step["state"] != "ok":
            screen.wrapped(f"fix: {step['fix']}", indent=6)
        if step["id"] == "prices" and (good := sum(quote["state"] == "ok" for quote in quotes)):
            screen.state("ok", f"{'quotes'.ljust(width)}  {good} of {len(quotes)} are the listed price", indent=2)
    if data["junit"] is not None:
        screen.line(f"JUnit: {data['junit']}", style="2")

"""`nb catalog`: whether the catalogue can be offered as it is, and what of it is not as it ships."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from cli import changes
from cli.changes import Key, Reason
from cli.client import connect
from cli.envelope import NextStep, Outcome, Problem
from cli.errors import UsageMistake
from cli.exit_codes import ExitCode
from cli.groups import new_group
from cli.output import Column, Screen
from cli.wire_models import CatalogueCheck, CatalogueDifference, CatalogueSynced

app = new_group("Check the catalogue, and load what ships.")

TAKEABLE = (
    "display_name",
    "type",
    "purpose",
    "params_schema",
    "routes",
    "max_prompt_length",
    "inputs",
    "follow_ups",
    "cooldown_seconds",
    "daily_limit",
    "typical_seconds",
    "deadline_seconds",
    "is_active",
    "is_listed",
    "order",
    "retires_at",
    "successor",
)
"""Every field but prices, which `nb pricing` edits."""

FINDINGS = (Column("level", "id"), Column("what", "id"), Column("model", "id"), Column("detail"))
DIFFERENCES = (
    Column("model", "id"),
    Column("field", "id"),
    Column("here"),
    Column("ships"),
    Column("taken", optional=True),
)
LONGEST_VALUE = 60


@app.command("check")
def check(
    days: Annotated[int, typer.Option("--days", min=1, max=365, help="Tell of ends within so many days.")] = 30,
) -> Outcome:
    """Look for models that end, options without a price or label, slots, routes and follow-ups that cannot be.

    Examples:
        nb catalog check
        nb catalog check --days 60 --env production --json
    """
    client = connect()
    report = client.read(CatalogueCheck, client.get("/api/ops/v1/catalogue/check", {"days": days}))
    failed = [finding for finding in report["findings"] if finding["level"] == "failed"]
    problem = None
    if not report["ok"]:
        said = f"{len(failed)} {'thing is' if len(failed) == 1 else 'things are'} not as they should be"
        fix = f"nb models show {failed[0]['subject']}" if failed else None
        problem = Problem("catalogue_findings", f"{client.target.name}: {said}", fix=fix)
    return Outcome(
        data=report,
        show=lambda screen: _show_check(screen, report),
        problem=problem,
        exit_code=ExitCode.OK if report["ok"] else ExitCode.CHECK_FAILED,
    )


@app.command("sync")
def sync(
    reason: Reason,
    models: Annotated[
        list[str] | None, typer.Argument(metavar="[MODEL]...", help="Only these; all by default.")
    ] = None,
    take: Annotated[
        list[str] | None,
        typer.Option("--take", metavar="FIELD", help="Overwrite this field of MODEL with what ships. Repeat it."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Overwrite every field of MODEL but prices with what ships.")
    ] = False,
    key: Key = None,
) -> Outcome:
    """Add shipped models that are missing and tell what differs. An edit is overwritten only where that is said.

    Examples:
        nb catalog sync --reason "a new release" --dry-run
        nb catalog sync veo3-fast --take routes --reason "the new routes"
    """
    fields = list(TAKEABLE) if everything else list(take or [])
    if fields and not models:
        raise UsageMistake(
            "--take and --all need the models that they are for", fix='nb catalog sync veo3-fast --all --reason "…"'
        )
    client = connect(writes=True)
    body = {"models": models or [], "take": fields, "reason": reason}
    synced = client.read(CatalogueSynced, client.change("POST", "/api/ops/v1/catalogue/sync", body, key=key))
    step = NextStep(f"nb catalog check --env {client.target.name}", "whether the catalogue can be offered")
    return changes.outcome(synced, lambda screen: _show_synced(screen, synced), next_steps=(step,))


def _show_check(screen: Screen, report: CatalogueCheck) -> None:
    screen.state("ok" if report["ok"] else "failed", f"looked at {report['models']} models")
    if report["findings"]:
        rows = ((found["level"], found["kind"], found["subject"], found["detail"]) for found in report["findings"])
        screen.table(FINDINGS, rows)


def _show_synced(screen: Screen, synced: CatalogueSynced) -> None:
    if synced["added"]:
        screen.state("ok", f"added: {', '.join(synced['added'])}")
    same = len(synced["unchanged"])
    screen.line(f"As they ship: {same} of the models.")
    if synced["differences"]:
        screen.table(DIFFERENCES, map(_row, synced["differences"]))


def _row(difference: CatalogueDifference) -> tuple[object, ...]:
    taken = "yes" if difference["taken"] else "no"
    return difference["model"], difference["field"], _said(difference["now"]), _said(difference["shipped"]), taken


def _said(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"

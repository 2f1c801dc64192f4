"""`nb pricing show`, `history`, `check` and `export`: what prices are made from, who edited them, whether they hold."""

from __future__ import annotations

import csv
import io
import json
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import quote as quoted

import typer

from cli.client import connect
from cli.commands.pricing.tables import said_change
from cli.envelope import Outcome, Problem
from cli.exit_codes import ExitCode
from cli.moments import say_moment
from cli.output import Column, Screen
from cli.paging import Cursor, Limit, next_page
from cli.spreadsheets import as_text
from cli.wire_prices import PriceCheck, PriceDetail, PriceList, PriceRevision, PriceRevisionPage

REVISIONS = (
    Column("revision", "id"),
    Column("at", "id"),
    Column("of", "id"),
    Column("change"),
    Column("by", optional=True),
    Column("reason", optional=True),
)

FINDINGS = (Column("what", "id"), Column("of", "id"), Column("order"), Column("detail"))


class Format(StrEnum):
    """How prices are exported."""

    CSV = "csv"
    JSON = "json"


def show_price(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The slug that `nb pricing list` prints.")],
) -> Outcome:
    """Show what the price of a model is made from: cost, factors, options, typical orders, the last edits.

    Examples:
        nb pricing show nano-banana-pro
        nb pricing show nano-banana-pro --env production --json
    """
    client = connect()
    found = client.read(PriceDetail, client.get(f"/api/ops/v1/prices/{quoted(model, safe='')}"))
    return Outcome(data=found, show=lambda screen: _show(screen, found))


def history(
    model: Annotated[
        str | None, typer.Argument(metavar="[MODEL]", help="Only of this model, or of `settings`.")
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Outcome:
    """List edits of prices, the newest first: what was changed, by whom, why.

    Examples:
        nb pricing history
        nb pricing history nano-banana-pro --limit 5 --json
    """
    client = connect()
    query = {"subject": model, "limit": limit, "cursor": cursor}
    page = client.read(PriceRevisionPage, client.get("/api/ops/v1/price-revisions", query))

    def show(screen: Screen) -> None:
        if not page["items"]:
            screen.line("No price was edited yet.")
            return
        screen.table(REVISIONS, map(_row, page["items"]))

    command = "nb pricing history" + (f" {model}" if model else "")
    return Outcome(data=page, show=show, next_steps=next_page(command, {"limit": limit}, page["next_cursor"]))


def check(
    days: Annotated[
        int, typer.Option("--days", min=1, max=365, help="Look at the costs that providers reported in so many days.")
    ] = 7,
) -> Outcome:
    """Compare every price with cost times markup, with what tokens are sold for, and with reported costs.

    Examples:
        nb pricing check
        nb pricing check --days 30 --env production --json
    """
    client = connect()
    report = client.read(PriceCheck, client.get("/api/ops/v1/pricing/check", {"days": days}))
    problem = None
    if not report["ok"]:
        number = len(report["findings"])
        said = f"{number} {'price is' if number == 1 else 'prices are'} not what they should be"
        problem = Problem("price_findings", f"{client.target.name}: {said}", fix=_fix(report, client.target.name))
    return Outcome(
        data=report,
        show=lambda screen: _show_check(screen, report),
        problem=problem,
        exit_code=ExitCode.OK if report["ok"] else ExitCode.CHECK_FAILED,
    )


def export(
    form: Annotated[Format, typer.Option("--format", help="csv: a row per order; json: everything.")] = Format.CSV,
) -> Outcome:
    """Print all prices as a table for other programs.

    Examples:
        nb pricing export --format csv
        nb pricing export --format json --env production
    """
    client = connect()
    found = client.read(PriceList, client.get("/api/ops/v1/prices"))
    text = _as_csv(found) if form is Format.CSV else json.dumps(found["items"], indent=2)
    data = {"format": form.value, "items": found["items"]}

    def show(screen: Screen) -> None:
        # As it is: another program reads it, whatever this terminal can show.
        screen.stream.write(text.rstrip("\n") + "\n")

    return Outcome(data=data, show=show)


def _fix(report: PriceCheck, environment: str) -> str:
    first = report["findings"][0]
    if first["kind"] == "cheap_package":
        return f"nb packages set {first['subject']} --price ... --reason ... --env {environment}"
    return f"nb pricing show {first['subject']} --env {environment}"


def _as_csv(found: PriceList) -> str:
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(
        ("model", "active", "order", "tokens", "usd", "base_cost_usd", "unit", "rate", "markup", "revision")
    )
    for price in found["items"]:
        made_from = (price["base_cost_usd"], price["cost_unit"], price["rate"], price["markup"], price["revision"])
        for order in price["orders"]:
            active = str(price["is_active"]).lower()
            writer.writerow(
                (as_text(price["slug"]), active, as_text(order["label"]), order["tokens"], order["usd"], *made_from)
            )
    return table.getvalue()


def _show(screen: Screen, found: PriceDetail) -> None:
    screen.line(f"{found['slug']}: {found['name']}", style="1")
    factors = {
        f"{option} {value}": f"x {factor}"
        for option, values in found["option_factors"].items()
        for value, factor in values.items()
    }
    screen.pairs(
        {
            "cost": f"USD {found['base_cost_usd']} per {found['cost_unit']}",
            "markup": f"x {found['markup']}",
            "rate": f"{found['rate']} tokens per USD",
            **factors,
            "active": "yes" if found["is_active"] else "no",
            "revision": found["revision"],
        },
        indent=2,
    )
    screen.heading("Orders")
    columns = (Column("order"), Column("tokens", "number"), Column("cost, USD", "number"))
    screen.table(columns, ((order["label"], order["tokens"], order["usd"]) for order in found["orders"]))
    if options := found["params_schema"].get("properties"):
        screen.heading("Options")
        screen.pairs({name: _said_option(schema) for name, schema in options.items()}, indent=2)
    if found["history"]:
        screen.heading("Last edits")
        screen.table(REVISIONS, map(_row, found["history"]))


def _said_option(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        said = ", ".join(map(str, schema["enum"]))
    else:
        ends = [str(schema[end]) for end in ("minimum", "maximum") if end in schema]
        said = " to ".join(ends) or str(schema.get("type", "any"))
    return f"{said} (default {schema['default']})" if "default" in schema else said


def _row(revision: PriceRevision) -> tuple[object, ...]:
    undone = f" (undoes {revision['reverts']})" if revision["reverts"] else ""
    return (
        revision["id"],
        say_moment(revision["at"], short=True),
        revision["subject"],
        said_change(revision["before"], revision["after"]) + undone,
        revision["actor"],
        revision["reason"],
    )


def _show_check(screen: Screen, report: PriceCheck) -> None:
    looked = f"{report['models']} models, {report['combinations']} combinations of options"
    reported = f"{report['reported_jobs']} reported costs of the last {report['days']} days"
    screen.state("ok" if report["ok"] else "failed", f"looked at {looked}, {reported}")
    for slug in report["partial"]:
        screen.state("unknown", f"{slug} has too many combinations; only its typical orders were looked at")
    if report["findings"]:
        rows = ((f["kind"], f["subject"], _said_params(f["params"]), f["detail"]) for f in report["findings"])
        screen.table(FINDINGS, rows)


def _said_params(params: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in params.items()) or "any"

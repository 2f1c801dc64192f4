"""`nb ledger`: does the money add up, and where did somebody's tokens go."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote as quoted

import typer

from cli.client import connect
from cli.commands.ledger_export import export
from cli.envelope import Outcome, Problem
from cli.exit_codes import ExitCode
from cli.groups import new_group
from cli.invocation import DEFAULT_TIMEOUT
from cli.moments import say_moment
from cli.output import Column, Screen
from cli.paging import Cursor, Limit, next_page
from cli.wire import LedgerReport
from cli.wire_ledger import Posting, Statement

app = new_group("Verify the books, print somebody's statement, export everything.")

VERIFY_TIMEOUT = 60.0
"""Seconds, where --timeout says nothing: a million postings take some."""

QUARANTINE = "unmatched_payment"
"""The kind of what is no disagreement, but money that fits no order."""

COLUMNS = (
    Column("at", "id"),
    Column("amount", "number"),
    Column("balance", "number"),
    Column("what"),
    Column("for", "id"),
    Column("actor", optional=True),
)


@app.command("statement")
def statement(
    user: Annotated[str, typer.Argument(metavar="USER", help="A Telegram id or an @username.")],
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Outcome:
    """Print a person's statement, the newest posting first: what moved, why, by whom, and the balance after it.

    Examples:
        nb ledger statement 100200300
        nb ledger statement @fox --limit 200 --env production --json
    """
    client = connect()
    query = {"limit": limit, "cursor": cursor}
    page = client.read(Statement, client.get(f"/api/ops/v1/ledger/statement/{user_path(user)}", query))

    def show(screen: Screen) -> None:
        screen.line(f"user {page['user']}: {page['balance']} ⚡", style="1")
        if page["items"]:
            screen.table(COLUMNS, map(row_of, page["items"]))
        else:
            screen.line("No postings.")

    following = next_page(f"nb ledger statement {page['user']}", query, page["next_cursor"])
    return Outcome(data=page, show=show, next_steps=following)


def user_path(user: str) -> str:
    """A user as a part of an address."""
    return quoted(user, safe="@") or "-"


def row_of(posting: Posting) -> tuple[object, ...]:
    """A posting as a row of `COLUMNS`."""
    what = posting["what"]
    return (
        say_moment(posting["at"], short=True),
        posting["amount"],
        posting["balance_after"],
        f"{what}: {posting['reason']}" if posting["kind"] == "admin" else what,
        posting["payment"] or posting["generation"],
        posting["actor"],
    )


app.command("export")(export)


@app.command("verify")
def verify() -> Outcome:
    """Add everything up: balances and postings, charges and generations, deposits and payments, bonuses and counters.

    Examples:
        nb ledger verify
        nb ledger verify --env production --timeout 2m --json
    """
    client = connect()
    if client.timeout == DEFAULT_TIMEOUT:
        client.timeout = VERIFY_TIMEOUT
    report = client.read(LedgerReport, client.get("/api/ops/v1/ledger/verify"))
    sound = report["ok"] and not report["problems"]
    problem = None
    if not sound:
        problem = _problem(report, client.target.name)
    return Outcome(
        data=report,
        show=lambda screen: _show(screen, report, sound=sound),
        problem=problem,
        exit_code=ExitCode.OK if sound else ExitCode.CHECK_FAILED,
    )


def _problem(report: LedgerReport, environment: str) -> Problem:
    found = len(report["problems"])
    if _only_waits(report):
        text = f"{found} {'payment waits' if found == 1 else 'payments wait'} in the quarantine of {environment}"
        return Problem("payments_in_quarantine", text, fix="nb payments list --status quarantined")
    said = f"has {found} {'problem' if found == 1 else 'problems'}" if found else "does not add up"
    return Problem("ledger_problems", f"the ledger of {environment} {said}", fix="nb ledger verify --json")


def _only_waits(report: LedgerReport) -> bool:
    """True when all numbers agree and only payments wait for an operator."""
    return bool(report["problems"]) and all(problem["kind"] == QUARANTINE for problem in report["problems"])


def _show(screen: Screen, report: LedgerReport, *, sound: bool) -> None:
    agrees = "adds up" if sound else "adds up, payments are in quarantine" if _only_waits(report) else "does not add up"
    screen.state(
        "ok" if sound else "failed",
        f"ledger {agrees}: {report['users']} users, {report['postings']} postings, {report['duration_ms']:.0f} ms",
    )
    if report["problems"]:
        rows = [(problem["kind"], problem["subject"], problem["detail"]) for problem in report["problems"]]
        screen.table((Column("kind", "id"), Column("subject", "id"), Column("detail")), rows)

"""`nb ledger`: does the money add up."""

from __future__ import annotations

from cli.client import connect
from cli.envelope import Outcome, Problem
from cli.exit_codes import ExitCode
from cli.groups import new_group
from cli.output import Column, Screen
from cli.wire import LedgerReport

app = new_group("Verify that the statement and the balances agree.")


@app.command("verify")
def verify() -> Outcome:
    """Compare every balance with its statement, and every charge with what became of it.

    Examples:
        nb ledger verify
        nb ledger verify --env production --timeout 2m --json
    """
    client = connect()
    report = client.read(LedgerReport, client.get("/api/ops/v1/ledger/verify"))
    sound = report["ok"] and not report["problems"]
    problem = None
    if not sound:
        found = len(report["problems"])
        said = f"has {found} {'problem' if found == 1 else 'problems'}" if found else "does not add up"
        problem = Problem(
            "ledger_problems", f"the ledger of {client.target.name} {said}", fix="nb ledger verify --json"
        )
    return Outcome(
        data=report,
        show=lambda screen: _show(screen, report, sound=sound),
        problem=problem,
        exit_code=ExitCode.OK if sound else ExitCode.CHECK_FAILED,
    )


def _show(screen: Screen, report: LedgerReport, *, sound: bool) -> None:
    screen.state(
        "ok" if sound else "failed",
        f"ledger {'adds up' if sound else 'does not add up'}: {report['users']} users, {report['postings']} postings, "
        f"{report['duration_ms']:.0f} ms",
    )
    if report["problems"]:
        rows = [(problem["kind"], problem["subject"], problem["detail"]) for problem in report["problems"]]
        screen.table((Column("kind", "id"), Column("subject", "id"), Column("detail")), rows)

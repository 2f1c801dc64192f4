"""`nb approve`: agree to a change that somebody else asked for, after reading exactly what it is."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote as quoted

import typer

from cli import changes
from cli.changes import Key, Reason
from cli.client import connect
from cli.envelope import Outcome
from cli.groups import new_group
from cli.moments import say_moment
from cli.output import Column, Screen, State
from cli.wire_prices import Approval, ApprovalList

app = new_group("Agree to a change that somebody else asked for.")

COLUMNS = (
    Column("approval", "id"),
    Column("state"),
    Column("action"),
    Column("of"),
    Column("asked by"),
    Column("until", "id", optional=True),
)

SIGNS: dict[str, State] = {"approved": "ok", "used": "ok", "pending": "unknown", "expired": "failed"}

Code = Annotated[str, typer.Argument(metavar="CODE", help="As the refused change printed it.")]


@app.command("CODE")
def approve(code: Code, reason: Reason = "agreed", key: Key = None) -> Outcome:
    """Agree to a change. Needs the scope admin, and somebody else than who asked for it; holds for 24 hours, once.

    Examples:
        nb approve 7KQ2M9XW4T --reason "checked against the provider's list"
        nb approve 7KQ2M9XW4T --reason "checked" --env production
    """
    client = connect(writes=True)
    path = f"/api/ops/v1/approvals/{quoted(code, safe='')}/approve"
    found = client.read(Approval, client.change("POST", path, {"reason": reason}, key=key))
    return changes.outcome(found, lambda screen: _show(screen, found))


@app.command("list")
def list_approvals(
    pending: Annotated[bool, typer.Option("--pending", help="Only those that wait for somebody.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="How many at most.")] = 20,
) -> Outcome:
    """List changes that needed somebody else's consent, the newest first.

    Examples:
        nb approve list --pending
        nb approve list --env production --json
    """
    client = connect()
    query = {"pending": "true" if pending else None, "limit": limit}
    found = client.read(ApprovalList, client.get("/api/ops/v1/approvals", query))

    def show(screen: Screen) -> None:
        if not found["items"]:
            screen.line("Nothing waits for an approval." if pending else "Nothing needed an approval yet.")
            return
        screen.table(COLUMNS, map(_row, found["items"]))

    return Outcome(data=found, show=show)


@app.command("show")
def show_approval(code: Code) -> Outcome:
    """Show what exactly is to be approved, who wants it and why.

    Examples:
        nb approve show 7KQ2M9XW4T
        nb approve show 7KQ2M9XW4T --env production --json
    """
    client = connect()
    found = client.read(Approval, client.get(f"/api/ops/v1/approvals/{quoted(code, safe='')}"))
    return Outcome(data=found, show=lambda screen: _show(screen, found))


def _row(approval: Approval) -> tuple[object, ...]:
    return (
        approval["code"],
        approval["state"],
        approval["action"],
        approval["subject"],
        approval["requested_by"],
        say_moment(approval["expires_at"], short=True),
    )


def _show(screen: Screen, approval: Approval) -> None:
    screen.state(SIGNS[approval["state"]], f"{approval['code']}: {approval['state']}")
    by = f"{approval['approved_by']}, {say_moment(approval['approved_at'])}" if approval["approved_by"] else None
    screen.pairs(
        {
            "change": f"{approval['action']} of {approval['subject']}",
            "asked by": f"{approval['requested_by']}, {say_moment(approval['requested_at'])}",
            "reason": approval["reason"],
            "approved by": by,
            "used": say_moment(approval["used_at"]),
            "holds until": say_moment(approval["expires_at"]),
        },
        indent=2,
    )
    before, after = approval["content"].get("before"), approval["content"].get("after")
    if isinstance(before, dict) and isinstance(after, dict):
        columns = (Column("field", "id"), Column("now", "number"), Column("then", "number"))
        screen.table(columns, ((name, before.get(name), value) for name, value in after.items()))

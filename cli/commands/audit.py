"""`nb audit`: who changed what, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.client import connect
from cli.envelope import Outcome
from cli.groups import new_group
from cli.moments import say_moment
from cli.output import Column, Screen
from cli.paging import Cursor, Limit, next_page
from cli.wire_ledger import AuditPage

app = new_group("List what operators changed.")

COLUMNS = (
    Column("at", "id"),
    Column("actor"),
    Column("action", "id"),
    Column("subject"),
    Column("reason"),
)


@app.command("list")
def list_changes(
    actor: Annotated[str | None, typer.Option("--actor", help="Only by this actor, such as token:ops.")] = None,
    action: Annotated[str | None, typer.Option("--action", help="Only this action, such as users.credit.")] = None,
    subject: Annotated[str | None, typer.Option("--subject", help="Only on this, such as a Telegram id.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Outcome:
    """List the changes that operators made, the newest first: who, what, to whom, why.

    Examples:
        nb audit list --env production
        nb audit list --action users.credit --subject 100200300 --json
    """
    client = connect()
    query = {"actor": actor, "action": action, "subject": subject, "limit": limit, "cursor": cursor}
    page = client.read(AuditPage, client.get("/api/ops/v1/audit", query))

    def show(screen: Screen) -> None:
        if not page["items"]:
            screen.line("No changes match.")
            return
        screen.table(
            COLUMNS,
            (
                (
                    say_moment(event["at"], short=True),
                    event["actor"],
                    event["action"],
                    event["subject"],
                    event["reason"],
                )
                for event in page["items"]
            ),
        )

    return Outcome(data=page, show=show, next_steps=next_page("nb audit list", query, page["next_cursor"]))

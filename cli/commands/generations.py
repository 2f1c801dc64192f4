"""`nb gen`: look at generations, one after the other or one in full, and put right what is stuck."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote as quoted

import typer

from cli import changes
from cli.changes import Key, Reason
from cli.client import connect
from cli.commands.generations_view import show as show_story
from cli.commands.generations_view import state_of
from cli.envelope import NextStep, Outcome
from cli.groups import new_group
from cli.moments import say_moment
from cli.output import Column, Screen
from cli.paging import Cursor, Limit, next_page
from cli.wire import Generation, GenerationDetail, GenerationPage
from cli.wire_generations import GenerationChanged

app = new_group("List generations, look into one, put right what is stuck.")

Identity = Annotated[str, typer.Argument(metavar="ID", help="The id that `nb gen list` prints.")]

COLUMNS = (
    Column("id", "id"),
    Column("status"),
    Column("model", "id"),
    Column("created", "id", optional=True),
    Column("tokens", "number", optional=True),
    Column("user", "id", optional=True),
)


@app.command("list")
def list_generations(
    status: Annotated[
        str | None, typer.Option("--status", help="queued, processing, done, error or cancelled.")
    ] = None,
    user: Annotated[str | None, typer.Option("--user", metavar="CHAT", help="Only of this user.")] = None,
    model: Annotated[str | None, typer.Option("--model", metavar="SLUG", help="Only of this model.")] = None,
    ambiguous: Annotated[
        bool, typer.Option("--ambiguous", help="Only those whose answer was lost and that were looked up.")
    ] = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Outcome:
    """List generations, the newest first.

    Examples:
        nb gen list --status error --limit 50
        nb gen list --user 100200300 --env staging --json
    """
    client = connect()
    query = {"status": status, "user": user, "model": model, "limit": limit, "cursor": cursor}
    asked = {**query, "ambiguous": "true"} if ambiguous else query
    page = client.read(GenerationPage, client.get("/api/ops/v1/generations", asked))
    command = "nb gen list --ambiguous" if ambiguous else "nb gen list"

    def show(screen: Screen) -> None:
        if not page["items"]:
            screen.line("No generations match.")
            return
        screen.table(COLUMNS, map(_row, page["items"]))

    return Outcome(data=page, show=show, next_steps=next_page(command, query, page["next_cursor"]))


@app.command("show")
def show_generation(
    generation: Identity,
) -> Outcome:
    """Show one generation in full: order, price, routes, times, cost, refunds, results, and what happened when.

    Examples:
        nb gen show g_7f3k
        nb gen show g_7f3k --env production --json
    """
    client = connect()
    found = client.read(GenerationDetail, client.get(f"/api/ops/v1/generations/{quoted(generation, safe='')}"))
    stuck = found["status"] in ("queued", "processing")
    steps = (NextStep(f"nb status --env {client.target.name}", "shows whether a worker runs"),) if stuck else ()
    return Outcome(data=found, show=lambda screen: show_story(screen, found), next_steps=steps)


@app.command("stuck")
def stuck(limit: Limit = 20) -> Outcome:
    """List generations that are overdue and that nobody takes up, the longest waiting first.

    Examples:
        nb gen stuck
        nb gen stuck --env production --json
    """
    client = connect()
    page = client.read(GenerationPage, client.get("/api/ops/v1/generations", {"stuck": "true", "limit": limit}))

    def show(screen: Screen) -> None:
        if not page["items"]:
            screen.state("ok", "nothing is stuck")
            return
        screen.table(COLUMNS, map(_row, page["items"]))

    steps = tuple(
        NextStep(f"nb gen show {item['id']} --env {client.target.name}", "tells where it stands")
        for item in page["items"][:1]
    )
    return Outcome(data=page, show=show, next_steps=steps)


@app.command("retry")
def retry(generation: Identity, reason: Reason, key: Key = None) -> Outcome:
    """Have an unfinished generation looked at now, at the step where it stands. Nothing is submitted twice.

    Examples:
        nb gen retry g_7f3k --reason "the provider is back"
        nb gen retry g_7f3k --reason "what would be" --dry-run
    """
    return _change("retry", "is looked at now", generation, reason, key)


@app.command("cancel")
def cancel(generation: Identity, reason: Reason, key: Key = None) -> Outcome:
    """Stop a waiting or running generation: its user gets every token back, its provider is asked to stop.

    Examples:
        nb gen cancel g_7f3k --reason "ordered by mistake, ticket 4711"
        nb gen cancel g_7f3k --reason "what would be" --dry-run
    """
    return _change("cancel", "is cancelled", generation, reason, key)


@app.command("refund")
def refund(generation: Identity, reason: Reason, key: Key = None) -> Outcome:
    """End a generation that does not come to an end, at whatever step, and give its tokens back.

    Examples:
        nb gen refund g_7f3k --reason "stuck since noon, ticket 4711"
        nb gen refund g_7f3k --reason "what would be" --dry-run
    """
    return _change("refund", "is ended", generation, reason, key)


def _change(verb: str, done: str, generation: str, reason: str, key: str | None) -> Outcome:
    client = connect(writes=True)
    path = f"/api/ops/v1/generations/{quoted(generation, safe='')}/{verb}"
    made = client.read(GenerationChanged, client.change("POST", path, {"reason": reason}, key=key))

    def show(screen: Screen) -> None:
        screen.state("ok", f"{made['id']} {done}")
        screen.pairs({"state": state_of(made), "tokens": made["tokens"], "returned": made["refunded"]}, indent=2)

    step = NextStep(f"nb gen show {made['id']} --env {client.target.name}", "tells the whole story")
    return changes.outcome(made, show, next_steps=(step,))


def _row(item: Generation) -> tuple[object, ...]:
    return (
        item["id"],
        state_of(item),
        item["model"],
        say_moment(item["created_at"], short=True),
        item["tokens"],
        item["user"],
    )

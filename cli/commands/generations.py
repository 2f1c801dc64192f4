"""`nb gen`: look at generations, one after the other or one in full."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote as quoted

import typer

from cli.client import connect
from cli.envelope import NextStep, Outcome
from cli.groups import new_group
from cli.moments import say_moment
from cli.output import Column, Screen, State
from cli.paging import Cursor, Limit, next_page
from cli.wire import Generation, GenerationDetail, GenerationPage

app = new_group("List generations and look into one.")

SIGN_OF_STATUS: dict[str, State] = {"done": "ok", "error": "failed", "cancelled": "note"}

COLUMNS = (
    Column("id", "id"),
    Column("status"),
    Column("model"),
    Column("user", "id", optional=True),
    Column("tokens", "number"),
    Column("created", "id"),
)


@app.command("list")
def list_generations(
    status: Annotated[
        str | None, typer.Option("--status", help="queued, processing, done, error or cancelled.")
    ] = None,
    user: Annotated[str | None, typer.Option("--user", metavar="CHAT", help="Only of this user.")] = None,
    model: Annotated[str | None, typer.Option("--model", metavar="SLUG", help="Only of this model.")] = None,
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
    page = client.read(GenerationPage, client.get("/api/ops/v1/generations", query))

    def show(screen: Screen) -> None:
        if not page["items"]:
            screen.line("No generations match.")
            return
        screen.table(COLUMNS, map(_row, page["items"]))

    return Outcome(data=page, show=show, next_steps=next_page("nb gen list", query, page["next_cursor"]))


@app.command("show")
def show_generation(
    generation: Annotated[str, typer.Argument(metavar="ID", help="The id that `nb gen list` prints.")],
) -> Outcome:
    """Show one generation in full: prompt, options, price, charge, results, and what happened when.

    Examples:
        nb gen show g_7f3k
        nb gen show g_7f3k --env production --json
    """
    client = connect()
    found = client.read(GenerationDetail, client.get(f"/api/ops/v1/generations/{quoted(generation, safe='')}"))
    stuck = found["status"] in ("queued", "processing")
    steps = (NextStep(f"nb status --env {client.target.name}", "shows whether a worker runs"),) if stuck else ()
    return Outcome(data=found, show=lambda screen: _show(screen, found), next_steps=steps)


def _row(item: Generation) -> tuple[object, ...]:
    return (
        item["id"],
        _state(item),
        item["model"],
        item["user"],
        item["tokens"],
        say_moment(item["created_at"], short=True),
    )


def _state(item: Generation) -> str:
    if item["error_code"]:
        return f"{item['status']} ({item['error_code']})"
    return item["stage"] if item["status"] == "processing" and item["stage"] else item["status"]


def _show(screen: Screen, found: GenerationDetail) -> None:
    screen.state(SIGN_OF_STATUS.get(found["status"], "unknown"), f"{found['id']}  {_state(found)}")
    charge = found["charge"]
    screen.pairs(
        {
            "model": found["model"],
            "route": found["route"],
            "user": found["user"],
            "prompt": found["prompt"],
            "options": _said(found["params"]),
            "tokens": found["tokens"],
            "charge": f"{charge['id']}, {charge['tokens']}, {charge['state']}, returned {charge['refunded']}"
            if charge
            else None,
            "cost, USD": _cost(found),
            "created": say_moment(found["created_at"]),
            "completed": say_moment(found["completed_at"]),
            "error": found["error_code"],
            "external id": found["external_id"],
            "trace": found["trace_id"],
        },
        indent=2,
    )
    if found["results"]:
        screen.heading("Results")
        for media in found["results"]:
            size = f"{media['width']} x {media['height']}, " if media["width"] and media["height"] else ""
            screen.wrapped(f"{media['key']}  {media['mime']}, {size}{media['bytes']:,} bytes", indent=2)
    if found["events"]:
        screen.heading("Events")
        for event in found["events"]:
            detail = _said(event["detail"])
            screen.wrapped(f"{say_moment(event['at'])}  {event['event']}  {detail}".rstrip(), indent=2)


def _cost(found: GenerationDetail) -> str | None:
    if found["cost_usd"] is not None:
        return f"{found['cost_usd']}, reported by {found['route'] or 'its provider'}"
    expected = (found["quote"] or {}).get("usd")
    return None if expected is None else f"{expected} by its quote; nothing was reported"


def _said(values: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())

"""`nb models`: what can be ordered, what it takes, where it is made, until when. Prices are edited by `nb pricing`."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote as quoted

import typer

from cli import changes
from cli.changes import Key, Reason
from cli.client import connect
from cli.envelope import NextStep, Outcome
from cli.errors import UsageMistake
from cli.groups import new_group
from cli.moments import parse_moment, say_moment
from cli.output import Column, Screen, State
from cli.paging import Cursor, Limit, cut, next_page
from cli.wire import Model, ModelPage
from cli.wire_models import ModelDetail, ModelEdited, ModelFollowUp, ModelOption, ModelRoute, ModelSlot

app = new_group("Show models, switch them on and off, set their names, limits and ends.")

NONE = "none"
"""Takes a limit, an end or a successor away."""

COLUMNS = (
    Column("model", "id"),
    Column("kind", "id"),
    Column("from, ⚡", "number"),
    Column("offered"),
    Column("by", optional=True),
)

ROUTE_STATES: dict[str, State] = {
    "ready": "ok",
    "no_key": "note",
    "unknown": "failed",
    "off": "failed",
    "parked": "failed",
    "probing": "unknown",
}

Slug = Annotated[str, typer.Argument(metavar="MODEL", help="The slug that `nb models list` prints.")]


@app.command("list")
def list_models(limit: Limit = 50, cursor: Cursor = None) -> Outcome:
    """List all models in their order: lowest price, whether they are offered, by whom.

    Examples:
        nb models list
        nb models list --env production --json
    """
    client = connect()
    found = client.read(ModelPage, client.get("/api/ops/v1/models"))
    items, following = cut(found["items"], limit, cursor, lambda model: model["slug"])
    page: ModelPage = {"items": items, "next_cursor": following}
    return Outcome(
        data=page,
        show=lambda screen: _show_list(screen, page),
        next_steps=next_page("nb models list", {"limit": limit}, following),
    )


@app.command("show")
def show_model(slug: Slug) -> Outcome:
    """Show a model in full: options with prices, inputs, routes and their state, end, follow-ups.

    Examples:
        nb models show veo3-fast
        nb models show kling-v2-6 --env production --json
    """
    client = connect()
    found = client.read(ModelDetail, client.get(_path(slug)))
    return Outcome(data=found, show=lambda screen: _show(screen, found))


@app.command("set")
def set_model(
    slug: Slug,
    reason: Reason,
    name: Annotated[str | None, typer.Option("--name", help="What people read.")] = None,
    place: Annotated[int | None, typer.Option("--place", help="The smallest place is shown first.")] = None,
    cooldown: Annotated[
        int | None, typer.Option("--cooldown", metavar="SECONDS", help="Pause of one person between two orders.")
    ] = None,
    daily_limit: Annotated[
        str | None, typer.Option("--daily-limit", metavar="N", help="Orders of one person in 24 hours, or `none`.")
    ] = None,
    deadline: Annotated[
        int | None, typer.Option("--deadline", metavar="SECONDS", help="An older job is given up and refunded.")
    ] = None,
    retires_at: Annotated[
        str | None, typer.Option("--retires-at", metavar="MOMENT", help="The end, such as 2026-12-01, or `none`.")
    ] = None,
    successor: Annotated[
        str | None, typer.Option("--successor", metavar="MODEL", help="What to use instead, or `none`.")
    ] = None,
    key: Key = None,
) -> Outcome:
    """Change a model. What is not named stays; jobs under way keep what they were ordered with.

    Examples:
        nb models set veo3-fast --daily-limit 20 --reason "a quota of Google"
        nb models set kling_O1 --retires-at 2026-12-31 --successor kling-v2-6 --reason "Kling ends it"
    """
    wish: dict[str, Any] = {
        "display_name": name,
        "order": place,
        "cooldown_seconds": cooldown,
        "deadline_seconds": deadline,
    }
    body = {field: value for field, value in wish.items() if value is not None}
    if daily_limit is not None:
        body["daily_limit"] = None if daily_limit == NONE else _whole("--daily-limit", daily_limit)
    if retires_at is not None:
        body["retires_at"] = None if retires_at == NONE else _moment(retires_at)
    if successor is not None:
        body["successor"] = None if successor == NONE else successor
    if not body:
        raise UsageMistake("there is nothing to change", fix="nb models set --help")
    return _edit(_path(slug), {**body, "reason": reason}, key)


@app.command("disable")
def disable(slug: Slug, reason: Reason, key: Key = None) -> Outcome:
    """Switch a model off: nobody can order it. Jobs under way go on.

    Examples:
        nb models disable runway_aleph --reason "the vendor fails"
        nb models disable runway_aleph --reason "what would be" --dry-run
    """
    return _edit(f"{_path(slug)}/activity", {"is_active": False, "reason": reason}, key)


@app.command("enable")
def enable(slug: Slug, reason: Reason, key: Key = None) -> Outcome:
    """Switch a model on again.

    Examples:
        nb models enable runway_aleph --reason "it works again"
        nb models enable runway_aleph --reason "what would be" --dry-run
    """
    return _edit(f"{_path(slug)}/activity", {"is_active": True, "reason": reason}, key)


@app.command("order")
def order(
    slugs: Annotated[list[str], typer.Argument(metavar="MODEL...", help="These come first, in this order.")],
    reason: Reason,
    key: Key = None,
) -> Outcome:
    """Arrange models: these come first, the others follow as they did.

    Examples:
        nb models order nano-banana-pro nano-banana --reason "most people want Pro"
        nb models order veo3-fast --reason "what would be" --dry-run
    """
    client = connect(writes=True)
    answer = client.change("POST", "/api/ops/v1/model-order", {"slugs": slugs, "reason": reason}, key=key)
    page = client.read(ModelPage, answer)
    return changes.outcome(page, lambda screen: _show_list(screen, page))


def _edit(path: str, body: dict[str, Any], key: str | None) -> Outcome:
    client = connect(writes=True)
    edited = client.read(ModelEdited, client.change("POST", path, body, key=key))
    model = edited["model"]

    def show(screen: Screen) -> None:
        screen.state("ok", f"{model['slug']}: {_said(edited)}")

    step = NextStep(f"nb models show {model['slug']} --env {client.target.name}", "the model as it is now")
    return changes.outcome(edited, show, next_steps=(step,))


def _said(edited: ModelEdited) -> str:
    before, after = dict(edited["before"]), dict(edited["model"])
    told = (
        "name",
        "order",
        "is_active",
        "cooldown_seconds",
        "daily_limit",
        "deadline_seconds",
        "retires_at",
        "successor",
    )
    parts = [f"{name} {_value(before[name])} → {_value(after[name])}" for name in told if before[name] != after[name]]
    return ", ".join(parts) or "is as it was"


def _value(value: object) -> str:
    return NONE if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _whole(option: str, text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise UsageMistake(f"{option} {text!r} is neither a number nor `{NONE}`", fix=f"{option} 20")
    return int(text)


def _moment(text: str) -> str:
    try:
        return parse_moment(text).isoformat()
    except ValueError:
        fix = "--retires-at 2026-12-31T12:00:00Z"
        raise UsageMistake(f"--retires-at {text!r} is neither a moment nor `{NONE}`", fix=fix) from None


def _path(slug: str) -> str:
    return f"/api/ops/v1/models/{quoted(slug, safe='')}"


def offered(model: Model) -> str:
    """Whether people can order a model, in a few words."""
    if model.get("retired"):
        return f"ended, use {model.get('successor') or 'another'}"
    if not model["is_active"]:
        return "no, off"
    if not model["available"]:
        return "no key"
    return "yes" if model.get("is_listed", True) else "under results"


def _show_list(screen: Screen, page: ModelPage) -> None:
    if not page["items"]:
        screen.line("The catalogue is empty. Load it with: nb db migrate")
        return
    screen.table(COLUMNS, map(_row, page["items"]))


def _row(model: Model) -> tuple[object, ...]:
    return model["slug"], model["kind"], model["price_from"], offered(model), ", ".join(model["routes"]) or None


def _show(screen: Screen, found: ModelDetail) -> None:
    screen.line(f"{found['slug']}: {found['name']}", style="1")
    ends = say_moment(found.get("retires_at")) if found.get("retires_at") else "no end known"
    screen.pairs(
        {
            "purpose": found["purpose"].get("en", ""),
            "kind": found["kind"],
            "offered": offered(found),
            "price from": f"{found['price_from'] or '-'} ⚡, paid by {found['unit']}",
            "prompt": f"{found['max_prompt_length']} characters at most",
            "pause": f"{found['cooldown_seconds']} s between two orders",
            "daily limit": found["daily_limit"] or NONE,
            "takes": f"{found['typical_seconds']} s usually, given up after {found['deadline_seconds']} s",
            "ends": ends,
            "successor": found.get("successor") or NONE,
        },
        indent=2,
    )
    _show_options(screen, found["options"])
    if found["inputs"]:
        screen.heading("Inputs")
        screen.pairs({slot["role"]: _said_slot(slot) for slot in found["inputs"]}, indent=2)
    screen.heading("Routes")
    for route in found["all_routes"]:
        screen.state(ROUTE_STATES[route["state"]], _said_route(route), indent=2)
    if found["follow_ups"]:
        screen.heading("Follow-ups")
        columns = (Column("what", "id"), Column("model", "id"), Column("from, ⚡", "number"), Column("offered"))
        screen.table(columns, map(_follow_up_row, found["follow_ups"]))


def _show_options(screen: Screen, options: list[ModelOption]) -> None:
    if not options:
        return
    screen.heading("Options")
    columns = (Column("option", "id"), Column("value"), Column("⚡", "number"), Column("label"))
    screen.table(columns, (row for option in options for row in _option_rows(option)))


def _option_rows(option: ModelOption) -> list[tuple[object, ...]]:
    label = option["label"].get("en")
    if not option["choices"]:
        return [(option["name"], "any text", None, label)]
    rows: list[tuple[object, ...]] = []
    for number, choice in enumerate(option["choices"]):
        mark = " (default)" if choice["value"] == option["default"] else ""
        names = [label] if number == 0 else []
        names += [choice["label"]["en"]] if choice["label"].get("en") else []
        value = f"{_value(choice['value'])}{mark}"
        rows.append((option["name"] if number == 0 else "", value, choice["tokens"], ": ".join(map(str, names))))
    return rows


def _said_slot(slot: ModelSlot) -> str:
    count = f"{slot['least']} to {slot['most']}"
    parts = [count]
    parts += [f"{most} beside {role}" for role, most in slot["fewer"].items()]
    parts += [f"{slot['longest']:g} s at most"] if slot["longest"] is not None else []
    parts += [f"needs {', '.join(slot['needs'])}"] if slot["needs"] else []
    parts += [f"not with {', '.join(slot['excludes'])}"] if slot["excludes"] else []
    parts += [f"only with {_said_values(slot['requires'])}"] if slot["requires"] else []
    return "; ".join(parts)


def _said_route(route: ModelRoute) -> str:
    words = {"no_key": "no key here", "unknown": "no such provider", "off": "switched off"}
    said = f"{route['provider']} {route['model']}: {words.get(route['state'], route['state'])}"
    said += f", only with {_said_values(route['requires'])}" if route["requires"] else ""
    said += f", takes {', '.join(route['takes']) or 'no inputs'}" if route["takes"] is not None else ""
    return f"{said} ({route['reason']})" if route["reason"] and route["state"] != "ready" else said


def _said_values(required: dict[str, Any]) -> str:
    return ", ".join(f"{name} {' or '.join(map(_value, values))}" for name, values in required.items())


def _follow_up_row(follow_up: ModelFollowUp) -> tuple[object, ...]:
    return follow_up["kind"], follow_up["model"], follow_up["tokens"], "yes" if follow_up["available"] else "no"

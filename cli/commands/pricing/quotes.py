"""`nb pricing quote` and `list`: what a generation costs, and what the models cost at least."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from cli.client import connect
from cli.envelope import Outcome
from cli.errors import UsageMistake
from cli.output import Column, Screen
from cli.paging import Cursor, Limit, cut, next_page
from cli.wire import Model, ModelPage, Quote

COLUMNS = (
    Column("model", "id"),
    Column("name"),
    Column("kind"),
    Column("from", "number"),
    Column("paid by"),
    Column("offered"),
)


def quote(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The slug that `nb pricing list` prints.")],
    param: Annotated[
        list[str] | None, typer.Option("--param", metavar="NAME=VALUE", help="An option; repeat it for more.")
    ] = None,
) -> Outcome:
    """Say what a generation costs, and how the price comes about.

    Examples:
        nb pricing quote demo-image
        nb pricing quote veo-3 --param duration=8 --param resolution=1080p --json
    """
    params = parse_params(param or [])
    client = connect()
    found = client.read(Quote, client.post("/api/ops/v1/pricing/quote", {"model": model, "params": params}))
    return Outcome(data=found, show=lambda screen: _show(screen, found))


def list_prices(limit: Limit = 50, cursor: Cursor = None) -> Outcome:
    """List the models with the lowest price of each.

    Examples:
        nb pricing list
        nb pricing list --env production --limit 100 --json
    """
    client = connect()
    found = client.read(ModelPage, client.get("/api/ops/v1/models"))
    items, following = cut(found["items"], limit, cursor, lambda model: model["slug"])
    page: ModelPage = {"items": items, "next_cursor": following}

    def show(screen: Screen) -> None:
        if not page["items"]:
            screen.line("The catalogue is empty. Load it with: nb up")
            return
        screen.table(COLUMNS, map(_row, page["items"]))

    return Outcome(data=page, show=show, next_steps=next_page("nb pricing list", {"limit": limit}, following))


def parse_params(given: list[str]) -> dict[str, Any]:
    """Options as `name=value`; a value that is JSON (2, true, null) is taken as such, anything else as text.

    Raises:
        UsageMistake: there is no `=`, or a name comes twice.
    """
    params: dict[str, Any] = {}
    for text in given:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise UsageMistake(f"--param {text!r} has no name and value", fix="--param duration=8")
        if name in params:
            raise UsageMistake(f"--param {name} is given twice", fix=f"keep one --param {name}=...")
        params[name] = _value(value)
    return params


def _value(text: str) -> Any:  # noqa: ANN401  An option may be of any JSON type; the model's schema decides.
    try:
        return json.loads(text, parse_constant=_not_json)
    except ValueError:
        return text


def _not_json(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _row(model: Model) -> tuple[object, ...]:
    offered = "yes" if model["is_active"] and model["available"] else "no, off" if not model["is_active"] else "not now"
    return model["slug"], model["name"], model["kind"], model["price_from"], model["unit"], offered


def _show(screen: Screen, found: Quote) -> None:
    screen.line(f"{found['model']}: {found['tokens']} ⚡", style="1")
    screen.pairs(
        {
            "units": f"{found['units']} {found['unit']} at USD {found['unit_cost_usd']}",
            "cost": f"USD {found['usd']}",
            "markup": f"x {found['markup']}",
            "rate": f"{found['rate']} tokens per USD",
            **{f"{factor['option']} {factor['value']}": f"x {factor['factor']}" for factor in found["factors"]},
        },
        indent=2,
    )

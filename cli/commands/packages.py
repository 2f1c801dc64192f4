"""`nb packages`: what is sold, and for how much. Orders that were made keep what they were made with."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote as quoted

import typer

from cli import changes
from cli.changes import Key, Reason
from cli.client import OpsClient, connect
from cli.envelope import NextStep, Notice, Outcome
from cli.errors import UsageMistake
from cli.groups import new_group
from cli.output import Column, Screen
from cli.wire_prices import TokenPackage, TokenPackageEdited, TokenPackageList

app = new_group("Show, add, edit and order the packages on sale.")

COLUMNS = (
    Column("package", "id"),
    Column("title"),
    Column("tokens", "number"),
    Column("USD", "number"),
    Column("Stars", "number"),
    Column("USD per ⚡", "number", optional=True),
    Column("offers", optional=True),
    Column("on sale"),
)

Code = Annotated[str, typer.Argument(metavar="CODE", help="As `nb packages list` prints it.")]
Title = Annotated[str | None, typer.Option("--title", help="What people read on the button.")]
TokensOption = Annotated[str | None, typer.Option("--tokens", help="What it gives; two decimals at most.")]
PriceOption = Annotated[str | None, typer.Option("--price", metavar="USD", help="What it costs in US dollars.")]
Stars = Annotated[int | None, typer.Option("--stars", help="What it costs in Stars; 0: not sold for Stars.")]
Offer = Annotated[
    list[str] | None,
    typer.Option("--offer", metavar="GATEWAY=ID", help="What a gateway calls it; `lava=` removes it. Repeat it."),
]
Recurring = Annotated[
    bool | None, typer.Option("--recurring/--once", help="Bought every month until cancelled, or once.")
]
Place = Annotated[int | None, typer.Option("--place", help="The smallest place is shown first.")]


@app.command("list")
def list_packages() -> Outcome:
    """List the packages in the order in which people see them, those off sale included.

    Examples:
        nb packages list
        nb packages list --env production --json
    """
    client = connect()
    found = client.read(TokenPackageList, client.get("/api/ops/v1/packages"))
    return Outcome(data=found, show=lambda screen: _show_list(screen, found))


@app.command("show")
def show_package(code: Code) -> Outcome:
    """Show one package in full.

    Examples:
        nb packages show tokens-100
        nb packages show tokens-100 --json
    """
    client = connect()
    found = client.read(TokenPackage, client.get(_path(code)))
    return Outcome(data=found, show=lambda screen: _show(screen, found))


@app.command("set")
def set_package(
    code: Code,
    reason: Reason,
    title: Title = None,
    tokens: TokensOption = None,
    price: PriceOption = None,
    stars: Stars = None,
    offer: Offer = None,
    recurring: Recurring = None,
    place: Place = None,
    key: Key = None,
) -> Outcome:
    """Change a package. What is not named stays; orders that were made keep their tokens and their price.

    Examples:
        nb packages set tokens-100 --stars 425 --reason "Stars are dearer"
        nb packages set tokens-100 --offer lava=836b9fc5 --reason "on Lava.top"
    """
    wish = _wish(title, tokens, price, stars, offer or [], recurring, place)
    if not wish:
        raise UsageMistake("there is nothing to change", fix="nb packages set --help")
    return _edit(_path(code), {**wish, "reason": reason}, key)


@app.command("add")
def add_package(
    code: Code,
    reason: Reason,
    tokens: Annotated[str, typer.Option("--tokens", help="What it gives; two decimals at most.")],
    price: Annotated[str, typer.Option("--price", metavar="USD", help="What it costs in US dollars.")],
    title: Title = None,
    stars: Stars = None,
    offer: Offer = None,
    recurring: Recurring = None,
    place: Place = None,
    key: Key = None,
) -> Outcome:
    """Put a new package on sale, behind the others unless --place says otherwise.

    Examples:
        nb packages add tokens-2000 --tokens 2000 --price 100 --reason "studios"
        nb packages add m300 --tokens 300 --price 12 --recurring --reason "monthly"
    """
    wish = _wish(title, tokens, price, stars, offer or [], recurring, place)
    return _edit("/api/ops/v1/packages", {"code": code, **wish, "reason": reason}, key)


@app.command("disable")
def disable(code: Code, reason: Reason, key: Key = None) -> Outcome:
    """Take a package off sale. Orders that were made can be paid all the same.

    Examples:
        nb packages disable tokens-1000 --reason "sold too cheap"
        nb packages disable tokens-1000 --reason "what would be" --dry-run
    """
    return _edit(f"{_path(code)}/sale", {"is_active": False, "reason": reason}, key)


@app.command("enable")
def enable(code: Code, reason: Reason, key: Key = None) -> Outcome:
    """Put a package on sale again.

    Examples:
        nb packages enable tokens-1000 --reason "the price is right again"
        nb packages enable tokens-1000 --reason "what would be" --dry-run
    """
    return _edit(f"{_path(code)}/sale", {"is_active": True, "reason": reason}, key)


@app.command("order")
def order(
    codes: Annotated[list[str], typer.Argument(metavar="CODE...", help="These come first, in this order.")],
    reason: Reason,
    key: Key = None,
) -> Outcome:
    """Arrange packages: these come first, the others follow as they did.

    Examples:
        nb packages order tokens-500 tokens-100 --reason "most people want 500"
        nb packages order tokens-500 --reason "what would be" --dry-run
    """
    client = connect(writes=True)
    answer = client.change("POST", "/api/ops/v1/package-order", {"codes": codes, "reason": reason}, key=key)
    found = client.read(TokenPackageList, answer)
    return changes.outcome(found, lambda screen: _show_list(screen, found))


def _edit(path: str, body: dict[str, Any], key: str | None) -> Outcome:
    client = connect(writes=True)
    edited = client.read(TokenPackageEdited, client.change("POST", path, body, key=key))
    package = edited["package"]

    def show(screen: Screen) -> None:
        screen.state("ok", f"{package['code']}: {_said(edited)}")
        _show(screen, package)

    outcome = changes.outcome(edited, show, next_steps=_next(client))
    return Outcome(outcome.data, outcome.show, warnings=_warnings(client, package), next_steps=outcome.next_steps)


def _next(client: OpsClient) -> tuple[NextStep, ...]:
    return (NextStep(f"nb packages list --env {client.target.name}", "what people see now"),)


def _warnings(client: OpsClient, package: TokenPackage) -> tuple[Notice, ...]:
    listed = client.read(TokenPackageList, client.get("/api/ops/v1/packages"))["list_usd_per_token"]
    if not package["is_active"] or float(package["usd_per_token"]) >= float(listed):
        return ()
    said = f"a token of {package['code']} is sold for USD {package['usd_per_token']}; prices count on USD {listed}"
    return (Notice("cheap_package", said),)


def _said(edited: TokenPackageEdited) -> str:
    before, after = edited["before"], edited["package"]
    if before is None:
        return "added"
    if not edited["changed"]:
        return "is as it was"
    differing = [name for name, value in after.items() if name != "usd_per_token" and dict(before).get(name) != value]
    return ", ".join(f"{name} {_value(dict(before).get(name))} → {_value(dict(after)[name])}" for name in differing)


def _value(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name}={offer}" for name, offer in value.items()) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _wish(
    title: str | None,
    tokens: str | None,
    price: str | None,
    stars: int | None,
    offers: list[str],
    recurring: bool | None,
    place: int | None,
) -> dict[str, Any]:
    given = {
        "title": title,
        "tokens": tokens,
        "price_usd": price,
        "stars": stars,
        "offers": _offers(offers) or None,
        "is_recurring": recurring,
        "order": place,
    }
    return {name: value for name, value in given.items() if value is not None}


def _offers(given: list[str]) -> dict[str, str]:
    offers: dict[str, str] = {}
    for text in given:
        gateway, separator, offer = text.partition("=")
        if not separator or not gateway:
            raise UsageMistake(f"--offer {text!r} is not GATEWAY=ID", fix="--offer lava=836b9fc5-...")
        offers[gateway] = offer
    return offers


def _path(code: str) -> str:
    return f"/api/ops/v1/packages/{quoted(code, safe='')}"


def _show_list(screen: Screen, found: TokenPackageList) -> None:
    if not found["items"]:
        screen.line("Nothing is sold. Load what ships with: nb db migrate")
        return
    screen.table(COLUMNS, map(_row, found["items"]))


def _row(package: TokenPackage) -> tuple[object, ...]:
    return (
        package["code"],
        package["title"],
        package["tokens"],
        package["price_usd"],
        package["stars"] or None,
        package["usd_per_token"],
        ", ".join(package["offers"]) or None,
        ("yes" if package["is_active"] else "no") + (", monthly" if package["is_recurring"] else ""),
    )


def _show(screen: Screen, package: TokenPackage) -> None:
    screen.pairs(
        {
            "title": package["title"],
            "tokens": package["tokens"],
            "price": f"USD {package['price_usd']}, USD {package['usd_per_token']} per token",
            "Stars": package["stars"] or "not sold for Stars",
            "offers": _value(package["offers"]),
            "bought": "every month" if package["is_recurring"] else "once",
            "on sale": "yes" if package["is_active"] else "no",
            "place": package["order"],
        },
        indent=2,
    )

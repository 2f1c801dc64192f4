"""`nb promo`: make promo codes, look at them, switch them off and on."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
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
from cli.paging import Cursor, Limit, next_page
from cli.wire_promo import PromoCode, PromoCreated, PromoDetail, PromoPage, PromoSwitched

app = new_group("Make promo codes, look at them, switch them off and on.")

SIGN_OF_STATE: dict[str, State] = {"active": "ok", "scheduled": "note", "disabled": "note"}
DATE_ALONE = len("2026-12-31")

COLUMNS = (
    Column("code", "id"),
    Column("state"),
    Column("gives", "number"),
    Column("uses", "number"),
    Column("given", "number"),
    Column("until", "id", optional=True),
)
USE_COLUMNS = (
    Column("user", "id"),
    Column("at", "id"),
    Column("tokens", "number"),
    Column("payment", "id", optional=True),
)

Code = Annotated[str, typer.Argument(metavar="CODE", help="In any case.")]


@app.command("list")
def list_codes(limit: Limit = 50, cursor: Cursor = None) -> Outcome:
    """List promo codes, the newest first.

    Examples:
        nb promo list
        nb promo list --limit 10 --env production --json
    """
    client = connect()
    query = {"limit": limit, "cursor": cursor}
    page = client.read(PromoPage, client.get("/api/ops/v1/promo-codes", query))

    def show(screen: Screen) -> None:
        if not page["items"]:
            screen.line("There are no promo codes.")
            return
        screen.table(COLUMNS, map(_row, page["items"]))

    return Outcome(data=page, show=show, next_steps=next_page("nb promo list", query, page["next_cursor"]))


@app.command("show")
def show_code(code: Code) -> Outcome:
    """Show a promo code: its limits, what it gave, who used it lately.

    Examples:
        nb promo show FOX
        nb promo show FOX --env production --json
    """
    client = connect()
    found = client.read(PromoDetail, client.get(_path(code)))

    def show(screen: Screen) -> None:
        _show(screen, found)
        if found["latest"]:
            rows = [(use["user"], say_moment(use["at"]), use["tokens"], use["payment"]) for use in found["latest"]]
            screen.table(USE_COLUMNS, rows)

    return Outcome(data=found, show=show)


@app.command("create")
def create(
    code: Annotated[str, typer.Argument(metavar="CODE", help="3 to 50 letters, digits, - or _; case does not matter.")],
    reason: Reason,
    tokens: Annotated[str | None, typer.Option("--tokens", help="What it gives at once.")] = None,
    percent: Annotated[str | None, typer.Option("--percent", help="What it adds to the next deposit.")] = None,
    max_uses: Annotated[int | None, typer.Option("--max-uses", min=1, help="For all people together.")] = None,
    per_user: Annotated[int, typer.Option("--per-user", min=1, help="For one person.")] = 1,
    since: Annotated[str | None, typer.Option("--from", metavar="TIME", help="When it begins to work.")] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="When it ends; a date alone includes that day, UTC.")
    ] = None,
    min_deposit: Annotated[
        str | None, typer.Option("--min-deposit", metavar="TOKENS", help="It waits for a deposit of at least this.")
    ] = None,
    max_bonus: Annotated[
        str | None, typer.Option("--max-bonus", metavar="TOKENS", help="Most that one use of a percentage gives.")
    ] = None,
    budget: Annotated[
        str | None, typer.Option("--budget", metavar="TOKENS", help="Most that all uses give together.")
    ] = None,
    description: Annotated[str | None, typer.Option("--description", help="For operators.")] = None,
    key: Key = None,
) -> Outcome:
    """Make a promo code. One worth more than 20 tokens needs --max-uses or --budget.

    Examples:
        nb promo create FOX --tokens 10 --max-uses 500 --reason "foxes"
        nb promo create HALF --percent 50 --max-uses 100 --reason "a sale" --dry-run
    """
    if (tokens is None) == (percent is None):
        raise UsageMistake("a code gives either --tokens or --percent", fix="nb promo create --help")
    wish = {
        "tokens": tokens,
        "percent": percent,
        "max_uses": max_uses,
        "max_uses_per_user": per_user,
        "valid_from": _moment("--from", since),
        "valid_until": _moment("--until", until, includes_the_day=True),
        "min_deposit": min_deposit,
        "max_bonus": max_bonus,
        "budget": budget,
        "description": description,
        "reason": reason,
    }
    body = {name: value for name, value in wish.items() if value is not None}
    client = connect(writes=True)
    made = client.read(PromoCreated, client.change("POST", _path(code), body, key=key))
    step = NextStep(f"nb promo show {made['code']} --env {client.target.name}", "who uses it")
    return changes.outcome(made, lambda screen: _show(screen, made), next_steps=(step,))


@app.command("disable")
def disable(code: Code, reason: Reason, key: Key = None) -> Outcome:
    """Let nobody use a code any more. What people activated before is kept.

    Examples:
        nb promo disable FOX --reason "posted on a coupon site"
        nb promo disable FOX --reason "what would be" --dry-run
    """
    return _switch("disable", code, reason, key)


@app.command("enable")
def enable(code: Code, reason: Reason, key: Key = None) -> Outcome:
    """Let a code be used again.

    Examples:
        nb promo enable FOX --reason "the budget was checked"
        nb promo enable FOX --reason "what would be" --dry-run
    """
    return _switch("enable", code, reason, key)


def _switch(verb: str, code: str, reason: str, key: str | None) -> Outcome:
    client = connect(writes=True)
    made = client.read(PromoSwitched, client.change("POST", f"{_path(code)}/{verb}", {"reason": reason}, key=key))
    before = "" if made["changed"] else "already "

    def show(screen: Screen) -> None:
        screen.state("ok", f"{made['code']} is {before}{'switched off' if verb == 'disable' else 'switched on'}")
        _show(screen, made)

    return changes.outcome(made, show)


def _path(code: str) -> str:
    return f"/api/ops/v1/promo-codes/{quoted(code.strip().upper(), safe='')}"


def _moment(option: str, text: str | None, *, includes_the_day: bool = False) -> str | None:
    """An ISO 8601 moment, or the end of a day that is included.

    Raises:
        UsageMistake: it is none.
    """
    if text is None:
        return None
    try:
        moment = parse_moment(text)
        if includes_the_day and len(text.strip()) == DATE_ALONE:
            moment += timedelta(days=1)
    except (ValueError, OverflowError):
        raise UsageMistake(
            f"{option} {text!r} is no date or time", fix=f"{option} 2026-12-31 or {option} 2026-12-31T18:00+03:00"
        ) from None
    return moment.isoformat()


def _gives(promo: PromoCode) -> str:
    return f"{promo['value']} {'%' if promo['kind'] == 'percent' else '⚡'}"


def _uses(promo: PromoCode) -> str:
    return str(promo["uses"]) if promo["max_uses"] is None else f"{promo['uses']}/{promo['max_uses']}"


def _row(promo: PromoCode) -> tuple[object, ...]:
    return (
        promo["code"],
        promo["state"].replace("_", " "),
        _gives(promo),
        _uses(promo),
        promo["given"],
        say_moment(promo["valid_until"]) if promo["valid_until"] else None,
    )


def _show(screen: Screen, promo: PromoCode) -> None:
    state = promo["state"]
    screen.state(SIGN_OF_STATE.get(state, "unknown"), f"{promo['code']}  {state.replace('_', ' ')}")
    waits = promo["kind"] == "percent" or float(promo["min_deposit"]) > 0
    known = {
        "gives": f"{_gives(promo)}{' with the next deposit' if waits else ''}",
        "description": promo["description"] or None,
        "min deposit": promo["min_deposit"] if float(promo["min_deposit"]) else None,
        "max bonus": promo["max_bonus"],
        "uses": f"{_uses(promo)}, {promo['waiting']} of them wait for a deposit" if waits else _uses(promo),
        "per user": promo["max_uses_per_user"],
        "given": f"{promo['given']} ⚡",
        "budget": f"{promo['budget']} ⚡, {promo['budget_left']} ⚡ left" if promo["budget"] else None,
        "from": say_moment(promo["valid_from"]),
        "until": say_moment(promo["valid_until"]) if promo["valid_until"] else "switched off",
    }
    screen.pairs({name: value for name, value in known.items() if value is not None}, indent=2)

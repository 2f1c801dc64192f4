"""`nb providers`: how providers are doing, and the hand on their breaker, switch and limit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import quote as quoted

import typer

from cli import changes
from cli.changes import Key, Reason
from cli.client import connect
from cli.durations import parse_duration
from cli.envelope import NextStep, Outcome
from cli.errors import UsageMistake
from cli.groups import new_group
from cli.moments import say_moment
from cli.output import Column, Screen, State
from cli.wire_generations import Provider, ProviderChanged, ProviderDetail, ProviderList, ProviderOutcomes

app = new_group("See how providers are doing; park, switch and limit them.")

COLUMNS = (
    Column("provider", "id"),
    Column("state"),
    Column("running", "number"),
    Column("waiting", "number"),
    Column("limit", "number"),
    Column("until", "id", optional=True),
)
OUTCOME_COLUMNS = (Column("ended as"), Column("jobs", "number"))

Name = Annotated[str, typer.Argument(metavar="NAME", help="As `nb providers list` prints it.")]


@app.command("list")
def list_providers() -> Outcome:
    """List providers: their breaker, what is under way there, what waits, how many they may have.

    Examples:
        nb providers list
        nb providers list --env production --json
    """
    client = connect()
    found = client.read(ProviderList, client.get("/api/ops/v1/providers"))

    def show(screen: Screen) -> None:
        if not found["items"]:
            screen.line("No provider is configured.")
            return
        screen.table(COLUMNS, map(_row, found["items"]))

    return Outcome(data=found, show=show)


@app.command("show")
def show_provider(name: Name) -> Outcome:
    """Show a provider: why it is parked, its models, what came of its jobs in the last day.

    Examples:
        nb providers show kling
        nb providers show kling --env production --json
    """
    client = connect()
    found = client.read(ProviderDetail, client.get(_path(name)))

    def show(screen: Screen) -> None:
        _show(screen, found, {"models": ", ".join(found["models"]) or "-", "lost answers": found["ambiguous"]})
        if found["outcomes"]:
            screen.heading("In the last day")
            screen.table(OUTCOME_COLUMNS, [(_ended(one), one["count"]) for one in found["outcomes"]])

    return Outcome(data=found, show=show)


@app.command("park")
def park(
    name: Name,
    reason: Reason,
    length: Annotated[str, typer.Option("--for", metavar="TIME", help="For how long, up to 24h.")] = "10m",
    key: Key = None,
) -> Outcome:
    """Hand a provider no jobs for a while: they take other routes, or wait.

    Examples:
        nb providers park kling --for 30m --reason "maintenance announced"
        nb providers park kling --reason "what would be" --dry-run
    """
    try:
        minutes = math.ceil(parse_duration(length) / 60)
    except ValueError as error:
        raise UsageMistake(f"--for {length!r} is {error}", fix="--for 30m") from None
    return _change("park", name, {"reason": reason, "minutes": minutes}, key)


@app.command("unpark")
def unpark(name: Name, reason: Reason, key: Key = None) -> Outcome:
    """Close a provider's breaker: it gets jobs at once.

    Examples:
        nb providers unpark kling --reason "the key was renewed"
        nb providers unpark kling --reason "what would be" --dry-run
    """
    return _change("unpark", name, {"reason": reason}, key)


@app.command("limit")
def limit(
    name: Name,
    reason: Reason,
    most: Annotated[int | None, typer.Option("--most", min=1, help="Jobs at once; left out: as configured.")] = None,
    key: Key = None,
) -> Outcome:
    """Set how many jobs may be under way at a provider, all workers together.

    Examples:
        nb providers limit openai --most 60 --reason "tier 4"
        nb providers limit openai --reason "back to the settings"
    """
    return _change("limit", name, {"reason": reason, "most": most}, key)


@app.command("enable")
def enable(name: Name, reason: Reason, key: Key = None) -> Outcome:
    """Let a provider have jobs again.

    Examples:
        nb providers enable kie --reason "topped up"
        nb providers enable kie --reason "what would be" --dry-run
    """
    return _change("enable", name, {"reason": reason}, key)


@app.command("disable")
def disable(name: Name, reason: Reason, key: Key = None) -> Outcome:
    """Hand a provider no new jobs; those that only it can make are refunded.

    Examples:
        nb providers disable kie --reason "quality complaints"
        nb providers disable kie --reason "what would be" --dry-run
    """
    return _change("disable", name, {"reason": reason}, key)


def _change(verb: str, name: str, body: dict[str, object], key: str | None) -> Outcome:
    client = connect(writes=True)
    made = client.read(ProviderChanged, client.change("POST", f"{_path(name)}/{verb}", body, key=key))
    steps = _steps(made["name"], client.target.name)
    return changes.outcome(made, lambda screen: _show(screen, made), next_steps=steps)


def _path(name: str) -> str:
    return f"/api/ops/v1/providers/{quoted(name.strip().lower(), safe='')}"


def _steps(name: str, environment: str) -> tuple[NextStep, ...]:
    return (NextStep(f"nb providers show {name} --env {environment}", "tells what came of its jobs"),)


def _state(provider: Provider) -> str:
    if not provider["is_configured"]:
        return "no key"
    if not provider["is_enabled"]:
        return "off"
    if provider["breaker"] != "closed":
        return "parked" if provider["breaker"] == "open" else "probing"
    return f"{provider['failures']} failed" if provider["failures"] else "ok"


def _sign(provider: Provider) -> State:
    if not provider["is_configured"] or not provider["is_enabled"]:
        return "note"
    return "ok" if provider["breaker"] == "closed" else "failed"


def _row(provider: Provider) -> tuple[object, ...]:
    return (
        provider["name"],
        _state(provider),
        provider["running"],
        provider["waiting"],
        provider["limit"],
        say_moment(provider["parked_until"], short=True) if provider["parked_until"] else None,
    )


def _ended(one: ProviderOutcomes) -> str:
    return f"{one['status']} ({one['error_code']})" if one["error_code"] else one["status"]


def _show(screen: Screen, provider: Provider, more: Mapping[str, object] | None = None) -> None:
    screen.state(_sign(provider), f"{provider['name']}  {_state(provider)}")
    own = ", set by an operator" if provider["own_limit"] is not None else ""
    known = {
        "parked until": say_moment(provider["parked_until"]) if provider["parked_until"] else None,
        "reason": provider["reason"],
        "under way": provider["running"],
        "waiting": provider["waiting"],
        "limit": f"{provider['limit']}{own}" if provider["limit"] is not None else "none",
        **(more or {}),
    }
    screen.pairs({name: value for name, value in known.items() if value is not None}, indent=2)

"""`nb schedule`: what runs by itself and when; switch entries, change how often they are due, run one now."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote as quoted

import typer

from cli import changes
from cli.changes import Key, Reason
from cli.client import connect
from cli.durations import say_duration
from cli.envelope import NextStep, Notice, Outcome
from cli.errors import UsageMistake
from cli.groups import new_group
from cli.invocation import warn
from cli.moments import say_moment
from cli.output import Column, Screen, State
from cli.wire_errors import ScheduleChanged, ScheduleEntry, ScheduleList

app = new_group("See what runs by itself, switch it, change its interval, run it now.")

ROOT = "/api/ops/v1/schedule"
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
SHORTEST, LONGEST = 0.5, 7 * 86400.0

COLUMNS = (
    Column("entry", "id"),
    Column("state"),
    Column("every", "number"),
    Column("next", "id", optional=True),
    Column("last", "id", optional=True),
    Column("what it does", optional=True),
)

Entry = Annotated[str, typer.Argument(metavar="ENTRY", help="As the list shows it: payments.reconcile.")]


@app.command("list")
def list_schedule() -> Outcome:
    """List what beat publishes: how often, when next, what is late, switched off or orphaned.

    Examples:
        nb schedule list
        nb schedule list --env production --json
    """
    client = connect()
    found = client.read(ScheduleList, client.get(ROOT))
    late = [entry["id"] for entry in found["items"] if entry["overdue"]]
    warnings = [Notice("overdue", f"beat does not publish: {', '.join(late)}")] if late else []
    warnings += [
        Notice("vital_disabled", f"{entry['id']} is switched off: people wait for ever")
        for entry in found["items"]
        if entry["vital"] and not entry["enabled"]
    ]
    steps = (NextStep(f"nb ready --env {client.target.name}", "whether beat runs"),) if late else ()
    return Outcome(
        data=found,
        show=lambda screen: screen.table(COLUMNS, map(_row, found["items"])),
        warnings=tuple(warnings),
        next_steps=steps,
    )


@app.command("enable")
def enable(entry: Entry, reason: Reason, key: Key = None) -> Outcome:
    """Have an entry published again. What it missed is left out; it keeps to its hours.

    Examples:
        nb schedule enable payments.reconcile --reason "the gateway is back"
        nb schedule enable cart.forget_old --reason "a test" --env staging --dry-run
    """
    return _change(entry, "/enable", {"reason": reason}, key)


@app.command("disable")
def disable(entry: Entry, reason: Reason, key: Key = None) -> Outcome:
    """Publish an entry no more. A vital one needs a token with the scope admin: people wait for ever without it.

    Examples:
        nb schedule disable payments.reconcile --reason "the gateway's list is broken"
        nb schedule disable cart.forget_old --reason "a test" --env staging --dry-run
    """
    return _change(entry, "/disable", {"reason": reason}, key)


@app.command("set")
def set_interval(
    entry: Entry,
    every: Annotated[str, typer.Option("--every", metavar="TIME", help="500ms to 7d: 30s, 5m, 6h.")],
    reason: Reason,
    key: Key = None,
) -> Outcome:
    """Change how often an entry is due. Beat follows at once; a deploy keeps it.

    Examples:
        nb schedule set retention.sweep --every 6h --reason "the storage is slow"
        nb schedule set payments.reconcile --every 12h --reason "a busy week" --env production
    """
    return _change(entry, "/interval", {"every_s": str(_seconds(every)), "reason": reason}, key)


@app.command("run")
def run(
    entry: Entry,
    reason: Reason,
    force: Annotated[bool, typer.Option("--force", help="Although it is switched off.")] = False,
    key: Key = None,
) -> Outcome:
    """Publish an entry's task once, now. Its next time stays; ten seconds pass before the same may be run again.

    Examples:
        nb schedule run payments.reconcile --reason "the gateway was down at night"
        nb schedule run retention.sweep --force --reason "it is switched off" --env staging
    """
    return _change(entry, "/run", {"force": force, "reason": reason}, key)


def _change(entry: str, verb: str, body: dict[str, object], key: str | None) -> Outcome:
    client = connect(writes=True)
    made = client.read(ScheduleChanged, client.change("POST", f"{_path(entry)}{verb}", body, key=key))
    if made["vital"] and not made["enabled"]:
        warn("vital_disabled", f"{made['id']} is vital: until it is enabled again, people wait for ever")

    def show(screen: Screen) -> None:
        if verb == "/run":
            screen.state("ok", f"{made['id']} is published")
        else:
            screen.state("ok" if made["changed"] else "note", f"{made['id']}: {_say_change(made)}")
        screen.pairs({"does": made["name"], "next": _moment(made["next_run_at"])}, indent=2)

    step = NextStep(f"nb schedule list --env {client.target.name}", "all of it")
    return changes.outcome(made, show, next_steps=(step,))


def _say_change(made: ScheduleChanged) -> str:
    said = f"every {_say_every(made['every_s'])}" if made["enabled"] else "switched off"
    return said if made["changed"] else f"nothing to change, it is {said}"


def _row(entry: ScheduleEntry) -> tuple[object, ...]:
    every = _say_every(entry["every_s"])
    shipped = entry["shipped_every_s"]
    if shipped is not None and shipped != entry["every_s"]:
        every += f" (ships {_say_every(shipped)})"
    return (
        entry["id"],
        _state(entry)[1],
        every,
        _moment(entry["next_run_at"]),
        _moment(entry["last_run_at"]),
        entry["name"],
    )


def _state(entry: ScheduleEntry) -> tuple[State, str]:
    if entry["orphaned"]:
        return "failed", "orphaned"
    if not entry["enabled"]:
        return ("failed", "OFF, vital") if entry["vital"] else ("note", "off")
    return ("failed", "overdue") if entry["overdue"] else ("ok", "on")


def _say_every(seconds: float) -> str:
    for unit in ("d", "h", "m"):
        if seconds >= UNITS[unit] and seconds % UNITS[unit] == 0:
            return f"{seconds / UNITS[unit]:.0f} {unit}"
    return say_duration(seconds)


def _moment(text: str | None) -> str | None:
    return say_moment(text) if text else None


def _path(entry: str) -> str:
    return f"{ROOT}/{quoted(entry.strip(), safe='')}"


def _seconds(text: str) -> float:
    """An interval in seconds.

    Raises:
        UsageMistake: it is none, or beyond what the service takes.
    """
    number, factor = text.strip(), 1.0
    for unit, seconds in (("ms", 0.001), *UNITS.items()):
        if number.endswith(unit):
            number, factor = number.removesuffix(unit), seconds
            break
    try:
        every = round(float(number) * factor, 3)
    except (ValueError, OverflowError):
        raise UsageMistake(f"--every {text!r} is no time", fix="--every 30s, --every 5m or --every 6h") from None
    if not SHORTEST <= every <= LONGEST:
        raise UsageMistake(f"--every {text} is not between 500ms and 7d", fix="--every 5m")
    return every

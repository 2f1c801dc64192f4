"""`nb errors`: find faults of the service, look into one, see which kinds there are, take and resolve them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import quote as quoted

import typer

from cli import changes
from cli.changes import Key, Reason
from cli.client import connect
from cli.commands.errors_view import GROUP_COLUMNS, LIST_COLUMNS, group_row, list_row, show_error
from cli.envelope import NextStep, Outcome
from cli.errors import UsageMistake
from cli.groups import new_group
from cli.invocation import current
from cli.output import Screen
from cli.paging import Cursor, Limit, next_page
from cli.wire_errors import ErrorChanged, ErrorDetail, ErrorGroupPage, ErrorPage

app = new_group("Find faults of the service, look into one, resolve them.")

ROOT = "/api/ops/v1/errors"

Id = Annotated[str, typer.Argument(metavar="ID", help="e_… of an error, k_… for all of a kind.")]
Status = Annotated[
    Literal["open", "new", "in_progress", "resolved"] | None,
    typer.Option("--status", help="Only these; open is new or in progress."),
]
Severity = Annotated[
    Literal["info", "warning", "error", "critical"] | None, typer.Option("--severity", help="Only these.")
]
Origin = Annotated[
    Literal["webhook", "telegram_handler", "celery_task", "generation", "payment", "miniapp", "other"] | None,
    typer.Option("--origin", help="Only from there."),
]
Service = Annotated[
    Literal["web", "worker", "beat", "poller"] | None, typer.Option("--service", help="Only of these processes.")
]
TRACE = re.compile(r"[0-9a-f]{8,32}")

Since = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="Only met since then: 15m, 2h, 3d, 12:30, a moment.")
]
Fingerprint = Annotated[str | None, typer.Option("--fingerprint", metavar="K", help="Only of this kind, k_….")]
Trace = Annotated[
    str | None,
    typer.Option("--trace", metavar="ID", help="Only under this correlation id; 8 characters of it are enough."),
]
Generation = Annotated[str | None, typer.Option("--generation", "--gen", metavar="ID", help="Only about this job.")]
User = Annotated[int | None, typer.Option("--user", metavar="ID", help="Only about this Telegram id.")]


@app.command("list")
def list_errors(
    status: Status = None,
    severity: Severity = None,
    origin: Origin = None,
    service: Service = None,
    since: Since = None,
    fingerprint: Fingerprint = None,
    trace: Trace = None,
    generation: Generation = None,
    user: User = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Outcome:
    """List faults, the newest first. `times` says how often one was met in a row.

    Examples:
        nb errors list --status open --severity critical
        nb errors list --trace 4bf92f35 --env production --json
    """
    query = {
        "status": status,
        "severity": severity,
        "origin": origin,
        "service": service,
        "since": _since(since),
        "fingerprint": fingerprint,
        "trace": _trace(trace),
        "generation": generation,
        "user": user,
        "limit": limit,
        "cursor": cursor,
    }
    client = connect()
    page = client.read(ErrorPage, client.get(ROOT, query))

    def show(screen: Screen) -> None:
        if not page["items"]:
            screen.state("ok", "no errors match")
            return
        screen.table(LIST_COLUMNS, map(list_row, page["items"]))

    return Outcome(data=page, show=show, next_steps=next_page("nb errors list", query, page["next_cursor"]))


@app.command("show")
def show(error: Annotated[str, typer.Argument(metavar="ID", help="e_… as lists show it.")]) -> Outcome:
    """Show a fault: its stack, its trace, whom and what it hit, and where to look next.

    Examples:
        nb errors show e_7kq2m9xw4t
        nb errors show e_7kq2m9xw4t --env production --json
    """
    client = connect()
    found = client.read(ErrorDetail, client.get(_path(error)))
    return Outcome(
        data=found, show=lambda screen: show_error(screen, found), next_steps=_steps(found, client.target.name)
    )


@app.command("group")
def group(
    status: Status = None,
    severity: Severity = None,
    origin: Origin = None,
    service: Service = None,
    since: Since = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Outcome:
    """List kinds of faults: how often each was met, since when, how many are open.

    Examples:
        nb errors group --since 24h
        nb errors group --status open --env production --json
    """
    query = {
        "status": status,
        "severity": severity,
        "origin": origin,
        "service": service,
        "since": _since(since),
        "limit": limit,
        "cursor": cursor,
    }
    client = connect()
    page = client.read(ErrorGroupPage, client.get(f"{ROOT}/groups", query))

    def show(screen: Screen) -> None:
        if not page["items"]:
            screen.state("ok", "no errors match")
            return
        screen.table(GROUP_COLUMNS, map(group_row, page["items"]))

    return Outcome(data=page, show=show, next_steps=next_page("nb errors group", query, page["next_cursor"]))


@app.command("take")
def take(error: Id, reason: Reason, key: Key = None) -> Outcome:
    """Say that you look into a fault, or into all new ones of a kind.

    Examples:
        nb errors take e_7kq2m9xw4t --reason "ticket 4711"
        nb errors take k_0123456789abcd --reason "ticket 4711" --env production
    """
    return _change("take", error, reason, key)


@app.command("resolve")
def resolve(error: Id, reason: Reason, key: Key = None) -> Outcome:
    """Close a fault, or all of a kind. The reason says what was done; when it is met again, it is new again.

    Examples:
        nb errors resolve e_7kq2m9xw4t --reason "the key was renewed"
        nb errors resolve k_0123456789abcd --reason "fixed in 6a090cb" --env production
    """
    return _change("resolve", error, reason, key)


@app.command("tail")
def tail(
    severity: Severity = None,
    origin: Origin = None,
    service: Service = None,
    since: Since = None,
) -> Outcome:
    """Follow faults as they are met, until Ctrl-C or for as long as --timeout says.

    With --json each is one line, and so is the document at the end.

    Examples:
        nb errors tail --severity critical
        nb errors tail --since 10m --timeout 1m --env production --json
    """
    from cli.commands.errors_tail import follow

    wanted = {"severity": severity, "origin": origin, "service": service}
    lines = follow(connect(), wanted, _since(since), current().patience)
    return Outcome(data={"lines": lines}, show=lambda _screen: None)


def _change(verb: str, error: str, reason: str, key: str | None) -> Outcome:
    client = connect(writes=True)
    made = client.read(ErrorChanged, client.change("POST", f"{_path(error)}/{verb}", {"reason": reason}, key=key))
    many = f"{made['changed']} errors" if made["changed"] != 1 else "1 error"
    done = "resolved" if made["status"] == "resolved" else "in progress"

    def show(screen: Screen) -> None:
        if made["changed"]:
            screen.state("ok", f"{made['id']}: {many} {done}")
        else:
            screen.state("note", f"{made['id']}: nothing to change, it is {done} already")

    return changes.outcome(made, show)


def _steps(found: ErrorDetail, environment: str) -> tuple[NextStep, ...]:
    """Where to look next, from the nearest to the farthest; nowhere when it is closed."""
    if found["status"] == "resolved":
        return ()
    env = f"--env {environment}"
    steps = []
    if found["trace_id"]:
        steps.append(NextStep(f"nb logs --trace {found['trace_id']} {env}", "everything that was logged around it"))
    if found["generation"]:
        steps.append(NextStep(f"nb gen show {found['generation']} {env}", "the job that it hit"))
    if found["user"]:
        steps.append(NextStep(f"nb users show {found['user']} {env}", "the person whom it hit"))
    steps.append(NextStep(f"nb errors list --fingerprint {found['fingerprint']} {env}", "the others of its kind"))
    steps.append(NextStep(f'nb errors resolve {found["fingerprint"]} --reason "…" {env}', "when it is put right"))
    return tuple(steps)


def _path(error: str) -> str:
    return f"{ROOT}/{quoted(error.strip(), safe='')}"


def _trace(text: str | None) -> str | None:
    """A correlation id, or how one begins, in the form of the service.

    Raises:
        UsageMistake: it is none.
    """
    if text is None:
        return None
    plain = text.strip().replace("-", "").lower()
    if not TRACE.fullmatch(plain):
        raise UsageMistake(
            f"--trace {text!r} is no correlation id: 32 hexadecimal digits, or the first 8 or more of them",
            fix="--generation ID for a job, --fingerprint K for a kind",
        )
    return plain


def _since(text: str | None) -> str | None:
    """A moment in the form of the service.

    Raises:
        UsageMistake: it is none.
    """
    if text is None:
        return None
    from cli.logs.moments import parse_when

    try:
        return parse_when(text, datetime.now().astimezone()).isoformat()
    except ValueError as error:
        raise UsageMistake(f"--since {text}: {error}", fix="--since 2h") from None

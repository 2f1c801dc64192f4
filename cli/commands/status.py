"""`nb status`: processes, queues and generations in progress; for `local` also what `nb up` looks after."""

from __future__ import annotations

from cli.client import OpsClient, connect
from cli.durations import say_duration
from cli.envelope import NextStep, Notice, Outcome, Problem
from cli.environments import LOCAL, choose
from cli.errors import CommandFailed, UpstreamFault
from cli.exit_codes import ExitCode
from cli.invocation import current
from cli.local_view import local_state
from cli.moments import age_s
from cli.output import Column, Screen
from cli.shapes import LocalState, StatusData
from cli.wire import Backlog, ServiceStatus

SILENT_AFTER_S = 90.0
"""A process reports itself every few seconds; one that has not for this long is gone or stuck."""

SHOWN_ADDRESSES = ("chat", "web", "health", "database", "redis")
"""Addresses that a person can use; the document has all of them."""

LOCAL_COLUMNS = (
    Column("service", "id"),
    Column("state", "id"),
    Column("pid", "number"),
    Column("up", "id"),
    Column("restarts", "number"),
)


def status() -> Outcome:
    """Show processes, queues and generations in progress.

    Examples:
        nb status
        nb status --env production --json
    """
    name = choose(current())
    local = local_state() if name == LOCAL else None
    if local is not None and not local["running"]:
        return _stopped(local)
    try:
        client = connect()
        service = _ask(client)
    except CommandFailed as failure:
        if local is None:
            raise
        return _without_service(local, failure)
    data: StatusData = {"service": service, "local": local}
    problem = _problem(local)
    return Outcome(
        data=data,
        show=lambda screen: _show(screen, name, service, local),
        problem=problem,
        exit_code=ExitCode.OK if problem is None else ExitCode.CHECK_FAILED,
        warnings=_warnings(service),
        next_steps=_next(name, service),
    )


def _ask(client: OpsClient) -> ServiceStatus:
    return client.read(ServiceStatus, client.get("/api/ops/v1/status"))


def _stopped(local: LocalState) -> Outcome:
    data: StatusData = {"service": None, "local": local}
    return Outcome(
        data=data,
        show=lambda screen: _show_local(screen, local),
        problem=Problem("not_running", f"the product does not run on this machine ({local['phase']})", fix="nb up"),
        exit_code=ExitCode.CHECK_FAILED,
    )


def _without_service(local: LocalState, failure: CommandFailed) -> Outcome:
    """The supervisor runs and the service does not answer: show what there is, and end as the failure would."""
    data: StatusData = {"service": None, "local": local}
    return Outcome(
        data=data,
        show=lambda screen: _show_local(screen, local),
        problem=Problem(failure.code, failure.message, failure.rule, failure.transient, "nb ready --wait 1m"),
        exit_code=failure.exit_code,
        warnings=(Notice("service_unknown", "the service's own view is unknown"),)
        if isinstance(failure, UpstreamFault)
        else (),
    )


def _problem(local: LocalState | None) -> Problem | None:
    if local is None:
        return None
    down = [process["name"] for process in local["processes"] if process["state"] != "running"]
    if not down or local["phase"] == "starting":
        return None
    return Problem("processes_down", f"not running: {', '.join(down)}", transient=True, fix="nb doctor")


def _silent(service: ServiceStatus) -> list[str]:
    ages = {
        f"{process['kind']} {process['instance']}": age_s(process["seen_at"], service["at"])
        for process in service["processes"]
    }
    return [name for name, age in ages.items() if age is None or age > SILENT_AFTER_S]


def _warnings(service: ServiceStatus) -> tuple[Notice, ...]:
    notices = [Notice("process_silent", f"{name} has not reported itself lately") for name in _silent(service)]
    notices += [
        Notice("process_missing", f"no {kind} has reported itself")
        for kind in ("web", "worker", "beat")
        if kind not in {process["kind"] for process in service["processes"]}
    ]
    if stuck := service["generations"]["stuck"]:
        notices.append(Notice("generations_stuck", f"{stuck} generations are stuck"))
    return tuple(notices)


def _next(name: str, service: ServiceStatus) -> tuple[NextStep, ...]:
    if service["generations"]["stuck"]:
        return (NextStep(f"nb gen list --status processing --env {name}", "some generations are stuck"),)
    if _silent(service):
        return (NextStep(f"nb ready --env {name}", "a process is silent"),)
    return ()


def _show(screen: Screen, name: str, service: ServiceStatus, local: LocalState | None) -> None:
    screen.wrapped(f"{name}  version {service['version']}, commit {service['commit']}", style="1")
    screen.heading("Processes")
    silent = _silent(service)
    rows = []
    for process in service["processes"]:
        age = age_s(process["seen_at"], service["at"])
        quiet = f"{process['kind']} {process['instance']}" in silent
        seen = "unknown" if age is None else "just now" if age < 1 else f"{say_duration(age)} ago"
        sign = screen.sign("failed" if quiet else "ok")
        rows.append((process["kind"], process["instance"], process["commit"], f"{sign} {seen}"))
    screen.table((Column("kind"), Column("instance"), Column("commit"), Column("seen")), rows)
    screen.heading("Work")
    counts = service["generations"]
    screen.pairs(
        {
            "generations": f"{counts['queued']} queued, {counts['processing']} in progress, {counts['stuck']} stuck",
            "inbox": _backlog(service["inbox"]),
            "outbox": _backlog(service["outbox"]),
            "queues": ", ".join(f"{queue['name']} {queue['depth']}" for queue in service["queues"]) or "none",
        },
        indent=2,
    )
    if local is not None:
        screen.heading("This machine")
        _show_local(screen, local)


def _backlog(backlog: Backlog) -> str:
    oldest = backlog["oldest_s"]
    return f"{backlog['pending']} waiting" + (f", oldest {say_duration(oldest)}" if oldest is not None else "")


def _show_local(screen: Screen, local: LocalState) -> None:
    since = local["uptime_s"]
    screen.line(f"nb up: {local['phase']}" + (f" for {say_duration(since)}" if since is not None else ""))
    if local["processes"]:
        rows = [
            (
                process["name"],
                f"{screen.sign('ok' if process['state'] == 'running' else 'failed')} {process['state']}",
                process["pid"],
                None if process["uptime_s"] is None else say_duration(process["uptime_s"]),
                process["restarts"],
            )
            for process in local["processes"]
        ]
        screen.table(LOCAL_COLUMNS, rows)
    addresses = local["addresses"] if local["running"] else None
    shown = {name: at for name, at in (addresses or {}).items() if at and name in SHOWN_ADDRESSES}
    screen.pairs({"data": local["home"], **shown}, indent=2)

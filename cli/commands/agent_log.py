"""`nb agent-log`: write down what was done, from facts; list, check and send what was written."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from cli.agent_log import display, document, sending, view, words
from cli.agent_log.closing import Renewed, keep, renew, renew_all
from cli.agent_log.entry import Kind, Status
from cli.agent_log.facts import Collector, Wish, check_success
from cli.agent_log.files import Log, Stored, open_log
from cli.agent_log.git import Repository
from cli.agent_log.lint import Read, findings
from cli.agent_log.lint_pulls import compare
from cli.agent_log.pulls import connect_pulls
from cli.agent_log.shapes import AddData, LintData, ListData, RenderData, ShowData, SyncData
from cli.client import connect
from cli.commits import checked_commit
from cli.envelope import NextStep, Outcome, Problem
from cli.errors import CommandFailed, UsageMistake
from cli.exit_codes import ExitCode
from cli.groups import new_group
from cli.invocation import current, warn
from cli.moments import parse_moment
from cli.output import Screen
from cli.project import load_project
from cli.workflows import Form, FormOption, told

app = new_group("Write down what was done, from facts; list, check and send it.")

MOST_TIMEOUT_S = 10.0
BACK = timedelta(days=30)
"""How far back `lint` compares pull requests when nothing is said."""

BACK_FORM = re.compile(r"(\d{1,5})([hdw])")
HOURS = {"h": 1, "d": 24, "w": 168}

REASON = "the agents' log of the repository is mirrored"
Since = Annotated[str | None, typer.Option("--since", metavar="TIME", help="A date such as 2026-11-01, or 7d, 12h.")]


@app.command("add")
def add(
    title: Annotated[str, typer.Argument(metavar="DESCRIPTION", help="What was deployed or done, in one line.")],
    kind: Annotated[
        Kind | None, typer.Option("--kind", help="staging-deploy unless --env or this says otherwise.")
    ] = None,
    did: Annotated[
        list[str] | None, typer.Option("--did", metavar="TEXT", help="What else was done; may be repeated.")
    ] = None,
    result: Annotated[
        str, typer.Option("--result", metavar="TEXT", help="What came of it, instead of what the facts say.")
    ] = "",
    agent: Annotated[
        str | None, typer.Option("--agent", metavar="NAME", help="Who; NB_AGENT, else git's user.name.")
    ] = None,
    pull: Annotated[
        str, typer.Option("--pr", metavar="N|auto|none", help="The pull request; auto finds that of the branch.")
    ] = "auto",
    commit: Annotated[
        list[str] | None,
        typer.Option("--commit", metavar="SHA", help="Instead of the branch's; the last one was deployed."),
    ] = None,
    is_open: Annotated[bool, typer.Option("--open", help="Leave it open; `sync` closes it.")] = False,
) -> Outcome:
    """Write an entry: facts from git, GitHub, Railway and the journal, the rest from you. What is unknown says so.

    A ✅ about a deployment is refused until `nb deploy verify` passed for its commit.

    Examples:
        nb agent-log add "Новая цена Kling" --env staging
        nb agent-log add "Очередь стоит" --kind incident --open
    """
    log = open_log()
    wish = Wish(
        title=words.checked_title(title),
        kind=_kind(kind),
        did=tuple(words.checked_line(line, "--did") for line in did or ()),
        result=words.checked_line(result, "--result") if result else "",
        agent=words.without_secret(agent, "--agent") if agent else None,
        pull=_pull(pull),
        commits=tuple(map(checked_commit, commit or ())),
        is_open=is_open,
    )
    entry = _collector(log).collect(wish, datetime.now(UTC))
    check_success(entry)
    return _add(log, Stored(log.path_of(entry), document.written(entry), entry))


def _add(log: Log, made: Stored) -> Outcome:
    data: AddData = {"entry": display.data_of(log, made), "text": made.text}
    if current().dry_run:
        data["dry_run"] = True
        return Outcome(data, lambda screen: _rehearsed(screen, made.text))
    log.write(made.path, made.text)
    view.refresh(log)
    return Outcome(
        data,
        lambda screen: display.shown(screen, log, made),
        next_steps=_after_add(log, made),
        facts={"entry": made.entry.id},
    )


@app.command("list")
def list_entries(
    since: Since = None,
    agent: Annotated[str | None, typer.Option("--agent", metavar="NAME", help="Of this agent.")] = None,
    status: Annotated[Status | None, typer.Option("--status", help="In this state.")] = None,
    kind: Annotated[Kind | None, typer.Option("--kind", help="Of this kind.")] = None,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, max=10_000, help="How many at most.")] = 20,
) -> Outcome:
    """List entries, the newest first.

    Examples:
        nb agent-log list --status open
        nb agent-log list --since 7d --agent codex --json
    """
    log = open_log()
    stored = _readable(log)
    day = _moment(since).date() if since is not None else None
    found = [
        one
        for one in stored
        if (day is None or one.entry.date >= day)
        and (agent is None or one.entry.agent.casefold() == agent.casefold())
        and (status is None or one.entry.status is status)
        and (kind is None or one.entry.kind is kind)
    ]
    page = found[:limit]
    data: ListData = {"items": [display.data_of(log, one) for one in page], "total": len(found)}
    return Outcome(data, lambda screen: display.listed(screen, page, len(found)))


@app.command("show")
def show(
    identity: Annotated[str, typer.Argument(metavar="ID", help="An id, its beginning, or `latest`.")] = "latest",
) -> Outcome:
    """Show an entry as it is rendered.

    Examples:
        nb agent-log show latest
        nb agent-log show 2026-11-22-01KA --json
    """
    log = open_log()
    found = log.find(identity)
    data: ShowData = {"entry": display.data_of(log, found), "text": found.text}
    return Outcome(data, lambda screen: display.shown(screen, log, found))


@app.command("render")
def render() -> Outcome:
    """Make the page of all entries, the newest first. Git leaves it alone, so that branches never conflict in it.

    Examples:
        nb agent-log render
        nb agent-log render --dry-run --json
    """
    log = open_log()
    stored = _readable(log)
    data: RenderData = {"file": log.shown(log.view), "entries": len(stored), "changed": False}
    if current().dry_run:
        data["changed"] = view.state(log, stored) != "current"
        data["dry_run"] = True
        return Outcome(data, lambda screen: _rehearsed(screen, view.rendered(stored)))
    data["changed"] = view.write(log, stored)
    word = "was made" if data["changed"] else "is up to date"
    return Outcome(data, lambda screen: screen.state("ok", f"{data['file']} {word}: {len(stored)} entries"))


@app.command("lint")
def lint(
    since: Since = None,
    days: Annotated[int, typer.Option("--days", min=1, help="An entry may be open for this many days.")] = 7,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask GitHub.")] = False,
    form: FormOption = Form.TEXT,
) -> Outcome:
    """Find merged pull requests without an entry, entries left open, and what is not in order in the files.

    Ends with 1 when something is found. Without a token for GitHub the comparison is unknown, and that is a warning;
    with one that GitHub refuses, or without a network, the exit code says so.

    Examples:
        nb agent-log lint
        nb agent-log lint --since 2026-11-01 --format github
    """
    return told(form, lambda: _lint(since, timedelta(days=days), offline=offline, form=form))


@app.command("sync")
def sync(
    identity: Annotated[str | None, typer.Argument(metavar="[ID]", help="This entry alone.")] = None,
    result: Annotated[
        str, typer.Option("--result", metavar="TEXT", help="The result of the entry that is named.")
    ] = "",
    send: Annotated[bool, typer.Option("--send/--no-send", help="Send entries to the service.")] = True,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; the audit keeps it.")] = REASON,
) -> Outcome:
    """Close open entries from facts, make the page anew, and send entries that the service does not have.

    Ends with 75 when the service could not be reached; what was written here stays, and nothing is sent twice.

    Examples:
        nb agent-log sync --env staging
        nb agent-log sync 2026-11-22-01KA --result "❌ откат после ошибки оплаты" --no-send
    """
    log = open_log()
    if result and identity is None:
        raise UsageMistake("--result needs the entry that it is of", fix='nb agent-log sync ID --result "…"')
    wanted = words.checked_line(result, "--result") if result else ""
    stored = _readable(log)
    if identity is not None:
        renewed = [renew(_collector(log), log.find(identity), wanted)]
    else:
        renewed = renew_all(_collector(log), stored, datetime.now(UTC).date())
    changed = {one.stored.path: one for one in renewed}
    after = [_after(changed[one.path]) if one.path in changed else one for one in stored]
    data: SyncData = {
        "closed": [one.entry.id for one in renewed if one.is_closed],
        "updated": [one.entry.id for one in renewed if one.is_changed],
        "open": [one.entry.id for one in after if one.entry.status is Status.OPEN],
        "sent": [],
        "unsent": [],
        "view_changed": view.state(log, after) in ("absent", "stale"),
    }
    if current().dry_run:
        data["dry_run"] = True
    else:
        keep(log, renewed)
        view.refresh(log)
    meant = [one for one in after if one.path in changed] if identity is not None else after
    failure = _send(meant, data, reason) if send else None
    problem = _unsent(failure, data, len(meant)) if failure is not None else None
    return Outcome(data, lambda screen: _synced(screen, data), problem, failure.exit_code if failure else ExitCode.OK)


def _lint(since: str | None, open_for: timedelta, *, offline: bool, form: Form) -> Outcome:
    log = open_log()
    now = datetime.now(UTC)
    stored, broken = log.read()
    read = Read(log, stored, broken, now, open_for)
    start = _moment(since) if since is not None else now - BACK
    data: LintData = {
        "ok": True,
        "entries": len(stored),
        "since": start.date().isoformat(),
        "github": "skipped",
        "findings": findings(read),
    }
    failure = None if offline else _compare(read, start, data)
    data["ok"] = not data["findings"] and failure is None and data["github"] != "partial"
    if form is Form.GITHUB:
        for line in display.annotations_of(data):
            sys.stderr.write(line + "\n")
    problem, code = _lint_problem(data, failure)
    return Outcome(data, lambda screen: display.linted(screen, data), problem, code)


def _moment(text: str) -> datetime:
    try:
        if short := BACK_FORM.fullmatch(text.strip()):
            return datetime.now(UTC) - timedelta(hours=int(short[1]) * HOURS[short[2]])
        return parse_moment(text)
    except (ValueError, OverflowError):
        raise UsageMistake(
            f"--since {text!r} is no date and no time back", fix="--since 2026-11-01 or --since 7d"
        ) from None


def _kind(given: Kind | None) -> Kind:
    """The kind that was named, or that of the environment that was."""
    asked = current().requested_environment
    kind = given or {"production": Kind.PRODUCTION_DEPLOY}.get(asked or "", Kind.STAGING_DEPLOY)
    if kind.environment is not None and asked not in (None, kind.environment):
        raise UsageMistake(f"a {kind} is not of --env {asked}", fix=f"--env {kind.environment}, or --kind work")
    current().environment = kind.environment or asked
    return kind


def _pull(text: str) -> str:
    wanted = text.strip().removeprefix("#").lower()
    if wanted in ("auto", "none") or (wanted.isascii() and wanted.isdigit() and 0 < int(wanted) < 2**31):
        return wanted
    raise UsageMistake(f"--pr {text!r} is no number of a pull request", fix="--pr 464, --pr auto or --pr none")


def _collector(log: Log) -> Collector:
    return Collector(Repository(log.root), min(current().timeout, MOST_TIMEOUT_S))


def _readable(log: Log) -> Sequence[Stored]:
    stored, broken = log.read()
    if broken:
        first = broken[0]
        more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
        warn("malformed", f"{log.shown(first.path)}:{first.line} {first.why}{more}: see nb agent-log lint")
    return stored


def _compare(read: Read, since: datetime, data: LintData) -> CommandFailed | None:
    """Compare with GitHub; return the failure of a comparison that was meant to be made, since there is a token."""
    has_token = False
    try:
        project = load_project()
        pulls = connect_pulls(project.repository, timeout=min(current().timeout, MOST_TIMEOUT_S))
        has_token = pulls.platform.is_signed_in
        compared = compare(read, pulls, project, since)
    except CommandFailed as failure:
        data["github"] = "unknown"
        warn("github_unknown", f"pull requests were not compared: {failure.message}")
        return failure if has_token else None
    data["github"] = "ok" if compared.is_complete else "partial"
    data["findings"] += compared.findings
    return None


def _lint_problem(data: LintData, failure: CommandFailed | None) -> tuple[Problem | None, ExitCode]:
    found = data["findings"]
    if found:
        rules = ", ".join(sorted({finding["rule"] for finding in found}))
        problem = Problem(
            "log_not_in_order", f"{len(found)} finding{'s' if len(found) > 1 else ''}: {rules}", fix=found[0]["fix"]
        )
        return problem, ExitCode.CHECK_FAILED
    if failure is not None:
        return _problem(failure, f"pull requests were not compared: {failure.message}"), failure.exit_code
    if data["github"] == "partial":
        message = "GitHub has more pull requests than were read; a later --since narrows it"
        return Problem("github_partial", message, fix="nb agent-log lint --since 7d"), ExitCode.PENDING
    return None, ExitCode.OK


def _problem(failure: CommandFailed, message: str) -> Problem:
    return Problem(failure.code, message, failure.rule, failure.transient, failure.fix)


def _unsent(failure: CommandFailed, data: SyncData, meant: int) -> Problem:
    count = f"{len(data['unsent'])} of {meant} entries" if data["unsent"] else "entries"
    return _problem(failure, f"{count} were not sent: {failure.message}")


def _send(stored: Sequence[Stored], data: SyncData, reason: str) -> CommandFailed | None:
    """Send what the service lacks, the oldest first; return the failure that ended it."""
    waiting = list(stored)
    try:
        client = connect(writes=True)
        waiting = sending.unsent(client, stored)
        for one in reversed(waiting[:]):
            sending.send(client, one, reason)
            data["sent"].append(one.entry.id)
            waiting.remove(one)
    except CommandFailed as failure:
        data["unsent"] = [one.entry.id for one in waiting]
        return failure
    return None


def _after(renewed: Renewed) -> Stored:
    return Stored(renewed.stored.path, renewed.text, renewed.entry)


def _after_add(log: Log, made: Stored) -> tuple[NextStep, ...]:
    steps = [NextStep(f"git add {log.shown(log.folder)}", "the entry goes with the branch")]
    if made.entry.status is Status.OPEN:
        steps.append(NextStep(f"nb agent-log sync {made.entry.id}", "close it once the facts are there"))
    return tuple(steps)


def _rehearsed(screen: Screen, text: str) -> None:
    screen.state("note", "dry run: this is what would be written")
    for line in text.rstrip("\n").split("\n"):
        screen.line(line)


def _synced(screen: Screen, data: SyncData) -> None:
    screen.state("ok", f"closed {len(data['closed'])}, changed {len(data['updated'])}, open {len(data['open'])}")
    for identity in data["closed"]:
        screen.line(f"  closed {identity}")
    if data["unsent"]:
        screen.state("failed", f"not sent: {', '.join(data['unsent'][:10])}{' …' if len(data['unsent']) > 10 else ''}")
    elif data["sent"]:
        screen.state("ok", f"sent {len(data['sent'])}")

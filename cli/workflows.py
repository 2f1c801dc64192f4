"""What a GitHub workflow reads: annotations on stderr, and a page in the job's summary.

Annotations are workflow commands, lines that start with `::`. Words of others that are shown in the same log (a line
that a service wrote, a message of a platform) may not be taken for one, so commands are stopped while they are shown.
Annotations: https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from cli.envelope import Notice, Outcome, Problem
from cli.errors import CommandFailed
from cli.invocation import current, warn
from cli.masking import masked
from cli.output import Screen

MOST_ROWS = 200
MOST_BYTES = 900_000
"""GitHub refuses a summary of more than a mebibyte; another step may have written before us."""

MOST_ANNOTATIONS = 10
"""GitHub shows ten of each kind from one step."""

SUMMARY = "GITHUB_STEP_SUMMARY"
SIGNS = {"ok": "✅", "failed": "❌", "unknown": "❔", "pending": "⏳", "noted": "⚠️", "skipped": "⏭️"}

Kind = Literal["error", "warning", "notice"]


class Form(StrEnum):
    """Whom a command is shown to."""

    TEXT = "text"
    GITHUB = "github"


FormOption = Annotated[
    Form, typer.Option("--format", help="github: annotations and a job summary for a workflow as well.")
]


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was looked at."""

    id: str
    state: str
    detail: str
    fix: str | None = None


def told(form: Form, look: Callable[[], Outcome]) -> Outcome:
    """What `look` returns or raises, told to the workflow on the way where this is asked for."""
    if form is not Form.GITHUB:
        return look()
    try:
        outcome = look()
    except CommandFailed as failure:
        problem = Problem(failure.code, failure.message, failure.rule, failure.transient, failure.fix)
        _tell(problem, failure.data or {}, ())
        raise
    _tell(outcome.problem, outcome.data, outcome.warnings)
    return replace(outcome, show=lambda screen: _without_commands(screen, outcome.show))


def annotation(kind: Kind, title: str, message: str) -> str:
    """One workflow command."""
    return f"::{kind} title={_property(title)}::{_data(message)}"


def rows(data: Mapping[str, Any]) -> list[Row]:
    """Every check and every service in what a command found, whichever command it was."""
    found = list(_services(data))
    for environment in data.get("environments", ()):
        found += [replace(row, id=f"{environment['env']}.{row.id}") for row in _services(environment)]
    for step in data.get("steps", ()):
        state = "unknown" if step["state"] == "error" else step["state"]
        found.append(Row(step["id"], state, step["detail"], step["fix"]))
    for check in data.get("checks", ()):
        is_noted = check.get("level") == "noted" and check["state"] != "ok"
        found.append(Row(check["id"], "noted" if is_noted else check["state"], check["detail"], check["fix"]))
    return found


def summary(title: str, problem: Problem | None, found: Sequence[Row], warnings: Sequence[Notice]) -> str:
    """The page for the job's summary, in Markdown."""
    lines = [f"### {SIGNS['ok' if problem is None else 'failed']} `{title}`", ""]
    if problem is not None:
        lines += [_cell(problem.message), ""]
        lines += [f"**Fix:** {_cell(problem.fix)}", ""] if problem.fix else []
    if found:
        lines += ["| | Check | Found |", "|---|---|---|"]
        lines += [
            f"| {SIGNS.get(row.state, '❔')} {row.state} | {_cell(row.id)} | {_found(row)} |"
            for row in found[:MOST_ROWS]
        ]
        lines += [f"| | … | {len(found) - MOST_ROWS} more |"] if len(found) > MOST_ROWS else []
        lines.append("")
    lines += [f"- ⚠️ {_cell(notice.message)}" for notice in warnings]
    return "\n".join(lines).rstrip() + "\n\n"


def _services(data: Mapping[str, Any]) -> Iterator[Row]:
    states = {"deployed": "ok", "not_deployed": "failed"}
    for service in data.get("services", ()):
        yield Row(service["service"], states.get(service["state"], service["state"]), service["reason"])


def _tell(problem: Problem | None, data: Mapping[str, Any], warnings: Sequence[Notice]) -> None:
    invocation = current()
    title = f"nb {invocation.command.replace('.', ' ')}"
    environment = invocation.environment or invocation.requested_environment
    title += f" --env {environment}" if environment else ""
    found = rows(data)
    notices = (*warnings, *invocation.warnings)
    for line in _annotations(title, problem, found, notices):
        sys.stderr.write(masked(line) + "\n")
    sys.stderr.flush()
    _append(masked(summary(title, problem, found, notices)))


def _annotations(
    title: str, problem: Problem | None, found: Sequence[Row], warnings: Sequence[Notice]
) -> Iterator[str]:
    if problem is None:
        yield annotation("notice", title, f"in order: {len(found)} looked at" if found else "in order")
    else:
        yield annotation("error", title, _with_fix(problem.message, problem.fix))
        bad = [row for row in found if row.state not in ("ok", "noted", "skipped", "pending")]
        for row in bad[: MOST_ANNOTATIONS - 1]:
            yield annotation("error", f"{row.id} {row.state}", _with_fix(row.detail, row.fix))
    for notice in warnings[:MOST_ANNOTATIONS]:
        yield annotation("warning", title, f"{notice.message} ({notice.code})")


def _append(text: str) -> None:
    """Add to the job's summary; outside a workflow there is none. That it cannot be written changes no outcome."""
    path = os.environ.get(SUMMARY, "").strip()
    if not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8", newline="\n") as file:
            if file.tell() + len(text.encode()) > MOST_BYTES:
                warn("summary_full", "the job's summary is full")
                return
            file.write(text)
    except OSError as error:
        warn("summary_not_written", f"the job's summary cannot be written: {error.strerror}")


def _without_commands(screen: Screen, show: Callable[[Screen], None]) -> None:
    """Show with workflow commands stopped: a word that nobody can guess lets them through again."""
    word = uuid.uuid4().hex
    screen.stream.write(f"::stop-commands::{word}\n")
    try:
        show(screen)
    finally:
        screen.stream.write(f"::{word}::\n")


def _with_fix(message: str, fix: str | None) -> str:
    return f"{message}\nfix: {fix}" if fix else message


def _found(row: Row) -> str:
    fix = f"<br>fix: {_cell(row.fix)}" if row.fix and row.state != "ok" else ""
    return _cell(row.detail) + fix


def _cell(text: str) -> str:
    """Text of others inside a table: one line, no column of its own, no HTML, no link or picture."""
    text = " ".join(text.split())
    for sign in "\\`*_[]|~":
        text = text.replace(sign, "\\" + sign)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

"""How the log looks: an entry as machines get it, a list and findings as people read them, findings as GitHub shows
them beside the line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cli.agent_log import template
from cli.agent_log.entry import PullState, Status
from cli.agent_log.files import Log, Stored
from cli.agent_log.shapes import EntryData, LintData
from cli.output import Column, Screen, State

MOST_ANNOTATIONS = 50
"""GitHub shows the first ones only, and the table names them all."""

COLUMNS = (
    Column("id", "id"),
    Column("status", "id"),
    Column("kind", "id", optional=True),
    Column("pr", "id", optional=True),
    Column("agent", "text", optional=True),
    Column("title"),
)
SIGNS: dict[Status, State] = {Status.OPEN: "note", Status.DONE: "ok", Status.FAILED: "failed"}


def data_of(log: Log, stored: Stored) -> EntryData:
    """An entry for machines."""
    entry = stored.entry
    pull = entry.pull
    kind: Any = str(entry.kind)
    status: Any = str(entry.status)
    verdict: Any = str(entry.verdict)
    state: Any = str(pull.state)
    return {
        "id": entry.id,
        "date": entry.date.isoformat(),
        "file": log.shown(stored.path),
        "kind": kind,
        "status": status,
        "title": entry.title,
        "agent": entry.agent,
        "branch": entry.branch,
        "env": entry.kind.environment,
        "pr": None if pull.state is PullState.NONE else {"number": pull.number, "state": state, "merge": pull.how},
        "commits": list(entry.commits),
        "commit": entry.commit,
        "deploys": [
            {"service": service, "id": found.id, "status": found.state} for service, found in entry.deployments.items()
        ],
        "verdict": verdict,
        "actions": template.steps(entry),
        "result": template.result_line(entry),
        "runs": list(entry.runs),
        "sources": dict(entry.sources),
    }


def listed(screen: Screen, stored: Sequence[Stored], total: int) -> None:
    """A table of entries."""
    if not stored:
        screen.line("There are no entries.")
        return
    rows = [
        (
            one.entry.id,
            str(one.entry.status),
            str(one.entry.kind),
            f"#{one.entry.pull.number}" if one.entry.pull.number is not None else None,
            one.entry.agent or None,
            one.entry.title,
        )
        for one in stored
    ]
    screen.table(COLUMNS, rows)
    if total > len(stored):
        screen.line(f"{total - len(stored)} older ones: -n {total}")


def shown(screen: Screen, log: Log, stored: Stored) -> None:
    """An entry as its file has it, and where that is."""
    screen.state(SIGNS[stored.entry.status], f"{stored.entry.id}  {stored.entry.status}")
    screen.line(log.shown(stored.path))
    screen.line()
    for line in template.written(stored.entry).rstrip("\n").split("\n"):
        screen.line(line)


def linted(screen: Screen, data: LintData) -> None:
    """Every finding by file, and what was looked at."""
    for finding in data["findings"]:
        place = f"{finding['file']}:{finding['line']}"
        screen.state("failed", f"{place} {finding['message']} ({finding['rule']})")
        if finding["fix"]:
            screen.wrapped(f"fix: {finding['fix']}", indent=4)
    if not data["findings"]:
        screen.state("ok", f"entries in order: {data['entries']}")
    said = {
        "ok": f"pull requests since {data['since']} have their entries"
        if not any(finding["rule"].startswith("pr_") for finding in data["findings"])
        else f"pull requests since {data['since']} were compared",
        "partial": f"of the pull requests since {data['since']} not all could be read",
        "unknown": "pull requests were not compared: unknown",
        "skipped": "pull requests were not asked about",
    }[data["github"]]
    signs: dict[str, State] = {"ok": "ok", "partial": "unknown", "unknown": "unknown", "skipped": "note"}
    screen.state(signs[data["github"]], said)


def annotations_of(data: LintData) -> Iterator[str]:
    """Findings as commands of GitHub Actions, which puts each beside its line."""
    for finding in data["findings"][:MOST_ANNOTATIONS]:
        fix = f"\nfix: {finding['fix']}" if finding["fix"] else ""
        place = f"file={_property(finding['file'])},line={finding['line']},title={_property(finding['rule'])}"
        yield f"::error {place}::{_message(finding['message'] + fix)}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")

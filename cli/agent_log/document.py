"""An entry as its file holds it: front matter above, the template below."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import TypeVar

from cli.agent_log import frontmatter, template
from cli.agent_log.entry import Deployment, Entry, Kind, Pull, PullState, Status, Verdict
from cli.agent_log.frontmatter import Malformed, Value

Word = TypeVar("Word", bound=StrEnum)

KEYS = (
    "id",
    "date",
    "kind",
    "status",
    "agent",
    "branch",
    "pr",
    "pr_state",
    "pr_merge",
    "pushed",
    "commits",
    "commit",
    "deployments",
    "verdict",
    "runs",
    "sources",
)
"""Every key of the front matter, in the order in which they are written."""


def written(entry: Entry) -> str:
    """The whole file."""
    return f"{frontmatter.written(_fields(entry))}\n{template.written(entry)}"


def read(text: str) -> Entry:
    """An entry from its file.

    Raises:
        Malformed: it does not follow the form.
    """
    fields, below, line = frontmatter.split(text)
    for key in KEYS:
        if key not in fields:
            raise Malformed(1, f"the front matter lacks {key}")
    if unknown := [key for key in fields if key not in KEYS]:
        raise Malformed(1, f"the front matter has an unknown key {unknown[0]}")
    body = template.read(below.lstrip("\n"), line + len(below) - len(below.lstrip("\n")))
    day = _day(fields["date"])
    kind = _word(Kind, fields, "kind")
    if body.kind is not kind or body.date != day.isoformat():
        raise Malformed(line, "the heading has another date or kind than the front matter")
    number = fields["pr"]
    if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 1):
        raise Malformed(1, "pr is no number")
    return Entry(
        id=_text(fields, "id"),
        date=day,
        kind=kind,
        status=_word(Status, fields, "status"),
        title=body.title,
        agent=_text(fields, "agent"),
        branch=_text(fields, "branch"),
        pull=Pull(_word(PullState, fields, "pr_state"), number, _text(fields, "pr_merge")),
        commits=_texts(fields, "commits"),
        commit=_text(fields, "commit"),
        runs=_texts(fields, "runs"),
        deployments=_deployments(fields["deployments"]),
        verdict=_word(Verdict, fields, "verdict"),
        is_pushed=_answer(fields["pushed"]),
        sources=_sources(fields["sources"]),
        did=body.did,
        result=body.result,
    )


def digest(text: str) -> str:
    """SHA-256 of a file, by which it is known whether the service has it."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _fields(entry: Entry) -> dict[str, Value]:
    values: tuple[Value, ...] = (
        entry.id,
        entry.date,
        str(entry.kind),
        str(entry.status),
        entry.agent,
        entry.branch,
        entry.pull.number,
        str(entry.pull.state),
        entry.pull.how,
        entry.is_pushed,
        list(entry.commits),
        entry.commit,
        {name: {"id": found.id, "state": found.state} for name, found in entry.deployments.items()},
        str(entry.verdict),
        list(entry.runs),
        dict(sorted(entry.sources.items())),
    )
    return dict(zip(KEYS, values, strict=True))


def _day(value: Value) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise Malformed(1, f"date {str(value)[:20]!r} is none") from None


def _text(fields: Mapping[str, Value], key: str) -> str:
    value = fields[key]
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Malformed(1, f"{key} is no text")
    return str(value)


def _texts(fields: Mapping[str, Value], key: str) -> tuple[str, ...]:
    value = fields[key]
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(part, str) for part in value):
        raise Malformed(1, f"{key} is no list of texts")
    return tuple(map(str, value))


def _word(words: type[Word], fields: Mapping[str, Value], key: str) -> Word:
    value = fields[key]
    try:
        return words(str(value))
    except ValueError:
        raise Malformed(1, f"{key} {str(value)[:40]!r} is none of {', '.join(words)}") from None


def _answer(value: Value) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise Malformed(1, "pushed is none of true, false, null")


def _deployments(value: Value) -> dict[str, Deployment]:
    if not isinstance(value, Mapping):
        raise Malformed(1, "deployments is no table")
    found: dict[str, Deployment] = {}
    for name, said in value.items():
        if not isinstance(said, Mapping) or set(said) != {"id", "state"}:
            raise Malformed(1, f"deployments.{name} is not {{id, state}}")
        found[name] = Deployment(str(said["id"]), str(said["state"]))
    return found


def _sources(value: Value) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(source, str) for source in value.values()):
        raise Malformed(1, "sources is no table of texts")
    return {name: str(source) for name, source in value.items()}

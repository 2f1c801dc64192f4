"""The agents' log as it reached the service: entries are written in the repository and mirrored here.

Callers own the transaction.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from core import db

# ruff: noqa: S608  The interpolated part is the constant _COLUMNS.

_COLUMNS = """code, date, kind, status, title, agent, branch, pull_request, facts, text, digest, received_at"""


class EntryNotFound(Exception):
    """There is no entry of that id."""

    def __init__(self, code: str) -> None:
        super().__init__(f"There is no entry {code!r} in the agents' log")


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as its file has it.

    Attributes:
        code: its id, which begins with its date and sorts by when it was made.
        facts: commits, deployments, verdict, runs.
        text: the entry as it is rendered.
        digest: SHA-256 of the file.
    """

    code: str
    date: date
    kind: str
    status: str
    title: str
    agent: str
    branch: str
    pull_request: int | None
    facts: Mapping[str, Any]
    text: str
    digest: str
    received_at: datetime | None = None


async def receive(entry: Entry) -> bool:
    """Keep an entry, or what became of it; return whether the service had it otherwise.

    The same id with the same digest changes nothing, so an entry may be sent as often as one likes.
    """
    changed = await db.fetch_value(
        """
        INSERT INTO botapp_agentlog
            (code, date, kind, status, title, agent, branch, pull_request, facts, text, digest)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (code) DO UPDATE SET
            date = excluded.date, kind = excluded.kind, status = excluded.status, title = excluded.title,
            agent = excluded.agent, branch = excluded.branch, pull_request = excluded.pull_request,
            facts = excluded.facts, text = excluded.text, digest = excluded.digest, received_at = now()
        WHERE botapp_agentlog.digest <> excluded.digest
        RETURNING id
        """,
        entry.code,
        entry.date,
        entry.kind,
        entry.status,
        entry.title,
        entry.agent,
        entry.branch,
        entry.pull_request,
        db.to_json(dict(entry.facts)),
        entry.text,
        entry.digest,
    )
    return changed is not None


async def get(code: str) -> Entry:
    """Return an entry.

    Raises:
        EntryNotFound: there is none of that id.
    """
    row = await db.fetch_one(f"SELECT {_COLUMNS} FROM botapp_agentlog WHERE code = $1", code)
    if row is None:
        raise EntryNotFound(code)
    return _from_row(row)


async def newest(
    *,
    limit: int,
    before: str | None = None,
    since: date | None = None,
    kind: str | None = None,
    status: str | None = None,
    agent: str | None = None,
    pull_request: int | None = None,
) -> list[Entry]:
    """Return entries, the newest first, older than entry `before` where it is given."""
    rows = await db.fetch(
        f"""
        SELECT {_COLUMNS} FROM botapp_agentlog
        WHERE ($1::text IS NULL OR code COLLATE "C" < $1) AND ($2::date IS NULL OR date >= $2)
            AND ($3::text IS NULL OR kind = $3) AND ($4::text IS NULL OR status = $4)
            AND ($5::text IS NULL OR lower(agent) = lower($5)) AND ($6::int IS NULL OR pull_request = $6)
        ORDER BY code COLLATE "C" DESC LIMIT $7
        """,
        before,
        since,
        kind,
        status,
        agent,
        pull_request,
        limit,
    )
    return [_from_row(row) for row in rows]


def _from_row(row: Mapping[str, Any]) -> Entry:
    return Entry(
        code=row["code"],
        date=row["date"],
        kind=row["kind"],
        status=row["status"],
        title=row["title"],
        agent=row["agent"],
        branch=row["branch"],
        pull_request=row["pull_request"],
        facts=json.loads(row["facts"]),
        text=row["text"],
        digest=row["digest"],
        received_at=row["received_at"],
    )

"""Operations on the agents' log: the repository's entries are received, listed and shown."""

from __future__ import annotations

import re
from typing import Any

from sanic import Request

from core import agent_log
from core.agent_log import Entry, EntryNotFound
from core.audit import Change
from core.http.ops import agent_log_schemas as schemas
from core.http.ops.api import api
from core.http.problems import Problem
from core.ops_tokens import Scope


@api.operation(
    "GET",
    "/agent-log",
    query=schemas.AgentLogQuery,
    answer=schemas.AgentLogPage,
    problems=(400,),
    tag="agent-log",
)
async def list_agent_log(request: Request, query: schemas.AgentLogQuery) -> schemas.AgentLogPage:
    """Entries of the agents' log, the newest first."""
    del request
    if query.cursor is not None and not re.fullmatch(schemas.ID_PATTERN, query.cursor, re.ASCII):
        raise Problem(400, "The cursor is not one of ours; take next_cursor as it is.", code="bad_cursor")
    found = await agent_log.newest(
        limit=query.limit + 1,
        before=query.cursor,
        since=query.since,
        kind=query.kind,
        status=query.status,
        agent=query.agent,
        pull_request=query.pull_request,
    )
    page = found[: query.limit]
    return schemas.AgentLogPage(
        items=[schemas.AgentLogSummary(**_fields(entry)) for entry in page],
        next_cursor=page[-1].code if len(found) > query.limit else None,
    )


@api.operation("GET", "/agent-log/{entry}", answer=schemas.AgentLogEntry, problems=(404,), tag="agent-log")
async def read_agent_log(request: Request, entry: str) -> schemas.AgentLogEntry:
    """One entry of the agents' log, with its text and facts."""
    del request
    try:
        found = await agent_log.get(entry)
    except EntryNotFound:
        raise Problem(404, f"There is no entry {entry[:64]!r}.", code="unknown_entry") from None
    return schemas.AgentLogEntry(**_fields(found), facts=dict(found.facts), text=found.text)


@api.operation(
    "POST",
    "/agent-log",
    answer=schemas.AgentLogReceived,
    scope=Scope.OPERATE,
    body=schemas.AgentLogBody,
    tag="agent-log",
    action="agent_log.receive",
)
async def receive_agent_log(request: Request, body: schemas.AgentLogBody, change: Change) -> schemas.AgentLogReceived:
    """Keep an entry, or what became of it. What is known with this digest changes nothing."""
    del request, change
    changed = await agent_log.receive(
        Entry(
            code=body.id,
            date=body.date,
            kind=body.kind,
            status=body.status,
            title=body.title,
            agent=body.agent,
            branch=body.branch,
            pull_request=body.pull_request,
            facts=body.facts,
            text=body.text,
            digest=body.digest,
        )
    )
    return schemas.AgentLogReceived(id=body.id, digest=body.digest, changed=changed)


def _fields(entry: Entry) -> dict[str, Any]:
    assert entry.received_at is not None, "an entry that was read was received"
    return {
        "id": entry.code,
        "date": entry.date,
        "kind": entry.kind,
        "status": entry.status,
        "title": entry.title,
        "agent": entry.agent,
        "branch": entry.branch,
        "pull_request": entry.pull_request,
        "digest": entry.digest,
        "received_at": entry.received_at,
    }

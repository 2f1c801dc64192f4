"""Sends entries to the service, so that they can be read without the repository. The same file is sent once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cli.agent_log import document, template
from cli.agent_log.entry import PullState
from cli.agent_log.files import Stored
from cli.agent_log.wire import Received, SentPage
from cli.client import OpsClient

PATH = "/api/ops/v1/agent-log"
PAGE = 200


def unsent(client: OpsClient, stored: Sequence[Stored]) -> list[Stored]:
    """Entries that the service does not have, or has with another content.

    Raises:
        CommandFailed: the service does not say which it has.
    """
    known: dict[str, str] = {}
    cursor: str | None = None
    while True:
        page = client.read(SentPage, client.get(PATH, {"limit": PAGE, "cursor": cursor}))
        known |= {item["id"]: item["digest"] for item in page["items"]}
        cursor = page["next_cursor"]
        if cursor is None or not page["items"]:
            return [one for one in stored if known.get(one.entry.id) != document.digest(one.text)]


def send(client: OpsClient, stored: Stored, reason: str) -> Received:
    """Send one entry.

    Raises:
        CommandFailed: the service did not take it.
    """
    return client.read(Received, client.change("POST", PATH, {**_body(stored), "reason": reason}))


def _body(stored: Stored) -> Mapping[str, Any]:
    entry = stored.entry
    return {
        "id": entry.id,
        "date": entry.date.isoformat(),
        "kind": str(entry.kind),
        "status": str(entry.status),
        "title": entry.title,
        "agent": entry.agent,
        "branch": entry.branch,
        "pull_request": entry.pull.number,
        "facts": {
            "pull_state": None if entry.pull.state is PullState.NONE else str(entry.pull.state),
            "pull_merge": entry.pull.how,
            "commits": list(entry.commits),
            "commit": entry.commit,
            "deployments": [
                {"service": service, "id": found.id, "status": found.state}
                for service, found in entry.deployments.items()
            ],
            "verdict": str(entry.verdict),
            "runs": list(entry.runs),
        },
        "text": template.written(entry),
        "digest": document.digest(stored.text),
    }

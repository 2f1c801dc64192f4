"""The agents' log over the ops API: received once for each content, listed, shown, and every change recorded."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from core import agent_log, audit, ops_tokens
from tests.core.http.operators import Operator, operator_with

pytestmark = pytest.mark.integration

PATH = "/agent-log"
REPOSITORY = str(Path(__file__).resolve().parents[3])


def entry(number: int = 1, **changes: Any) -> dict[str, Any]:
    """An entry as `nb agent-log sync` sends it."""
    day = changes.pop("day", f"2026-11-{number:02d}")
    return {
        "id": f"{day}-01KA{number:022d}",
        "date": day,
        "kind": "staging-deploy",
        "status": "open",
        "title": f"Выкладка {number}",
        "agent": "Лиса",
        "branch": "feature/fox",
        "pull_request": 460 + number,
        "facts": {"commits": ["6a090cb"], "verdict": "passed"},
        "text": f"## [{day}] Staging Deployment: Выкладка {number}\n",
        "digest": f"{number:064x}",
        **changes,
    }


@pytest.fixture
async def mirror(client: httpx.AsyncClient) -> AsyncIterator[Operator]:
    """Whoever mirrors the repository."""
    async with operator_with(client, "ci", "operate") as opened:
        yield opened


@pytest.fixture
async def reader(client: httpx.AsyncClient) -> AsyncIterator[Operator]:
    """Somebody who may only read."""
    async with operator_with(client, "eyes", "read") as opened:
        yield opened


async def test_an_entry_is_kept_and_shown_as_it_was_sent(mirror: Operator, reader: Operator) -> None:
    sent = entry()
    received = (await mirror.change(PATH, sent)).json()
    assert received == {"id": sent["id"], "digest": sent["digest"], "changed": True}
    shown = (await reader.get("/agent-log/{entry}", entry=sent["id"])).json()
    assert {name: value for name, value in shown.items() if name != "received_at"} == sent


async def test_the_same_file_sent_again_changes_nothing(mirror: Operator) -> None:
    await mirror.change(PATH, entry())
    before = await agent_log.get(entry()["id"])
    again = (await mirror.change(PATH, entry(title="ignored, for the digest is the same"))).json()
    assert again["changed"] is False
    assert await agent_log.get(entry()["id"]) == before


async def test_what_became_of_an_entry_replaces_it(mirror: Operator) -> None:
    await mirror.change(PATH, entry())
    closed = entry(status="done", text="closed", digest="f" * 64, pull_request=None, facts={})
    assert (await mirror.change(PATH, closed)).json()["changed"] is True
    found = await agent_log.get(closed["id"])
    assert (found.status, found.text, found.pull_request, found.facts) == ("done", "closed", None, {})
    assert (await mirror.change(PATH, entry())).json()["changed"] is True, "an older content may come back"


async def test_a_rehearsal_keeps_nothing(mirror: Operator) -> None:
    answered = (await mirror.change(PATH, entry(), dry_run=True)).json()
    assert answered["changed"] is True
    with pytest.raises(agent_log.EntryNotFound):
        await agent_log.get(entry()["id"])


async def test_every_change_is_in_the_audit_with_the_entry_as_its_subject(mirror: Operator) -> None:
    await mirror.change(PATH, entry(), key="first-key")
    (event,) = await audit.newest(action="agent_log.receive")
    assert (event.actor, event.subject, event.reason) == ("token:ci", entry()["id"], "a test")
    assert event.result == {"id": entry()["id"], "digest": entry()["digest"], "changed": True}


async def test_pages_go_from_the_newest_entry_to_the_oldest_whatever_the_order_they_came_in(
    mirror: Operator, reader: Operator
) -> None:
    for number in (3, 1, 5, 2, 4):
        await mirror.change(PATH, entry(number))
    seen: list[str] = []
    cursor = None
    while True:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await reader.get(PATH, query=query)).json()
        seen += [item["title"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [f"Выкладка {number}" for number in (5, 4, 3, 2, 1)]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({"since": "2026-11-02"}, [3, 2]),
        ({"kind": "work"}, [2]),
        ({"status": "done"}, [3]),
        ({"agent": "лиса"}, [3, 1]),
        ({"pull_request": 462}, [2]),
        ({"kind": "incident"}, []),
    ],
    ids=str,
)
async def test_a_list_is_narrowed(
    mirror: Operator, reader: Operator, query: dict[str, Any], numbers: list[int]
) -> None:
    await mirror.change(PATH, entry(1))
    await mirror.change(PATH, entry(2, kind="work", agent="codex"))
    await mirror.change(PATH, entry(3, status="done"))
    page = (await reader.get(PATH, query=query)).json()
    assert [item["pull_request"] - 460 for item in page["items"]] == numbers


async def test_a_reader_may_not_write(reader: Operator) -> None:
    assert (await reader.change(PATH, entry())).status_code == 403


async def test_an_entry_that_is_not_there_is_said_to_be_so(reader: Operator) -> None:
    answer = await reader.get("/agent-log/{entry}", entry="2026-11-01-nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_entry")


async def test_a_cursor_of_another_list_is_refused(reader: Operator) -> None:
    answer = await reader.get(PATH, query={"cursor": "17"})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")


@pytest.mark.parametrize(
    "change",
    [
        {"id": "2026-11-01-no"},
        {"id": entry(2)["id"]},
        {"digest": "abc"},
        {"status": "closed"},
        {"kind": "staging"},
        {"title": ""},
        {"title": "я" * 301},
        {"text": "x" * 64_001},
        {"facts": {"long": "x" * 64_001}},
        {"pull_request": 0},
        {"agent": "\x00"},
        {"more": 1},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_what_is_no_entry_is_refused_and_not_kept(mirror: Operator, change: dict[str, Any]) -> None:
    answer = await mirror.change(PATH, {**entry(), **change})
    assert answer.status_code in (400, 422)
    assert await agent_log.newest(limit=1) == []


async def nb(project: Path, *arguments: str, **environment: str) -> dict[str, Any]:
    """Run `nb` as a process in a project, and return its document."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cli.main",
        *arguments,
        "--json",
        cwd=project,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": REPOSITORY, **environment},
    )
    out, _ = await asyncio.wait_for(process.communicate(), 40)
    document: dict[str, Any] = json.loads(out)
    return document


async def test_the_real_nb_mirrors_its_files_into_the_real_service(client: httpx.AsyncClient, tmp_path: Path) -> None:
    (tmp_path / "nb.toml").write_text(f'[env.staging]\nurl = "{str(client.base_url).rstrip("/")}"\n', "utf-8")
    environment = {
        "NB_TOKEN_STAGING": str(await ops_tokens.create("mirror", ["operate"])),
        "NB_HOME": str(tmp_path / "home"),
        "NB_AGENT": "codex",
    }
    added = await nb(
        tmp_path,
        "agent-log",
        "add",
        "Рефакторинг",
        "--kind",
        "work",
        "--result",
        "готово",
        "--pr",
        "none",
        **environment,
    )
    identity = added["data"]["entry"]["id"]
    assert added["data"]["entry"]["status"] == "done"
    sent = await nb(tmp_path, "agent-log", "sync", "--env", "staging", **environment)
    assert (sent["exit_code"], sent["data"]["sent"]) == (0, [identity])
    kept = await agent_log.get(identity)
    assert (kept.title, kept.agent, kept.kind, kept.status) == ("Рефакторинг", "codex", "work", "done")
    assert kept.text.startswith("## [")
    again = await nb(tmp_path, "agent-log", "sync", "--env", "staging", **environment)
    assert (again["exit_code"], again["data"]["sent"]) == (0, [])
    assert len(await audit.newest(action="agent_log.receive")) == 1

"""`nb agent-log sync`: open entries are closed from facts, the page is made anew, the service gets what it lacks."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cli.agent_log import document
from cli.agent_log.entry import Entry, Kind, Status, Verdict, new_id
from tests.cli.agent_log.conftest import MERGED, World
from tests.cli.conftest import Runner
from tests.cli.emulator import Emulator, Fault, problem
from tests.emulators.threaded import Reply

pytestmark = pytest.mark.integration

PATH = "/api/ops/v1/agent-log"
HERE = ("--no-send", "--json")


@pytest.fixture(autouse=True)
def mirror(world: World, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The service keeps digests by id, as the real one does."""
    kept: dict[str, str] = {}
    answer = Emulator._ops

    def ops(emulator: Emulator, method: str, path: str, query: dict[str, str], body: bytes) -> tuple[int, object]:
        if path != "agent-log":
            return answer(emulator, method, path, query, body)
        if method == "GET":
            return 200, {"items": [{"id": key, "digest": kept[key]} for key in kept], "next_cursor": None}
        sent: dict[str, Any] = json.loads(body)
        changed = kept.get(sent["id"]) != sent["digest"]
        kept[sent["id"]] = sent["digest"]
        return 200, {"id": sent["id"], "digest": sent["digest"], "changed": changed}

    monkeypatch.setattr(Emulator, "_ops", ops)
    return kept


def added(nb: Runner, *words: str) -> str:
    """The id of a new entry."""
    identity: str = nb("agent-log", "add", *(words or ("Цена",)), "--json").data["entry"]["id"]
    return identity


def text_of(world: World) -> str:
    """The only entry."""
    (path,) = world.files()
    return path.read_text("utf-8")


def posted(world: World) -> list[dict[str, Any]]:
    """What was sent to the service."""
    return [json.loads(body) for method, _, _, body in world.app.requests if method == "POST"]


def test_an_entry_is_closed_once_the_branch_was_merged_and_verified(nb: Runner, world: World) -> None:
    world.open_pull()
    identity = added(nb, "Цена", "--did", "обновил README")
    assert "**PR:** #464 (Status: OPEN)\n" in text_of(world)
    world.merge_pull()
    world.deploy()
    data = nb("agent-log", "sync", *HERE).data
    assert (data["closed"], data["updated"], data["open"]) == ([], [identity], [identity])
    assert "3. Railway deployment: ⏳ SUCCESS (nb deploy verify не выполнен)\n" in text_of(world)
    world.verified()
    data = nb("agent-log", "sync", *HERE).data
    assert (data["closed"], data["open"], data["view_changed"]) == ([identity], [], True)
    text = text_of(world)
    assert "status: done\n" in text
    assert "**PR:** #464 (Status: MERGED)\n" in text
    assert "2. PR Status: MERGEABLE (Auto-merged)\n3. Railway deployment: ✅ SUCCESS\n4. обновил README\n" in text
    assert text.endswith("✅ Staging готов к тестированию\n")
    assert "✅ Staging готов" in world.log.view.read_text("utf-8")
    assert nb("agent-log", "lint").code == 0


def test_a_second_sync_changes_nothing(nb: Runner, deployed: World) -> None:
    added(nb)
    nb("agent-log", "sync", *HERE)
    before = text_of(deployed)
    data = nb("agent-log", "sync", *HERE).data
    assert (data["closed"], data["updated"], data["view_changed"]) == ([], [], False)
    assert text_of(deployed) == before


def test_a_branch_that_got_its_pull_request_later_names_it(nb: Runner, world: World) -> None:
    added(nb)
    assert "**PR:** не создан\n" in text_of(world)
    world.open_pull()
    nb("agent-log", "sync", *HERE)
    assert "**PR:** #464 (Status: OPEN)\n" in text_of(world)
    assert "1. Push в GitHub\n" in text_of(world)


def test_a_pull_request_that_was_closed_ends_an_entry_as_a_failure(nb: Runner, world: World) -> None:
    world.open_pull()
    identity = added(nb)
    world.github.close(464)
    assert nb("agent-log", "sync", *HERE).data["closed"] == [identity]
    assert "status: failed\n" in text_of(world)
    assert text_of(world).endswith("### Результат:\n❌ PR закрыт без слияния\n")


def test_a_failure_that_was_verified_later_becomes_a_success(nb: Runner, world: World) -> None:
    world.open_pull()
    world.merge_pull()
    world.deploy()
    world.verified(exit_code=1)
    added(nb)
    assert "status: failed\n" in text_of(world)
    world.verified()
    nb("agent-log", "sync", *HERE)
    assert "status: done\n" in text_of(world)
    assert text_of(world).endswith("✅ Staging готов к тестированию\n")


def test_a_deployment_that_railway_lists_no_more_is_not_forgotten(nb: Runner, world: World) -> None:
    world.open_pull()
    world.merge_pull()
    world.deploy()
    added(nb)
    world.railway.deployed.clear()
    world.verified()
    nb("agent-log", "sync", *HERE)
    assert "web: {id: d-1, state: SUCCESS}" in text_of(world)
    assert "3. Railway deployment: ✅ SUCCESS\n" in text_of(world)


def test_a_closed_entry_is_history(nb: Runner, deployed: World) -> None:
    added(nb)
    before = text_of(deployed)
    deployed.github.requested.clear()
    deployed.verified(exit_code=1)
    nb("agent-log", "sync", *HERE)
    assert text_of(deployed) == before


def test_work_closes_with_its_pull_request_and_an_incident_with_its_result(nb: Runner, world: World) -> None:
    world.open_pull()
    work = added(nb, "Рефакторинг", "--kind", "work", "--result", "тесты зелёные")
    incident = added(nb, "Сбой", "--kind", "incident", "--open")
    world.merge_pull()
    data = nb("agent-log", "sync", *HERE).data
    assert (data["closed"], data["open"]) == ([work], [incident])
    data = nb("agent-log", "sync", incident[:20] + incident[20:], "--result", "worker перезапущен", *HERE).data
    assert data["closed"] == [incident]


def test_a_result_that_claims_what_was_not_verified_is_refused(nb: Runner, world: World) -> None:
    identity = added(nb)
    before = text_of(world)
    ran = nb("agent-log", "sync", identity, "--result", "✅ готово", *HERE)
    assert (ran.code, ran.error["rule"]) == (5, "2.4.3")
    assert text_of(world) == before
    assert nb("agent-log", "sync", identity, "--result", "❌ откат", *HERE).data["closed"] == [identity]
    assert text_of(world).endswith("### Результат:\n❌ откат\n")


def test_what_is_not_known_leaves_an_entry_as_it_was(nb: Runner, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.open_pull()
    identity = added(nb)
    before = text_of(world)
    monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("RAILWAY_API_URL", "http://127.0.0.1:9")
    ran = nb("agent-log", "sync", *HERE)
    assert (ran.code, ran.data["open"]) == (0, [identity])
    assert text_of(world) == before
    assert len(ran.document["warnings"]) == 2


def test_a_github_that_is_silent_is_waited_for_once_whatever_the_number_of_entries(nb: Runner, world: World) -> None:
    world.open_pull()
    for number in range(4):
        added(nb, f"Запись {number}")
    world.github.requests.clear()
    world.github.faults = [Reply(429, {"message": "API rate limit exceeded"}, {"Retry-After": "60"})]
    ran = nb("agent-log", "sync", *HERE)
    assert (ran.code, len(ran.data["open"])) == (0, 4)
    assert len(world.github.requests) == 1
    assert len([notice for notice in ran.document["warnings"] if "rate" in notice["message"]]) == 1


def test_railway_is_asked_once_for_all_entries_of_an_environment(nb: Runner, world: World) -> None:
    for number in range(4):
        added(nb, f"Запись {number}")
    world.railway.requests.clear()
    nb("agent-log", "sync", *HERE)
    assert len(world.railway.requests) == 1


def test_a_failure_of_long_ago_is_history(nb: Runner, world: World) -> None:
    moment = datetime.now(UTC) - timedelta(days=8)
    entry = Entry(
        id=new_id(moment),
        date=moment.date(),
        kind=Kind.STAGING_DEPLOY,
        status=Status.FAILED,
        title="Цена",
        commit=MERGED,
        verdict=Verdict.FAILED,
        runs=("1" * 32,),
    )
    world.log.write(world.log.path_of(entry), document.written(entry))
    world.verified()
    assert nb("agent-log", "sync", *HERE).data["updated"] == []
    assert world.github.requests == []


def test_a_rehearsal_writes_nothing_here_and_keeps_nothing_there(
    nb: Runner, world: World, mirror: dict[str, str]
) -> None:
    world.open_pull()
    identity = added(nb)
    world.merge_pull()
    before = text_of(world)
    ran = nb("agent-log", "sync", "--env", "staging", "--dry-run", "--json")
    assert (ran.code, ran.data["dry_run"], ran.data["updated"]) == (0, True, [identity])
    assert text_of(world) == before
    targets = [target for method, target, _, _ in world.app.requests if method == "POST"]
    assert targets == [f"{PATH}?dry_run=true"]


def test_the_service_gets_each_content_once(nb: Runner, deployed: World, mirror: dict[str, str]) -> None:
    first = added(nb)
    second = added(nb, "Вторая")
    data = nb("agent-log", "sync", "--env", "staging", "--json").data
    assert (data["sent"], data["unsent"]) == ([first, second], [])
    assert set(mirror) == {first, second}
    data = nb("agent-log", "sync", "--env", "staging", "--json").data
    assert data["sent"] == []
    body = posted(deployed)[0]
    (path,) = [path for path in deployed.files() if path.stem == first]
    assert body["digest"] == document.digest(path.read_text("utf-8"))
    assert body["text"].startswith("## [")
    assert (body["pull_request"], body["facts"]["commit"], body["facts"]["verdict"]) == (464, MERGED, "passed")
    assert len(body["reason"]) >= 3


def test_one_entry_that_is_named_is_the_only_one_that_is_sent(
    nb: Runner, deployed: World, mirror: dict[str, str]
) -> None:
    first, second = added(nb), added(nb, "Вторая")
    assert nb("agent-log", "sync", second, "--env", "staging", "--json").data["sent"] == [second]
    assert set(mirror) == {second}
    assert nb("agent-log", "sync", "--env", "staging", "--json").data["sent"] == [first]


def test_an_entry_that_changed_is_sent_again(nb: Runner, world: World, mirror: dict[str, str]) -> None:
    world.open_pull()
    identity = added(nb)
    nb("agent-log", "sync", "--env", "staging")
    world.github.close(464)
    assert nb("agent-log", "sync", "--env", "staging", "--json").data["sent"] == [identity]


def test_offline_says_what_was_not_sent_and_keeps_what_was_written(
    nb: Runner, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.open_pull()
    identity = added(nb)
    world.merge_pull()
    world.deploy()
    world.verified()
    world.app.faults[PATH] = Fault(503, problem(503, "database_away", "the database is away"))
    ran = nb("agent-log", "sync", "--env", "staging", "--json")
    data = ran.document["data"]
    assert (ran.code, ran.error["transient"]) == (75, True)
    assert (data["unsent"], data["sent"], data["closed"]) == ([identity], [], [identity])
    assert "1 of 1 entries were not sent" in ran.error["message"]
    assert "status: done\n" in text_of(world)
    assert f"not sent: {identity}" in nb("agent-log", "sync", "--env", "staging").out


def test_what_was_sent_before_a_failure_is_told_apart(
    nb: Runner, deployed: World, mirror: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = added(nb), added(nb, "Вторая")
    answer = Emulator._ops

    def once(emulator: Emulator, method: str, path: str, query: dict[str, str], body: bytes) -> tuple[int, object]:
        if method == "POST" and mirror:
            return 503, {"code": "database_away", "detail": "the database is away"}
        return answer(emulator, method, path, query, body)

    monkeypatch.setattr(Emulator, "_ops", once)
    ran = nb("agent-log", "sync", "--env", "staging", "--json")
    data = ran.document["data"]
    assert (ran.code, data["sent"], data["unsent"]) == (75, [first], [second])


def test_without_a_product_on_this_machine_nothing_is_sent(nb: Runner, world: World) -> None:
    identity = added(nb)
    ran = nb("agent-log", "sync", "--json")
    assert (ran.code, ran.error["code"], ran.document["data"]["unsent"]) == (75, "not_running", [identity])


def test_without_a_token_of_the_service_nothing_is_sent(
    nb: Runner, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NB_TOKEN_STAGING")
    added(nb)
    ran = nb("agent-log", "sync", "--env", "staging", "--json")
    assert (ran.code, ran.error["code"]) == (4, "no_token")


def test_nothing_is_sent_where_writing_is_forbidden(nb: Runner, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    added(nb)
    monkeypatch.setenv("NB_READONLY", "1")
    ran = nb("agent-log", "sync", "--env", "staging", "--json")
    assert (ran.code, ran.error["rule"]) == (5, "readonly")
    assert posted(world) == []


def test_a_result_without_the_entry_that_it_is_of_is_a_mistake(nb: Runner, world: World) -> None:
    assert nb("agent-log", "sync", "--result", "готово", "--json").code == 2


def test_a_broken_file_does_not_stop_the_others(nb: Runner, deployed: World) -> None:
    added(nb)
    deployed.log.write(deployed.log.entries / "2026" / "11" / "broken.md", "no entry\n")
    ran = nb("agent-log", "sync", *HERE)
    assert ran.code == 0
    assert [notice["code"] for notice in ran.document["warnings"]] == ["malformed"]

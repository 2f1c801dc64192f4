"""`nb agent-log lint`: what is not in order is found, with file, line and what to do; what is unknown is not green."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.agent_log import document, pulls, view
from cli.agent_log.entry import Entry, Kind, Pull, PullState, Status, new_id
from tests.cli.agent_log.conftest import BRANCH, MERGED, World
from tests.cli.conftest import Ran, Runner
from tests.emulators.threaded import Reply

pytestmark = pytest.mark.integration


def made(world: World, *, days: int = 0, **changes: object) -> Path:
    """An entry of some days ago, in order unless a change says otherwise."""
    moment = datetime.now(UTC) - timedelta(days=days)
    fields: dict[str, object] = {
        "id": new_id(moment),
        "date": moment.date(),
        "kind": Kind.WORK,
        "status": Status.DONE,
        "title": "Рефакторинг",
        "agent": "codex",
        "branch": BRANCH,
        "did": ("вынес цены",),
        "result": "готово",
        **changes,
    }
    entry = Entry(**fields)  # type: ignore[arg-type]
    path = world.log.path_of(entry)
    world.log.write(path, document.written(entry))
    return path


def rules(ran: Ran) -> list[str]:
    """The rules that were broken."""
    return [finding["rule"] for finding in ran.document["data"]["findings"]]


def edit(path: Path, found: str, instead: str) -> None:
    """Change a file by hand."""
    text = path.read_text("utf-8")
    assert found in text
    path.write_text(text.replace(found, instead, 1), "utf-8")


def test_a_log_in_order_is_green(nb: Runner, deployed: World) -> None:
    nb("agent-log", "add", "Цена")
    ran = nb("agent-log", "lint", "--json")
    assert (ran.code, ran.data["ok"], ran.data["entries"], ran.data["github"]) == (0, True, 1, "ok")
    assert ran.document["warnings"] == []


def test_an_empty_log_without_pull_requests_is_green(nb: Runner, world: World) -> None:
    assert nb("agent-log", "lint").code == 0


def test_a_merged_pull_request_without_an_entry_is_found(nb: Runner, world: World) -> None:
    world.open_pull()
    world.merge_pull()
    world.github.request(470, "feature/open", "1" * 40)
    world.github.request(471, "feature/closed", "2" * 40)
    world.github.close(471)
    ran = nb("agent-log", "lint", "--since", "2026-11-01", "--json")
    assert (ran.code, rules(ran), ran.error["code"]) == (1, ["pr_without_entry"], "log_not_in_order")
    (finding,) = ran.document["data"]["findings"]
    assert finding["message"] == "#464 was merged into staging and has no entry"
    assert finding["fix"] == 'nb agent-log add "…" --pr 464'


def test_what_was_merged_before_is_nobodys_debt(nb: Runner, world: World) -> None:
    world.open_pull()
    world.merge_pull()
    assert nb("agent-log", "lint", "--since", "2026-11-23").code == 0
    assert nb("agent-log", "lint", "--since", "2026-11-22").code == 1


def test_a_release_into_main_needs_an_entry_too(nb: Runner, world: World) -> None:
    world.github.request(500, "staging", "1" * 40, base={"ref": "main", "sha": "0" * 40, "label": "fox:main"})
    world.merge_pull(500)
    ran = nb("agent-log", "lint", "--since", "2026-11-01", "--json")
    assert "#500 was merged into main" in ran.data["findings"][0]["message"]


def test_every_page_of_a_long_list_is_read(nb: Runner, world: World) -> None:
    for number in range(1, 251):
        world.github.request(number, f"feature/{number}", "1" * 40)
        world.merge_pull(number)
    ran = nb("agent-log", "lint", "--since", "2026-11-01", "--json")
    assert len(rules(ran)) == 250
    pages = [target for _, target, _, _ in world.github.requests if "base=staging" in target]
    assert len(pages) == 3


def test_reading_stops_at_the_first_older_one(nb: Runner, world: World) -> None:
    for number in range(1, 301):
        at = "2026-11-22T11:00:00Z" if number > 290 else "2026-01-01T00:00:00Z"
        world.github.request(number, f"feature/{number}", "1" * 40)
        world.github.merge(number, MERGED, at=at)
    assert len(rules(nb("agent-log", "lint", "--since", "2026-11-01", "--json"))) == 10
    assert sum("base=staging" in target for _, target, _, _ in world.github.requests) == 1


def test_a_pull_request_that_does_not_say_when_it_changed_is_looked_at(nb: Runner, world: World) -> None:
    world.open_pull()
    world.merge_pull()
    answer = world.github.reply

    def without(*arguments: Any) -> Reply:
        reply = answer(*arguments)
        listed = reply.body if isinstance(reply.body, list) else []
        return Reply(reply.status, [{k: v for k, v in pull.items() if k != "updated_at"} for pull in listed])

    world.github.reply = without  # type: ignore[assignment]
    assert rules(nb("agent-log", "lint", "--since", "2026-11-01", "--json")) == ["pr_without_entry"]


def test_an_entry_that_is_open_though_its_pull_request_was_merged_is_found(nb: Runner, world: World) -> None:
    world.open_pull()
    nb("agent-log", "add", "Цена")
    assert nb("agent-log", "lint").code == 0
    world.merge_pull()
    ran = nb("agent-log", "lint", "--since", "2026-11-23", "--json")
    (finding,) = ran.document["data"]["findings"]
    assert (finding["rule"], finding["message"]) == ("left_open", "is open, and #464 was merged")
    assert finding["fix"].startswith("nb agent-log sync 20")


def test_an_entry_whose_branch_got_a_pull_request_since_is_found(nb: Runner, world: World) -> None:
    nb("agent-log", "add", "Цена")
    world.open_pull()
    world.merge_pull()
    assert rules(nb("agent-log", "lint", "--since", "2026-11-01", "--json")) == ["pr_not_noted"]


def test_an_entry_that_is_open_for_too_long_is_found(nb: Runner, world: World) -> None:
    made(world, days=8, status=Status.OPEN, result="")
    made(world, days=3, status=Status.OPEN, result="")
    assert rules(nb("agent-log", "lint", "--json")) == ["open_too_long"]
    assert rules(nb("agent-log", "lint", "--days", "2", "--json")) == ["open_too_long"] * 2
    assert nb("agent-log", "lint", "--days", "30").code == 0


def test_a_missing_result_is_found(nb: Runner, world: World) -> None:
    path = made(world)
    text = path.read_text("utf-8")
    path.write_text(text.partition("### Результат:")[0] + "### Результат:\n", "utf-8")
    assert "no_result" in rules(nb("agent-log", "lint", "--json"))


@pytest.mark.parametrize(
    ("found", "instead", "rule"),
    [
        ("status: done", "status: finished", "malformed"),
        ("### Результат:", "### Итог:", "malformed"),
        ("**Агент:** codex", "**Агент:** claude", "template"),
        ("**PR:** не создан\n", "**PR:** #999 (Status: MERGED)\n", "template"),
        ("\n\n### Выполненные", "\n\n\n### Выполненные", "template"),
        ("готово", "<<<<<<< HEAD\nготово\n=======\nготово!\n>>>>>>> feature/fox", "conflict_marker"),
        ("вынес цены", "TELEGRAM_TOKEN=123456789:AAF-abcdefghijklmnopqrstuvwxyz012345", "secret"),
    ],
    ids=lambda value: value[:25],
)
def test_what_was_changed_by_hand_is_found(nb: Runner, world: World, found: str, instead: str, rule: str) -> None:
    path = made(world)
    edit(path, found, instead)
    ran = nb("agent-log", "lint", "--json")
    assert ran.code == 1
    assert rule in rules(ran)
    finding = next(finding for finding in ran.data["findings"] if finding["rule"] == rule)
    assert finding["file"] == path.relative_to(world.root).as_posix()
    assert "AAF-" not in ran.out


def test_the_line_of_a_finding_is_where_it_is(nb: Runner, world: World) -> None:
    path = made(world)
    edit(path, "**Агент:** codex", "**Агент:** claude")
    (finding,) = nb("agent-log", "lint", "--json").data["findings"]
    assert path.read_text("utf-8").split("\n")[finding["line"] - 1] == "**Агент:** claude"


def test_a_date_that_its_id_does_not_have_is_found(nb: Runner, world: World) -> None:
    path = made(world)
    today = datetime.now(UTC).date()
    yesterday = (today - timedelta(days=1)).isoformat()
    text = (
        path.read_text("utf-8").replace(f"date: {today}", f"date: {yesterday}").replace(f"[{today}]", f"[{yesterday}]")
    )
    path.write_text(text, "utf-8")
    assert "bad_date" in rules(nb("agent-log", "lint", "--json"))


def test_a_day_that_has_not_come_is_found(nb: Runner, world: World) -> None:
    made(world, days=-3)
    assert rules(nb("agent-log", "lint", "--json")) == ["bad_date"]


def test_a_file_in_the_wrong_place_and_an_id_that_is_there_twice_are_found(nb: Runner, world: World) -> None:
    path = made(world)
    copy = world.log.entries / "2020" / "01" / path.name
    world.log.write(copy, path.read_text("utf-8"))
    assert sorted(rules(nb("agent-log", "lint", "--json"))) == ["bad_place", "duplicate_id"]


def test_an_id_that_is_none_is_found(nb: Runner, world: World) -> None:
    path = made(world)
    text = re.sub(r"^id: .*$", "id: first-entry", path.read_text("utf-8"), flags=re.MULTILINE)
    path.write_text(text, "utf-8")
    assert "bad_id" in rules(nb("agent-log", "lint", "--json"))


def test_a_success_that_nobody_verified_is_found(nb: Runner, deployed: World) -> None:
    nb("agent-log", "add", "Цена")
    (path,) = deployed.files()
    edit(path, "verdict: passed", "verdict: none")
    assert "success_without_verdict" in rules(nb("agent-log", "lint", "--json"))
    edit(path, "verdict: none", "verdict: passed")
    edit(path, f"runs: [{'f' * 32}]", "runs: []")
    ran = nb("agent-log", "lint", "--json")
    assert rules(ran) == ["success_without_verdict"], "a verdict that no run gave is none"


def test_a_success_beside_a_failed_deployment_is_found(nb: Runner, deployed: World) -> None:
    nb("agent-log", "add", "Цена")
    edit(deployed.files()[0], "state: SUCCESS", "state: FAILED")
    assert "success_without_verdict" in rules(nb("agent-log", "lint", "--json"))


def test_a_page_that_is_out_of_date_is_found(nb: Runner, world: World) -> None:
    made(world)
    nb("agent-log", "render")
    assert nb("agent-log", "lint").code == 0
    made(world)
    ran = nb("agent-log", "lint", "--json")
    assert (rules(ran), ran.error["fix"]) == (["view_stale"], "nb agent-log render")
    nb("agent-log", "render")
    assert nb("agent-log", "lint").code == 0


def test_a_page_that_git_tracks_is_found(nb: Runner, world: World) -> None:
    made(world)
    nb("agent-log", "render")
    world.git("add", "-f", str(world.log.view))
    assert rules(nb("agent-log", "lint", "--json")) == ["view_tracked"]


def test_a_page_of_somebodys_hand_is_found(nb: Runner, world: World) -> None:
    world.log.write(world.log.view, "# Журнал\n\n## [2025-12-08] Staging Deployment: #506\n")
    assert rules(nb("agent-log", "lint", "--json")) == ["view_foreign"]


def test_a_mark_of_a_conflict_is_found_in_every_tracked_file_of_the_documentation(nb: Runner, world: World) -> None:
    other = world.log.folder / "Регламент.md"
    world.log.write(other, "# Регламент\n\nНайти <<<<<<< и >>>>>>> в тексте.\n\n=======\n")
    assert nb("agent-log", "lint").code == 0, "words about marks are no marks"
    other.write_text("# Регламент\n<<<<<<< HEAD\nа\n=======\nб\n>>>>>>> feature/fox\n", "utf-8")
    found = nb("agent-log", "lint", "--json").data["findings"]
    assert [(finding["rule"], finding["line"]) for finding in found] == [("conflict_marker", 2), ("conflict_marker", 6)]


def test_bytes_that_are_no_text_are_found(nb: Runner, world: World) -> None:
    path = made(world)
    path.write_bytes(b"\xff\xfe---\n")
    assert rules(nb("agent-log", "lint", "--json")) == ["malformed"]
    path.write_bytes(b"x" * 300_000)
    assert rules(nb("agent-log", "lint", "--json")) == ["malformed"]


def test_without_a_token_the_comparison_is_unknown_and_a_warning(
    nb: Runner, world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("GITHUB_TOKEN")
    monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:9")
    ran = nb("agent-log", "lint", "--json")
    assert (ran.code, ran.data["github"]) == (0, "unknown")
    assert [notice["code"] for notice in ran.document["warnings"]] == ["github_unknown"]
    assert "unknown" in nb("agent-log", "lint").out


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(401, {"message": "Bad credentials"}), 4),
        (Reply(403, {"message": "Resource not accessible"}), 4),
        (Reply(403, {"message": "API rate limit exceeded"}, {"X-RateLimit-Remaining": "0"}), 75),
        (Reply(404, {"message": "Not Found"}), 3),
        (Reply(200, [{"number": 1}]), 75),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Reply) else None,
)
def test_a_comparison_that_a_token_was_given_for_and_that_failed_is_not_green(
    nb: Runner, world: World, reply: Reply, code: int
) -> None:
    world.github.faults = [reply]
    ran = nb("agent-log", "lint", "--json")
    assert (ran.code, ran.document["data"]["github"], ran.document["data"]["ok"]) == (code, "unknown", False)


def test_without_a_network_what_is_wrong_here_is_found_all_the_same(
    nb: Runner, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:9")
    assert nb("agent-log", "lint", "--json").code == 75
    made(world, days=8, status=Status.OPEN, result="")
    ran = nb("agent-log", "lint", "--json")
    assert (ran.code, rules(ran)) == (1, ["open_too_long"])


def test_offline_nobody_is_asked(nb: Runner, world: World) -> None:
    ran = nb("agent-log", "lint", "--offline", "--json")
    assert (ran.code, ran.data["github"]) == (0, "skipped")
    assert world.github.requests == []


def test_a_pull_request_that_github_does_not_know_is_found(nb: Runner, world: World) -> None:
    made(world, status=Status.OPEN, result="", pull=Pull(PullState.OPEN, 999, ""))
    ran = nb("agent-log", "lint", "--json")
    assert (ran.code, rules(ran), ran.data["github"]) == (1, ["pr_not_found"], "ok")


def test_more_than_is_read_is_said_and_is_not_green(nb: Runner, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulls, "MOST_PAGES", 1)
    for number in range(1, 102):
        world.github.request(number, f"feature/{number}", "1" * 40)
        world.github.close(number)
    ran = nb("agent-log", "lint", "--since", "2026-11-01", "--json")
    assert (ran.code, ran.error["code"], ran.document["data"]["github"]) == (8, "github_partial", "partial")
    assert "--since" in ran.error["message"]


def test_annotations_stand_beside_the_line(nb: Runner, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = world.root / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    path = made(world)
    edit(path, "готово", "готово 100%\n<<<<<<< HEAD")
    ran = nb("agent-log", "lint", "--format", "github")
    file = path.relative_to(world.root).as_posix()
    number = path.read_text("utf-8").split("\n").index("<<<<<<< HEAD") + 1
    assert ran.code == 1
    assert f"::error file={file},line={number},title=conflict_marker::the mark of a merge conflict\n" in ran.err
    assert r"conflict\_marker" in summary.read_text("utf-8")


@pytest.mark.parametrize("since", ["yesterday", "2026-13-01", "99999999d", "-1d", ""])
def test_a_time_that_is_none_is_a_mistake(nb: Runner, world: World, since: str) -> None:
    for command in ("lint", "list"):
        assert nb("agent-log", command, "--since", since, "--json").code == 2


def test_the_page_that_is_rendered_is_what_the_rule_compares_with(world: World) -> None:
    made(world)
    stored, broken = world.log.read()
    assert broken == []
    assert view.write(world.log, stored) is True
    assert view.write(world.log, stored) is False
    assert view.state(world.log, stored) == "current"

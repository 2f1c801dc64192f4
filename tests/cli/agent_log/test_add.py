"""`nb agent-log add`: facts from git, GitHub, Railway and the journal, words from the command line, one file."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.agent_log import document
from tests.cli.agent_log.conftest import BRANCH, LAST_RUN, MERGED, World
from tests.cli.conftest import Runner
from tests.emulators.threaded import Reply

pytestmark = pytest.mark.integration


def today() -> str:
    """The day of this run."""
    return datetime.now(UTC).date().isoformat()


def body(path: Path) -> str:
    """An entry below its front matter."""
    return path.read_text("utf-8").split("---\n\n", 1)[1]


def test_a_verified_deployment_is_the_template_of_the_regulation_byte_for_byte(nb: Runner, deployed: World) -> None:
    ran = nb("agent-log", "add", "Новая цена Kling", "--json")
    assert ran.code == 0, ran.out
    (path,) = deployed.files()
    assert body(path) == (
        f"## [{today()}] Staging Deployment: Новая цена Kling\n"
        "\n"
        "**Агент:** Лиса\n"
        "**Ветка:** feature/fox\n"
        "**PR:** #464 (Status: MERGED)\n"
        "\n"
        "### Выполненные действия:\n"
        "1. Push в GitHub\n"
        "2. PR Status: MERGEABLE (Auto-merged)\n"
        "3. Railway deployment: ✅ SUCCESS\n"
        "\n"
        "### Результат:\n"
        "✅ Staging готов к тестированию\n"
    )


def test_every_fact_is_there_with_its_source(nb: Runner, deployed: World) -> None:
    document_ = nb("agent-log", "add", "Новая цена", "--json").document
    entry = document_["data"]["entry"]
    assert document_["warnings"] == []
    assert (entry["status"], entry["kind"], entry["env"], entry["agent"]) == (
        "done",
        "staging-deploy",
        "staging",
        "Лиса",
    )
    assert (entry["branch"], entry["commits"], entry["commit"]) == (BRANCH, [deployed.head], MERGED)
    assert entry["pr"] == {"number": 464, "state": "MERGED", "merge": "auto"}
    assert {(found["service"], found["status"]) for found in entry["deploys"]} == {
        ("web", "SUCCESS"),
        ("worker", "SUCCESS"),
        ("beat", "SUCCESS"),
    }
    assert (entry["verdict"], entry["runs"]) == ("passed", [LAST_RUN])
    assert entry["sources"] == {
        "agent": "git",
        "branch": "git",
        "commit": "github",
        "commits": "git",
        "date": "clock",
        "deployments": "railway",
        "pr": "github",
        "pushed": "github",
        "verdict": "journal",
    }


def test_a_file_is_where_its_date_and_id_say_and_reads_back_as_it_was_written(nb: Runner, deployed: World) -> None:
    entry = nb("agent-log", "add", "Новая цена", "--json").data["entry"]
    (path,) = deployed.files()
    year, month, _ = today().split("-")
    assert path == deployed.root / "Документация" / "logs" / year / month / f"{entry['id']}.md"
    assert entry["file"] == f"Документация/logs/{year}/{month}/{entry['id']}.md"
    text = path.read_text("utf-8")
    assert document.written(document.read(text)) == text
    assert list(path.parent.iterdir()) == [path], "no partial file is left"


def test_the_page_is_made_and_git_does_not_see_it(nb: Runner, deployed: World) -> None:
    nb("agent-log", "add", "Новая цена")
    assert "Новая цена" in deployed.log.view.read_text("utf-8")
    seen = deployed.git("-c", "core.quotePath=false", "status", "--short", "-uall")
    assert "AGENTS_LOGS.md" not in seen
    assert ".md" in seen


def test_a_rehearsal_prints_the_entry_and_writes_nothing(nb: Runner, deployed: World) -> None:
    ran = nb("agent-log", "add", "Новая цена", "--dry-run")
    assert ran.code == 0
    assert "### Выполненные действия:\n1. Push в GitHub\n" in ran.out
    assert not deployed.log.folder.exists()
    assert nb("agent-log", "add", "Новая цена", "--dry-run", "--json").data["dry_run"] is True


def test_the_journal_keeps_which_entry_was_made(nb: Runner, deployed: World) -> None:
    from cli import journal

    entry = nb("agent-log", "add", "Новая цена", "--json").data["entry"]
    assert [run.facts for run in journal.read()][-1] == {"entry": entry["id"]}


def test_what_else_was_done_follows_the_steps_and_a_result_replaces_the_automatic_one(
    nb: Runner, deployed: World
) -> None:
    nb("agent-log", "add", "Цена", "--did", "прогнал `pytest`", "--did", "обновил README", "--result", "✅ цена 6 ⚡")
    text = body(deployed.files()[0])
    assert "3. Railway deployment: ✅ SUCCESS\n4. прогнал `pytest`\n5. обновил README\n" in text
    assert text.endswith("### Результат:\n✅ цена 6 ⚡\n")


@pytest.mark.parametrize(
    "words",
    [
        ("Цена", "--result", "✅ готово"),
        ("Цена", "--did", "проверено ✔"),
        ("Цена ✅",),
        ("Цена", "--result", "готово :white_check_mark:"),
        ("Цена", "--result", "готово &#9989;"),
    ],
    ids=str,
)
def test_success_is_refused_where_nobody_verified(nb: Runner, world: World, words: tuple[str, ...]) -> None:
    world.open_pull()
    world.merge_pull()
    world.deploy()
    ran = nb("agent-log", "add", *words, "--json")
    assert (ran.code, ran.error["code"], ran.error["rule"]) == (5, "not_verified", "2.4.3")
    assert f"nb deploy verify --env staging --commit {MERGED}" in ran.error["fix"]
    assert world.files() == []


@pytest.mark.parametrize(
    ("commit", "exit_code", "env"),
    [("0" * 40, 0, "staging"), (MERGED, 1, "staging"), (MERGED, 8, "staging"), (MERGED, 0, "production")],
    ids=["another commit", "failed", "pending", "another environment"],
)
def test_another_verdict_is_none_of_this_commit(
    nb: Runner, world: World, commit: str, exit_code: int, env: str
) -> None:
    world.open_pull()
    world.merge_pull()
    world.deploy()
    world.verified(commit, exit_code, env=env)
    assert nb("agent-log", "add", "Цена", "--result", "✅ готово").code == 5


def test_the_last_verdict_counts(nb: Runner, deployed: World) -> None:
    deployed.verified(exit_code=1)
    assert nb("agent-log", "add", "Цена", "--result", "✅ готово").code == 5
    deployed.verified(exit_code=0)
    deployed.verified(exit_code=75)
    assert nb("agent-log", "add", "Цена", "--result", "✅ готово").code == 0, "75 could not look, so it says nothing"


def test_a_verdict_does_not_hold_against_a_deployment_that_failed(nb: Runner, deployed: World) -> None:
    deployed.deploy(MERGED, "CRASHED", "worker")
    ran = nb("agent-log", "add", "Цена", "--result", "✅ готово", "--json")
    assert (ran.code, ran.error["rule"]) == (5, "2.4.3")
    assert nb("agent-log", "add", "Цена").code == 0
    text = body(deployed.files()[0])
    assert "3. Railway deployment: ❌ CRASHED (web SUCCESS, worker CRASHED, beat SUCCESS)\n" in text
    assert text.endswith("❌ Staging не прошёл проверку\n")


def test_a_deployment_without_a_verdict_stays_open_and_claims_nothing(nb: Runner, world: World) -> None:
    world.open_pull()
    world.merge_pull()
    world.deploy()
    entry = nb("agent-log", "add", "Цена", "--json").data["entry"]
    assert (entry["status"], entry["verdict"]) == ("open", "none")
    text = body(world.files()[0])
    assert "3. Railway deployment: ⏳ SUCCESS (nb deploy verify не выполнен)\n" in text
    assert text.endswith("⏳ Staging ожидает проверки: nb deploy verify --env staging\n")
    assert "✅" not in text


def test_a_failed_verification_is_written_as_a_failure(nb: Runner, world: World) -> None:
    world.open_pull()
    world.merge_pull()
    world.deploy()
    world.verified(exit_code=1)
    entry = nb("agent-log", "add", "Цена", "--json").data["entry"]
    assert (entry["status"], entry["verdict"]) == ("failed", "failed")
    assert entry["actions"][2] == "Railway deployment: ❌ SUCCESS (nb deploy verify не пройден)"


@pytest.mark.parametrize(
    ("status", "words"),
    [("BUILDING", "⏳ BUILDING"), ("FAILED", "❌ FAILED"), ("SKIPPED", "❌ SKIPPED"), ("MELTED", "⏳ MELTED")],
)
def test_a_state_of_railway_is_told_in_its_own_word(nb: Runner, world: World, status: str, words: str) -> None:
    world.open_pull()
    world.merge_pull()
    world.deploy(MERGED, status)
    assert nb("agent-log", "add", "Цена", "--json").data["entry"]["actions"][2] == f"Railway deployment: {words}"


def test_an_open_pull_request_says_whether_it_can_be_merged(nb: Runner, world: World) -> None:
    world.open_pull()
    for mergeable, words in (
        (True, "MERGEABLE (ожидает слияния)"),
        (False, "CONFLICTING (не разрешён)"),
        (None, "UNKNOWN (неизвестно)"),
    ):
        world.github.requested[464]["mergeable"] = mergeable
        entry = nb("agent-log", "add", "Цена", "--dry-run", "--json").data["entry"]
        assert (entry["actions"][1], entry["status"]) == (f"PR Status: {words}", "open")


def test_who_merged_is_named_where_it_was_no_automation(nb: Runner, world: World) -> None:
    world.open_pull()
    world.merge_pull(by="red_fox")
    entry = nb("agent-log", "add", "Цена", "--json").data["entry"]
    assert entry["actions"][1] == "PR Status: MERGEABLE (слил red_fox)"
    world.github.requested[464]["auto_merge"] = {"merge_method": "squash"}
    entry = nb("agent-log", "add", "Цена", "--json").data["entry"]
    assert entry["actions"][1] == "PR Status: MERGEABLE (Auto-merged)"


@pytest.mark.parametrize(
    ("name", "path", "conclusion", "words"),
    [
        ("Auto-merge to staging", ".github/workflows/merge.yml", "success", "Auto-merged"),
        ("merge", ".github/workflows/auto-merge-staging.yml", "success", "Auto-merged"),
        ("Auto-merge to staging", ".github/workflows/auto-merge-staging.yml", "failure", "слил admin"),
        ("ci", ".github/workflows/ci.yml", "success", "слил admin"),
    ],
)
def test_a_workflow_that_merges_with_somebodys_token_is_no_person(
    nb: Runner, world: World, name: str, path: str, conclusion: str, words: str
) -> None:
    world.open_pull()
    world.merge_pull(by="admin")
    world.github.runs = [
        {"name": name, "path": path, "status": "completed", "conclusion": conclusion, "html_url": "https://x"}
    ]
    entry = nb("agent-log", "add", "Цена", "--json").data["entry"]
    assert entry["actions"][1] == f"PR Status: MERGEABLE ({words})"


def test_runs_that_may_not_be_read_leave_the_name_of_who_merged(nb: Runner, world: World) -> None:
    world.open_pull()
    world.merge_pull(by="admin")
    world.github.forbidden = {"runs"}
    ran = nb("agent-log", "add", "Цена", "--json")
    assert ran.data["entry"]["pr"]["merge"] == "by:admin"


def test_a_conflict_that_was_resolved_in_the_branch_is_found_by_making_the_merge_again(
    nb: Runner, world: World
) -> None:
    world.commit("price.txt", "6\n")
    world.git("checkout", "-q", "staging")
    world.commit("price.txt", "4\n")
    world.git("push", "-q", "origin", "staging")
    world.git("checkout", "-q", BRANCH)
    with pytest.raises(AssertionError):
        world.git("merge", "-q", "origin/staging")
    world.commit("price.txt", "6\n", "merge: resolve conflicts with staging")
    world.open_pull()
    world.merge_pull()
    entry = nb("agent-log", "add", "Цена", "--json").data["entry"]
    assert entry["actions"][1] == "PR Status: CONFLICTING (Resolved manually)"
    assert entry["pr"]["merge"] == "conflict"


def test_a_merge_without_conflicts_is_none_that_was_resolved(nb: Runner, world: World) -> None:
    world.git("checkout", "-q", "staging")
    world.commit("other.txt")
    world.git("push", "-q", "origin", "staging")
    world.git("checkout", "-q", BRANCH)
    world.git("merge", "-q", "--no-edit", "origin/staging")
    world.open_pull()
    world.merge_pull()
    assert nb("agent-log", "add", "Цена", "--json").data["entry"]["actions"][1] == "PR Status: MERGEABLE (Auto-merged)"


def test_of_many_pull_requests_of_a_branch_that_of_this_commit_is_taken(nb: Runner, world: World) -> None:
    world.open_pull(464)
    mine = world.head
    world.merge_pull(464)
    world.github.request(470, BRANCH, "1" * 40, created_at="2026-11-21T10:00:00Z")
    assert nb("agent-log", "add", "Цена", "--json").data["entry"]["pr"]["number"] == 464
    world.commit("more.txt")
    assert nb("agent-log", "add", "Цена", "--json").data["entry"]["pr"]["number"] == 470, "else the open one"
    assert world.github.requested[464]["head"]["sha"] == mine


def test_a_branch_without_a_pull_request_says_so(nb: Runner, world: World) -> None:
    ran = nb("agent-log", "add", "Цена", "--json")
    entry = ran.data["entry"]
    assert (entry["pr"], entry["status"], entry["sources"]["pr"]) == (None, "open", "github")
    text = body(world.files()[0])
    assert "**PR:** не создан\n" in text
    assert "1. Push в GitHub: не выполнен\n2. PR Status: PR не создан\n3. Railway deployment: ⏳ не начат\n" in text
    assert ran.document["warnings"] == []


def test_a_number_that_github_does_not_know_is_not_found(nb: Runner, world: World) -> None:
    ran = nb("agent-log", "add", "Цена", "--pr", "#999", "--json")
    assert (ran.code, ran.error["code"]) == (3, "github_not_found")
    assert world.files() == []


def test_a_named_pull_request_and_commit_are_taken_as_they_are(nb: Runner, world: World) -> None:
    world.github.request(12, "feature/other", "2" * 40)
    world.merge_pull(12)
    entry = nb("agent-log", "add", "Цена", "--pr", "12", "--commit", MERGED[:9], "--json").data["entry"]
    assert (entry["pr"]["number"], entry["commits"], entry["commit"]) == (12, [MERGED[:9]], MERGED[:9])
    assert entry["sources"]["commit"] == "option"
    short = nb("agent-log", "add", "Цена", "--pr", "none", "--commit", world.head[:8], "--json").data["entry"]
    assert (short["commit"], short["pr"]) == (world.head, None), "git knows the whole hash"


def test_a_production_deployment_is_of_the_release(nb: Runner, world: World) -> None:
    world.git("checkout", "-q", "staging")
    world.github.request(500, "staging", world.head, base={"ref": "main", "sha": "0" * 40, "label": "fox:main"})
    world.merge_pull(500, by="human")
    world.deploy()
    world.verified(env="production")
    entry = nb("agent-log", "add", "Release: цены", "--env", "production", "--json").data["entry"]
    assert (entry["kind"], entry["env"], entry["pr"]["number"]) == ("production-deploy", "production", 500)
    text = body(world.files()[0])
    assert text.startswith(f"## [{today()}] Production Deployment: Release: цены\n")
    assert text.endswith("### Результат:\n✅ Production проверен и работает\n")


def test_work_has_its_commits_and_asks_no_platform(nb: Runner, world: World) -> None:
    ran = nb("agent-log", "add", "Рефакторинг", "--kind", "work", "--did", "вынес цены", "--result", "✅ тесты зелёные")
    assert ran.code == 0
    text = body(world.files()[0])
    assert f"**Коммиты:** {world.head[:7]}\n\n### Выполненные действия:\n1. вынес цены\n" in text
    assert world.railway.requests == []


def test_work_without_a_result_stays_open(nb: Runner, world: World) -> None:
    entry = nb("agent-log", "add", "Исследование", "--kind", "work", "--json").data["entry"]
    assert (entry["status"], entry["result"]) == ("open", "⏳ В работе")
    incident = nb("agent-log", "add", "Сбой", "--kind", "incident", "--result", "❌ очередь", "--open", "--json").data
    assert incident["entry"]["status"] == "open"


@pytest.mark.parametrize(
    ("given", "variable", "expected", "source"),
    [("codex", "claude", "codex", "option"), (None, "claude", "claude", "NB_AGENT"), (None, None, "Лиса", "git")],
)
def test_who_works_is_named_by_the_option_then_the_environment_then_git(
    nb: Runner,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    given: str | None,
    variable: str | None,
    expected: str,
    source: str,
) -> None:
    if variable:
        monkeypatch.setenv("NB_AGENT", variable)
    option = ("--agent", given) if given else ()
    entry = nb("agent-log", "add", "Цена", *option, "--json").data["entry"]
    assert (entry["agent"], entry["sources"]["agent"]) == (expected, source)


def test_nobody_is_said_to_be_unknown(nb: Runner, world: World) -> None:
    world.git("config", "--unset", "user.name")
    ran = nb("agent-log", "add", "Цена", "--json")
    assert "**Агент:** неизвестно\n" in body(world.files()[0])
    assert [notice["code"] for notice in ran.document["warnings"]] == ["fact_unknown"]


@pytest.mark.parametrize(
    "title",
    [
        "Цена \"Kling\" и 'Veo'",
        "**жирно** [ссылка](https://e.invalid) `код` ~~нет~~ | таблица",
        "<script>alert(1)</script> <!-- всё ниже скрыто",
        "# заголовок ##",
        "_курсив_ и feature_with_underscores",
        "лиса 🦊 и семья 👨‍👩‍👧",
        r"обратная \ черта \* и \\",
        "&lt;b&gt; &#9888; &amp;",
    ],
)
def test_markup_in_a_description_is_shown_and_does_nothing(nb: Runner, world: World, title: str) -> None:
    assert nb("agent-log", "add", title, "--json").data["entry"]["title"] == title
    (path,) = world.files()
    assert document.read(path.read_text("utf-8")).title == title
    heading = body(path).split("\n")[0]
    for sign in ("**жирно", "[ссылка]", "`код", "<script", "<!--", "_курсив", "_ и", "&lt;", "~~нет"):
        assert not re.search(r"(?<!\\)" + re.escape(sign), heading)
    assert nb("agent-log", "lint", "--offline").code == 0


def test_what_breaks_a_line_or_turns_it_round_becomes_a_space(nb: Runner, world: World) -> None:
    entry = nb(
        "agent-log", "add", "Цена\n## [2020-01-01] подделка\u202e\x1b[31m", "--did", "раз\n4. два", "--json"
    ).data["entry"]
    assert entry["title"] == "Цена ## [2020-01-01] подделка [31m"
    assert entry["actions"][3] == "раз 4. два"
    assert body(world.files()[0]).count("\n## ") == 0


@pytest.mark.parametrize("branch", ["feature/лиса", 'feature/"quoted"', "feature/it's", "feature/a_b_c", "feature/🦊"])
def test_a_branch_of_any_name_is_kept(nb: Runner, world: World, branch: str) -> None:
    world.git("checkout", "-q", "-b", branch)
    world.open_pull(7, branch)
    entry = nb("agent-log", "add", "Цена", "--json").data["entry"]
    assert (entry["branch"], entry["pr"]["number"]) == (branch, 7)
    assert document.read(world.files()[0].read_text("utf-8")).branch == branch


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((" \n ",), 2),
        (("я" * 201,), 2),
        (("Цена", "--did", ""), 2),
        (("Цена", "--did", "x" * 2001), 2),
        (("Цена", "--pr", "zero"), 2),
        (("Цена", "--pr", "0"), 2),
        (("Цена", "--commit", "HEAD~1"), 2),
        (("Цена", "--kind", "staging"), 2),
        (("Цена", "--kind", "staging-deploy", "--env", "production"), 2),
        (("Ключ ghp_0123456789abcdef0123456789abcdef0123",), 5),
        (("Цена", "--did", "export TOKEN=abcdef0123456789"), 5),
        (("Цена", "--result", "пароль: hunter2hunter2hunter2"), 5),
        (("Цена", "--agent", "postgres://u:secretword@h/db"), 5),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_logged_is_one_line_and_no_file(
    nb: Runner, world: World, arguments: tuple[str, ...], code: int
) -> None:
    ran = nb("agent-log", "add", *arguments, "--json")
    assert ran.code == code
    assert ran.error["fix"]
    assert "\n" not in ran.error["message"]
    assert not world.log.folder.exists()
    if code == 5:
        assert ran.error["rule"] == "2.5.5"
        assert "hunter2" not in ran.out
        assert "ghp_" not in ran.out


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(403, {"message": "Resource not accessible"}), "refuses"),
        (Reply(404, {"message": "Not Found"}), "does not show"),
        (Reply(429, {"message": "API rate limit exceeded"}, {"Retry-After": "60"}), "limits the rate"),
        (Reply(200, {"unexpected": True}), "does not understand"),
        (Reply(500, b"<html>"), "HTTP 500"),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Reply) else None,
)
def test_what_github_does_not_say_is_unknown_with_a_warning(nb: Runner, world: World, reply: Reply, words: str) -> None:
    world.github.faults = [reply]
    ran = nb("agent-log", "add", "Цена", "--json")
    entry = ran.data["entry"]
    assert (ran.code, entry["pr"], entry["status"]) == (0, {"number": None, "state": "unknown", "merge": ""}, "open")
    assert entry["sources"]["pr"] == "unknown"
    assert "**PR:** неизвестно\n" in body(world.files()[0])
    (notice,) = ran.document["warnings"]
    assert words in notice["message"]


def test_without_a_network_everything_of_others_is_unknown(
    nb: Runner, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GITHUB_API_URL", "RAILWAY_API_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    ran = nb("agent-log", "add", "Цена", "--pr", "464", "--json")
    assert (ran.code, ran.data["entry"]["pr"]["number"]) == (0, 464)
    text = body(world.files()[0])
    assert "**PR:** #464 (Status: неизвестно)\n" in text
    assert "3. Railway deployment: ⏳ неизвестно\n" in text
    assert [notice["code"] for notice in ran.document["warnings"]] == ["fact_unknown"] * 2


def test_without_a_token_of_railway_the_deployments_are_unknown(
    nb: Runner, deployed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAILWAY_TOKEN")
    entry = nb("agent-log", "add", "Цена", "--json").data["entry"]
    assert (entry["deploys"], entry["sources"]["deployments"]) == ([], "unknown")
    assert entry["status"] == "done", "verify looked at the deployments itself"

"""`nb ready`: what is not known to work is not ready."""

from __future__ import annotations

import pytest

from cli.commands import ready as command
from tests.cli.conftest import Place, Runner
from tests.cli.emulator import COMMIT, Emulator, Fault, check, problem

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def ask_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting asks again at once."""
    monkeypatch.setattr(command, "INTERVAL", 0.01)


def test_a_ready_service_shows_every_check(nb: Runner, service: Emulator) -> None:
    ran = nb("ready", "--json")
    assert (ran.code, ran.data["state"], ran.data["authorized"]) == (0, "ok", True)
    assert [part["id"] for part in ran.data["checks"]][:4] == ["http", "environment", "database", "migrations"]
    assert ran.document["warnings"] == []


def test_people_see_a_word_beside_every_sign(nb: Runner, service: Emulator) -> None:
    service.checks[2] = check("redis", "failed", "connection refused", "start Redis")
    service.checks[3] = check("worker", "unknown", "redis was needed for it")
    ran = nb("ready")
    assert ran.code == 1
    assert "✗ redis        failed: connection refused" in ran.out
    assert "fix: start Redis" in ran.out
    assert "? worker       unknown: redis was needed for it" in ran.out
    assert "Try: start Redis" in ran.err


def test_a_failed_check_is_not_ready_and_names_the_fix(nb: Runner, service: Emulator) -> None:
    service.checks[0] = check("database", "failed", "refused", "see DATABASE_URL")
    ran = nb("ready", "--json")
    assert (ran.code, ran.error["code"], ran.error["fix"]) == (1, "not_ready", "see DATABASE_URL")
    assert "database failed" in ran.error["message"]
    assert ran.data["state"] == "failed"


def test_an_unknown_check_is_never_ok_even_when_the_service_says_so(nb: Runner, service: Emulator) -> None:
    body = b'{"ok": true, "checks": [{"id":"beat","state":"unknown","detail":"","duration_ms":0.1,"fix":null}]}'
    service.faults["/api/ready"] = Fault(200, body, "application/json")
    ran = nb("ready", "--json")
    assert (ran.code, ran.data["ok"], ran.data["state"]) == (1, False, "unknown")


def test_a_503_that_says_ok_is_not_believed(nb: Runner, service: Emulator) -> None:
    service.faults["/api/ready"] = Fault(503, b'{"ok": true}', "application/json")
    assert nb("ready", "--json").code == 1


def test_without_a_token_the_answer_is_yes_or_no_and_a_warning(nb: Runner, service: Emulator, place: Place) -> None:
    place.write_credentials({"local": {"url": service.url}})
    ran = nb("ready", "--json")
    assert (ran.code, ran.data["authorized"]) == (0, False)
    assert [part["id"] for part in ran.data["checks"]] == ["http", "environment"]
    assert ran.document["warnings"][0]["code"] == "no_detail"


def test_without_a_token_not_ready_says_why_nothing_more_is_known(nb: Runner, service: Emulator, place: Place) -> None:
    place.write_credentials({"local": {"url": service.url}})
    service.ready_after = 1
    ran = nb("ready", "--json")
    assert (ran.code, ran.data["state"]) == (1, "failed")
    assert "without a token" in ran.error["message"]


def test_a_proxy_that_answers_503_is_an_upstream_fault(nb: Runner, service: Emulator) -> None:
    service.faults["/api/ready"] = Fault(503, b"<html>no upstream</html>", "text/html")
    assert nb("ready", "--json").code == 75


def test_our_own_503_without_an_answer_is_an_upstream_fault(nb: Runner, service: Emulator) -> None:
    service.faults["/api/ready"] = Fault(503, problem(503, "draining", "stopping"))
    ran = nb("ready", "--json")
    assert (ran.code, ran.error["code"]) == (75, "unexpected_answer")


def test_nobody_there_is_an_upstream_fault(nb: Runner, nobody: str) -> None:
    assert nb("ready", "--json").error["code"] == "unreachable"


def test_waiting_ends_when_the_service_is_ready(nb: Runner, service: Emulator) -> None:
    service.ready_after = 3
    ran = nb("ready", "--wait", "20s", "--json")
    assert ran.code == 0
    assert [path for _, path, _, _ in service.requests].count("/api/ready") == 4
    assert ran.err == ""


def test_people_see_once_what_is_waited_for(nb: Runner, service: Emulator) -> None:
    service.ready_after = 3
    ran = nb("ready", "--wait", "20s")
    assert ran.code == 0
    assert ran.err.count("waiting: worker failed") == 1


def test_the_deadline_has_an_exit_code_of_its_own_and_the_last_answer(nb: Runner, service: Emulator) -> None:
    service.checks[3] = check("worker", "failed", "no heartbeat")
    ran = nb("ready", "--wait", "2s", "--json")
    assert (ran.code, ran.error["code"]) == (9, "wait_deadline")
    assert "worker failed" in ran.error["message"]
    assert ran.data["state"] == "failed"


def test_the_deadline_names_what_fixes_the_last_thing_found(nb: Runner, service: Emulator) -> None:
    ran = nb("ready", "--expect-commit", "deadbeef" * 5, "--wait", "2s", "--json")
    assert (ran.code, ran.error["fix"]) == (9, "nb down, then nb up")
    failed = [part["detail"] for part in ran.data["checks"] if part["id"] == "commit.web"]
    assert failed[0].endswith("not deadbee")


def test_a_narrow_screen_is_not_spent_on_a_column(
    nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert "✓ http  ok: answered in" in nb("ready").out
    monkeypatch.setenv("COLUMNS", "80")
    assert "✓ http  ok: answered in" not in nb("ready").out


def test_waiting_for_nobody_ends_at_the_deadline(nb: Runner, nobody: str) -> None:
    ran = nb("ready", "--wait", "2s", "--json")
    assert (ran.code, ran.data) == (9, {})
    assert "connection refused" in ran.error["message"]


def test_waiting_does_not_outlast_a_refused_token(nb: Runner, service: Emulator) -> None:
    service.faults["/api/ready"] = Fault(401, problem(401, "unauthorized", "the token is not valid"))
    assert nb("ready", "--wait", "20s", "--json").code == 4


def test_what_is_watched_fails_the_command_though_the_probe_is_green(nb: Runner, service: Emulator) -> None:
    backlog = check("webhook.backlog", "failed", "412 updates wait", level="watched", pending=412, limit=100)
    service.checks.append(backlog)
    ran = nb("ready", "--json")
    assert (ran.code, ran.error["code"], ran.data["state"]) == (1, "not_ready", "failed")
    found = next(part for part in ran.data["checks"] if part["id"] == "webhook.backlog")
    assert (found["level"], found["facts"]) == ("watched", {"pending": 412, "limit": 100})


def test_an_open_breaker_is_a_warning_and_not_a_failure(nb: Runner, service: Emulator) -> None:
    service.checks.append(check("provider.kling", "failed", "open: auth_failed", "nb providers show", level="noted"))
    ran = nb("ready", "--json")
    assert (ran.code, ran.data["ok"], ran.data["state"]) == (0, True, "ok")
    assert ran.document["warnings"] == [{"code": "noted", "message": "provider.kling: open: auth_failed"}]
    assert "· provider.kling  noted: open: auth_failed" in nb("ready").out


def test_another_environment_behind_the_address_is_not_ready(nb: Runner, service: Emulator) -> None:
    service.environment = "production"
    ran = nb("ready", "--json")
    assert (ran.code, ran.error["code"]) == (1, "wrong_environment")
    assert ran.error["fix"] == "correct the address in nb.toml"


@pytest.mark.parametrize("expected", [COMMIT, COMMIT[:7], COMMIT.upper()])
def test_the_expected_commit_on_every_process_is_ready(nb: Runner, service: Emulator, expected: str) -> None:
    ran = nb("ready", "--expect-commit", expected, "--json")
    assert ran.code == 0
    assert [part["id"] for part in ran.data["checks"]][-3:] == ["commit.web", "commit.worker", "commit.beat"]
    assert ran.data["expected_commit"] == expected


@pytest.mark.parametrize(("kind", "number"), [("web", 0), ("worker", 1), ("beat", 2)])
def test_one_process_of_another_commit_is_named(nb: Runner, service: Emulator, kind: str, number: int) -> None:
    service.processes[number] = {**service.processes[number], "commit": "36a1d13"}
    ran = nb("ready", "--expect-commit", COMMIT, "--json")
    assert ran.code == 1
    failed = [part for part in ran.data["checks"] if part["state"] == "failed" and part["id"].startswith("commit.")]
    assert [part["id"] for part in failed] == [f"commit.{kind}"]
    assert "36a1d13" in failed[0]["detail"]


def test_an_old_version_everywhere_is_a_mismatch_of_its_own_code(nb: Runner, service: Emulator) -> None:
    ran = nb("ready", "--expect-commit", "deadbeef", "--json")
    assert (ran.code, ran.error["code"]) == (1, "commit_mismatch")
    assert ran.error["fix"] == "nb down, then nb up"


def test_a_process_that_nobody_hears_of_does_not_run_the_commit(nb: Runner, service: Emulator) -> None:
    del service.processes[2]
    ran = nb("ready", "--expect-commit", COMMIT, "--json")
    assert ran.code == 1
    assert "commit.beat failed" in ran.error["message"]


def test_without_a_token_the_commit_of_worker_and_beat_is_unknown_and_not_ok(
    nb: Runner, service: Emulator, place: Place
) -> None:
    place.write_credentials({"local": {"url": service.url}})
    ran = nb("ready", "--expect-commit", COMMIT, "--json")
    assert (ran.code, ran.data["state"]) == (1, "unknown")
    assert "commit.worker unknown, commit.beat unknown" in ran.error["message"]


def test_an_older_service_that_tells_no_levels_is_judged_by_its_heartbeats(nb: Runner, service: Emulator) -> None:
    body = b'{"ok": true, "checks": [{"id":"beat","state":"ok","detail":"","duration_ms":0.1,"fix":null}]}'
    service.faults["/api/ready"] = Fault(200, body, "application/json")
    for process in service.processes:
        process["commit"] = "36a1d13"
    service.commit = "36a1d13"
    ran = nb("ready", "--expect-commit", COMMIT, "--json")
    assert ran.code == 1
    assert "commit.web failed, commit.worker failed, commit.beat failed" in ran.error["message"]


def test_waiting_for_a_commit_ends_when_it_runs(nb: Runner, service: Emulator) -> None:
    old = Fault(200, b'{"ok":true,"version":"0.1.0","commit":"36a1d13","environment":"local"}', "application/json")
    service.faults["/api/health"] = old
    ran = nb("ready", "--expect-commit", COMMIT, "--wait", "2s", "--json")
    assert (ran.code, ran.data["ok"]) == (9, False)
    assert "commit.web failed" in ran.error["message"]
    del service.faults["/api/health"]
    assert nb("ready", "--expect-commit", COMMIT, "--wait", "5s").code == 0

"""`nb deploy wait` and `verify`: until the commit runs, and whether it runs well."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from cli import journal
from tests.cli.conftest import Runner
from tests.cli.deploys.conftest import NEW, OLD, Staging
from tests.cli.emulator import check
from tests.emulators.threaded import Reply

pytestmark = pytest.mark.integration


def test_a_deployed_commit_needs_no_waiting(nb: Runner, staging: Staging) -> None:
    ran = nb("deploy", "wait", "--commit", NEW[:7], "--json")
    assert (ran.code, ran.data["ok"], ran.document["env"]) == (0, True, "staging")
    assert staging.github.requests == []


def test_the_old_container_that_still_answers_is_reported_as_not_deployed(nb: Runner, staging: Staging) -> None:
    """The predecessor's monitors called this a success: health answered 200, from the version before."""
    staging.runs(OLD)
    status = nb("deploy", "status", "--env", "staging", "--json")
    assert status.code == 1
    web = status.data["environments"][0]["services"][0]
    assert (web["platform"], web["state"], web["code"], web["running"]) == (
        "SUCCESS",
        "not_deployed",
        "old_container",
        [OLD],
    )
    waited = nb("deploy", "wait", "--timeout", "2s", "--json")
    assert (waited.code, waited.error["code"]) == (9, "wait_deadline")
    assert "the old container still answers: Railway says 6a090cb runs, web reports 36a1d13" in waited.error["message"]
    assert nb("deploy", "verify", "--json").code == 1
    why = nb("deploy", "why", "--json")
    assert (why.code, why.error["code"]) == (1, "old_container")
    assert "drained" in why.error["fix"]


def test_one_old_process_beside_the_new_one_is_enough(nb: Runner, staging: Staging) -> None:
    staging.app.processes.append({**staging.app.processes[1], "instance": "2", "commit": OLD})
    ran = nb("deploy", "verify", "--json")
    assert (ran.code, ran.error["code"]) == (1, "not_deployed")
    assert "beside the new one: worker runs 36a1d13 too" in ran.error["message"]


def test_a_process_that_is_silent_for_long_does_not_count(nb: Runner, staging: Staging) -> None:
    staging.app.processes.append({**staging.app.processes[1], "commit": OLD, "seen_at": "2026-11-22T11:50:00Z"})
    assert nb("deploy", "wait", "--json").code == 0
    staging.app.processes[2]["seen_at"] = "2026-11-22T11:50:00Z"
    ran = nb("deploy", "verify", "--json")
    assert "no beat has reported itself" in ran.error["message"]


@pytest.mark.parametrize(("status", "code"), [("FAILED", "deploy_failed"), ("SKIPPED", "deploy_skipped")])
def test_what_waiting_does_not_change_ends_it_at_once(nb: Runner, staging: Staging, status: str, code: str) -> None:
    staging.railway.deploy("worker", NEW, status)
    ran = nb("deploy", "wait", "--json")
    assert (ran.code, ran.error["code"]) == (1, code)
    assert ran.error["fix"] == "nb deploy why 6a090cb --env staging"


def test_a_fault_on_the_way_is_waited_through(nb: Runner, staging: Staging) -> None:
    staging.railway.faults = [Reply(500, b"no"), Reply(200, {"errors": [{"message": "Problem processing request"}]})]
    ran = nb("deploy", "wait")
    assert ran.code == 0
    assert "waiting: Railway" in ran.err


def test_verify_is_pending_in_one_look_and_a_deadline_with_wait(nb: Runner, staging: Staging) -> None:
    staging.railway.deploy("web", NEW, "DEPLOYING")
    assert nb("deploy", "verify", "--json").code == 8
    assert nb("deploy", "verify", "--wait", "2s", "--json").code == 9


def test_verify_looks_at_readiness_and_logs(nb: Runner, staging: Staging) -> None:
    ran = nb("deploy", "verify", "--json")
    assert (ran.code, ran.data["errors"]) == (0, [])
    ids = [part["id"] for part in ran.data["checks"]]
    assert ids[-3:] == ["logs.web", "logs.worker", "logs.beat"]
    assert "ready.database" in ids
    assert nb("deploy", "verify").code == 0


def test_verify_with_wait_gives_the_service_time_to_get_ready(nb: Runner, staging: Staging) -> None:
    staging.app.ready_after = 3
    assert nb("deploy", "verify", "--json").code == 1
    ran = nb("deploy", "verify", "--wait", "20s", "--json")
    assert (ran.code, ran.data["ok"]) == (0, True)
    staging.app.checks[2] = check("redis", "failed", "refused")
    assert nb("deploy", "verify", "--wait", "2s", "--json").error["code"] == "not_verified"


def test_an_error_line_is_not_waited_away(nb: Runner, staging: Staging) -> None:
    line = {"timestamp": "2026-11-22T12:10:00Z", "severity": "error", "message": "it broke"}
    staging.railway.logs["d-4"] = [line]
    assert nb("deploy", "verify", "--wait", "10m", "--json").code == 1


def test_a_service_that_is_not_ready_is_not_verified(nb: Runner, staging: Staging) -> None:
    staging.app.checks[2] = check("redis", "unknown", "not looked at")
    ran = nb("deploy", "verify", "--json")
    assert (ran.code, ran.error["code"], ran.data["ok"]) == (1, "not_verified", False)
    assert "ready.redis unknown" in ran.error["message"]


def test_error_lines_since_the_deployment_fail_it_without_their_secrets(nb: Runner, staging: Staging) -> None:
    token = "123456789:" + "A" * 35
    line = {"timestamp": "2026-11-22T12:10:00Z", "severity": "error", "message": f"POST /bot{token}/x failed"}
    staging.railway.logs["d-5"] = [line, {**line, "severity": "info", "message": "fine"}]
    ran = nb("deploy", "verify", "--json")
    assert (ran.code, len(ran.data["errors"])) == (1, 1)
    assert token not in ran.out
    assert "logs.worker failed" in ran.error["message"]


@pytest.mark.parametrize(
    ("severity", "message"),
    [
        ("error", "it broke"),
        ("critical", "it broke"),
        ("fatal", "it broke"),
        ("panic", "it broke"),
        ("info", "Traceback (most recent call last):"),
        (None, "panic: runtime error"),
    ],
)
def test_what_broke_is_found_by_its_level_or_its_words(
    nb: Runner, staging: Staging, severity: str | None, message: str
) -> None:
    line = {"timestamp": "2026-11-22T12:10:00Z", "severity": severity, "message": message}
    staging.railway.logs["d-6"] = [{**line, "severity": "info", "message": "no Traceback here"}, line]
    ran = nb("deploy", "verify", "--json")
    assert (ran.code, [error["message"] for error in ran.data["errors"]]) == (1, [message])


def test_lines_from_before_the_deployment_are_of_another(nb: Runner, staging: Staging) -> None:
    line = {"timestamp": "2026-11-22T11:00:00Z", "severity": "error", "message": "old"}
    staging.railway.logs["d-6"] = [line]
    assert nb("deploy", "verify", "--json").code == 0


def _facts() -> Mapping[str, object]:
    return list(journal.read())[-1].facts


def test_the_journal_keeps_what_was_verified(nb: Runner, staging: Staging) -> None:
    assert nb("deploy", "verify").code == 0
    assert _facts() == {
        "commit": NEW,
        "verdict": "passed",
        "deployments": {"web": "d-4", "worker": "d-5", "beat": "d-6"},
    }


def test_the_journal_calls_no_failure_and_nothing_unknown_a_success(nb: Runner, staging: Staging) -> None:
    staging.app.checks[2] = check("redis", "unknown", "not looked at")
    nb("deploy", "verify")
    assert _facts()["verdict"] == "unknown"
    staging.app.checks[2] = check("redis", "failed", "refused")
    nb("deploy", "verify")
    assert _facts()["verdict"] == "failed"
    staging.runs(OLD)
    nb("deploy", "verify")
    assert _facts()["verdict"] == "failed"
    staging.railway.deploy("web", NEW, "BUILDING")
    nb("deploy", "verify")
    assert _facts()["verdict"] != "passed"


def test_an_open_breaker_is_told_and_verified_all_the_same(nb: Runner, staging: Staging) -> None:
    staging.app.checks.append(check("provider.kling", "failed", "open", level="noted"))
    ran = nb("deploy", "verify", "--json")
    assert ran.code == 0
    assert {"id": "ready.provider.kling", "state": "failed", "level": "noted", "detail": "open", "fix": None} in (
        ran.data["checks"]
    )


@pytest.mark.parametrize("commit", ["abc", "zzzzzzz", "f" * 41])
def test_what_is_no_commit_is_a_slip(nb: Runner, staging: Staging, commit: str) -> None:
    assert nb("deploy", "wait", "--commit", commit, "--json").code == 2


def test_a_token_that_is_missing_or_refused_is_not_waited_for(
    nb: Runner, staging: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NB_TOKEN_STAGING", "nbk_of_somebody_else")
    ran = nb("deploy", "wait", "--json")
    assert (ran.code, ran.error["code"]) == (1, "deploy_unknown")
    monkeypatch.delenv("NB_TOKEN_STAGING")
    ran = nb("deploy", "wait", "--json")
    assert (ran.code, ran.error["code"]) == (4, "no_token")

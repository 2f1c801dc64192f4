"""`nb health` against a service that answers, answers wrongly, or does not answer."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Place, Runner
from tests.cli.emulator import COMMIT, TOKEN, Emulator, Fault

pytestmark = pytest.mark.integration


def test_a_healthy_service_is_reported_with_its_commit_and_latency(nb: Runner, service: Emulator) -> None:
    ran = nb("health", "--json")
    assert ran.code == 0
    assert ran.data["commit"] == COMMIT
    assert ran.data["url"] == service.url
    assert ran.data["latency_ms"] > 0
    assert ran.document["env"] == "local"
    assert ran.err == ""


def test_people_read_the_same_in_words(nb: Runner, service: Emulator) -> None:
    ran = nb("health")
    assert ran.code == 0
    assert "local healthy" in ran.out
    assert COMMIT in ran.out
    assert ran.err == ""


def test_health_needs_no_token(nb: Runner, service: Emulator, place: Place) -> None:
    place.write_credentials({"local": {"url": service.url}})
    assert nb("health").code == 0
    assert "Authorization" not in service.requests[0][2]


@pytest.mark.parametrize("expected", [COMMIT, COMMIT[:7], COMMIT.upper(), COMMIT + "00"])
def test_the_expected_commit_may_be_short_or_long(nb: Runner, service: Emulator, expected: str) -> None:
    assert nb("health", "--expect-commit", expected).code == 0


@pytest.mark.parametrize("expected", ["deadbeef", "6a09", COMMIT[1:], "", " "])
def test_another_or_a_too_short_commit_is_a_failed_check(nb: Runner, service: Emulator, expected: str) -> None:
    ran = nb("health", f"--expect-commit={expected}", "--json")
    assert (ran.code, ran.error["code"]) == (1, "commit_mismatch")


def test_a_service_of_unknown_commit_is_not_the_expected_one(nb: Runner, service: Emulator) -> None:
    service.commit = "unknown"
    ran = nb("health", "--expect-commit", "unknown", "--json")
    assert ran.code == 1


def test_a_service_that_says_no_is_a_failed_check(nb: Runner, service: Emulator) -> None:
    service.healthy = False
    ran = nb("health", "--json")
    assert (ran.code, ran.error["code"]) == (1, "unhealthy")
    assert ran.data["ok"] is False
    assert ran.document["next"][0]["cmd"] == "nb ready --env local"


def test_another_environment_behind_the_address_is_noticed(nb: Runner, service: Emulator) -> None:
    service.environment = "production"
    ran = nb("health", "--json")
    assert (ran.code, ran.error["code"]) == (1, "wrong_environment")


def test_nobody_at_the_address_is_an_upstream_fault(nb: Runner, nobody: str) -> None:
    ran = nb("health", "--json")
    assert (ran.code, ran.error["code"]) == (75, "unreachable")
    assert ran.error["transient"] is True
    assert "connection refused" in ran.error["message"]
    assert ran.error["fix"] == "nb up"


def test_people_are_told_what_to_try_when_nobody_answers(nb: Runner, nobody: str) -> None:
    ran = nb("health")
    assert ran.out == ""
    assert "connection refused" in ran.err
    assert "Try: nb up" in ran.err


def test_a_product_that_never_ran_is_not_running(nb: Runner, place: Place) -> None:
    ran = nb("health", "--json")
    assert (ran.code, ran.error["code"], ran.error["fix"]) == (75, "not_running", "nb up")


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(500), "internal"),
        (Fault(502, b"<html>bad gateway</html>", "text/html"), "unexpected_answer"),
        (Fault(200, b"<html>welcome</html>", "text/html"), "unexpected_answer"),
        (Fault(200, b'{"ok": tru', "application/json"), "unexpected_answer"),
        (Fault(200, b'{"ok": "yes"}', "application/json"), "unexpected_answer"),
        (Fault(200, b"[]", "application/json"), "unexpected_answer"),
        (Fault(200, b'{"ok":true}', "application/json", cut=True), "broken_answer"),
        (Fault(404, b"not here", "text/plain"), "unexpected_answer"),
        (Fault(302, b"", "text/plain", headers={"Location": "https://elsewhere.invalid/"}), "redirected"),
    ],
)
def test_garbage_is_an_upstream_fault(nb: Runner, service: Emulator, fault: Fault, code: str) -> None:
    service.faults["/api/health"] = fault
    ran = nb("health", "--json")
    assert (ran.code, ran.error["code"]) == (75, code)
    assert TOKEN not in ran.out + ran.err
    assert len(service.requests) == 1


def test_a_service_that_hangs_is_given_up_on(nb: Runner, service: Emulator) -> None:
    service.faults["/api/health"] = Fault(hang=True)
    ran = nb("health", "--timeout", "200ms", "--json")
    assert (ran.code, ran.error["code"]) == (75, "timeout")
    assert "0.2 s" in ran.error["message"]


def test_each_thing_that_health_looks_at_is_a_check_with_its_figures(nb: Runner, service: Emulator) -> None:
    ran = nb("health", "--expect-commit", COMMIT[:7], "--json")
    assert [(part["id"], part["state"]) for part in ran.data["checks"]] == [
        ("http", "ok"),
        ("environment", "ok"),
        ("commit.web", "ok"),
    ]
    assert ran.data["checks"][0]["facts"]["url"] == service.url
    assert ran.data["checks"][2]["facts"] == {"expected": COMMIT[:7], "found": [COMMIT]}
    assert len(service.requests) == 1


def test_an_old_commit_is_not_ok_though_the_service_says_so(nb: Runner, service: Emulator) -> None:
    ran = nb("health", "--expect-commit", "deadbeef", "--json")
    assert (ran.code, ran.data["ok"]) == (1, False)
    assert "not deadbeef" in nb("health", "--expect-commit", "deadbeef").out


def test_waiting_for_a_commit_that_never_comes_ends_at_the_deadline(nb: Runner, service: Emulator) -> None:
    ran = nb("health", "--expect-commit", "deadbeef", "--wait", "2s", "--json")
    assert (ran.code, ran.error["code"], ran.data["ok"]) == (9, "wait_deadline", False)
    assert "commit.web failed" in ran.error["message"]


def test_waiting_ends_when_the_service_answers(nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.commands.health.INTERVAL", 0.01)
    service.faults["/api/health"] = Fault(503)

    def recover(*_: object) -> None:
        service.faults.clear()

    monkeypatch.setattr("cli.vitals.time.sleep", recover)
    assert nb("health", "--wait", "5s", "--json").code == 0
    assert len(service.requests) == 2


ASLEEP = Fault(
    404,
    b'{"status":"error","code":404,"message":"Application not found","request_id":"x"}',
    "application/json",
    headers={"X-Railway-Fallback": "true"},
)


def test_an_application_that_sleeps_is_woken_and_asked_again(
    nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.faults["/api/health"] = ASLEEP
    monkeypatch.setattr("cli.vitals.time.sleep", lambda _: service.faults.clear())
    assert nb("health", "--json").code == 0
    assert len(service.requests) == 2


def test_an_application_that_is_not_there_is_said_to_be_away_and_not_a_wrong_name(
    nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.faults["/api/health"] = ASLEEP
    monkeypatch.setattr("cli.vitals.WAKING_S", 0)
    ran = nb("health", "--json")
    assert (ran.code, ran.error["code"], ran.error["transient"]) == (75, "no_application", True)
    assert ran.error["fix"] == "nb deploy why --env local"

"""`nb deploy status`: what Railway says, what the processes say, and the head of the branch."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Place, Runner
from tests.cli.deploys.conftest import NEW, OLD, Staging
from tests.cli.emulator import TOKEN, Fault
from tests.emulators import github, railway
from tests.emulators.github import FORBIDDEN
from tests.emulators.threaded import Reply

pytestmark = pytest.mark.integration


def states(data: dict[str, object]) -> dict[str, str]:
    """State by service."""
    environments = data["environments"]
    assert isinstance(environments, list)
    return {service["service"]: service["state"] for service in environments[0]["services"]}


def test_a_deployed_head_is_ok(nb: Runner, staging: Staging) -> None:
    ran = nb("deploy", "status", "--json")
    assert (ran.code, ran.data["ok"], ran.document["warnings"]) == (0, True, [])
    assert states(ran.data) == dict.fromkeys(("web", "worker", "beat"), "deployed")


def test_people_see_a_table_of_eighty_columns(nb: Runner, staging: Staging, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    ran = nb("deploy", "status")
    assert ran.code == 0
    assert max(map(len, ran.out.splitlines())) <= 80
    assert "staging: branch staging is at 6a090cb" in ran.out
    assert "✓ deployed" in ran.out


def test_a_service_left_behind_is_not_deployed(nb: Runner, staging: Staging) -> None:
    staging.github.branches["staging"] = "f" * 40
    ran = nb("deploy", "status", "--json")
    assert (ran.code, ran.error["code"]) == (1, "not_deployed")
    assert "there is no deployment of fffffff; the newest is of 6a090cb" in ran.error["message"]


@pytest.mark.parametrize(
    ("status", "state", "code", "exit_code"),
    [
        ("BUILDING", "pending", "deploy_pending", 8),
        ("WAITING", "pending", "deploy_pending", 8),
        ("FAILED", "failed", "deploy_failed", 1),
        ("CRASHED", "failed", "deploy_failed", 1),
        ("SKIPPED", "not_deployed", "deploy_skipped", 1),
        ("HIBERNATING", "unknown", "deploy_unknown", 1),
    ],
)
def test_every_state_of_railway_has_its_meaning(
    nb: Runner, staging: Staging, status: str, state: str, code: str, exit_code: int
) -> None:
    staging.github.branches["staging"] = "f" * 40
    staging.deploy("f" * 40, status)
    ran = nb("deploy", "status", "--json")
    assert (ran.code, ran.error["code"]) == (exit_code, code)
    assert set(states(ran.data).values()) == {state}


def test_without_a_token_of_ours_worker_and_beat_are_unknown(
    nb: Runner, staging: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NB_TOKEN_STAGING")
    ran = nb("deploy", "status", "--json")
    assert (ran.code, ran.error["code"]) == (1, "deploy_unknown")
    assert states(ran.data) == {"web": "deployed", "worker": "unknown", "beat": "unknown"}


def test_a_head_that_cannot_be_read_makes_everything_unknown(nb: Runner, staging: Staging) -> None:
    staging.github.stop()
    ran = nb("deploy", "status", "--json")
    assert (ran.code, set(states(ran.data).values())) == (1, {"unknown"})
    assert ran.document["warnings"][0]["code"] == "head_unknown"
    staging.github = type(staging.github)(NEW)


def test_an_address_of_another_environment_is_unknown(nb: Runner, staging: Staging) -> None:
    staging.app.environment = "production"
    ran = nb("deploy", "status", "--json")
    assert ran.code == 1
    assert "answers as production" in ran.error["message"]


def test_a_process_that_does_not_know_its_commit_is_unknown(nb: Runner, staging: Staging) -> None:
    staging.runs("unknown", "worker")
    ran = nb("deploy", "status", "--json")
    assert states(ran.data)["worker"] == "unknown"
    assert "NB_COMMIT is not set" in ran.error["message"]


@pytest.mark.parametrize(
    ("reply", "exit_code", "code"),
    [
        (Reply(200, {"errors": [{"message": "Not Authorized"}], "data": None}), 4, "railway_not_authorized"),
        (Reply(401, b"no"), 4, "railway_not_authorized"),
        (Reply(200, {"errors": [{"message": "Environment not found"}]}), 3, "railway_not_found"),
        (Reply(429, {}, {"Retry-After": "17"}), 75, "railway_rate_limited"),
        (Reply(500, b"no"), 75, "railway_failed"),
        (Reply(200, {"data": {"environment": {"id": "e"}}}), 75, "railway_unexpected_answer"),
        (Reply(200, b"<html>"), 75, "railway_unexpected_answer"),
        (Reply(302, b"", {"Location": "/"}), 75, "railway_redirected"),
        (Reply(200, {"errors": [{"message": 'Cannot query field "x" on type "Y"'}]}), 1, "schema_changed"),
        (Reply(200, {"errors": [{"message": f"{railway.TOKEN} broke"}]}), 75, "railway_failed"),
    ],
    ids=lambda value: value.status if isinstance(value, Reply) else value,
)
def test_a_sick_railway_is_one_document(nb: Runner, staging: Staging, reply: Reply, exit_code: int, code: str) -> None:
    staging.railway.faults = [reply]
    ran = nb("deploy", "status", "--json")
    assert (ran.code, ran.error["code"]) == (exit_code, code)
    assert ran.document["meta"].get("retry_after_s") == (17 if reply.status == 429 else None)
    assert railway.TOKEN not in ran.out + ran.err


def test_a_field_that_railway_dropped_is_said(nb: Runner, staging: Staging) -> None:
    staging.railway.refused_fields = {"deploymentStopped"}
    ran = nb("deploy", "status", "--json")
    assert (ran.code, ran.error["code"], ran.error["transient"]) == (1, "schema_changed", False)


def test_a_gateway_that_fails_for_a_moment_is_asked_again(nb: Runner, staging: Staging) -> None:
    staging.railway.faults = [Reply(502, b"Bad Gateway"), Reply(200, b"", cut=True)]
    assert nb("deploy", "status").code == 0
    assert len(staging.railway.requests) == 3


def test_a_railway_that_hangs_costs_the_time_that_was_given(nb: Runner, staging: Staging) -> None:
    staging.railway.faults = [Reply(200, None)]
    ran = nb("deploy", "status", "--timeout", "200ms", "--json")
    assert (ran.code, ran.error["code"]) == (75, "railway_timeout")


def test_no_network_is_one_clear_line(nb: Runner, staging: Staging, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAILWAY_API_URL", "http://127.0.0.1:1")
    ran = nb("deploy", "status")
    assert ran.code == 75
    assert ran.err.startswith("✗ Railway (127.0.0.1:1) cannot be reached: connection refused")


def test_without_a_token_the_variable_is_named(nb: Runner, staging: Staging, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAILWAY_TOKEN")
    ran = nb("deploy", "status", "--json")
    assert (ran.code, ran.error["code"]) == (4, "no_railway_token")
    assert "RAILWAY_TOKEN" in ran.error["fix"]
    monkeypatch.setenv("RAILWAY_API_TOKEN", railway.TOKEN)
    assert nb("deploy", "status").code == 0
    assert staging.railway.requests[-1][2]["authorization"] == f"Bearer {railway.TOKEN}"


def test_the_token_may_lie_in_the_credentials_file(
    nb: Runner, staging: Staging, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAILWAY_TOKEN")
    place.write_credentials({"railway": {"token": railway.TOKEN}})
    assert nb("deploy", "status").code == 0
    place.write_credentials({"railway": {"token": railway.TOKEN}}, mode=0o644)
    assert nb("deploy", "status", "--json").error["code"] == "credentials_exposed"


def test_a_token_does_not_travel_unencrypted(nb: Runner, staging: Staging, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAILWAY_API_URL", "http://railway.invalid/graphql/v2")
    assert nb("deploy", "status", "--json").code == 2


@pytest.mark.parametrize(
    ("reply", "exit_code", "code"),
    [
        (Reply(401, {"message": "Bad credentials"}), 4, "github_not_authorized"),
        (Reply(403, FORBIDDEN), 4, "github_not_authorized"),
        (Reply(403, {"message": "API rate limit exceeded"}, {"X-RateLimit-Remaining": "0"}), 75, "github_rate_limited"),
        (Reply(403, {"message": "secondary"}, {"Retry-After": "60"}), 75, "github_rate_limited"),
        (Reply(404, {"message": "Not Found"}), 3, "github_not_found"),
        (Reply(301, b"", {"Location": "/"}), 75, "github_redirected"),
        (Reply(200, {"name": "staging"}), 75, "github_unexpected_answer"),
    ],
    ids=lambda value: value.status if isinstance(value, Reply) else value,
)
def test_a_sick_github_ends_what_needs_the_head(
    nb: Runner, staging: Staging, reply: Reply, exit_code: int, code: str
) -> None:
    staging.github.faults = [reply]
    ran = nb("deploy", "wait", "--json")
    assert (ran.code, ran.error["code"]) == (exit_code, code)
    assert github.TOKEN not in ran.out


def test_a_sick_service_is_unknown_and_not_ok(nb: Runner, staging: Staging) -> None:
    staging.app.faults["/api/health"] = Fault(500)
    ran = nb("deploy", "status", "--json")
    assert (ran.code, set(states(ran.data).values())) == (1, {"unknown"})
    assert TOKEN not in ran.out


def test_an_environment_that_is_not_deployed_is_refused(nb: Runner, staging: Staging) -> None:
    assert nb("deploy", "status", "--env", "local", "--json").error["code"] == "not_deployed_here"


def test_an_old_deployment_is_judged_by_its_last_try(nb: Runner, staging: Staging) -> None:
    staging.railway.deploy("beat", NEW, "FAILED")
    assert states(nb("deploy", "status", "--json").data)["beat"] == "failed"
    staging.railway.deploy("beat", OLD)
    assert states(nb("deploy", "status", "--json").data)["beat"] == "failed"

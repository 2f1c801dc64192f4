"""`nb status`: the service's view and this machine's."""

from __future__ import annotations

import pytest

from cli import local_view
from cli.commands import status as command
from cli.shapes import LocalState
from tests.cli.conftest import Place, Runner
from tests.cli.emulator import COMMIT, Emulator

pytestmark = pytest.mark.integration


def local(**changes: object) -> LocalState:
    """A product that runs here."""
    state: LocalState = {
        "home": "/somewhere/.nb",
        "phase": "ready",
        "running": True,
        "supervisor_pid": 10,
        "uptime_s": 61.0,
        "addresses": {"web": "http://127.0.0.1:8000", "sandbox": None},
        "processes": [{"name": "worker", "state": "running", "pid": 11, "uptime_s": 60.0, "restarts": 0}],
    }
    return {**state, **changes}  # type: ignore[typeddict-item]


@pytest.fixture(autouse=True)
def runs_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The product runs on this machine."""
    monkeypatch.setattr(command, "local_state", local)


def test_both_views_are_in_the_document(nb: Runner, service: Emulator) -> None:
    ran = nb("status", "--json")
    assert ran.code == 0
    assert ran.data["service"]["commit"] == COMMIT
    assert ran.data["local"]["processes"][0]["name"] == "worker"


def test_people_see_processes_work_and_addresses(nb: Runner, service: Emulator) -> None:
    ran = nb("status")
    assert ran.code == 0
    assert "1 queued, 2 in progress, 0 stuck" in ran.out
    assert "1 waiting, oldest 4 s" in ran.out
    assert "generation 2, delivery 0" in ran.out
    assert "http://127.0.0.1:8000" in ran.out
    assert "nb up: ready for 1 min 1 s" in ran.out


def test_a_process_that_fell_silent_is_a_warning(nb: Runner, service: Emulator) -> None:
    service.processes[1]["seen_at"] = "2026-11-22T11:57:00Z"
    ran = nb("status", "--json")
    assert [warning["code"] for warning in ran.document["warnings"]] == ["process_silent"]
    assert "worker 1" in ran.document["warnings"][0]["message"]


def test_a_moment_that_cannot_be_read_counts_as_silent(nb: Runner, service: Emulator) -> None:
    service.processes[0]["seen_at"] = "soon"
    assert nb("status", "--json").document["warnings"][0]["code"] == "process_silent"


def test_a_kind_of_process_that_is_missing_is_a_warning(nb: Runner, service: Emulator) -> None:
    service.processes = [process for process in service.processes if process["kind"] != "beat"]
    warnings = nb("status", "--json").document["warnings"]
    assert warnings == [{"code": "process_missing", "message": "no beat has reported itself"}]


def test_stuck_generations_lead_to_the_command_that_lists_them(nb: Runner, service: Emulator) -> None:
    service.stuck = 2
    ran = nb("status", "--json")
    assert ran.document["next"][0]["cmd"] == "nb gen list --status processing --env local"


def test_a_process_that_is_down_fails_the_status(
    nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = {"name": "beat", "state": "gone", "pid": None, "uptime_s": None, "restarts": 3}
    monkeypatch.setattr(command, "local_state", lambda: local(processes=[gone]))
    ran = nb("status", "--json")
    assert (ran.code, ran.error["code"]) == (1, "processes_down")
    assert "beat" in ran.error["message"]


def test_a_product_that_starts_is_not_blamed(nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    starting = {"name": "beat", "state": "starting", "pid": 3, "uptime_s": 0.1, "restarts": 0}
    monkeypatch.setattr(command, "local_state", lambda: local(phase="starting", processes=[starting]))
    assert nb("status", "--json").code == 0


def test_a_stopped_product_is_said_without_asking_the_service(
    nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "local_state", lambda: local(phase="stopped", running=False, uptime_s=None))
    ran = nb("status", "--json")
    assert (ran.code, ran.error["code"], ran.data["service"]) == (1, "not_running", None)
    assert service.requests == []


def test_without_the_service_the_machine_is_still_shown(nb: Runner, nobody: str) -> None:
    ran = nb("status", "--json")
    assert (ran.code, ran.error["code"]) == (75, "unreachable")
    assert ran.data["local"]["phase"] == "ready"
    assert ran.document["warnings"][0]["code"] == "service_unknown"


def test_a_refused_token_ends_as_not_authenticated(nb: Runner, service: Emulator, place: Place) -> None:
    place.write_credentials({"local": {"url": service.url, "token": "nbk_old"}})
    ran = nb("status", "--json")
    assert ran.code == 4
    assert "nbk_old" not in ran.out


def test_another_environment_has_no_local_part(
    nb: Runner, service: Emulator, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.write_project(f'[env.staging]\nurl = "{service.url}"\n')
    monkeypatch.setenv("NB_TOKEN_STAGING", service.token)
    service.environment = "staging"
    ran = nb("status", "--env", "staging", "--json")
    assert (ran.code, ran.document["env"], ran.data["local"]) == (0, "staging", None)


def test_a_staging_that_is_away_has_nothing_to_show(
    nb: Runner, nobody: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.write_project(f'[env.staging]\nurl = "{nobody}"\n')
    monkeypatch.setenv("NB_TOKEN_STAGING", "nbk_x")
    assert nb("status", "--env", "staging", "--json").code == 75


def test_the_fresh_machine_is_read_from_its_own_files(
    nb: Runner, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "local_state", local_view.local_state)
    ran = nb("status", "--json")
    assert (ran.code, ran.data["local"]["phase"]) == (1, "stopped")

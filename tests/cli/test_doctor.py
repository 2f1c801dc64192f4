"""`nb doctor`: every finding with the line that fixes it, and unknown is never ok."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from cli.diagnosis import machine
from cli.local.home import Home
from cli.local.launch import LocalError
from cli.local.state import Addresses, Phase, RunState
from cli.shapes import LocalState
from tests.cli.answers_providers import provider
from tests.cli.conftest import Place, Runner
from tests.cli.emulator import Emulator, Fault, check, problem


def states(data: dict[str, Any]) -> dict[str, str]:
    """State by check."""
    return {part["id"]: part["state"] for part in data["checks"]}


def running(**changes: object) -> LocalState:
    """A product that runs here."""
    state: LocalState = {
        "home": "/home/x/.nb",
        "phase": "ready",
        "running": True,
        "supervisor_pid": 1,
        "uptime_s": 5.0,
        "addresses": None,
        "processes": [{"name": "web", "state": "running", "pid": 2, "uptime_s": 4.0, "restarts": 0}],
    }
    return {**state, **changes}  # type: ignore[typeddict-item]


def test_a_fresh_machine_has_nothing_to_fix(nb: Runner, place: Place) -> None:
    ran = nb("doctor", "--json")
    assert ran.code == 0
    found = states(ran.data)
    assert found["python.version"] == found["python.packages"] == found["programs.postgres"] == "ok"
    assert found["home.folder"] == found["running.product"] == found["services.address"] == "skipped"
    assert ran.data["counts"]["failed"] == ran.data["counts"]["unknown"] == 0


def test_people_see_groups_words_and_a_count(nb: Runner, place: Place) -> None:
    out = nb("doctor").out
    assert "python\n  ✓ version   ok: 3." in out
    assert "· product  skipped: not started\n      fix: nb up" in out
    assert out.rstrip().endswith("skipped")


@pytest.mark.integration
def test_a_running_product_is_looked_at_check_by_check(
    nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "local_state", running)
    ran = nb("doctor", "--json")
    found = states(ran.data)
    assert ran.code == 0
    assert found["running.web"] == found["database.answers"] == found["telegram.webhook"] == "ok"
    assert found["credentials.token"] == found["credentials.scope"] == found["providers.models"] == "ok"


@pytest.mark.integration
@pytest.mark.parametrize(
    ("providers", "detail", "fix"),
    [
        ([provider("demo", is_enabled=False)], "none takes jobs: demo switched off", "nb providers enable demo"),
        ([provider("demo", is_configured=False)], "none is configured", "set a provider's key"),
        ([], "none is configured", "set a provider's key"),
    ],
)
def test_a_service_that_can_make_nothing_is_not_in_order(
    nb: Runner, service: Emulator, providers: list[dict[str, Any]], detail: str, fix: str
) -> None:
    service.answers["GET", "providers"] = {"items": providers}
    ran = nb("doctor", "--only", "providers", "--json")
    found = next(one for one in ran.data["checks"] if one["id"] == "providers.breakers")
    assert (ran.code, found["state"], found["detail"]) == (1, "failed", detail)
    assert found["fix"].startswith(fix)


@pytest.mark.integration
def test_a_failed_readiness_check_brings_its_own_fix(nb: Runner, service: Emulator) -> None:
    service.checks[6] = check("webhook", "failed", "points elsewhere", "nb webhook set")
    ran = nb("doctor", "--json")
    assert (ran.code, ran.error["code"], ran.error["fix"]) == (
        1,
        "checks_failed",
        'nb webhook set --reason "…" --env local',
    )
    assert states(ran.data)["telegram.webhook"] == "failed"


@pytest.mark.integration
def test_what_could_not_be_checked_is_pending_and_not_ok(nb: Runner, service: Emulator) -> None:
    service.checks[5] = check("storage", "unknown", "timed out")
    ran = nb("doctor", "--json")
    assert (ran.code, ran.error["code"], ran.error["transient"]) == (8, "checks_unknown", True)
    assert "storage.answers" in ran.error["message"]


@pytest.mark.integration
def test_a_failure_outweighs_the_unknown_which_becomes_a_warning(nb: Runner, service: Emulator) -> None:
    service.checks[5] = check("storage", "unknown", "timed out")
    service.checks[0] = check("database", "failed", "refused")
    ran = nb("doctor", "--json")
    assert ran.code == 1
    assert ran.document["warnings"] == [{"code": "check_unknown", "message": "storage.answers: timed out"}]


@pytest.mark.integration
def test_a_stopped_product_that_does_not_answer_is_nothing_to_fix(nb: Runner, nobody: str) -> None:
    ran = nb("doctor", "--json")
    assert (ran.code, states(ran.data)["services.ready"]) == (0, "skipped")


@pytest.mark.integration
def test_a_service_that_should_run_and_does_not_answer_is_unknown(
    nb: Runner, nobody: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "local_state", running)
    ran = nb("doctor", "--json")
    found = states(ran.data)
    assert ran.code == 8
    assert found["credentials.scope"] == found["services.ready"] == found["providers.models"] == "unknown"


@pytest.mark.integration
def test_a_token_without_the_scope_is_a_failure(nb: Runner, service: Emulator) -> None:
    service.faults["/api/ops/v1/tokens/self"] = Fault(403, problem(403, "scope_missing", "the scope read is missing"))
    ran = nb("doctor", "--json")
    assert states(ran.data)["credentials.scope"] == "failed"
    assert ran.code == 1


@pytest.mark.integration
def test_no_usable_model_is_a_failure(nb: Runner, service: Emulator) -> None:
    service.models[0]["available"] = False
    ran = nb("doctor", "--json")
    assert states(ran.data)["providers.models"] == "failed"


@pytest.mark.integration
def test_a_providers_key_is_optional_and_never_shown(
    nb: Runner, service: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert states(nb("doctor", "--json").data)["providers.gemini"] == "skipped"
    monkeypatch.setenv("GEMINI_API_KEY", "AIza-very-secret")
    ran = nb("doctor", "--json")
    assert states(ran.data)["providers.gemini"] == "ok"
    assert "AIza-very-secret" not in ran.out


@pytest.mark.integration
def test_without_a_token_readiness_is_yes_or_no(nb: Runner, service: Emulator, place: Place) -> None:
    place.write_credentials({"local": {"url": service.url}})
    found = states(nb("doctor", "--json").data)
    assert found["services.ready"] == "ok"
    assert found["credentials.token"] == "skipped"
    service.ready_after = 1
    assert states(nb("doctor", "--json").data)["services.ready"] == "failed"


@pytest.mark.integration
def test_another_environment_is_looked_at_without_this_machines_folders(
    nb: Runner, service: Emulator, place: Place
) -> None:
    place.write_project(f'[env.staging]\nurl = "{service.url}"\n')
    service.environment = "staging"
    ran = nb("doctor", "--env", "staging", "--json")
    found = states(ran.data)
    assert "home.folder" not in found
    assert found["credentials.token"] == "failed"
    assert ran.error["fix"] == "export NB_TOKEN_STAGING=nbk_..."


def test_an_environment_without_an_address_is_a_failure(nb: Runner, place: Place) -> None:
    ran = nb("doctor", "--env", "production", "--json")
    assert states(ran.data)["services.address"] == "failed"


def test_exposed_credentials_are_a_failure(nb: Runner, place: Place) -> None:
    path = place.write_credentials({"local": {"url": "http://127.0.0.1:1"}}, mode=0o644)
    ran = nb("doctor", "--json")
    assert (ran.code, ran.error["fix"]) == (1, f"chmod 600 {path}")


def test_a_home_that_others_can_write_is_a_failure(nb: Runner, place: Place) -> None:
    place.home.mkdir()
    place.home.chmod(0o777)
    ran = nb("doctor", "--json")
    assert (states(ran.data)["home.permissions"], ran.error["fix"]) == ("failed", f"chmod 700 {place.home}")


def test_a_full_disk_is_a_failure(nb: Runner, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.home.mkdir(mode=0o700)
    monkeypatch.setattr(machine, "LEAST_FREE_BYTES", 2**62)
    assert states(nb("doctor", "--json").data)["home.space"] == "failed"


def test_missing_programs_are_failures_with_the_way_to_get_them(
    nb: Runner, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise LocalError("there is none", fix="install it")

    monkeypatch.setattr("cli.local.postgres.find_programs", missing)
    monkeypatch.setattr("cli.local.redis.find_program", missing)
    ran = nb("doctor", "--json")
    assert states(ran.data)["programs.postgres"] == states(ran.data)["programs.redis"] == "failed"
    assert ran.error["fix"] == "install it"
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:secret@db/x")
    monkeypatch.setenv("REDIS_URL", "redis://:secret@redis/0")
    ran = nb("doctor", "--json")
    assert states(ran.data)["programs.postgres"] == "ok"
    assert "secret" not in ran.out


def test_missing_packages_are_named(nb: Runner, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "PACKAGES", ("typer", "no_such_package"))
    ran = nb("doctor", "--json")
    assert states(ran.data)["python.packages"] == "failed"
    assert "no_such_package" in ran.out


def test_a_python_out_of_range_is_a_failure(nb: Runner, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "OLDEST_PYTHON", (3, 99))
    assert states(nb("doctor", "--json").data)["python.version"] == "failed"


def test_a_damaged_project_file_is_a_failure(nb: Runner, place: Place) -> None:
    place.write_project("[env")
    assert states(nb("doctor", "--json").data)["repository.nb_toml"] == "failed"


def test_the_branch_and_the_uncommitted_changes_are_told(nb: Runner, place: Place) -> None:
    subprocess.run(["git", "init", "-q", "-b", "work", str(place.project)], check=True)
    ran = nb("doctor", "--json")
    git = next(part for part in ran.data["checks"] if part["id"] == "repository.git")
    assert git["state"] == "ok"
    assert "1 uncommitted" in git["detail"]


def test_without_git_it_is_said(nb: Runner, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.diagnosis.machine.shutil.which", lambda name: None if name == "git" else "/bin/true")
    assert states(nb("doctor", "--json").data)["repository.git"] == "failed"


@pytest.mark.parametrize(("phase", "state"), [("died", "failed"), ("failed", "failed"), ("stopped", "skipped")])
def test_how_the_last_run_ended_decides(
    nb: Runner, place: Place, monkeypatch: pytest.MonkeyPatch, phase: str, state: str
) -> None:
    monkeypatch.setattr(machine, "local_state", lambda: running(phase=phase, running=False))
    assert states(nb("doctor", "--json").data)["running.product"] == state


def test_a_process_that_is_down_names_its_log(nb: Runner, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = {"name": "worker", "state": "gone", "pid": None, "uptime_s": None, "restarts": 4}
    monkeypatch.setattr(machine, "local_state", lambda: running(processes=[gone]))
    ran = nb("doctor", "--json")
    assert (ran.code, ran.error["fix"]) == (1, "read /home/x/.nb/logs/worker.log")


def test_a_product_that_starts_is_not_known_to_work(nb: Runner, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "local_state", lambda: running(phase="starting", processes=[]))
    assert states(nb("doctor", "--json").data)["running.product"] == "unknown"


@pytest.mark.integration
@pytest.mark.parametrize("free", [True, False])
def test_a_port_that_was_taken_meanwhile_is_told_and_no_failure(
    nb: Runner, place: Place, monkeypatch: pytest.MonkeyPatch, free: bool
) -> None:
    (place.home / "run").mkdir(parents=True)
    (place.home / "run").chmod(0o700)
    place.home.chmod(0o700)
    where = Addresses("http://127.0.0.1:1", None, None, "", "", "")
    RunState(Phase.STOPPED, "r", None, 0.0, {"web": 8000}, where).save(Home(place.home))
    monkeypatch.setattr("cli.local.ports.is_free", lambda port: free)
    ports = next(part for part in nb("doctor", "--json").data["checks"] if part["id"] == "ports.free")
    assert ports["state"] == "ok"
    assert ("web 8000" in ports["detail"]) is not free


def test_doctor_starts_and_changes_nothing(nb: Runner, place: Place) -> None:
    def files() -> set[Path]:
        # The run itself is kept in the journal.
        return {path for path in place.project.rglob("*") if path.name not in (".nb", "journal.ndjson")}

    before = files()
    nb("doctor")
    assert files() == before

"""The processes' commands: what they need to start, and what `nb db` says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.cli.conftest import Runner
from tests.fixtures.product import run_nb

COMPLETE = {
    "DATABASE_URL": "postgresql://me:password-of-me@127.0.0.1:1/x",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "TELEGRAM_BOT_TOKEN": "42:a-token-of-botfather",
    "TG_WEBHOOK_SECRET": "a-webhook-secret",
    "PUBLIC_BASE_URL": "http://127.0.0.1:8000",
}
PROCESSES = {
    ("serve",): "core.http.server",
    ("worker",): "core.queue.worker",
    ("beat",): "core.queue.beat",
    ("bot", "poll"): "bot.polling",
}


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch, nb: Runner) -> Runner:
    """`nb` with a complete environment."""
    for name, value in COMPLETE.items():
        monkeypatch.setenv(name, value)
    return nb


@pytest.mark.parametrize("command", [*PROCESSES, ("db", "migrate"), ("db", "check")], ids=" ".join)
def test_a_missing_setting_is_named_with_an_example(nb: Runner, command: tuple[str, ...]) -> None:
    ran = nb(*command, "--json")

    assert ran.code == 2
    assert ran.error["code"] == "configuration"
    assert "DATABASE_URL is missing. Example: DATABASE_URL=postgresql://" in ran.error["message"]
    assert "nb up" in ran.error["fix"]


def test_an_unknown_setting_is_named_with_the_nearest_one(configured: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NB_COMIT", "abc1234")

    assert "NB_COMIT is not a setting; did you mean NB_COMMIT?" in configured("serve").err


def test_a_wrong_setting_does_not_show_its_value(configured: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "this-is-no-token-but-secret")

    ran = configured("worker")

    assert ran.code == 2
    assert "TELEGRAM_BOT_TOKEN" in ran.err
    assert "this-is-no-token-but-secret" not in ran.out + ran.err


@pytest.mark.parametrize(("command", "module"), PROCESSES.items(), ids=lambda value: " ".join(value))
def test_a_process_is_run_with_the_settings(
    configured: Runner, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], module: str
) -> None:
    monkeypatch.setenv("TELEGRAM_UPDATES", "polling")
    given: list[object] = []
    stand_in = ModuleType(module)
    stand_in.run = given.append  # type: ignore[attr-defined]  # a module is an open object
    parent, _, name = module.rpartition(".")
    monkeypatch.setitem(sys.modules, module, stand_in)
    monkeypatch.setattr(f"{parent}.{name}", stand_in, raising=False)

    assert configured(*command).code == 0

    (settings,) = given
    assert getattr(settings, "public_base_url", None) == COMPLETE["PUBLIC_BASE_URL"]


def test_polling_is_refused_where_updates_are_pushed(configured: Runner) -> None:
    ran = configured("bot", "poll", "--json")

    assert ran.code == 2
    assert "TELEGRAM_UPDATES=polling" in ran.error["fix"]


def test_the_sandbox_needs_a_token(nb: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TELEGRAM_BOT_TOKEN", raising=False)

    ran = nb("sandbox", "--port", "8001", "--json")

    assert ran.code == 2
    assert "TELEGRAM_BOT_TOKEN is missing" in ran.error["message"]


def test_the_sandbox_is_not_offered(nb: Runner) -> None:
    assert "sandbox" not in nb("--help").out


def _run(database_url: str, redis_url: str, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_nb(home, *arguments, **{**COMPLETE, "DATABASE_URL": database_url, "REDIS_URL": redis_url})


@pytest.mark.integration
def test_migrating_brings_an_empty_database_up_to_date_once(
    empty_database_url: str, redis_url: str, tmp_path: Path
) -> None:
    first = _run(empty_database_url, redis_url, tmp_path, "db", "migrate", "--json")
    second = _run(empty_database_url, redis_url, tmp_path, "db", "migrate", "--json")

    made, again = json.loads(first.stdout)["data"], json.loads(second.stdout)["data"]
    assert made["applied"]
    assert "nano-banana" in made["models"]["added"]
    assert made["packages_added"] == ["tokens-100", "tokens-200", "tokens-500", "tokens-1000"]
    assert (again["applied"], again["models"]["added"], again["packages_added"]) == ([], [], [])
    assert sorted(again["models"]["unchanged"]) == sorted(made["models"]["added"])


@pytest.mark.integration
def test_models_and_migrations_agree(database_url: str, redis_url: str, tmp_path: Path) -> None:
    ran = _run(database_url, redis_url, tmp_path, "db", "check")

    assert ran.returncode == 0, ran.stderr
    assert "Models, migrations and the database agree." in ran.stdout


@pytest.mark.integration
def test_a_database_that_has_not_seen_the_migrations_does_not_agree(
    empty_database_url: str, redis_url: str, tmp_path: Path
) -> None:
    ran = _run(empty_database_url, redis_url, tmp_path, "db", "check", "--json")

    assert ran.returncode == 1
    document = json.loads(ran.stdout)
    assert document["data"]["unapplied"]
    assert document["error"]["fix"] == "nb db migrate"


@pytest.mark.integration
@pytest.mark.parametrize("process", ["worker", "beat"])
def test_a_process_without_its_database_says_so_in_one_line(process: str, tmp_path: Path) -> None:
    ran = run_nb(tmp_path, process, **COMPLETE)

    assert ran.returncode == 75
    assert "the database cannot be reached" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert "password-of-me" not in ran.stdout + ran.stderr


@pytest.mark.integration
def test_a_database_that_is_away_is_an_upstream_fault_without_its_password(tmp_path: Path) -> None:
    ran = run_nb(tmp_path, "db", "migrate", "--json", **COMPLETE)

    assert ran.returncode == 75
    assert json.loads(ran.stdout)["error"]["transient"] is True
    assert "password-of-me" not in ran.stdout + ran.stderr

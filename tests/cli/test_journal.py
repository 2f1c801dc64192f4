"""The journal: every run one whole line, whoever else writes at the same time; no secret in it, no run fails for it."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli import journal
from cli.journal import Run
from tests.cli.conftest import Place, Runner, run_nb
from tests.cli.emulator import Emulator

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
BOT = "123456789:AA" + "x" * 33


def a_run(number: int = 1, **changes: Any) -> Run:
    """A run of nb."""
    values: dict[str, Any] = {
        "run_id": f"r{number}",
        "at": NOW + timedelta(minutes=number),
        "command": "gen.list",
        "arguments": ("gen", "list"),
        "exit_code": 0,
        "duration_ms": 81.2,
        "env": "staging",
        "branch": "work",
        "head": "6a090cb",
        "agent": "codex",
    }
    return Run(**{**values, **changes})


@pytest.fixture
def file(place: Place) -> Path:
    """The journal's file, in a folder that is there."""
    place.home.mkdir(mode=0o700)
    return place.home / journal.NAME


def write_many(home: str, writer: int, count: int) -> None:
    """Append from a process of its own."""
    os.environ["NB_HOME"] = home
    for number in range(count):
        journal.append(a_run(number, run_id=f"{writer}-{number}", error="x" * (number % 50) * 100))


def test_what_was_kept_is_what_is_read(file: Path) -> None:
    kept = a_run(facts={"commit": "6a090cb", "deployments": {"web": "d-1"}}, error="not_ready", exit_code=1)
    journal.append(kept)
    assert list(journal.read()) == [kept]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_every_run_of_nb_is_a_line(nb: Runner, place: Place, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NB_AGENT", "codex")
    nb("context", "show")
    nb("gen", "lst", "--env", "staging")
    first, second = journal.read()
    assert (first.command, first.arguments, first.exit_code, first.agent) == (
        "context.show",
        ("context", "show"),
        0,
        "codex",
    )
    assert (second.exit_code, second.error) == (2, "usage")


@pytest.mark.integration
def test_lines_of_many_processes_never_mix(file: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_many, args=(str(file.parent), writer, 60)) for writer in range(6)]
    for process in writers:
        process.start()
    for process in writers:
        process.join(60)
    runs = list(journal.read())
    assert len(file.read_text().splitlines()) == len(runs) == 360
    for writer in range(6):
        mine = [run.run_id for run in runs if run.run_id.startswith(f"{writer}-")]
        assert mine == [f"{writer}-{number}" for number in range(60)]


@pytest.mark.integration
def test_a_journal_that_has_grown_large_is_set_aside_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "LARGEST", 400)
    for number in range(4):
        journal.append(a_run(number))
    earlier = file.with_name(journal.EARLIER)
    assert earlier.exists()
    assert [run.run_id for run in journal.read()] == ["r0", "r1", "r2", "r3"]
    before = earlier.stat().st_ino
    journal.append(a_run(4))
    assert earlier.stat().st_ino == before or len(list(journal.read())) >= 2


def test_a_run_that_saw_the_old_journal_does_not_set_aside_the_new_one(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        journal.append(a_run(number))
    monkeypatch.setattr(journal, "LARGEST", 400)
    opened = journal._open
    calls: list[Path] = []

    def another_was_faster(path: Path) -> int:
        descriptor = opened(path)
        if not calls:
            calls.append(path)
            path.replace(path.with_name(journal.EARLIER))
            path.write_text("")
        return descriptor

    monkeypatch.setattr(journal, "_open", another_was_faster)
    journal.append(a_run(9))
    assert [run.run_id for run in journal.read()] == ["r0", "r1", "r2", "r9"]


def test_what_a_full_disk_cut_spoils_itself_alone(file: Path) -> None:
    journal.append(a_run(1))
    with file.open("a") as lines:
        lines.write('{"run_id": "cut", "at": "2026')
    journal.append(a_run(2))
    assert [run.run_id for run in journal.read()] == ["r1", "r2"]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "null",
        "[]",
        '"text"',
        "{}",
        '{"run_id": 1}',
        '{"run_id":"a","at":"yesterday","command":"c","arguments":[],"exit_code":0,"duration_ms":1}',
        '{"run_id":"a","at":"2026-11-22","command":"c","arguments":5,"exit_code":0,"duration_ms":1}',
        "[" * 5000,
        "\ufffd\x00",
    ],
)
def test_a_line_that_is_none_is_passed_over(file: Path, line: str) -> None:
    journal.append(a_run(1))
    with file.open("a") as lines:
        lines.write(f"{line}\n")
    journal.append(a_run(2))
    assert [run.run_id for run in journal.read()] == ["r1", "r2"]


def test_a_moment_without_an_offset_is_utc_and_comparable(file: Path) -> None:
    text = (
        '{"run_id":"a","at":"2026-11-22T12:00:00","command":"c","arguments":[],"exit_code":0,"duration_ms":1,"facts":3}'
    )
    file.write_text(text + "\n")
    (run,) = journal.read(since=NOW)
    assert (run.at, run.facts) == (NOW, {})


def test_only_what_is_recent_is_read(file: Path) -> None:
    for number in range(5):
        journal.append(a_run(number))
    assert [run.run_id for run in journal.read(since=NOW + timedelta(minutes=3))] == ["r3", "r4"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("token", "save", "nbk_" + "a" * 43),
        ("x", "--token", "hunter22"),
        ("x", "--token=hunter22"),
        ("x", "--api-key", "hunter22"),
        ("TOKEN=hunter22",),
        ("x", "RAILWAY_TOKEN_STAGING=hunter22"),
        ("x", "Authorization: Bearer hunter22"),
        ("x", "postgresql://fox:hunter22@db/x"),
        ("x", f"https://api.telegram.org/bot{BOT}/getMe"),
        ("x", "ghp_" + "a" * 36),
        ("x", "github_pat_" + "a" * 60),
        ("x", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"),
    ],
)
def test_no_secret_of_a_command_line_is_kept(nb: Runner, file: Path, arguments: tuple[str, ...]) -> None:
    nb(*arguments)
    kept = file.read_text()
    for secret in ("hunter22", "nbk_aaa", BOT[10:], "ghp_aaa", "github_pat_aaa", "eyJzdWIi"):
        assert secret not in kept
    assert "[secret]" in kept


def test_no_secret_of_errors_facts_and_names_is_kept(file: Path) -> None:
    secret = "nbk_" + "a" * 43
    journal.append(a_run(error=secret, agent=secret, facts={"a": [secret, {secret: {"token": (secret,)}}]}))
    assert secret not in file.read_text()
    assert len(list(journal.read())) == 1


def test_a_long_command_line_is_kept_in_part(nb: Runner, file: Path) -> None:
    nb("gen", "show", "x" * 50_000, *(["y"] * 500))
    assert file.stat().st_size < 5000
    (run,) = journal.read()
    assert run.arguments[-1] == "…"


def test_what_is_no_text_is_kept_all_the_same(nb: Runner, file: Path) -> None:
    nb("gen", "show", "a\udcff\n\x00b")
    assert len(file.read_text().splitlines()) == len(list(journal.read())) == 1


def test_a_run_does_not_fail_where_its_line_cannot_be_kept(
    nb: Runner, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.append(a_run(facts={"loop": object(), 1: 2}))
    for blocked in ("/proc/nb", str(place.project / "nb.toml")):
        monkeypatch.setenv("NB_HOME", blocked)
        assert nb("--version").code == 0
        assert list(journal.read()) == []

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setenv("NB_HOME", str(place.home))
    monkeypatch.setattr("cli.journal.os.write", full)
    assert nb("--version").code == 0


def test_a_line_is_not_written_through_a_link(nb: Runner, place: Place, file: Path) -> None:
    theirs = place.project / "theirs.txt"
    theirs.write_text("theirs\n")
    file.symlink_to(theirs)
    assert nb("--version").code == 0
    assert theirs.read_text() == "theirs\n"


def test_outside_of_a_project_no_folder_is_made(
    nb: Runner, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    nb("--version")
    assert list(elsewhere.iterdir()) == []


def test_people_read_it_the_newest_first(nb: Runner, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    for number in range(3):
        journal.append(a_run(number, exit_code=number, error="not_ready" if number else ""))
    lines = nb("journal").out.splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[0].split() == ["at", "exit", "command", "env", "took", "who"]
    assert [line.split()[2] for line in lines[1:] if line.startswith("2026")] == ["2", "1", "0"]
    assert "(not_ready)" in lines[1]


def test_the_document_holds_what_was_kept(nb: Runner, file: Path) -> None:
    journal.append(a_run(facts={"commit": "6a090cb"}))
    data = nb("journal", "--json").data
    assert data["path"] == str(file)
    assert data["items"][0]["facts"] == {"commit": "6a090cb"}
    assert data["items"][0]["at"] == "2026-11-22T12:01:00.000Z"


def test_what_is_looked_for_is_found(nb: Runner, file: Path) -> None:
    journal.append(a_run(1, command="deploy.verify", exit_code=1))
    journal.append(a_run(2, command="deploy.status"))
    journal.append(a_run(3, command="deploys"))
    journal.append(a_run(4, command="gen.list", exit_code=130))

    def ids(*options: str) -> list[str]:
        found = nb("journal", *options, "--json").data["items"]
        return [item["run_id"] for item in found if item["command"] != "journal"]

    assert ids("--command", "deploy") == ["r2", "r1"]
    assert ids("--command", "deploy verify") == ["r1"]
    assert ids("--failed") == ["r1"]
    assert ids("--since", "2026-11-22T12:03Z") == ["r4", "r3"]
    assert ids("-n", "2", "--command", "deploy") == ["r2", "r1"]
    assert ids("-n", "1", "--command", "deploy") == ["r2"]


def test_an_empty_journal_says_so(nb: Runner, file: Path) -> None:
    assert nb("journal", "--failed").out == f"Nothing like that is in {file}.\n"


@pytest.mark.parametrize("options", [("--since", "soon"), ("-n", "0"), ("--since", "")])
def test_what_makes_no_sense_is_a_mistake(nb: Runner, file: Path, options: tuple[str, ...]) -> None:
    assert nb("journal", *options, "--json").code == 2


@pytest.mark.integration
def test_it_reads_without_the_service_a_terminal_or_a_locale(service: Emulator, place: Place) -> None:
    journal.append(a_run(arguments=("gen", "show", "лиса")))
    ran = run_nb("journal", LC_ALL="C", COLUMNS="40")
    assert (ran.code, ran.err, service.requests) == (0, "", [])
    assert max(map(len, ran.out.splitlines())) <= 40
    assert json.loads(run_nb("journal", "--json", LC_ALL="C").out)["data"]["items"][-1]["arguments"][2] == "лиса"

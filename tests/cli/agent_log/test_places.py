"""The log in odd places: no git, a detached HEAD, a shallow clone, a folder that cannot be written, any locale."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import unicodedata
from pathlib import Path

import pytest

from cli.agent_log import document
from cli.agent_log.files import Log
from tests.cli.agent_log.conftest import BRANCH, MERGED, World, git_in
from tests.cli.conftest import Place, Runner, run_nb, start_nb

pytestmark = pytest.mark.integration


def warnings(ran: object) -> str:
    """What the warnings of a run say, as one text."""
    return "\n".join(notice["message"] for notice in ran.document["warnings"])  # type: ignore[attr-defined]


def test_a_detached_head_takes_the_branch_from_its_pull_request(nb: Runner, world: World) -> None:
    world.open_pull()
    world.github.pulls = [{"number": 464, "state": "open", "html_url": "https://github.com/x", "merged_at": None}]
    world.git("checkout", "-q", "--detach")
    ran = nb("agent-log", "add", "Цена", "--json")
    entry = ran.data["entry"]
    assert (entry["branch"], entry["pr"]["number"], entry["sources"]["branch"]) == (BRANCH, 464, "github")
    assert "HEAD is detached" in warnings(ran)


def test_a_detached_head_without_a_pull_request_is_on_no_known_branch(nb: Runner, world: World) -> None:
    world.git("checkout", "-q", "--detach")
    entry = nb("agent-log", "add", "Цена", "--json").data["entry"]
    assert (entry["branch"], entry["sources"]["branch"]) == ("", "unknown")
    assert "**Ветка:** неизвестно\n" in world.files()[0].read_text("utf-8")


def test_without_a_remote_the_own_branch_is_compared_with_and_a_push_is_unknown(nb: Runner, world: World) -> None:
    world.git("remote", "remove", "origin")
    entry = nb("agent-log", "add", "Цена", "--json").data["entry"]
    assert (entry["commits"], entry["sources"]["pushed"]) == ([world.head], "unknown")
    assert entry["actions"][0] == "Push в GitHub: неизвестно"


def test_without_a_branch_to_compare_with_only_head_is_noted(nb: Runner, world: World) -> None:
    world.git("remote", "remove", "origin")
    world.git("branch", "-q", "-D", "staging")
    ran = nb("agent-log", "add", "Цена", "--json")
    assert ran.data["entry"]["commits"] == [world.head]
    assert "only HEAD is noted" in warnings(ran)


def test_a_shallow_clone_notes_head_and_says_why(
    nb: Runner, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.commit("more.txt")
    world.git("push", "-q", "origin", BRANCH)
    clone = tmp_path / "shallow"
    source = (tmp_path / "origin.git").as_uri()
    git_in(tmp_path, "clone", "-q", "--depth", "1", "--branch", BRANCH, source, str(clone))
    git_in(clone, "fetch", "-q", "--depth", "1", "origin", "staging:refs/remotes/origin/staging")
    monkeypatch.chdir(clone)
    ran = nb("agent-log", "add", "Цена", "--agent", "ci", "--json")
    assert ran.data["entry"]["commits"] == [world.head]
    assert "shallow" in warnings(ran)


def test_without_a_repository_the_entry_is_written_and_everything_of_git_is_unknown(
    nb: Runner, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "nb.toml").write_text((world.root / "nb.toml").read_text())
    monkeypatch.chdir(folder)
    ran = nb("agent-log", "add", "Цена", "--json")
    entry = ran.data["entry"]
    assert (ran.code, entry["branch"], entry["commits"], entry["agent"]) == (0, "", [], "")
    assert entry["status"] == "open"
    assert nb("agent-log", "lint", "--offline").code == 0


def test_without_git_on_the_machine_it_is_the_same(
    nb: Runner, world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    ran = nb("agent-log", "add", "Цена", "--json")
    assert (ran.code, ran.data["entry"]["branch"]) == (0, "")
    assert "git is not installed" in warnings(ran)


def test_a_repository_without_a_commit(
    nb: Runner, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    git_in(folder, "init", "-q", "-b", "feature/new", ".")
    (folder / "nb.toml").write_text((world.root / "nb.toml").read_text())
    monkeypatch.chdir(folder)
    entry = nb("agent-log", "add", "Цена", "--json").data["entry"]
    assert (entry["branch"], entry["commits"], entry["commit"]) == ("feature/new", [], "")


def test_outside_of_every_project_nothing_is_written(
    nb: Runner, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    monkeypatch.chdir(nowhere)
    for command in (("add", "Цена"), ("list",), ("render",), ("lint",), ("sync",)):
        ran = nb("agent-log", *command, "--json")
        assert (ran.code, ran.error["code"]) == (2, "no_project")


def test_in_a_folder_below_the_root_the_log_is_the_same(
    nb: Runner, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = world.root / "core" / "deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert nb("agent-log", "add", "Цена").code == 0
    assert len(world.files()) == 1


def test_a_file_in_the_place_of_the_folder_is_one_line(nb: Runner, world: World) -> None:
    world.log.folder.mkdir()
    world.log.entries.write_text("no folder")
    ran = nb("agent-log", "add", "Цена", "--json")
    assert (ran.code, ran.error["code"]) == (1, "cannot_write")
    assert ran.err == ""


@pytest.mark.parametrize("locale", ["C", "POSIX", "en_US.ISO-8859-1", "C.UTF-8"])
def test_in_any_locale_the_file_has_the_same_name(world: World, locale: str) -> None:
    plain = {"LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    ran = run_nb("agent-log", "add", "Price", "--json", **plain)
    assert (ran.code, ran.err) == (0, "")
    (path,) = world.files()
    assert ran.data["entry"]["file"] == path.relative_to(world.root).as_posix()
    assert document.read(path.read_text("utf-8")).title == "Price"
    shown = run_nb("agent-log", "show", **plain)
    assert (shown.code, shown.err) == (0, "")


def test_in_the_plain_locale_words_are_kept(world: World) -> None:
    assert run_nb("agent-log", "add", "Цена", LC_ALL="C").code == 0
    assert document.read(world.files()[0].read_text("utf-8")).title == "Цена"


def test_the_name_of_the_folder_is_the_same_however_a_system_composes_letters() -> None:
    name = Log(Path()).folder.name
    assert unicodedata.normalize("NFC", name) == unicodedata.normalize("NFD", name) == name


def test_ctrl_c_before_the_file_is_there_leaves_none(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.log.entries.mkdir(parents=True)

    def interrupted(_descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupted)
    path = world.log.entries / "entry.md"
    with pytest.raises(KeyboardInterrupt):
        world.log.write(path, "half")
    assert list(world.log.entries.iterdir()) == []


def test_ctrl_c_while_github_is_silent_leaves_nothing(world: World) -> None:
    from tests.emulators.threaded import Reply

    world.github.faults = [Reply(200, None)]
    process = start_nb("agent-log", "add", "Цена", "--json")
    deadline = time.monotonic() + 20
    while not world.github.requests and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 130
    assert b'"interrupted"' in out
    assert not world.log.folder.exists()


def test_agents_that_write_at_the_same_time_each_have_their_entry(world: World) -> None:
    processes = [start_nb("agent-log", "add", f"Запись {number}", "--pr", "none") for number in range(6)]
    assert [process.wait(timeout=60) for process in processes] == [0] * 6
    for process in processes:
        process.communicate()
    assert len(world.files()) == 6
    assert list(world.log.folder.rglob("*.tmp")) == []
    assert run_nb("agent-log", "render").code == 0
    assert run_nb("agent-log", "lint", "--offline").code == 0


@pytest.mark.parametrize("command", ["add", "list", "show", "render", "lint", "sync"])
@pytest.mark.parametrize("columns", ["80", "40"])
def test_help_has_two_examples_and_fits_the_screen(world: World, command: str, columns: str) -> None:
    ran = run_nb("agent-log", command, "--help", COLUMNS=columns)
    assert ran.code == 0
    examples = ran.out.partition("Examples:")[2].strip().splitlines()
    assert len(examples) == 2
    assert all(line.strip().startswith(f"nb agent-log {command}") for line in examples)
    assert max(len(line) for line in ran.out.partition("Examples:")[0].splitlines()) <= int(columns)


def test_it_loads_nothing_of_the_product_and_no_http_library(world: World) -> None:
    script = (
        "import sys\nfrom cli.application import run\nrun(['agent-log', 'add', 'x', '--dry-run'])\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'httpx', 'pydantic', 'sanic', 'piccolo', 'core',"
        " 'bot', 'yaml', 'rich'}))"
    )
    root = str(Path(__file__).resolve().parents[3])
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_real_verification_makes_the_entry_a_success(nb: Runner, world: World) -> None:
    world.open_pull()
    world.merge_pull()
    world.deploy()
    for process in world.app.processes:
        process["commit"] = MERGED
    world.app.commit = MERGED
    assert nb("agent-log", "add", "Цена", "--result", "✅ готово").code == 5
    assert nb("deploy", "verify", "--env", "staging", "--commit", MERGED).code == 0
    entry = nb("agent-log", "add", "Цена", "--result", "✅ готово", "--json").data["entry"]
    assert (entry["status"], entry["verdict"], len(entry["runs"])) == ("done", "passed", 1)

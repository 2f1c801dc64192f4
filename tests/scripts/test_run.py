"""`./run` prepares the environment whatever the machine is like, and says in a line what is in its way."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

RUN = Path(__file__).parents[2] / "run"
UV = """\
#!/bin/sh
# Plays uv: makes a `.venv` with a Python in it and writes down what it was asked for.
echo "$*" >> "$UV_CALLS"
[ "$1" = --version ] && exit 0
echo "cache=${UV_CACHE_DIR:-}" >> "$UV_CALLS"
if [ "$1" = venv ]; then
    mkdir -p .venv/bin && printf '#!/bin/sh\\nexit 0\\n' > .venv/bin/python && chmod +x .venv/bin/python
fi
if [ "$2" = sync ] && [ -n "${UV_GATE:-}" ]; then echo ready > "$UV_GATE"; read -r _ < "$UV_GATE.open"; fi
[ "$2" != sync ] || exit "${UV_FAILS:-0}"
"""


class Clone:
    """A clone with `run` and the files that it reads, and a uv that only writes down what it does."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "Мой проект"
        self.calls = folder / "calls"
        programs = folder / "bin"
        programs.mkdir()
        (programs / "uv").write_text(UV)
        (programs / "uv").chmod(0o755)
        (self.root / "locks").mkdir(parents=True)
        (self.root / "locks" / "dev.txt").write_text("one==1\n")
        (self.root / "pyproject.toml").write_text("[project]\n")
        shutil.copy(RUN, self.root / "run")
        home = folder / "home"
        home.mkdir()
        self.environment = {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(home), "UV_CALLS": str(self.calls)}

    def start(self, *command: str, **variables: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["./run", *command],
            cwd=self.root,
            env=self.environment | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *command: str, **variables: str) -> tuple[int, str, str]:
        process = self.start(*command, **variables)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def asked(self, word: str) -> int:
        return sum(line.startswith(word) for line in self.calls.read_text().splitlines()) if self.calls.exists() else 0


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def test_the_first_command_prepares_and_the_second_only_runs(clone: Clone) -> None:
    assert clone.run("echo", "a fox") == (0, "a fox\n", "Preparing .venv from locks/dev.txt ...\n")
    assert clone.run("echo", "a fox") == (0, "a fox\n", "")
    assert clone.asked("pip sync") == 1


def test_an_environment_that_was_moved_is_prepared_again(clone: Clone) -> None:
    clone.run("true")
    moved = clone.root.with_name("moved")
    clone.root.rename(moved)
    clone.root = moved

    assert "Preparing" in clone.run("true")[2]


def test_an_environment_whose_python_is_too_old_is_made_anew(clone: Clone) -> None:
    python = clone.root / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)

    assert clone.run("true")[0] == 0
    assert clone.asked("venv") == 1


def test_a_home_that_cannot_be_written_is_not_needed(clone: Clone) -> None:
    assert clone.run("sh", "-c", "echo $npm_config_cache", HOME="/dev/null")[1] == f"{clone.root}/.nb/npm-cache\n"
    assert f"cache={clone.root}/.nb/uv-cache" in clone.calls.read_text()


def test_a_cache_in_a_usual_home_stays_there(clone: Clone) -> None:
    clone.run("true")
    assert "cache=\n" in clone.calls.read_text()


def test_packages_that_cannot_be_fetched_are_said_in_lines_of_80_columns(clone: Clone) -> None:
    code, _, err = clone.run("true", UV_FAILS="2")
    assert code == 1
    assert "HTTPS_PROXY" in err
    assert max(map(len, err.splitlines())) <= 90
    assert clone.run("true")[0] == 0


@pytest.fixture
def preparing(clone: Clone) -> Iterator[subprocess.Popen[str]]:
    """A first run that stands in the middle of its preparation."""
    gate = clone.root.parent / "gate"
    os.mkfifo(gate)
    os.mkfifo(f"{gate}.open")
    process = clone.start("echo", "first", UV_GATE=str(gate))
    gate.read_text()
    yield process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _let_go(clone: Clone) -> None:
    (clone.root.parent / "gate.open").write_text("on\n")


def test_two_at_once_prepare_once(clone: Clone, preparing: subprocess.Popen[str]) -> None:
    second = clone.start("echo", "second")
    assert second.stderr is not None
    assert second.stderr.readline().startswith(f"Waiting for process {preparing.pid}, which prepares .venv")
    _let_go(clone)

    assert preparing.communicate(timeout=60)[0] == "first\n"
    assert second.communicate(timeout=60)[0] == "second\n"
    assert clone.asked("pip sync") == 1


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_one_that_was_ended_in_the_middle_leaves_nothing_in_the_way(
    clone: Clone, preparing: subprocess.Popen[str], ending: signal.Signals
) -> None:
    os.killpg(preparing.pid, ending)
    preparing.communicate(timeout=60)

    assert clone.run("echo", "again") == (0, "again\n", "Preparing .venv from locks/dev.txt ...\n")
    assert not (clone.root / ".nb" / "preparing").is_symlink()


def test_a_folder_that_cannot_be_written_is_named(clone: Clone) -> None:
    # Even root, who may write everywhere, makes no folder in the place of a file.
    (clone.root / ".nb").write_text("no folder")
    code, _, err = clone.run("true")
    assert code == 1
    assert str(clone.root) in err and "remove both" in err

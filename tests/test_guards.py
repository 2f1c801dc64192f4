"""What protects whoever runs the tests from them, and the tests from each other."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from cli.environments import context_path
from tests.fixtures.home import PLACES, move
from tests.fixtures.ports import RANGE, quiet_ports


def test_no_test_finds_the_home_of_whoever_runs_it() -> None:
    own = Path(pwd.getpwuid(os.getuid()).pw_dir)
    assert Path.home() != own
    assert not context_path().is_relative_to(own / ".config")
    assert not context_path().exists()


def test_no_process_that_a_test_starts_finds_it_either() -> None:
    asked = "from pathlib import Path; print(Path.home())"
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == str(Path.home())


def test_who_moves_keeps_what_was_downloaded_and_nothing_else(tmp_path: Path) -> None:
    environment = {"HOME": "/home/fox", "PATH": "/bin", **dict.fromkeys(PLACES, "/home/fox/own")}
    move(environment, tmp_path)
    kept = {name for name, value in environment.items() if value.startswith("/home/fox")}
    assert kept == {"PLAYWRIGHT_BROWSERS_PATH", "XDG_CACHE_HOME"}
    assert (environment["HOME"], environment["PATH"]) == (str(tmp_path), "/bin")


def test_where_browsers_are_is_believed(tmp_path: Path) -> None:
    environment = {"HOME": "/home/fox", "XDG_CACHE_HOME": "/caches"}
    move(environment, tmp_path)
    assert environment["PLAYWRIGHT_BROWSERS_PATH"] == "/caches/ms-playwright"
    environment = {"PLAYWRIGHT_BROWSERS_PATH": "/browsers"}
    move(environment, tmp_path)
    assert environment["PLAYWRIGHT_BROWSERS_PATH"] == "/browsers"


@pytest.mark.integration
def test_the_kernel_gives_no_port_away_that_a_server_comes_back_to() -> None:
    given = [port for _ in range(50) for port in quiet_ports(4)]
    assert len(set(given)) == 200
    if RANGE.exists():
        assert max(given) < int(RANGE.read_text().split()[0])

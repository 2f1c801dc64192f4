"""Other processes that look through a large log find the same as one alone, and are gone when it is read."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
ROWS = 4000

READ = """
import errno, json, os, re, signal, sys
from pathlib import Path
from cli.logs import files, helpers
from cli.logs.local import log_files, newest
from cli.logs.query import Query

folder, way, most = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
files.BLOCK, files.WORTH_HELP, files.PATIENCE_SECONDS = 16 * 1024, 0, 0
helpers._processors = lambda: 1 if way == "alone" else 4
fork, started = os.fork, []

def counting():
    if way == "refused" and started:
        raise OSError(errno.EAGAIN, "no more processes")
    process = fork()
    if process:
        started.append(process)
    elif way == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif way == "fails":
        files.Spans.of = None
    return process

os.fork = counting
found = newest(log_files(folder), Query(grep=re.compile(r"\\d\\d7 .*$")), most)

def is_there(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True

left = [process for process in started if is_there(process)]
print(json.dumps([[line.event for line in found.lines], len(started), left]))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for service in ("web", "worker"):
        rows = (
            f'{{"at":"2026-11-22T{n // 60 % 24:02}:{n % 60:02}:00Z","event":"{service} {n} x"}}' for n in range(1, ROWS)
        )
        (tmp_path / f"{service}.log").write_text("\n".join(rows) + "\n")
    return tmp_path


def read(folder: Path, way: str, most: int = 10_000) -> tuple[list[str], int]:
    ran = subprocess.run(
        [sys.executable, "-c", READ, str(folder), way, str(most)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ran.stderr == ""
    events, started, left = json.loads(ran.stdout)
    assert left == []
    return events, started


@pytest.mark.parametrize(("way", "started"), [("together", 2), ("killed", 2), ("refused", 1), ("fails", 2)])
def test_many_find_what_one_does_and_none_of_them_stays(folder: Path, way: str, started: int) -> None:
    alone, none = read(folder, "alone")
    together, count = read(folder, way)
    assert (none, count) == (0, started)
    assert together == alone
    assert len(alone) > 700


def test_who_has_enough_ends_the_others(folder: Path) -> None:
    alone, _ = read(folder, "alone", 120)
    together, started = read(folder, "together", 120)
    assert started == 2
    assert together == alone

"""Memory that is freed goes back to the system, where the C library has to be told so."""

from __future__ import annotations

import subprocess
import sys

import pytest

from core import memory

THREADS_WITH_PICTURES = """
import threading
from pathlib import Path
from core import memory

def resident():
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * 4096 if statm.exists() else 0

was_told = memory.return_what_is_freed()
barrier = threading.Barrier(8)

def draw():
    # Blocks of growing size teach glibc to keep them; what lies behind them pins them.
    kept = []
    for size in range(1, 24):
        block = bytearray(size * 1024 * 1024)
        del block
        kept.append(bytearray(64 * 1024))
    barrier.wait()
    return kept

before = resident()
threads = [threading.Thread(target=draw) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(resident() - before if was_told else 0)
"""


def test_a_process_that_was_told_to_returns_what_its_threads_freed() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", THREADS_WITH_PICTURES], capture_output=True, text=True, check=True, timeout=60
    )
    assert int(ran.stdout) < 40 * 1024 * 1024


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert memory.return_what_is_freed() is False


def test_a_c_library_without_the_call_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    assert memory.return_what_is_freed() is False

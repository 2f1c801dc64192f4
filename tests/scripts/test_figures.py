"""What a test found out is printed above the summary, also where it ran in another process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TEST = """
def test_something(figure):
    figure("counted: 42 sheep")
"""


@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_figure_is_printed_once_above_the_summary(tmp_path: Path, workers: str) -> None:
    (tmp_path / "test_sheep.py").write_text(TEST)

    plain = ("-c", "/dev/null", "--rootdir", str(tmp_path))
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.fixtures.figures", "-n", workers, *plain, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    lines = finished.stdout.splitlines()
    assert lines.count("counted: 42 sheep") == 1, finished.stdout
    assert "1 passed" in lines[-1]

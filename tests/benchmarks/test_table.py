"""How measurements are judged and written down."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import __main__ as runner
from benchmarks.table import Row, as_json, machine, render

ABOUT: dict[str, str | int] = {
    "processor": "A very long name of a processor " * 4,
    "cores": 4,
    "memory_gb": 8,
    "system": "Linux 6",
    "python": "3.11",
}


def test_a_ratio_is_judged_by_its_target() -> None:
    slow = Row.of_ratio("nb", 90.0, "ms", yardstick="python", yardstick_value=10.0, at_most=5)
    assert (slow.ratio, slow.target, slow.ok) == (9.0, "<= 5x", False)
    fast = Row.of_ratio("rate", 90.0, "/s", yardstick="bare", yardstick_value=100.0, at_least=0.6)
    assert (fast.ratio, fast.target, fast.ok) == (0.9, ">= 0.6x", True)


def test_a_value_is_judged_by_itself() -> None:
    assert Row.of_value("memory", 150, "MB", at_most=200).ok
    assert not Row.of_value("rate", 1499, "/s", at_least=1500).ok


@pytest.mark.parametrize("value", [5.0, 4.999])
def test_reaching_the_target_is_enough(value: float) -> None:
    assert Row.of_value("x", value, "s", at_most=5).ok


def test_a_measure_has_exactly_one_target() -> None:
    with pytest.raises(ValueError, match="either"):
        Row.of_value("x", 1, "s")
    with pytest.raises(ValueError, match="either"):
        Row.of_value("x", 1, "s", at_most=2, at_least=0)


def test_the_table_fits_eighty_columns_and_marks_what_missed() -> None:
    long = "a name that is much longer than its column is wide"
    rows = [
        Row.of_ratio(long, 123456.7, "/s", yardstick=long, yardstick_value=200000.0, at_least=0.6),
        Row.of_value("memory", 150.25, "MB", at_most=100),
    ]
    text = render(rows, ABOUT)
    assert max(map(len, text.splitlines())) <= 80
    assert "123,457 /s" in text
    assert text.splitlines()[-1].endswith("NO")


def test_machines_get_the_machine_and_every_row() -> None:
    row = Row.of_value("memory", 150.25, "MB", at_most=200)
    content = json.loads(as_json([row], machine()))
    assert content["machine"]["cores"] >= 1
    assert content["rows"] == [
        {
            "name": "memory",
            "value": 150.25,
            "unit": "MB",
            "yardstick": None,
            "yardstick_value": None,
            "ratio": None,
            "target": "<= 200 MB",
            "ok": True,
        }
    ]


@pytest.mark.parametrize(("at_most", "code"), [(2.0, 0), (0.5, 1)])
def test_a_missed_target_fails_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], at_most: float, code: int
) -> None:
    monkeypatch.setattr("benchmarks.cli.run", lambda: [Row.of_value("x", 1.0, "s", at_most=at_most)])
    monkeypatch.setattr(sys, "argv", ["benchmarks", "cli", "--json"])
    assert runner.main() == code
    said = capsys.readouterr()
    assert json.loads(said.out)["rows"][0]["ok"] is (code == 0)
    assert "measuring cli" in said.err


def test_an_unknown_measure_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "nonsense"],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "no such measure: nonsense" in done.stderr

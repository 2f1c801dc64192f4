"""The measure of `nb` itself runs and keeps its promise."""

from __future__ import annotations

import pytest

from benchmarks import cli


@pytest.mark.integration
def test_nb_is_measured_beside_an_empty_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "ROUNDS", 3)
    monkeypatch.setattr(cli, "WARM_UP", 1)
    rows = cli.run()
    assert [row.name for row in rows] == ["nb --help", "nb health --env local"]
    assert all(row.yardstick == "python -c pass" and row.value > 0 for row in rows)
    # Generous, since other tests may keep the machine busy; the target itself is judged by `just bench`.
    assert rows[0].ratio is not None
    assert rows[0].ratio < 10

"""The measure of `nb` itself runs and keeps its promise."""

from __future__ import annotations

import pytest

from benchmarks import cli


@pytest.mark.integration
def test_nb_is_measured_beside_an_empty_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "ROUNDS", 3)
    monkeypatch.setattr(cli, "WARM_UP", 1)
    monkeypatch.setattr(cli, "COMMANDS", {name: cli.COMMANDS[name] for name in ("--help", "gen list")})
    rows = cli.run()
    *commands, memory = rows
    assert [row.name for row in commands] == ["nb --help", "nb gen list"]
    assert all(row.yardstick == "python -c pass" and row.value > 0 for row in commands)
    assert (memory.name.startswith("peak memory, nb "), memory.value > 0) == (True, True)
    # Generous, since other tests may keep the machine busy; the target itself is judged by `just bench`.
    assert rows[0].ratio is not None
    assert rows[0].ratio < 10

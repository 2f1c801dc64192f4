"""Homes and running stand-ins for the tests of `nb up`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cli.local.home import Home, read_json
from cli.local.identity import ProcessIdentity
from cli.local.state import is_held
from tests.fixtures.ports import quiet_ports
from tests.fixtures.product import PASSED_ON


@dataclass
class FakeNb:
    """Runs `nb` with stand-ins in a home of its own."""

    home: Home
    environment: dict[str, str] = field(default_factory=dict)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "tests.cli.local.fake_nb", *arguments]

    def variables(self) -> dict[str, str]:
        passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        return {**passed, "NB_HOME": str(self.home.root), **self.environment}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            env=self.variables(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments),
            env=self.variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def document(self, *arguments: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.run(*arguments, "--json").stdout)
        return document

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads((self.home.run / "state.json").read_text())
        return state

    def is_ready(self) -> bool:
        state = read_json(self.home.run / "state.json")
        return state.get("phase") == "ready" and is_held(self.home)

    def identity(self, service: str) -> ProcessIdentity:
        record = next(record for record in self.state()["processes"] if record["name"] == service)
        return ProcessIdentity(record["identity"]["pid"], record["identity"]["start"])

    def identities(self) -> list[ProcessIdentity]:
        records = [record["identity"] for record in self.state()["processes"] if record["identity"]]
        return [ProcessIdentity(record["pid"], record["start"]) for record in records]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home that nobody has used."""
    return Home(tmp_path / ".nb")


@pytest.fixture
def fake_nb(home: Home) -> Iterator[FakeNb]:
    """`nb` on ports of its own; what still runs at the end is stopped."""
    names = ("NB_WEB_PORT", "NB_SANDBOX_PORT", "NB_POSTGRES_PORT", "NB_REDIS_PORT")
    ports = {name: str(port) for name, port in zip(names, quiet_ports(4), strict=True)}
    nb = FakeNb(home, ports)
    yield nb
    nb.run("down")


def wait_until(condition: Callable[[], bool], limit: float = 60.0) -> None:
    """Wait on a condition that another process brings about."""
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.02)

"""`nb` in this process with a home, a configuration and a project of its own, and the service it talks to."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import jsonschema
import pytest

from cli import application, schema_files
from tests.cli.emulator import TOKEN, Emulator


@cache
def validator_of(command: str) -> jsonschema.Draft202012Validator | None:
    """What checks documents of a command. That its schema is one is checked once, and not with each document."""
    schema = schema_files.committed(command)
    if schema is None:
        return None
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@dataclass(frozen=True)
class Ran:
    """What a run of `nb` left."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one document on stdout, checked against the envelope and the command's committed schema."""
        content: dict[str, Any] = json.loads(self.out)
        assert content["exit_code"] == self.code
        for name in ("envelope", content["command"]):
            if (validator := validator_of(name)) is not None:
                validator.validate(content)
        return content

    @property
    def error(self) -> dict[str, Any]:
        """The error of the document."""
        error: dict[str, Any] = self.document["error"]
        return error

    @property
    def data(self) -> dict[str, Any]:
        """The data of the document."""
        data: dict[str, Any] = self.document["data"]
        return data


class Runner(Protocol):
    """Runs `nb` with arguments."""

    def __call__(self, *arguments: str) -> Ran: ...


@dataclass(frozen=True)
class Place:
    """Folders of one test."""

    project: Path
    home: Path
    config: Path

    def write_credentials(self, content: object, *, mode: int = 0o600) -> Path:
        """Write the credentials file as `nb up` would."""
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.home / "credentials.json"
        path.write_text(json.dumps(content))
        path.chmod(mode)
        return path

    def write_project(self, text: str) -> None:
        """Write `nb.toml`."""
        (self.project / "nb.toml").write_text(text)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A project folder to stand in, and nothing of the machine's own configuration."""
    for name in list(os.environ):
        if name.startswith(("NB_", "_NB", "LC_")) or name in ("LANG", "COLUMNS", "NO_COLOR", "PRODUCTION_BASE_URL"):
            monkeypatch.delenv(name)
    found = Place(tmp_path / "project", tmp_path / "project" / ".nb", tmp_path / "config.json")
    found.project.mkdir()
    found.write_project(
        '[env.staging]\nurl = "https://staging.invalid"\n[env.production]\nurl_from = "PRODUCTION_BASE_URL"\n'
    )
    monkeypatch.setenv("NB_CONFIG", str(found.config))
    monkeypatch.chdir(found.project)
    return found


@pytest.fixture
def nb(place: Place, capsys: pytest.CaptureFixture[str]) -> Runner:
    """Run `nb` in this process."""

    def run(*arguments: str) -> Ran:
        capsys.readouterr()
        code = application.run(arguments)
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return run


@pytest.fixture
def service(place: Place) -> Iterator[Emulator]:
    """A healthy service that `local` points to, with its token in the credentials file."""
    emulator = Emulator()
    place.write_credentials({"local": {"url": emulator.url, "token": TOKEN}})
    yield emulator
    emulator.stop()


@pytest.fixture
def nobody(place: Place) -> str:
    """An address where nothing listens, as `local`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    place.write_credentials({"local": {"url": url, "token": TOKEN}})
    return url


def start_nb(*arguments: str, **environment: str) -> subprocess.Popen[bytes]:
    """Start `nb` as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "cli.main", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2]), **environment},
    )


def run_nb(*arguments: str, **environment: str) -> Ran:
    """Run `nb` as a process of its own."""
    process = start_nb(*arguments, **environment)
    out, err = process.communicate(timeout=60)
    return Ran(process.returncode, out.decode(), err.decode())

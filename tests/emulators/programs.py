"""The programs `railway` and `gh` as executables: they print what a test wrote down and note how they were run.

Shapes and words are those of railway 5.43 and 4.11 and of gh 2.87; exit codes are wrong on purpose, as theirs are.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.emulators.railway import PROJECT, SERVICES, STAGING, RailwayEmulator

SCRIPT = """#!{python}
import json, os, sys, time
folder = {folder!r}
arguments = sys.argv[1:]
with open(os.path.join(folder, "runs.ndjson"), "a") as file:
    is_closed = sys.stdin.read() == ""
    file.write(json.dumps({{"argv": arguments, "env": dict(os.environ), "stdin_closed": is_closed}}) + "\\n")
with open(os.path.join(folder, "answers.json")) as file:
    answers = json.load(file)
key = " ".join(arguments)
if answers["hangs"] is not None and key.startswith(answers["hangs"]):
    time.sleep(600)
found = next((answer for start, answer in answers["answers"] if key.startswith(start)), None)
if found is None:
    sys.stderr.write("error: unrecognized subcommand\\n")
    sys.exit(2)
sys.stdout.write(found["out"])
sys.stderr.write(found["err"])
sys.exit(found["code"])
"""


class FakeProgram:
    """One executable in a folder of its own."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder / f"{name}-data"
        self.folder.mkdir(parents=True)
        self.bin = folder / "bin"
        self.bin.mkdir(exist_ok=True)
        self._answers: list[tuple[str, dict[str, Any]]] = []
        self._hangs: str | None = None
        path = self.bin / name
        path.write_text(SCRIPT.format(python=sys.executable, folder=str(self.folder)))
        path.chmod(0o755)
        self._write()

    def answer(self, start: str, out: object, *, err: str = "", code: int = 0) -> None:
        """What is printed for a command line that starts so; what is answered last comes first."""
        text = out if isinstance(out, str) else json.dumps(out)
        self._answers.insert(0, (start, {"out": text, "err": err, "code": code}))
        self._write()

    def hangs(self, start: str = "") -> None:
        """From now on a command line that starts so ends only when it is killed."""
        self._hangs = start
        self._write()

    @property
    def runs(self) -> list[dict[str, Any]]:
        """Arguments and environment of every run."""
        path = self.folder / "runs.ndjson"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def _write(self) -> None:
        (self.folder / "answers.json").write_text(json.dumps({"answers": self._answers, "hangs": self._hangs}))


def signed_in(folder: Path, railway: RailwayEmulator, version: str = "5.43.1") -> FakeProgram:
    """A `railway` whose user sees what the emulator holds now."""
    program = FakeProgram(folder, "railway")
    program.answer("--version", f"railway {version}\n")
    is_old = version.startswith("4")
    program.answer("status", _old_status(railway) if is_old else _status(railway))
    if not is_old:
        for name, identity in SERVICES.items():
            history = [_listed(one) for one in railway.deployed[::-1] if one["serviceId"] == SERVICES[name]]
            program.answer(f"deployment list -s {identity}", history, code=1)
        program.answer("logs", "")
        for deployment, lines in railway.logs.items():
            printed = "".join(
                json.dumps({"message": one["message"], "timestamp": one["timestamp"], "level": one["severity"]}) + "\n"
                for one in lines
            )
            program.answer(f"logs {deployment}", printed)
    return program


def http(status: int, body: object, **headers: str) -> str:
    """What `gh api --include` prints."""
    lines = [f"HTTP/2.0 {status} Whatever", "Content-Type: application/json; charset=utf-8"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines) + "\r\n\r\n" + json.dumps(body)


def _listed(deployment: dict[str, Any]) -> dict[str, Any]:
    return {name: deployment[name] for name in ("id", "status", "createdAt", "meta")}


def _status(railway: RailwayEmulator) -> dict[str, Any]:
    instances = [_instance(railway, name) for name in SERVICES]
    environment = {"id": STAGING, "name": "staging", "canAccess": True, "serviceInstances": _connection(instances)}
    return {
        "id": PROJECT,
        "name": "bot",
        "environments": _connection(
            [{"id": "other", "name": "production", "serviceInstances": _connection([])}, environment]
        ),
        "services": _connection([{"id": identity, "name": name} for name, identity in SERVICES.items()]),
    }


def _old_status(railway: RailwayEmulator) -> dict[str, Any]:
    services = [
        {
            "id": identity,
            "name": name,
            "serviceInstances": _connection(
                [
                    {**_instance(railway, name), "environmentId": "other", "latestDeployment": None},
                    {**_instance(railway, name), "environmentId": STAGING},
                ]
            ),
        }
        for name, identity in SERVICES.items()
    ]
    for service in services:
        for edge in service["serviceInstances"]["edges"]:  # type: ignore[index]
            del edge["node"]["activeDeployments"]
    return {
        "id": PROJECT,
        "name": "bot",
        "environments": _connection([{"id": STAGING, "name": "staging"}]),
        "services": _connection(services),
    }


def _instance(railway: RailwayEmulator, name: str) -> dict[str, Any]:
    mine = [one for one in railway.deployed if one["serviceId"] == SERVICES[name]]
    return {
        "serviceId": SERVICES[name],
        "serviceName": name,
        "environmentId": STAGING,
        "latestDeployment": mine[-1] if mine else None,
        "activeDeployments": [one for one in mine if one["status"] == "SUCCESS"],
        "source": {"repo": "fox/bot", "image": None},
    }


def _connection(nodes: list[dict[str, Any]]) -> dict[str, Any]:
    return {"edges": [{"node": node} for node in nodes]}

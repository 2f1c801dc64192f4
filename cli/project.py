"""The facts of `nb.toml` that commands about deployments need: repository, branches, ids at Railway."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cli.environments import NAMES, project_facts
from cli.errors import UsageMistake

REPOSITORY_FORM = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
PROCESSES = ("web", "worker", "beat")
"""Services of Railway that run our code, by the name of their process; others, such as redis, run an image."""


@dataclass(frozen=True, slots=True)
class DeployedEnvironment:
    """An environment that is deployed: a branch, and the environment of Railway that follows it."""

    name: str
    branch: str
    railway_id: str


@dataclass(frozen=True, slots=True)
class Project:
    """Where the code is and where it runs."""

    repository: str
    railway_id: str
    services: Mapping[str, str]
    """Ids of our own services at Railway by the name of their process."""
    environments: Mapping[str, DeployedEnvironment]

    def environment(self, name: str) -> DeployedEnvironment:
        """One environment.

        Raises:
            UsageMistake: it is not deployed.
        """
        try:
            return self.environments[name]
        except KeyError:
            known = "|".join(self.environments)
            raise UsageMistake(
                f"{name} is not deployed by Railway", code="not_deployed_here", fix=f"--env {known}"
            ) from None


def load_project() -> Project:
    """Read `nb.toml`.

    Raises:
        UsageMistake: it is missing, or lacks a fact; the message names the key.
    """
    facts = project_facts()
    repository = _text(facts, "project", "repository")
    if not REPOSITORY_FORM.fullmatch(repository):
        raise UsageMistake(f"nb.toml: project.repository {repository!r} is not owner/name", fix="correct nb.toml")
    services = _table(_table(facts, "railway"), "services")
    ours = {name: str(services[name]) for name in PROCESSES if services.get(name)}
    if not ours:
        raise UsageMistake("nb.toml: railway.services names none of web, worker, beat", fix="add their ids to nb.toml")
    environments = {
        name: DeployedEnvironment(name, _text(facts, "env", name, "branch"), _text(facts, "env", name, "railway_env"))
        for name in NAMES
        if _table(_table(facts, "env"), name).get("railway_env")
    }
    if not environments:
        raise UsageMistake("nb.toml: no environment has a railway_env", fix="add railway_env to [env.staging]")
    return Project(repository, _text(facts, "railway", "project"), ours, environments)


def _table(facts: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = facts.get(key, {})
    if not isinstance(found, dict):
        raise UsageMistake(f"nb.toml: {key} is no table", fix="correct nb.toml")
    return found


def _text(facts: Mapping[str, Any], *path: str) -> str:
    found: object = facts
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    if not isinstance(found, str) or not found:
        raise UsageMistake(f"nb.toml: {'.'.join(path)} is missing", code="incomplete_project", fix="add it to nb.toml")
    return found

"""GitHub: the repository, the environment's branch, whether checks can be read, and the workflows that make them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from cli.diagnosis.checks import check, of_failure
from cli.environments import LOCAL
from cli.errors import CommandFailed, UsageMistake
from cli.platforms.github import GitHub, connect_github
from cli.project import DeployedEnvironment, load_project
from cli.shapes import DoctorCheck

WORKFLOWS = ".github/workflows"
EXPECTED = ("ci.yml",)
"""Workflows that a branch has to have, for its checks to say anything."""


def checks(name: str, timeout: float) -> list[DoctorCheck]:
    """What GitHub says of the branch that this environment is deployed from."""
    if name == LOCAL:
        return [check("github.repository", "skipped", "local is not deployed", "nb doctor --env staging")]
    try:
        project = load_project()
        environment = project.environment(name)
    except UsageMistake as mistake:
        return [check("github.repository", "failed", mistake.message, mistake.fix)]
    client = connect_github(project.repository, timeout=timeout)
    try:
        head = client.branch_head(environment.branch)
    except CommandFailed as failure:
        return [of_failure("github.repository", failure)]
    found = [
        check("github.repository", "ok", f"{project.repository} can be read"),
        check("github.branch", "ok", f"{environment.branch} is at {head[:7]}"),
    ]
    for identity, ask in (("github.checks", _checks), ("github.workflows", _workflows)):
        try:
            found.append(ask(client, environment, head))
        except CommandFailed as failure:
            found.append(of_failure(identity, failure))
    return found


def _checks(client: GitHub, environment: DeployedEnvironment, head: str) -> DoctorCheck:
    said = client.checks(head)
    if said["state"] == "unknown":
        fix = "give the token read access to checks, or to actions and commit statuses"
        return check("github.checks", "unknown", said["detail"], fix)
    return check("github.checks", "ok", f"can be read by {said['source']}; of {environment.branch}: {said['detail']}")


def _workflows(client: GitHub, environment: DeployedEnvironment, head: str) -> DoctorCheck:
    del head
    answer = client.platform.read(
        f"/repos/{client.repository}/contents/{WORKFLOWS}?ref={quote(environment.branch, safe='')}"
    )
    if answer.status == 404:
        words = f"{environment.branch} has no {WORKFLOWS}: nothing checks what is deployed"
        return check("github.workflows", "failed", words, f"bring {WORKFLOWS} to {environment.branch}")
    items: Any = answer.content
    if answer.status != 200 or not isinstance(items, list):
        words = f"GitHub answered HTTP {answer.status}"
        return check("github.workflows", "unknown", words, "give the token read access to contents")
    names = sorted(str(item.get("name", "")) for item in items if isinstance(item, dict))
    missing = [name for name in EXPECTED if name not in names]
    if missing:
        words = f"{environment.branch} lacks {', '.join(missing)}"
        return check("github.workflows", "failed", words, f"bring it to {environment.branch}")
    return check("github.workflows", "ok", ", ".join(names))

"""Looks at one environment: branch, platform and running processes, put together by service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from cli.client import OpsClient
from cli.deploys.judgement import judged, overall
from cli.deploys.running import reported
from cli.deploys.shapes import EnvironmentDeploy
from cli.environments import target_of
from cli.errors import CommandFailed
from cli.platforms.github import GitHub, connect_github
from cli.platforms.railway import Railway, connect_railway
from cli.platforms.railway_documents import DeploymentsAnswer
from cli.project import DeployedEnvironment, Project

MOST_TIMEOUT_S = 10.0
"""One request waits no longer, however long the command does."""


@dataclass(frozen=True)
class Surveyor:
    """What it takes to look at an environment again and again."""

    project: Project
    environment: DeployedEnvironment
    railway: Railway
    github: GitHub
    app: OpsClient | None
    unreachable: str
    """Why the service cannot be asked, where `app` is None."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def head(self) -> str:
        """The newest commit of the environment's branch."""
        return self.github.branch_head(self.environment.branch)

    def look(self, expected: str | None) -> EnvironmentDeploy:
        """Every service against `expected`.

        Raises:
            CommandFailed: Railway did not answer.
        """
        return self.put_together(expected, self.railway.deployments())

    def put_together(self, expected: str | None, found: DeploymentsAnswer) -> EnvironmentDeploy:
        """Judge what Railway answered by what the processes report."""
        instances = {
            edge["node"]["serviceId"]: edge["node"] for edge in found["environment"]["serviceInstances"]["edges"]
        }
        deployments = [edge["node"] for edge in found["deployments"]["edges"]]
        said = reported(self.app, self.unreachable)
        now = self.now().isoformat()
        services = [
            judged(
                name,
                expected,
                instances.get(identity),
                [deployment for deployment in deployments if deployment["serviceId"] == identity],
                said[name],
                now=now,
            )
            for name, identity in self.project.services.items()
        ]
        state = overall(services)
        return {
            "env": self.environment.name,
            "branch": self.environment.branch,
            "expected": expected,
            "ok": state == "deployed",
            "state": state,
            "services": services,
        }

    def link(self, service: str, deployment: str | None) -> str:
        """Where a person looks at a service, or at one of its deployments."""
        place = f"https://railway.com/project/{self.project.railway_id}/service/{self.project.services[service]}"
        query = f"?environmentId={self.environment.railway_id}"
        return place + query + (f"&id={deployment}" if deployment else "")


def surveyor(project: Project, name: str, *, timeout: float) -> Surveyor:
    """Everything to look at the environment of this name; nothing is asked yet.

    Raises:
        UsageMistake: the environment is not deployed.
        NotAuthenticated: there is no token for Railway.
    """
    timeout = min(timeout, MOST_TIMEOUT_S)
    environment = project.environment(name)
    railway = connect_railway(
        environment=name, railway_id=environment.railway_id, project=project.railway_id, timeout=timeout
    )
    github = connect_github(project.repository, timeout=timeout)
    try:
        app, unreachable = OpsClient(target_of(name), timeout=timeout), ""
    except CommandFailed as failure:
        app, unreachable = None, failure.message
    return Surveyor(project, environment, railway, github, app, unreachable)

"""Looks at one environment: branch, platform and running processes, put together by service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from cli.client import OpsClient
from cli.deploys.judgement import judged, overall
from cli.deploys.running import reported
from cli.deploys.shapes import EnvironmentDeploy
from cli.durations import say_duration
from cli.environments import target_of
from cli.errors import CommandFailed, NotAuthenticated
from cli.invocation import current, warn
from cli.platforms import programs
from cli.platforms.github import GitHub, connect_github
from cli.platforms.http import Observed
from cli.platforms.railway import connect_railway
from cli.platforms.railway_documents import (
    AutoDeploy,
    DeploymentsAnswer,
    EnvironmentSettings,
    EventsAnswer,
    LogLine,
    PlatformStatus,
)
from cli.project import DeployedEnvironment, Project

MOST_TIMEOUT_S = 10.0
"""One request waits no longer, however long the command does."""


class DeploymentSource(Protocol):
    """Who tells what is deployed: Railway's API, or its program."""

    @property
    def source(self) -> str: ...

    @property
    def seen(self) -> Observed: ...

    def deployments(self) -> DeploymentsAnswer: ...

    def settings(self) -> EnvironmentSettings: ...

    def platform_status(self) -> PlatformStatus: ...

    def auto_deploy(self, service: str) -> AutoDeploy: ...

    def events(self, deployment: str) -> EventsAnswer: ...

    def error_lines(self, deployment: str, *, since: str | None, limit: int) -> list[LogLine]: ...


@dataclass(frozen=True)
class Surveyor:
    """What it takes to look at an environment again and again."""

    project: Project
    environment: DeployedEnvironment
    railway: DeploymentSource
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
        # Ages are told by Railway's clock, whose moments they are counted from.
        now = (self.now() + timedelta(seconds=self.railway.seen.skew_s)).isoformat()
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

    def meta(self) -> dict[str, Any]:
        """Where the facts came from and how many requests are left; a clock that is off is warned of."""
        skew = self.railway.seen.skew_s or self.github.platform.seen.skew_s
        if skew and not any(notice.code == "clock_skew" for notice in current().warnings):
            way = "behind" if skew > 0 else "ahead of"
            warn(
                "clock_skew",
                f"this machine's clock is {say_duration(round(abs(skew), -1))} {way} the platforms' clocks",
            )
        seen = {"railway": self.railway.seen, "github": self.github.platform.seen}
        return {
            "source": {"railway": self.railway.source, "github": self.github.platform.source},
            "rate_limit": {name: one.as_meta() for name, one in seen.items() if one.remaining is not None},
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
        NotAuthenticated: there is no token for Railway, and no program `railway` either.
    """
    timeout = min(timeout, MOST_TIMEOUT_S)
    environment = project.environment(name)
    railway = railway_source(name, environment.railway_id, project.railway_id, timeout)
    github = connect_github(project.repository, timeout=timeout)
    try:
        app, unreachable = OpsClient(target_of(name), timeout=timeout), ""
    except CommandFailed as failure:
        app, unreachable = None, failure.message
    return Surveyor(project, environment, railway, github, app, unreachable)


def railway_source(name: str, environment: str, project: str, timeout: float) -> DeploymentSource:
    """Railway's API where there is a token for it, else its program where that is installed."""
    try:
        return connect_railway(environment=name, railway_id=environment, project=project, timeout=timeout)
    except NotAuthenticated as missing:
        if missing.code != "no_railway_token":
            raise
        # Before version 5 the program learns from these which project is meant.
        extra = {"RAILWAY_PROJECT_ID": project, "RAILWAY_ENVIRONMENT_ID": environment}
        program = programs.found("railway", timeout=timeout, extra=extra)
        if program is None:
            raise
    from cli.platforms.railway_program import RailwayProgram

    if not any(notice.code == "CLI_FALLBACK" and "railway" in notice.message for notice in current().warnings):
        warn("CLI_FALLBACK", "there is no Railway token: asked through the program railway, which tells less")
    return RailwayProgram(program, project=project, environment=environment)

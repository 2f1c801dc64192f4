"""Railway through its own program `railway`, for whoever signed in with it and has no token: the same facts, fewer.

What the program does not tell (triggers, automatic deployments, incidents, steps) is not known, and never guessed. Its
answer has two shapes: since version 5 the instances of a service stand below their environment, before below it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

from cli.errors import CommandFailed, NotAuthenticated, NotFound, UpstreamFault
from cli.platforms.http import Observed
from cli.platforms.programs import Program, Said, end_all
from cli.platforms.railway_documents import (
    ERRORS,
    AutoDeploy,
    Deployment,
    DeploymentsAnswer,
    EnvironmentSettings,
    EventsAnswer,
    LogLine,
    PlatformStatus,
    ServiceInstance,
    is_error,
)
from cli.platforms.railway_logs import RemoteLine, Window, remote_line
from cli.wire import UnexpectedShape, parse

LATEST = 20
SIGNED_OUT = re.compile(r"unauthorized|not logged in|please login|railway login|invalid (?:or expired )?token", re.I)
MISSING = re.compile(r"not found|no linked project|does not exist", re.I)


class NotTold(CommandFailed):
    """The program does not tell this; Railway's API does, with a token."""

    default_code = "not_told_by_program"


class RailwayProgram:
    """One environment of one project at Railway, as the program `railway` tells of it."""

    source = "cli"

    def __init__(self, program: Program, *, project: str, environment: str) -> None:
        self.program = program
        self.project = project
        self.environment = environment
        self.seen = Observed()
        self._services: dict[str, str] = {}
        self._version: tuple[int, ...] | None = None

    @property
    def version(self) -> tuple[int, ...]:
        """Its version; of one that says none, nothing new is expected."""
        if self._version is None:
            numbers = re.search(r"(\d+)\.(\d+)\.(\d+)", self.program.run("--version").out)
            self._version = tuple(map(int, numbers.groups())) if numbers else (0,)
        return self._version

    @property
    def is_old(self) -> bool:
        """Whether it knows `-p` not yet; it is then told by its environment which project is meant."""
        return self.version < (5,)

    def deployments(self) -> DeploymentsAnswer:
        """The services of the environment and their newest deployments.

        Raises:
            NotAuthenticated: nobody is signed in.
            NotFound: the program shows another project, or not this environment.
            UpstreamFault: it did not answer, or in another shape.
        """
        said = self._status()
        project = _json(said)
        if not isinstance(project, dict) or "id" not in project:
            self._refuse(said)
        if project["id"] != self.project:
            raise NotFound("the program railway shows another project than nb.toml", code="railway_not_found")
        instances = list(_instances(project, self.environment))
        if not instances:
            raise NotFound("the program railway does not show this environment", code="railway_not_found")
        answer = {
            "environment": {
                "id": self.environment,
                "name": "",
                "serviceInstances": {"edges": [{"node": instance} for instance in instances]},
            },
            "deployments": {"edges": [{"node": one} for one in self._histories(instances)]},
        }
        try:
            found = parse(DeploymentsAnswer, answer)
        except UnexpectedShape as error:
            raise _not_understood(str(error)) from None
        self._services = {edge["node"]["id"]: edge["node"]["serviceId"] or "" for edge in found["deployments"]["edges"]}
        return found

    def error_lines(self, deployment: str, *, since: str | None, limit: int) -> list[LogLine]:
        """The newest error lines of a deployment's log."""
        if self.is_old:
            self._not_told("logs without following them for ever: railway 5 does")
        place = ("-s", self._services.get(deployment, ""), "-e", self.environment, "-p", self.project)
        since_when = ("-S", since) if since else ()
        said = self.program.run("logs", deployment, *place, "-n", str(limit), "-f", ERRORS, *since_when, "--json")
        lines = [json_line for text in said.out.splitlines() if (json_line := _line(text)) is not None]
        if not lines and said.err.strip():
            self._refuse(said)
        return [line for line in lines if is_error(line)][-limit:]

    def lines(self, deployment: str, service: str, window: Window, *, is_build: bool) -> list[RemoteLine]:
        """The newest lines of a deployment's log, the oldest first.

        Raises:
            NotAuthenticated: nobody is signed in.
            NotTold: this version of the program would follow for ever.
        """
        if self.is_old:
            self._not_told("logs without following them for ever: railway 5 does")
        options = [
            *(("--build",) if is_build else ()),
            *(("-f", window.filter) if window.filter else ()),
            *(("-S", window.since) if window.since else ()),
            *(("-U", window.until) if window.until else ()),
        ]
        place = ("-s", service, "-e", self.environment, "-p", self.project)
        said = self.program.run("logs", deployment, *place, "-n", str(window.limit), *options, "--json")
        found = [line for text in said.out.splitlines() if (line := remote_line(text)) is not None]
        if not found and said.err.strip():
            self._refuse(said)
        return found

    def settings(self) -> EnvironmentSettings:
        """Not told."""
        self._not_told("triggers")

    def platform_status(self) -> PlatformStatus:
        """Not told."""
        self._not_told("incidents of the platform")

    def auto_deploy(self, service: str) -> AutoDeploy:
        """Not told."""
        self._not_told(f"automatic deployments of {service}")

    def events(self, deployment: str) -> EventsAnswer:
        """Not told."""
        self._not_told(f"the steps of {deployment}")

    def _status(self) -> Said:
        if self.is_old:
            return self.program.run("status", "--json")
        return self.program.run("status", "-p", self.project, "-e", self.environment, "--json")

    def _histories(self, instances: list[ServiceInstance]) -> list[Deployment]:
        """Every service's newest deployments, asked for side by side; one that is not told adds nothing."""
        services = [instance["serviceId"] for instance in instances]
        with ThreadPoolExecutor(max_workers=4) as pool:
            try:
                found = [deployment for history in pool.map(self._history, services) for deployment in history]
            except BaseException:
                # Whoever interrupts does not wait until the others have ended.
                end_all()
                raise
        if found:
            return found
        # An older program has no such command: what runs and what came last is in the status.
        return [
            deployment
            for instance in instances
            for deployment in (*instance["activeDeployments"], instance["latestDeployment"])
            if deployment is not None
        ]

    def _history(self, service: str) -> list[Deployment]:
        if self.is_old:
            return []
        place = ("-s", service, "-e", self.environment, "-p", self.project)
        listed = _json(self.program.run("deployment", "list", *place, "--limit", str(LATEST), "--json"))
        if not isinstance(listed, list):
            return []
        return [_deployment(one, service) for one in listed if isinstance(one, dict)]

    def _refuse(self, said: Said) -> NoReturn:
        words = f"{said.err}\n{said.out}"
        if SIGNED_OUT.search(words):
            raise NotAuthenticated(
                "there is no Railway token, and nobody is signed in with the program railway",
                code="no_railway_token",
                fix="export RAILWAY_TOKEN=... (a project token of this environment)",
            )
        if MISSING.search(words):
            raise NotFound(f"Railway: {said.complaint}", code="railway_not_found", fix="compare the ids in nb.toml")
        raise UpstreamFault(f"the program railway did not answer: {said.complaint}", code="railway_program_failed")

    def _not_told(self, what: str) -> NoReturn:
        raise NotTold(f"the program railway does not tell {what}; export RAILWAY_TOKEN=... to know")


def _json(said: Said) -> object:
    try:
        found: object = json.loads(said.out)
    except ValueError:
        return None
    return found


def _instances(project: Mapping[str, Any], environment: str) -> Iterator[ServiceInstance]:
    """The instances of the environment, from either shape.

    Raises:
        UpstreamFault: it is neither.
    """
    try:
        names = {node["id"]: node["name"] for node in _nodes(project["services"])}
        for place in _nodes(project["environments"]):
            if place["id"] == environment and "serviceInstances" in place:
                for node in _nodes(place["serviceInstances"]):
                    yield _instance(node, node["serviceId"], names)
                return
        for service in _nodes(project["services"]):
            for node in _nodes(service["serviceInstances"]):
                if node["environmentId"] == environment:
                    yield _instance(node, service["id"], names)
    except (KeyError, TypeError, AttributeError) as error:
        raise _not_understood(f"{type(error).__name__}: {error}") from None


def _nodes(connection: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [edge["node"] for edge in connection["edges"]]


def _instance(node: Mapping[str, Any], service: str, names: Mapping[str, str]) -> ServiceInstance:
    latest = node.get("latestDeployment")
    return {
        "serviceId": service,
        "serviceName": node.get("serviceName") or names.get(service, ""),
        "latestDeployment": _deployment(latest, service) if latest else None,
        "activeDeployments": [_deployment(one, service) for one in node.get("activeDeployments") or ()],
    }


def _deployment(found: Mapping[str, Any], service: str) -> Deployment:
    """A deployment as far as the program tells; what is missing does not pass the reading of its shape."""
    return {
        "id": found.get("id"),  # type: ignore[typeddict-item]  # read by `parse`, like the rest
        "status": found.get("status"),  # type: ignore[typeddict-item]
        "createdAt": found.get("createdAt") or "",
        "statusUpdatedAt": found.get("statusUpdatedAt"),
        "serviceId": service,
        "meta": found.get("meta"),
        "deploymentStopped": bool(found.get("deploymentStopped")),
        "instances": found.get("instances") or [],
    }


def _line(text: str) -> LogLine | None:
    try:
        found = json.loads(text)
        return {
            "timestamp": str(found["timestamp"]),
            "severity": found.get("level") or found.get("severity"),
            "message": str(found.get("message", "")),
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _not_understood(what: str) -> UpstreamFault:
    return UpstreamFault(
        f"the program railway answered what nb does not understand: {what}", code="railway_unexpected_answer"
    )

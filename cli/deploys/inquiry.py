"""Collects the facts that explain a missing deployment. What cannot be found out is a warning, and unknown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from cli.deploys.reasons import Facts, explain
from cli.deploys.shapes import DeployWhyData, ServiceDeploy
from cli.deploys.survey import Surveyor
from cli.errors import CommandFailed
from cli.invocation import warn
from cli.platforms.github import Checks
from cli.platforms.railway_documents import EnvironmentSettings, Event, PlatformStatus

Value = TypeVar("Value")


def inquire(surveyor: Surveyor, commit: str, head: str | None) -> DeployWhyData:
    """Why each service runs the commit or does not.

    Raises:
        CommandFailed: Railway did not say what is deployed.
    """
    found = surveyor.look(commit)
    general = _general(surveyor, commit, head, is_deployed=found["ok"])
    reasons = [
        explain(_of_service(surveyor, general, service), surveyor.link(service["service"], service["deployment"]))
        for service in found["services"]
    ]
    return {
        "env": found["env"],
        "branch": found["branch"],
        "commit": commit,
        "ok": found["ok"],
        "state": found["state"],
        "services": reasons,
        "checks": general.checks,
        "pull_request": _known("pull request", lambda: surveyor.github.pull_request(commit)),
        "platform": _platform_word(general.platform),
        "incident": _incident(general.platform),
    }


@dataclass(frozen=True, slots=True)
class _General:
    """What is the same for every service."""

    commit: str
    head: str | None
    settings: EnvironmentSettings | None
    platform: PlatformStatus | None
    checks: Checks | None
    changed_files: Sequence[str] | None


def _general(surveyor: Surveyor, commit: str, head: str | None, *, is_deployed: bool) -> _General:
    platform = _known("platform", surveyor.railway.platform_status)
    if is_deployed:
        return _General(commit, head, None, platform, None, None)
    settings = _known("settings", surveyor.railway.settings)
    checks = _known("checks", lambda: surveyor.github.checks(commit))
    watches = settings is not None and any(
        edge["node"]["watchPatterns"] for edge in settings["serviceInstances"]["edges"]
    )
    files = _known("changed files", lambda: surveyor.github.changed_files(commit)) if watches else None
    return _General(commit, head, settings, platform, checks, files)


def _of_service(surveyor: Surveyor, general: _General, service: ServiceDeploy) -> Facts:
    identity = surveyor.project.services[service["service"]]
    settings = general.settings
    triggers = [edge["node"] for edge in settings["deploymentTriggers"]["edges"]] if settings else []
    instances = [edge["node"] for edge in settings["serviceInstances"]["edges"]] if settings else []
    is_deployed = service["state"] == "deployed"
    deployment = service["deployment"]
    return Facts(
        service=service,
        commit=general.commit,
        head=general.head,
        branch=surveyor.environment.branch,
        repository=surveyor.project.repository,
        trigger=next((trigger for trigger in triggers if trigger["serviceId"] == identity), None),
        settings=next((instance for instance in instances if instance["serviceId"] == identity), None),
        settings_known=settings is not None,
        auto_deploy=None if is_deployed else _known("auto-deploy", lambda: surveyor.railway.auto_deploy(identity)),
        platform=general.platform,
        checks=general.checks,
        changed_files=general.changed_files,
        events=_events(surveyor, deployment) if service["state"] == "failed" and deployment else (),
    )


def _events(surveyor: Surveyor, deployment: str) -> Sequence[Event]:
    answer = _known("events", lambda: surveyor.railway.events(deployment))
    return [edge["node"] for edge in answer["deploymentEvents"]["edges"]] if answer else ()


def _known(what: str, ask: Callable[[], Value]) -> Value | None:
    """The answer, or a warning and None: a fact that is missing explains nothing and refutes nothing."""
    try:
        return ask()
    except CommandFailed as failure:
        warn("not_known", f"{what}: {failure.message}")
        return None


def _platform_word(platform: PlatformStatus | None) -> Literal["stable", "incident", "unknown"]:
    if platform is None:
        return "unknown"
    return "stable" if platform["isStable"] and platform["incident"] is None else "incident"


def _incident(platform: PlatformStatus | None) -> str | None:
    """What Railway tells of its trouble, whether or not it is the reason here."""
    incident = platform["incident"] if platform is not None else None
    return f"{incident['status'].lower()}: {incident['message']} ({incident['url']})" if incident else None

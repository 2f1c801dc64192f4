"""Railway: the project and its services by the ids of nb.toml, what makes a push a deployment, the platform itself."""

from __future__ import annotations

from cli import credentials
from cli.diagnosis.checks import check, of_failure
from cli.environments import LOCAL
from cli.errors import CommandFailed, UsageMistake
from cli.platforms.railway import Railway, connect_railway
from cli.platforms.railway_documents import EnvironmentSettings
from cli.project import DeployedEnvironment, Project, load_project
from cli.shapes import DoctorCheck


def checks(name: str, timeout: float) -> list[DoctorCheck]:
    """What Railway says of this environment; `local` is not there."""
    if name == LOCAL:
        return [check("railway.project", "skipped", "local is not deployed", "nb doctor --env staging")]
    try:
        project = load_project()
        environment = project.environment(name)
    except UsageMistake as mistake:
        return [check("railway.project", "failed", mistake.message, mistake.fix)]
    if credentials.find_railway(name) is None:
        fix = f"nb token save railway --env {name} < FILE"
        return [check("railway.project", "unknown", "there is no token to ask Railway with", fix)]
    client = connect_railway(
        environment=name, railway_id=environment.railway_id, project=project.railway_id, timeout=timeout
    )
    try:
        settings = client.settings()
    except CommandFailed as failure:
        return [of_failure("railway.project", failure)]
    found = [
        check("railway.project", "ok", f"environment {environment.railway_id[:8]} answers"),
        _services(project, settings),
        *_triggers(project, environment, settings),
    ]
    found += _auto_deploy(client, project, settings)
    try:
        found.append(_platform(client))
    except CommandFailed as failure:
        found.append(of_failure("railway.platform", failure))
    return found


def _services(project: Project, settings: EnvironmentSettings) -> DoctorCheck:
    there = {edge["node"]["serviceId"] for edge in settings["serviceInstances"]["edges"]}
    missing = [name for name, identity in project.services.items() if identity not in there]
    if missing:
        words = f"Railway knows no service with the id of {', '.join(missing)}"
        return check("railway.services", "failed", words, "correct railway.services in nb.toml")
    return check("railway.services", "ok", ", ".join(project.services))


def _triggers(project: Project, environment: DeployedEnvironment, settings: EnvironmentSettings) -> list[DoctorCheck]:
    triggers = {edge["node"]["serviceId"]: edge["node"] for edge in settings["deploymentTriggers"]["edges"]}
    fix = f"Railway: settings of the service, Source: {project.repository}, branch {environment.branch}"
    wrong, without_ci = [], []
    for name, identity in project.services.items():
        trigger = triggers.get(identity)
        if trigger is None:
            wrong.append(f"{name} has no trigger")
        elif trigger["repository"].lower() != project.repository.lower():
            wrong.append(f"{name} deploys {trigger['repository']}")
        elif trigger["branch"] != environment.branch:
            wrong.append(f"{name} deploys branch {trigger['branch']}")
        elif not trigger["checkSuites"]:
            without_ci.append(name)
    words = f"a push to {environment.branch} deploys {', '.join(project.services)}"
    found = [check("railway.triggers", "failed" if wrong else "ok", "; ".join(wrong) or words, fix if wrong else None)]
    if without_ci:
        words = f"{', '.join(without_ci)} does not wait: what CI refuses is deployed all the same"
        found.append(check("railway.wait_for_ci", "skipped", words, "Railway: settings of the service, Wait for CI"))
    elif not wrong:
        found.append(check("railway.wait_for_ci", "ok", "deployments wait for CI"))
    return found


def _auto_deploy(client: Railway, project: Project, settings: EnvironmentSettings) -> list[DoctorCheck]:
    there = {edge["node"]["serviceId"] for edge in settings["serviceInstances"]["edges"]}
    off = []
    try:
        for name, identity in project.services.items():
            if identity in there and not (said := client.auto_deploy(identity))["enabled"]:
                off.append(f"{name} ({said['reason'] or 'switched off'})")
    except CommandFailed as failure:
        return [of_failure("railway.auto_deploy", failure)]
    if off:
        fix = "Railway: settings of the service, switch automatic deployments on"
        return [check("railway.auto_deploy", "failed", f"off for {', '.join(off)}", fix)]
    return [check("railway.auto_deploy", "ok", "on")]


def _platform(client: Railway) -> DoctorCheck:
    said = client.platform_status()
    incident = said["incident"]
    if said["isStable"] and incident is None:
        return check("railway.platform", "ok", "no incident")
    words = incident["message"] if incident else "Railway says that it is not stable"
    return check("railway.platform", "failed", words, incident["url"] if incident else "https://status.railway.com")

"""How deployments look to people: a table at 80 columns, and the reasons below it."""

from __future__ import annotations

from cli.commits import short
from cli.deploys.shapes import DeployState, DeployStatusData, DeployVerifyData, DeployWhyData, EnvironmentDeploy
from cli.durations import say_duration
from cli.output import Column, Screen, State

COLUMNS = (
    Column("env", "id"),
    Column("service", "id"),
    Column("state", "id"),
    Column("railway", "id"),
    Column("commit", "id"),
    Column("runs", "id"),
    Column("age", "id", optional=True),
)

SIGNS: dict[DeployState, State] = {
    "deployed": "ok",
    "pending": "note",
    "not_deployed": "failed",
    "failed": "failed",
    "unknown": "unknown",
}


def status(screen: Screen, data: DeployStatusData) -> None:
    """Every service of every environment, and one line for each that does not run what it should."""
    rows = [
        (
            environment["env"],
            service["service"],
            f"{screen.sign(SIGNS[service['state']])} {service['state'].replace('_', ' ')}",
            (service["platform"] or "-").lower(),
            short(service["commit"]),
            ",".join(map(short, service["running"])) or "unknown",
            None if service["age_s"] is None else say_duration(max(0.0, service["age_s"])),
        )
        for environment in data["environments"]
        for service in environment["services"]
    ]
    screen.table(COLUMNS, rows)
    for environment in data["environments"]:
        screen.line()
        screen.line(f"{environment['env']}: branch {environment['branch']} is at {short(environment['expected'])}")
        for service in environment["services"]:
            if service["state"] != "deployed":
                screen.state(SIGNS[service["state"]], f"{service['service']}: {service['reason']}", indent=2)


def missing(found: EnvironmentDeploy) -> str:
    """What is not as it should be, in one line."""
    return "; ".join(f"{s['service']}: {s['reason']}" for s in found["services"] if s["state"] != "deployed")


def verify(screen: Screen, data: DeployVerifyData) -> None:
    """The table, then every check and the error lines."""
    status(screen, {"ok": data["ok"], "environments": [data]})
    screen.heading("Checks")
    for check in data["checks"]:
        detail = f": {check['detail']}" if check["detail"] else ""
        is_noted = check["level"] == "noted" and check["state"] != "ok"
        word = "noted" if is_noted else check["state"]
        screen.state("note" if is_noted else check["state"], f"{check['id']} {word}{detail}", indent=2)
    if data["errors"]:
        screen.heading("Errors since it was deployed")
        for line in data["errors"]:
            screen.wrapped(f"{line['at']} {line['service']} {line['message']}", indent=2)


def why(screen: Screen, data: DeployWhyData) -> None:
    """One line of reason for each service, and the one that fixes it."""
    screen.line(f"{data['env']}: {data['branch']}, commit {short(data['commit'])}", style="1")
    if data["incident"]:
        screen.state("unknown", f"Railway has an incident: {data['incident']}", indent=2)
    for service in data["services"]:
        screen.state(SIGNS[service["state"]], f"{service['service']}: {service['reason']}", indent=2)
        if service["fix"]:
            screen.wrapped(f"fix: {service['fix']}", indent=6)
            screen.wrapped(f"see: {service['url']}", indent=6)

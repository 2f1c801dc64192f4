"""The documents that Railway is asked with, and the shapes of its answers. Tests validate each against its schema.

Ids are `String!`; what depends on a commit is in `meta`, which has no schema and is read by :func:`commit_of`.
"""

import re
from typing import Any, Literal, TypedDict, cast

from cli.platforms.graphql import Query

DEPLOYMENTS = Query("""
query Deployments($environment: String!, $project: String!, $input: DeploymentListInput!, $first: Int!) {
  environment(id: $environment, projectId: $project) {
    id
    name
    serviceInstances { edges { node {
      serviceId
      serviceName
      latestDeployment { ...deployment }
      activeDeployments { ...deployment }
    } } }
  }
  deployments(input: $input, first: $first) { edges { node { ...deployment } } }
}
fragment deployment on Deployment {
  id status createdAt statusUpdatedAt serviceId meta deploymentStopped instances { id status }
}
""")

SETTINGS = Query("""
query Settings($environment: String!, $project: String!) {
  environment(id: $environment, projectId: $project) {
    deploymentTriggers { edges { node { serviceId repository branch checkSuites } } }
    serviceInstances { edges { node { serviceId watchPatterns source { repo image } } } }
  }
}
""")

PLATFORM = Query("""
query Platform {
  platformStatus { isStable incident { status message url } maintenance { message start } }
}
""")

AUTO_DEPLOY = Query("""
query AutoDeploy($environment: String!, $project: String!, $service: String!) {
  serviceInstanceAutoDeployStatus(environmentId: $environment, projectId: $project, serviceId: $service) {
    enabled
    reason
  }
}
""")

EVENTS = Query("""
query Events($deployment: String!, $first: Int!) {
  deployment(id: $deployment) { id diagnosis }
  deploymentEvents(id: $deployment, first: $first) {
    edges { node { step createdAt completedAt payload { error reason detail } } }
  }
}
""")

LOGS = Query("""
query Logs($deployment: String!, $filter: String!, $limit: Int!, $since: DateTime) {
  deploymentLogs(deploymentId: $deployment, filter: $filter, limit: $limit, startDate: $since) {
    timestamp
    severity
    message
  }
}
""")

ALL = (DEPLOYMENTS, SETTINGS, PLATFORM, AUTO_DEPLOY, EVENTS, LOGS)
"""Every document that is sent."""


class Container(TypedDict):
    """A container of a deployment."""

    id: str
    status: str


class Deployment(TypedDict):
    """One deployment of one service. `status` may be a word of a later day, so it is text."""

    id: str
    status: str
    createdAt: str
    statusUpdatedAt: str | None
    serviceId: str | None
    meta: Any
    deploymentStopped: bool
    instances: list[Container]


class ServiceInstance(TypedDict):
    """A service in one environment, with what was deployed last and what runs."""

    serviceId: str
    serviceName: str
    latestDeployment: Deployment | None
    activeDeployments: list[Deployment]


class InstanceNode(TypedDict):
    """An edge of a connection."""

    node: ServiceInstance


class InstanceEdges(TypedDict):
    """A connection."""

    edges: list[InstanceNode]


class EnvironmentDeployments(TypedDict):
    """An environment with its services."""

    id: str
    name: str
    serviceInstances: InstanceEdges


class DeploymentNode(TypedDict):
    """An edge of a connection."""

    node: Deployment


class DeploymentEdges(TypedDict):
    """A connection."""

    edges: list[DeploymentNode]


class DeploymentsAnswer(TypedDict):
    """What DEPLOYMENTS answers."""

    environment: EnvironmentDeployments
    deployments: DeploymentEdges


class Trigger(TypedDict):
    """What makes a push a deployment. `checkSuites` is "Wait for CI"."""

    serviceId: str | None
    repository: str
    branch: str
    checkSuites: bool


class TriggerNode(TypedDict):
    """An edge of a connection."""

    node: Trigger


class TriggerEdges(TypedDict):
    """A connection."""

    edges: list[TriggerNode]


class Source(TypedDict):
    """Where a service's code comes from."""

    repo: str | None
    image: str | None


class InstanceSettings(TypedDict):
    """How a service is set up."""

    serviceId: str
    watchPatterns: list[str]
    source: Source | None


class SettingsNode(TypedDict):
    """An edge of a connection."""

    node: InstanceSettings


class SettingsEdges(TypedDict):
    """A connection."""

    edges: list[SettingsNode]


class EnvironmentSettings(TypedDict):
    """An environment's triggers and services."""

    deploymentTriggers: TriggerEdges
    serviceInstances: SettingsEdges


class SettingsAnswer(TypedDict):
    """What SETTINGS answers."""

    environment: EnvironmentSettings


class Incident(TypedDict):
    """Trouble that Railway tells of."""

    status: str
    message: str
    url: str


class Maintenance(TypedDict):
    """Work that Railway announced."""

    message: str
    start: str


class PlatformStatus(TypedDict):
    """How Railway says that it does."""

    isStable: bool
    incident: Incident | None
    maintenance: Maintenance | None


class PlatformAnswered(TypedDict):
    """What PLATFORM answers."""

    platformStatus: PlatformStatus


class AutoDeploy(TypedDict):
    """Whether pushes deploy a service, and why not."""

    enabled: bool
    reason: str | None


class AutoDeployAnswer(TypedDict):
    """What AUTO_DEPLOY answers."""

    serviceInstanceAutoDeployStatus: AutoDeploy


class EventPayload(TypedDict):
    """What a step of a deployment says of itself."""

    error: str | None
    reason: str | None
    detail: str | None


class Event(TypedDict):
    """A step of a deployment."""

    step: str
    createdAt: str
    completedAt: str | None
    payload: EventPayload | None


class EventNode(TypedDict):
    """An edge of a connection."""

    node: Event


class EventEdges(TypedDict):
    """A connection."""

    edges: list[EventNode]


class Diagnosed(TypedDict):
    """A deployment with Railway's own guess about its failure."""

    id: str
    diagnosis: Any


class EventsAnswer(TypedDict):
    """What EVENTS answers."""

    deployment: Diagnosed
    deploymentEvents: EventEdges


class LogLine(TypedDict):
    """A line of a deployment's log."""

    timestamp: str
    severity: str | None
    message: str


class LogsAnswer(TypedDict):
    """What LOGS answers."""

    deploymentLogs: list[LogLine]


Progress = Literal["running", "pending", "failed", "skipped", "replaced", "unknown"]

PROGRESS: dict[str, Progress] = {
    "SUCCESS": "running",
    "SLEEPING": "running",
    "QUEUED": "pending",
    "INITIALIZING": "pending",
    "WAITING": "pending",
    "BUILDING": "pending",
    "DEPLOYING": "pending",
    "NEEDS_APPROVAL": "pending",
    "FAILED": "failed",
    "CRASHED": "failed",
    "SKIPPED": "skipped",
    "REMOVED": "replaced",
    "REMOVING": "replaced",
}
"""What Railway's states come to. A state that is not here is unknown, never running."""


def commit_of(deployment: Deployment) -> str | None:
    """The commit that was deployed, None where Railway does not know: an image, or an upload by hand."""
    meta = deployment["meta"]
    found = cast("dict[str, object]", meta).get("commitHash") if isinstance(meta, dict) else None
    return found.lower() if isinstance(found, str) and found else None


ERRORS = (
    '@level:error OR @level:critical OR @level:fatal OR @level:panic OR "Traceback (most recent call last)" OR "panic:"'
)
"""What Railway is asked for where errors are looked for; it reads no level out of a bare traceback."""

_SEVERE = frozenset({"error", "err", "critical", "crit", "fatal", "panic", "emergency", "alert"})
_FAULT = re.compile(r"Traceback \(most recent call last\)|^panic: |^(?:CRITICAL|FATAL|PANIC)\b", re.MULTILINE)


def is_error(line: LogLine) -> bool:
    """Whether a line says that something broke: by its level, or, where it has none that says so, by its words."""
    return (line["severity"] or "").lower() in _SEVERE or _FAULT.search(line["message"]) is not None

"""Railway's GraphQL API on a loopback port: every document is held against Railway's schema before it is answered."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from tests.emulators.graphql import Document, Invalid, execute, validate
from tests.emulators.threaded import Platform, Reply

PROJECT = "866bc61a-0ef1-41d1-af53-26784f6e5f06"
STAGING = "9e15b55d-8220-4067-a47e-191a57c2bcca"
SERVICES = {
    "web": "29038dc3-c812-4b0d-9749-23cdd1b91863",
    "worker": "aeb9b998-c05b-41a0-865c-5b58b26746d2",
    "beat": "4e7336b6-89b9-4385-b0d2-3832cab482e0",
}
TOKEN = "railway-project-token-0123456789"


class RailwayEmulator(Platform):
    """A project with one environment that the token is of. A test changes its attributes, then runs `nb`."""

    def __init__(self, *, repository: str = "fox/bot", branch: str = "staging") -> None:
        super().__init__(TOKEN)
        self.deployed: list[dict[str, Any]] = []
        """Every deployment, the oldest first."""
        self.triggers = {
            name: {"serviceId": identity, "repository": repository, "branch": branch, "checkSuites": False}
            for name, identity in SERVICES.items()
        }
        self.watch_patterns: dict[str, list[str]] = {}
        self.auto_deploy: dict[str, dict[str, Any]] = {}
        self.platform: dict[str, Any] = {"isStable": True, "incident": None, "maintenance": None}
        self.events: dict[str, list[dict[str, Any]]] = {}
        self.logs: dict[str, list[dict[str, Any]]] = {}
        self.refused_fields: set[str] = set()
        """Fields that this schema does not have any more."""
        self.headers: dict[str, str] = {}
        """Headers of every answer: what is left of the rate, and the time."""

    def deploy(self, service: str, commit: str | None, status: str = "SUCCESS", **changes: Any) -> str:
        """Add a deployment; the one before it is removed when this one runs."""
        number = len(self.deployed) + 1
        if status in ("SUCCESS", "SLEEPING"):
            for earlier in self.deployed:
                if earlier["serviceId"] == SERVICES[service] and earlier["status"] == "SUCCESS":
                    earlier["status"] = "REMOVED"
        meta = {"repo": "fox/bot", "branch": "staging", **({"commitHash": commit} if commit else {})}
        deployment = {
            "id": f"d-{number}",
            "status": status,
            "createdAt": f"2026-11-22T12:{number:02d}:00.000Z",
            "statusUpdatedAt": None,
            "serviceId": SERVICES[service],
            "meta": meta,
            "deploymentStopped": False,
            "instances": [{"id": f"i-{number}", "status": "RUNNING"}],
            "diagnosis": None,
            **changes,
        }
        self.deployed.append(deployment)
        return str(deployment["id"])

    def reply(self, method: str, target: str, headers: dict[str, str], body: Any) -> Reply:
        """Answer as Railway does: what is wrong with a document comes with status 200 or 400."""
        if (method, urlsplit(target).path) != ("POST", "/graphql/v2"):
            return Reply(404, b"Not Found")
        if headers.get("project-access-token") != self.token and headers.get("authorization") != f"Bearer {self.token}":
            return Reply(200, {"errors": [{"message": "Not Authorized", "path": []}], "data": None})
        try:
            document = Document(body["query"])
            validate(document, body["variables"])
        except Invalid as error:
            return self._invalid(str(error))
        for name in self.refused_fields:
            if name in body["query"]:
                return self._invalid(f'Cannot query field "{name}" on type "Deployment".')
        return Reply(200, {"data": execute(document, body["variables"], self._resolvers())}, self.headers)

    @staticmethod
    def _invalid(message: str) -> Reply:
        return Reply(400, {"errors": [{"message": message, "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}}]})

    def _resolvers(self) -> dict[str, Any]:
        return {
            "environment": lambda id, projectId: self._environment(id),  # noqa: A006, N803
            "deployments": lambda input, first: _connection(self.deployed[::-1][:first]),  # noqa: A006
            "deployment": lambda id: next(d for d in self.deployed if d["id"] == id),  # noqa: A006
            "deploymentEvents": lambda id, first: _connection(self.events.get(id, [])[:first]),  # noqa: A006
            "deploymentLogs": self._logs,
            "platformStatus": lambda: self.platform,
            "serviceInstanceAutoDeployStatus": self._auto_deploy,
        }

    def _environment(self, identity: str) -> dict[str, Any]:
        return {
            "id": identity,
            "name": "staging",
            "deploymentTriggers": _connection(list(self.triggers.values())),
            "serviceInstances": _connection([self._instance(name) for name in SERVICES]),
        }

    def _instance(self, name: str) -> dict[str, Any]:
        mine = [deployment for deployment in self.deployed if deployment["serviceId"] == SERVICES[name]]
        return {
            "serviceId": SERVICES[name],
            "serviceName": name,
            "watchPatterns": self.watch_patterns.get(name, []),
            "source": {"repo": "fox/bot", "image": None},
            "latestDeployment": mine[-1] if mine else None,
            "activeDeployments": [deployment for deployment in mine if deployment["status"] == "SUCCESS"],
        }

    def _auto_deploy(self, environmentId: str, projectId: str, serviceId: str) -> dict[str, Any]:  # noqa: N803
        name = next(name for name, identity in SERVICES.items() if identity == serviceId)
        return self.auto_deploy.get(name, {"enabled": True, "canEnable": True, "reason": None})

    def _logs(self, deploymentId: str, filter: str, limit: int, startDate: str | None) -> list[dict[str, Any]]:  # noqa: A002, N803
        lines = [
            line
            for line in self.logs.get(deploymentId, [])
            if matches(filter, line) and (startDate is None or line["timestamp"] >= startDate)
        ]
        return lines[-limit - 1 :]


def matches(expression: str, line: dict[str, Any]) -> bool:
    """Whether a line fits Railway's filter language, as far as it is used: levels and phrases, joined by OR."""
    return any(_fits(term.strip(), line) for term in expression.split(" OR "))


def _fits(term: str, line: dict[str, Any]) -> bool:
    if term.startswith("@level:"):
        return bool(line["severity"] == term.removeprefix("@level:"))
    return term.strip('"').lower() in line["message"].lower()


def _connection(nodes: list[dict[str, Any]]) -> dict[str, Any]:
    return {"edges": [{"node": node} for node in nodes]}

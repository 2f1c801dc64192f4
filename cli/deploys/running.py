"""Which commits the processes of an environment say that they run. What is not known is said to be so, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cli.client import OpsClient
from cli.errors import CommandFailed, NotAuthenticated
from cli.moments import age_s
from cli.project import PROCESSES
from cli.vitals import health_of
from cli.wire import Health, ServiceStatus

SILENT_AFTER_S = 90.0
"""A process reports itself every few seconds; one that has not for this long does not run."""


@dataclass(frozen=True, slots=True)
class Reported:
    """Commits of the live processes of one kind; None where that could not be found out, and `detail` says why."""

    commits: tuple[str, ...] | None
    detail: str = ""
    is_final: bool = False
    """Waiting does not change that it is not known: the token is missing or refused."""


def reported(client: OpsClient | None, unreachable: str = "") -> Mapping[str, Reported]:
    """What web says of itself, and of the heartbeats of worker and beat; nothing here raises for a sick service.

    Without a client nobody can be asked, and `unreachable` says why.
    """
    if client is None:
        return dict.fromkeys(PROCESSES, Reported(None, unreachable))
    try:
        web = _health(client)
    except CommandFailed as failure:
        return dict.fromkeys(PROCESSES, Reported(None, failure.message))
    try:
        beats = _heartbeats(client)
    except CommandFailed as failure:
        unknown = Reported(None, failure.message, is_final=isinstance(failure, NotAuthenticated))
        return {"web": web, "worker": unknown, "beat": unknown}
    return {
        # The one that answered may not be the only one: during a change the old web beats on.
        "web": web if web.commits is None else Reported(tuple(sorted({*web.commits, *beats["web"]}))),
        "worker": Reported(tuple(sorted(beats["worker"]))),
        "beat": Reported(tuple(sorted(beats["beat"]))),
    }


def _health(client: OpsClient) -> Reported:
    found = client.read(Health, health_of(client))
    if found["environment"] != client.target.name:
        return Reported(None, f"the address of {client.target.name} answers as {found['environment']}")
    return Reported((found["commit"],))


def _heartbeats(client: OpsClient) -> dict[str, set[str]]:
    status = client.read(ServiceStatus, client.get("/api/ops/v1/status"))
    commits: dict[str, set[str]] = {kind: set() for kind in PROCESSES}
    for process in status["processes"]:
        age = age_s(process["seen_at"], status["at"])
        if process["kind"] in commits and age is not None and age <= SILENT_AFTER_S:
            commits[process["kind"]].add(process["commit"])
    return commits

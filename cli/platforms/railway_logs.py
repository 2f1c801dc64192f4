"""Logs of deployments at Railway: the documents that ask for them, and the shape of a line.

Several deployments are asked for in one request, each under a name of its own: an hour has a hundred requests on the
smallest plan, and following asks again and again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypedDict

from cli.platforms.graphql import Query
from cli.platforms.railway import Railway
from cli.wire import UnexpectedShape, parse

if TYPE_CHECKING:
    from cli.platforms.railway_program import RailwayProgram

TOGETHER = 6
"""Deployments in one request."""

PAGE = 1000
"""Lines of one deployment in one answer; Railway returns one line more than it is asked for."""


def document(field: str, count: int) -> Query:
    """The document that asks for `count` deployments at once; `field` is deploymentLogs or buildLogs."""
    ids = ", ".join(f"$d{number}: String!" for number in range(count))
    limits = "filter: $filter, limit: $limit, startDate: $since, endDate: $until"
    asked = "\n".join(
        f"  {f'd{number}: ' if count > 1 else ''}{field}(deploymentId: $d{number}, {limits}) {{ ...line }}"
        for number in range(count)
    )
    return Query(
        f"query Logs({ids}, $filter: String, $limit: Int!, $since: DateTime, $until: DateTime) {{\n{asked}\n}}\n"
        "fragment line on Log {\n"
        "  timestamp severity message attributes { key value } tags { serviceId deploymentId deploymentInstanceId }\n"
        "}\n"
    )


RUNNING, BUILDING = "deploymentLogs", "buildLogs"

DOCUMENTS = {field: tuple(document(field, count) for count in range(1, TOGETHER + 1)) for field in (RUNNING, BUILDING)}

ALL = tuple(query for queries in DOCUMENTS.values() for query in queries)
"""Every document that is sent."""


class Attribute(TypedDict):
    """A fact of a structured line; the value is JSON, or bare text."""

    key: str
    value: str


class Tags(TypedDict):
    """Where a line comes from."""

    serviceId: str | None
    deploymentId: str | None
    deploymentInstanceId: str | None


class RemoteLine(TypedDict):
    """A line of a deployment's log. What was logged as JSON comes apart into message and attributes."""

    timestamp: str
    severity: str | None
    message: str
    attributes: list[Attribute]
    tags: Tags | None


@dataclass(frozen=True, slots=True)
class Window:
    """Which lines are asked for: a filter in Railway's language, the moments they lie between, how many of each."""

    limit: int
    filter: str | None = None
    since: str | None = None
    until: str | None = None


class Lines(Protocol):
    """Reads lines of deployments."""

    def read(self, deployments: Sequence[str], window: Window) -> dict[str, list[RemoteLine]]:
        """The newest lines of each deployment, the oldest first."""


class RailwayLines:
    """Reads lines of deployments over the API."""

    def __init__(self, railway: Railway, *, is_build: bool) -> None:
        self._railway = railway
        self._field = BUILDING if is_build else RUNNING

    def read(self, deployments: Sequence[str], window: Window) -> dict[str, list[RemoteLine]]:
        """The newest lines of each deployment, the oldest first.

        Raises:
            CommandFailed: as :meth:`Railway.ask` does.
        """
        found: dict[str, list[RemoteLine]] = {}
        for first in range(0, len(deployments), TOGETHER):
            some = deployments[first : first + TOGETHER]
            variables: dict[str, object] = {f"d{number}": identity for number, identity in enumerate(some)}
            variables |= {"filter": window.filter, "limit": window.limit, "since": window.since, "until": window.until}
            answer = self._railway.ask(DOCUMENTS[self._field][len(some) - 1], dict[str, object], variables)
            names = [f"d{number}" for number in range(len(some))] if len(some) > 1 else [self._field]
            for identity, name in zip(some, names, strict=True):
                found[identity] = self._shaped(answer.get(name))
        return found

    def _shaped(self, value: object) -> list[RemoteLine]:
        try:
            return parse(list[RemoteLine], value)
        except UnexpectedShape as error:
            raise self._railway.platform.fault(
                "unexpected_answer", f"answered what nb does not understand: {error}"
            ) from None


class ProgramLines:
    """Reads lines of deployments through the program `railway`; whose they are is told by `service_of`."""

    def __init__(self, program: RailwayProgram, service_of: Callable[[str], str | None], *, is_build: bool) -> None:
        self._program = program
        self._service_of = service_of
        self._is_build = is_build

    def read(self, deployments: Sequence[str], window: Window) -> dict[str, list[RemoteLine]]:
        """The newest lines of each deployment, the oldest first."""
        return {
            identity: self._program.lines(identity, self._service_of(identity) or "", window, is_build=self._is_build)
            for identity in deployments
        }


def remote_line(text: str) -> RemoteLine | None:
    """A line that the program printed: one object with the attributes beside the message; None where it is none."""
    try:
        found = json.loads(text)
        timestamp = str(found.pop("timestamp"))
    except (ValueError, KeyError, AttributeError, TypeError):
        return None
    message, severity = found.pop("message", ""), found.get("level") or found.pop("severity", None)
    return {
        "timestamp": timestamp,
        "severity": severity if isinstance(severity, str) else None,
        "message": str(message),
        "attributes": [{"key": key, "value": json.dumps(value)} for key, value in found.items()],
        "tags": None,
    }

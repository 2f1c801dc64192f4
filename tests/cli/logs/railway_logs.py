"""Railway's emulator with its log: filters, windows, one line more than asked for, attributes of JSON lines."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.emulators.railway import SERVICES, RailwayEmulator

TERM = re.compile(r'@(?P<key>\w+):(?P<value>[\w-]+)|"(?P<text>[^"]*)"')


class LoggingRailway(RailwayEmulator):
    """A project whose deployments log."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, list[dict[str, Any]]] = {}
        self.builds: dict[str, list[dict[str, Any]]] = {}
        self.asked: list[dict[str, Any]] = []
        """Arguments of every reading of a log."""

    def log(self, deployment: str, at: str, message: str = "", severity: str = "info", /, **attributes: Any) -> None:
        """Write a line at a time of that day, or at a moment.

        Attributes are the keys of a JSON line, of which `event` is no message.
        """
        tags = {"deploymentId": deployment, "deploymentInstanceId": f"i-{deployment}"}
        self.lines.setdefault(deployment, []).append(
            {
                "timestamp": at if "T" in at else f"2026-11-22T{at}Z",
                "severity": severity,
                "message": message,
                "attributes": [{"key": key, "value": json.dumps(value)} for key, value in attributes.items()],
                "tags": {**tags, "serviceId": self._service_of(deployment)},
            }
        )

    def _service_of(self, deployment: str) -> str | None:
        return next((one["serviceId"] for one in self.deployed if one["id"] == deployment), None)

    def _resolvers(self) -> dict[str, Any]:
        return {
            **super()._resolvers(),
            "deploymentLogs": lambda **arguments: self._read(self.lines, **arguments),
            "buildLogs": lambda **arguments: self._read(self.builds, **arguments),
        }

    def _read(self, kept: dict[str, list[dict[str, Any]]], **arguments: Any) -> list[dict[str, Any]]:
        self.asked.append(arguments)
        lines = [
            line
            for line in sorted(kept.get(arguments["deploymentId"], []), key=lambda line: line["timestamp"])
            if (arguments["startDate"] or "") <= line["timestamp"]
            and (arguments["endDate"] is None or line["timestamp"] <= arguments["endDate"])
            and _passes(line, arguments["filter"])
        ]
        return lines[-(arguments["limit"] + 1) :]


def _passes(line: dict[str, Any], wanted: str | None) -> bool:
    if wanted is None:
        return True
    attributes = {one["key"]: json.loads(one["value"]) for one in line["attributes"]}
    for term in TERM.finditer(wanted):
        if term["text"] is not None:
            found = term["text"] in line["message"]
        elif term["key"] == "level":
            found = line["severity"] == term["value"]
        else:
            found = attributes.get(term["key"]) == term["value"]
        if found:
            return True
    return False


__all__ = ["SERVICES", "LoggingRailway"]

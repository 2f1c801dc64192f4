"""What is looked at once a commit runs: is the service ready, and what did its processes log as errors since."""

from __future__ import annotations

from cli.commands.ready import overall, readiness
from cli.deploys.shapes import EnvironmentDeploy, ErrorLine, VerifyCheck
from cli.deploys.survey import Surveyor
from cli.errors import CommandFailed
from cli.masking import masked
from cli.wire import Check, CheckLevel, CheckState

MOST_LINES = 50
"""Error lines that are asked for of one service; the count says when there are more."""


def verify(surveyor: Surveyor, found: EnvironmentDeploy) -> tuple[list[VerifyCheck], list[ErrorLine]]:
    """Every check of readiness and one for the log of each service; what could not be looked at is unknown."""
    checks = _ready(surveyor)
    errors: list[ErrorLine] = []
    for service in found["services"]:
        check, lines = _errors(surveyor, service["service"], service["deployment"] or "", service["created_at"])
        checks.append(check)
        errors += lines
    return checks, errors


def _ready(surveyor: Surveyor) -> list[VerifyCheck]:
    if surveyor.app is None:
        return [_check("ready", "unknown", surveyor.unreachable)]
    try:
        found, _ = readiness(surveyor.app)
    except CommandFailed as failure:
        return [_check("ready", "unknown", failure.message, failure.fix)]
    fix = None if found["ok"] else f"nb ready --env {surveyor.environment.name}"
    parts = found.get("checks", [])
    if not found["ok"] or not parts:
        detail = "" if parts else "the service says only yes or no without a token"
        return [_check("ready", overall(found["ok"], parts), detail, fix), *_parts(parts)]
    return _parts(parts)


def _parts(parts: list[Check]) -> list[VerifyCheck]:
    return [
        _check(f"ready.{part['id']}", part["state"], part["detail"], part["fix"], part.get("level", "needed"))
        for part in parts
    ]


def _errors(
    surveyor: Surveyor, service: str, deployment: str, since: str | None
) -> tuple[VerifyCheck, list[ErrorLine]]:
    name = f"logs.{service}"
    try:
        lines = surveyor.railway.error_lines(deployment, since=since, limit=MOST_LINES)
    except CommandFailed as failure:
        return _check(name, "unknown", failure.message, failure.fix), []
    if not lines:
        return _check(name, "ok", "no error since it was deployed"), []
    count = f"{MOST_LINES} or more" if len(lines) >= MOST_LINES else str(len(lines))
    check = _check(name, "failed", f"{count} error lines since it was deployed", surveyor.link(service, deployment))
    return check, [{"service": service, "at": line["timestamp"], "message": masked(line["message"])} for line in lines]


def _check(
    identity: str, state: CheckState, detail: str, fix: str | None = None, level: CheckLevel = "needed"
) -> VerifyCheck:
    return {"id": identity, "state": state, "level": level, "detail": detail, "fix": fix}

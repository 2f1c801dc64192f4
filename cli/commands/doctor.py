"""`nb doctor`: looks at this machine and at an environment, and says what to fix."""

from __future__ import annotations

from collections import Counter

from cli.commands.ready import show_check
from cli.diagnosis import machine, service
from cli.envelope import Notice, Outcome, Problem
from cli.environments import LOCAL, choose
from cli.exit_codes import ExitCode
from cli.invocation import current
from cli.output import Screen, State
from cli.shapes import DoctorCheck, DoctorCounts, DoctorData, DoctorState

SIGNS: dict[DoctorState, State] = {"ok": "ok", "failed": "failed", "unknown": "unknown", "skipped": "note"}


def doctor() -> Outcome:
    """Check this machine and an environment, and print the line that fixes what is wrong.

    A check that could not run is unknown, never ok: then the exit code is 8. What is optional or has nothing to look
    at yet is skipped.

    Examples:
        nb doctor
        nb doctor --env staging --json
    """
    name = choose(current())
    checks = [*machine.python_checks(), *machine.repository_checks()]
    if name == LOCAL:
        checks += [*machine.home_checks(), *machine.program_checks(), *machine.running_checks()]
    expected = name != LOCAL or machine.is_running()
    checks += [
        *service.credential_checks(name),
        *service.service_checks(name, current().timeout, expected=expected),
    ]
    data: DoctorData = {"checks": checks, "counts": _counts(checks)}
    problem, exit_code = _verdict(checks)
    return Outcome(
        data=data,
        show=lambda screen: _show(screen, data),
        problem=problem,
        exit_code=exit_code,
        warnings=tuple(
            Notice("check_unknown", f"{check['id']}: {check['detail']}")
            for check in checks
            if check["state"] == "unknown" and exit_code is ExitCode.CHECK_FAILED
        ),
    )


def _counts(checks: list[DoctorCheck]) -> DoctorCounts:
    counter = Counter(check["state"] for check in checks)
    return {
        "ok": counter["ok"],
        "failed": counter["failed"],
        "unknown": counter["unknown"],
        "skipped": counter["skipped"],
    }


def _verdict(checks: list[DoctorCheck]) -> tuple[Problem | None, ExitCode]:
    failed = [check for check in checks if check["state"] == "failed"]
    unknown = [check for check in checks if check["state"] == "unknown"]
    if failed:
        names = ", ".join(check["id"] for check in failed)
        return Problem("checks_failed", f"to fix: {names}", fix=failed[0]["fix"]), ExitCode.CHECK_FAILED
    if unknown:
        names = ", ".join(check["id"] for check in unknown)
        problem = Problem("checks_unknown", f"could not be checked: {names}", transient=True, fix=unknown[0]["fix"])
        return problem, ExitCode.PENDING
    return None, ExitCode.OK


def _show(screen: Screen, data: DoctorData) -> None:
    for group in dict.fromkeys(check["group"] for check in data["checks"]):
        screen.line(group, style="1")
        members = [check for check in data["checks"] if check["group"] == group]
        names = [check["id"].partition(".")[2] for check in members]
        width = max(map(len, names))
        for check, name in zip(members, names, strict=True):
            show_check(screen, SIGNS[check["state"]], name.ljust(width), check["detail"], check["fix"])
    counts = data["counts"]
    screen.line()
    screen.line(
        f"{counts['ok']} ok, {counts['failed']} failed, {counts['unknown']} unknown, {counts['skipped']} skipped"
    )

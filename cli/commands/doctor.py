"""`nb doctor`: looks at this machine and at an environment, and says what to fix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from cli.diagnosis import credentials, github, machine, railway, repository, service
from cli.diagnosis.checks import GROUPS, MACHINE
from cli.diagnosis.rounds import Look, look
from cli.envelope import Notice, Outcome, Problem
from cli.environments import LOCAL, choose
from cli.errors import UsageMistake
from cli.exit_codes import ExitCode
from cli.invocation import current
from cli.output import Screen, State
from cli.shapes import DoctorCheck, DoctorCounts, DoctorData, DoctorGroup, DoctorState
from cli.vitals import show_check

SIGNS: dict[DoctorState, State] = {"ok": "ok", "failed": "failed", "unknown": "unknown", "skipped": "note"}

WORST_FIRST: tuple[DoctorState, ...] = ("failed", "unknown", "ok", "skipped")


def doctor(
    only: Annotated[
        str | None,
        typer.Option("--only", metavar="GROUP", help="Look at this alone, or at several with commas."),
    ] = None,
) -> Outcome:
    """Check this machine and an environment group by group, and print the line that fixes what is wrong.

    A check that could not run is unknown, never ok: then the exit code is 8. What is optional or has nothing to look
    at yet is skipped. Everything is looked at side by side; --timeout is the time for all of it (10s).

    Examples:
        nb doctor
        nb doctor --env staging --json
        nb doctor --env production --only credentials,railway
    """
    wanted = _wanted(only)
    name = choose(current())
    looks = [one for one in _looks(name, current().timeout) if wanted & set(one.groups)]
    found = [part for part in look(looks, within=current().timeout) if part["group"] in wanted]
    checks = sorted(_distinct(found), key=lambda part: GROUPS.index(part["group"]))
    data: DoctorData = {"checks": checks, "counts": _counts(checks), "groups": _groups(checks)}
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


def _wanted(only: str | None) -> frozenset[str]:
    """The groups to look at.

    Raises:
        UsageMistake: there is no group of that name.
    """
    from cli import suggestions

    if only is None:
        return frozenset(GROUPS)
    named = [part.strip().lower() for part in only.split(",") if part.strip()]
    for one in named:
        if one not in (*GROUPS, "machine"):
            hint = suggestions.hint(suggestions.nearest(one, GROUPS))
            raise UsageMistake(f"there is no group {one!r}.{hint}", fix=f"--only {'|'.join(('machine', *GROUPS))}")
    if not named:
        raise UsageMistake("--only names no group", fix=f"--only {'|'.join(GROUPS)}")
    return frozenset(named) | (MACHINE if "machine" in named else frozenset())


def _looks(name: str, timeout: float) -> list[Look]:
    """What there is to look at, each with the groups that it may find something for."""
    here = name == LOCAL
    expected = not here or machine.is_running()

    def ask(look: Callable[..., Sequence[DoctorCheck]], **more: bool) -> Callable[[], Sequence[DoctorCheck]]:
        return lambda: look(name, timeout, **more)

    looks = [Look("version", ("python",), machine.python_checks)]
    if here:
        looks += [
            Look("folder", ("home",), machine.home_checks),
            Look("all", ("programs",), machine.program_checks),
            Look("product", ("running", "ports"), machine.running_checks),
        ]
    return [
        *looks,
        Look("file", ("credentials",), credentials.file_checks),
        Look("scope", ("credentials",), ask(credentials.ops_checks, expected=expected)),
        Look("railway", ("credentials",), ask(credentials.railway_checks)),
        Look("github", ("credentials",), ask(credentials.github_checks)),
        Look("facts", ("repository",), lambda: repository.facts_checks(name)),
        Look("git", ("repository",), lambda: repository.git_checks(name)),
        Look("clock", ("repository",), ask(repository.clock_checks)),
        Look(
            "ready",
            ("services", "database", "telegram", "storage", "providers"),
            ask(service.ready_checks, expected=expected),
        ),
        Look("webhook", ("telegram",), ask(service.webhook_checks, expected=expected)),
        Look("project", ("railway",), ask(railway.checks)),
        Look("repository", ("github",), ask(github.checks)),
        Look("models", ("providers",), ask(service.provider_checks, expected=expected)),
    ]


def _distinct(checks: Sequence[DoctorCheck]) -> list[DoctorCheck]:
    """Each id once, with what the last look of it found: an exact question comes after a general one."""
    return list({check["id"]: check for check in checks}.values())


def _groups(checks: Sequence[DoctorCheck]) -> list[DoctorGroup]:
    """Every group that was looked at, with the worst that was found in it."""
    states: dict[str, list[DoctorState]] = {}
    for check in checks:
        states.setdefault(check["group"], []).append(check["state"])
    return [
        {"group": group, "state": next(state for state in WORST_FIRST if state in found)}
        for group, found in states.items()
    ]


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

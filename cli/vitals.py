"""What `nb health` and `nb ready` find out by themselves: does it answer, as whom, and which commits run.

Each is a check of the same shape as those of the service. What could not be found out is unknown, and never in order.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from cli.client import Answer, OpsClient
from cli.commits import same_commit, short
from cli.durations import say_duration
from cli.environments import LOCAL
from cli.errors import DeadlineReached, UpstreamFault
from cli.fixes import completed
from cli.invocation import current
from cli.output import NARROW, Screen, State, progress
from cli.wire import Check, CheckLevel, CheckState, Health

if TYPE_CHECKING:
    # The shapes of all commands; only what checks types needs them.
    from cli.shapes import VitalCheck

WAKING_ATTEMPTS = 3
WAKING_S = 1.5
"""Railway answers 404 for a few seconds in the place of an application that it wakes up."""

Data = TypeVar("Data", bound=Mapping[str, Any])


def made(
    identity: str,
    state: CheckState,
    detail: str,
    fix: str | None = None,
    *,
    duration_ms: float = 0.0,
    facts: Mapping[str, Any] | None = None,
) -> VitalCheck:
    """A check of ours. All of them are needed: a service that is another one is not in order, whatever it says."""
    return {
        "id": identity,
        "state": state,
        "level": "needed",
        "detail": detail,
        "duration_ms": duration_ms,
        "fix": fix,
        "facts": dict(facts or {}),
    }


def of_service(check: Check) -> VitalCheck:
    """A check that the service made; an older one says neither what it weighs nor its figures."""
    level: CheckLevel = check.get("level", "needed")
    return {
        "id": check["id"],
        "state": check["state"],
        "level": level,
        "detail": check["detail"],
        "duration_ms": check["duration_ms"],
        "fix": check["fix"],
        "facts": check.get("facts", {}),
    }


def health_of(client: OpsClient) -> Answer:
    """What `/api/health` answers. An application that sleeps is woken by the question and answers the next ones.

    Raises:
        UpstreamFault: nothing of ours answered.
    """
    for _ in range(WAKING_ATTEMPTS):
        try:
            return client.get("/api/health", authenticated=False)
        except UpstreamFault as fault:
            if fault.code != "no_application":
                raise
        time.sleep(WAKING_S)
    return client.get("/api/health", authenticated=False)


def of_answer(client: OpsClient) -> tuple[Health, float, list[VitalCheck]]:
    """Ask for health: what it said, the milliseconds it took, and whether it is healthy and who it should be.

    Raises:
        UpstreamFault: nothing of ours answered.
    """
    answer = health_of(client)
    found = client.read(Health, answer)
    name, took = client.target.name, round(answer.elapsed_ms, 1)
    facts = {"url": client.target.url, "version": found["version"], "commit": found["commit"]}
    if found["ok"]:
        http = made("http", "ok", f"answered in {took:.0f} ms", duration_ms=took, facts=facts)
    else:
        fix = f"nb ready --env {name}"
        http = made("http", "failed", "says that it is not healthy", fix, duration_ms=took, facts=facts)
    facts = {"expected": name, "found": found["environment"]}
    if found["environment"] == name:
        environment = made("environment", "ok", f"is {name}", facts=facts)
    else:
        words = f"the address of {name} answers as {found['environment']}"
        environment = made("environment", "failed", words, "correct the address in nb.toml", facts=facts)
    return found, took, [http, environment]


def of_commit(
    environment: str, process: str, expected: str, commits: Sequence[str] | None, unknown: str = ""
) -> VitalCheck:
    """Whether every process of a kind runs the commit; `commits` is None where that could not be found out."""
    identity = f"commit.{process}"
    facts = {"expected": expected, "found": None if commits is None else list(commits)}
    if commits is None:
        return made(identity, "unknown", unknown, facts=facts)
    if not commits:
        fix = completed(f"start one: nb {process}", environment)
        return made(identity, "failed", f"no {process} has reported itself lately", fix, facts=facts)
    others = [commit for commit in commits if not same_commit(commit, expected)]
    if not others:
        return made(identity, "ok", f"runs {short(expected)}", facts=facts)
    listed = ", ".join(short(commit) for commit in others)
    also = " too: two versions run beside each other" if len(others) < len(commits) else ""
    return made(identity, "failed", f"runs {listed}{also}, not {short(expected)}", deploy_fix(environment), facts=facts)


def deploy_fix(environment: str) -> str:
    """What finds out why another commit runs; this machine's product runs what it was started from."""
    return "nb down, then nb up" if environment == LOCAL else f"nb deploy why --env {environment}"


def bad(checks: Sequence[VitalCheck]) -> list[VitalCheck]:
    """The checks that are not in order and that somebody has to look at."""
    return [check for check in checks if check["state"] != "ok" and check["level"] != "noted"]


def missing(checks: Sequence[VitalCheck]) -> str:
    """The same in one line."""
    return ", ".join(f"{check['id']} {check['state']}" for check in bad(checks))


def looked(ask: Callable[[], Data], name: str, *, what: str, command: str, interval: float) -> Data:
    """Ask once, or with --wait until the answer is in order.

    Raises:
        DeadlineReached: it was not in time; the message says what was missing last, `data` is the last answer.
    """
    patience = current().wait
    if patience is None:
        return ask()
    return _waited_for(ask, name, what=what, command=command, patience=patience, interval=interval)


def _waited_for(
    ask: Callable[[], Data], name: str, *, what: str, command: str, patience: float, interval: float
) -> Data:
    """Ask until the answer is in order.

    Raises:
        DeadlineReached: it was not in time; the message says what was missing last, `data` is the last answer.
    """
    deadline = time.monotonic() + patience
    said, data = "", None
    while True:
        pause = interval
        try:
            data = ask()
            if data["ok"]:
                return data
            lacks = missing(data["checks"]) or "the service says that it is not ready"
        except UpstreamFault as fault:
            # A service that starts does not answer yet; that is what is waited for.
            lacks, pause = fault.message, max(interval, fault.retry_after or 0)
        if lacks != said and not current().json:
            progress().line(f"waiting: {lacks}", style="2")
            said = lacks
        if time.monotonic() + pause > deadline:
            words = f"{name} was not {what} within {say_duration(patience)}: {lacks}"
            fixes = (check["fix"] for check in bad(data["checks"] if data else ()) if check["fix"])
            raise DeadlineReached(words, fix=next(fixes, f"{command} --env {name}"), data=data)
        time.sleep(pause)


def show(screen: Screen, checks: Sequence[VitalCheck]) -> None:
    """Every check as a line. What is only noted is said without a cross: nobody has to do anything."""
    width = max((len(check["id"]) for check in checks), default=0) if screen.width >= NARROW else 0
    for check in checks:
        name = check["id"].ljust(width)
        if check["level"] == "noted" and check["state"] != "ok":
            screen.state("note", f"{name}  noted: {check['detail']}", indent=2)
        else:
            show_check(screen, check["state"], name, check["detail"], check["fix"])


def show_check(screen: Screen, state: State, name: str, detail: str, fix: str | None) -> None:
    """One check as a line, and the line that fixes it below."""
    word = {"ok": "ok", "failed": "failed", "unknown": "unknown", "note": "skipped"}[state]
    words = f"{name}  {word}" + (f": {detail}" if detail else "")
    screen.state(state, words, indent=2)
    if fix and state != "ok":
        screen.wrapped(f"fix: {fix}", indent=6)

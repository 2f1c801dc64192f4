"""`nb deploy`: what runs where, wait until a commit does, verify it, and say why it does not."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

import typer

from cli.commits import checked_commit, short
from cli.deploys import view
from cli.deploys.inquiry import inquire
from cli.deploys.shapes import DeployStatusData, DeployVerifyData, DeployWhyData, EnvironmentDeploy, VerifyCheck
from cli.deploys.survey import Surveyor, surveyor
from cli.deploys.verification import verify as verified
from cli.durations import parse_duration, say_duration
from cli.envelope import Outcome, Problem
from cli.environments import LOCAL, checked_name, default_name
from cli.errors import CommandFailed, DeadlineReached, NotAuthenticated, UpstreamFault, UsageMistake
from cli.exit_codes import ExitCode
from cli.groups import new_group
from cli.invocation import current, warn
from cli.output import progress
from cli.project import load_project
from cli.workflows import Form, FormOption, told

app = new_group("See what is deployed, wait for it, verify it, say why not.")

INTERVAL = 5.0
"""Seconds between two looks; a minute of them is a fiftieth of what Railway allows in an hour."""

PATIENCE = "15m"
"""How long `nb deploy wait` waits when nothing is said."""

Commit = Annotated[
    str | None, typer.Option("--commit", metavar="SHA", help="This commit instead of the head of the branch.")
]


@app.command("status")
def deploy_status(form: FormOption = Form.TEXT) -> Outcome:
    """Show what Railway deployed and what the processes say they run, against the head of the branch.

    Without --env every deployed environment is shown. What is unknown is not ok.

    Examples:
        nb deploy status
        nb deploy status --env staging --json
    """
    return told(form, _status)


def _status() -> Outcome:
    project = load_project()
    asked = current().requested_environment
    names = [_chosen()] if asked is not None else list(project.environments)
    found: list[EnvironmentDeploy] = []
    failures: list[CommandFailed] = []
    meta: Mapping[str, object] = {}
    for name in names:
        try:
            look = surveyor(project, name, timeout=current().timeout)
            found.append(_look_at(look))
            meta = look.meta()
        except CommandFailed as failure:
            failures.append(failure)
            warn("environment_unknown", f"{name}: {failure.message}")
    if not found:
        current().warnings.clear()
        raise failures[0]
    is_ok = not failures and all(environment["ok"] for environment in found)
    data: DeployStatusData = {"ok": is_ok, "environments": found}
    bad = next((environment for environment in found if environment["state"] not in ("deployed", "pending")), None)
    bad = bad or next((environment for environment in found if not environment["ok"]), None)
    if bad is not None and not (failures and bad["state"] == "pending"):
        return replace(_outcome(data, bad, data), meta=meta)
    if failures:
        problem = Problem("deploy_unknown", failures[0].message, transient=failures[0].transient, fix=failures[0].fix)
        return Outcome(data, lambda screen: view.status(screen, data), problem, ExitCode.CHECK_FAILED, meta=meta)
    return Outcome(data, lambda screen: view.status(screen, data), meta=meta)


@app.command("wait")
def wait(
    commit: Commit = None,
    timeout: Annotated[
        str | None, typer.Option("--timeout", metavar="TIME", help=f"Give up after this time ({PATIENCE}).")
    ] = None,
    form: FormOption = Form.TEXT,
) -> Outcome:
    """Wait until web, worker and beat run a commit, by Railway's state and by what they say of themselves.

    Ends at once with 1 when a deployment failed, crashed or was skipped, with 9 when the time is over.

    Examples:
        nb deploy wait --env staging
        nb deploy wait --env staging --commit 6a090cb --timeout 10m --json
        nb deploy wait --env staging --commit "$GITHUB_SHA" --format github
    """
    patience = current().wait or parse_duration(timeout or PATIENCE)

    def waited() -> Outcome:
        look = _surveyor()
        found = _wait(look, _expected(look, commit), patience)
        return replace(_outcome(found, found), meta=look.meta())

    return told(form, waited)


@app.command("verify")
def verify(commit: Commit = None, form: FormOption = Form.TEXT) -> Outcome:
    """Check that a commit runs everywhere, that the service is ready, and that nothing logged an error since.

    One look unless --wait says how long to wait for the commit and for readiness: 8 while it is being deployed.

    Examples:
        nb deploy verify --env staging
        nb deploy verify --env staging --commit 6a090cb --wait 10m --json
        nb deploy verify --commit "$GITHUB_SHA" --wait 10m --format github
    """
    return told(form, lambda: _verify(commit))


def _verify(commit: str | None) -> Outcome:
    look = _surveyor()
    expected = _expected(look, commit)
    patience = current().wait
    deadline = time.monotonic() + (patience or 0)
    found = look.look(expected) if patience is None else _wait(look, expected, patience)
    data: DeployVerifyData = {**found, "checks": [], "errors": []}
    if found["ok"]:
        data["checks"], data["errors"] = verified(look, found)
        while not data["errors"] and _bad_checks(data) and time.monotonic() + INTERVAL < deadline:
            # What has just been started gets ready a moment later; a line that says that something broke stays.
            time.sleep(INTERVAL)
            data["checks"], data["errors"] = verified(look, found)
        outcome = _verified(data, found, expected)
    else:
        outcome = _outcome(data, found)
    return replace(outcome, facts=_facts(data, expected), meta=look.meta())


def _verified(data: DeployVerifyData, found: EnvironmentDeploy, expected: str) -> Outcome:
    """The outcome where the commit runs: it is verified when everything that was looked at is in order."""
    bad = _bad_checks(data)
    data["ok"] = not bad
    if not bad:
        return Outcome(data, lambda screen: view.verify(screen, data))
    what = ", ".join(f"{check['id']} {check['state']}" for check in bad)
    problem = Problem(
        "not_verified",
        f"{found['env']} runs {short(expected)} and is not in order: {what}",
        transient=True,
        fix=next((check["fix"] for check in bad if check["fix"]), None),
    )
    return Outcome(data, lambda screen: view.verify(screen, data), problem, ExitCode.CHECK_FAILED)


def _bad_checks(data: DeployVerifyData) -> list[VerifyCheck]:
    """What keeps a verification from passing."""
    return [check for check in data["checks"] if check["state"] != "ok" and check["level"] != "noted"]


def _facts(data: DeployVerifyData, expected: str) -> dict[str, object]:
    """What the journal keeps of a verification, for the log of deployments: a success nobody verified is none."""
    states = {data["state"]} | {check["state"] for check in data["checks"] if check["level"] != "noted"}
    verdict = "passed" if data["ok"] else "failed" if states & {"failed", "not_deployed"} else "unknown"
    deployments = {service["service"]: service["deployment"] for service in data["services"]}
    return {"commit": expected, "verdict": verdict, "deployments": deployments}


@app.command("why")
def why(
    commit: Annotated[
        str | None, typer.Argument(metavar="[COMMIT]", help="A commit instead of the head of the branch.")
    ] = None,
) -> Outcome:
    """Say why a commit is not deployed, in one line for each service, and what fixes it.

    Examples:
        nb deploy why --env staging
        nb deploy why 6a090cb --env staging --json
    """
    look = _surveyor()
    given = checked_commit(commit) if commit is not None else None
    try:
        head: str | None = look.head()
    except CommandFailed as failure:
        if given is None:
            raise
        warn("head_unknown", failure.message)
        head = None
    data = inquire(look, given or head or "", head)
    problem, code = _why_problem(data)
    return Outcome(data, lambda screen: view.why(screen, data), problem, code, meta=look.meta())


def _why_problem(data: DeployWhyData) -> tuple[Problem | None, ExitCode]:
    if data["ok"]:
        return None, ExitCode.OK
    bad = [service for service in data["services"] if service["state"] != "deployed"]
    first = next((service for service in bad if service["state"] == data["state"]), bad[0])
    is_pending = data["state"] == "pending"
    problem = Problem(
        first["code"],
        f"{data['env']} {first['service']}: {first['reason']}",
        transient=is_pending,
        fix=first["fix"],
    )
    return problem, ExitCode.PENDING if is_pending else ExitCode.CHECK_FAILED


def _chosen() -> str:
    """The environment of this run; where the context is this machine, which is not deployed, staging is read."""
    asked = current().requested_environment
    name = checked_name(asked) if asked is not None else default_name()[0]
    if asked is None and name == LOCAL:
        name = "staging"
    if name not in load_project().environments:
        raise UsageMistake(f"{name} is not deployed by Railway", code="not_deployed_here", fix="--env staging")
    current().environment = name
    return name


def _surveyor() -> Surveyor:
    return surveyor(load_project(), _chosen(), timeout=current().timeout)


def _expected(look: Surveyor, commit: str | None) -> str:
    return checked_commit(commit) if commit is not None else look.head()


def _look_at(look: Surveyor) -> EnvironmentDeploy:
    """One look; a branch whose head cannot be read leaves everything unknown, and says why."""
    try:
        head: str | None = look.head()
    except CommandFailed as failure:
        warn("head_unknown", failure.message)
        head = None
    return look.look(head)


def _wait(look: Surveyor, expected: str, patience: float) -> EnvironmentDeploy:
    """Look until the commit runs everywhere, or until waiting changes nothing.

    Raises:
        DeadlineReached: it was not in time; the message says what was missing last.
        NotAuthenticated: without a token of ours worker and beat stay unknown, however long this waits.
    """
    if look.app is None:
        raise UsageMistake(look.unreachable, code="no_address")
    if look.app.target.token is None:
        name = look.environment.name
        fix = f"export NB_TOKEN_{name.upper()}=nbk_..."
        raise NotAuthenticated(f"there is no token for {name}", code="no_token", fix=fix)
    deadline = time.monotonic() + patience
    said, found = "", None
    while True:
        pause = INTERVAL
        try:
            found = look.look(expected)
            if found["ok"] or any(service["is_final"] for service in found["services"]):
                return found
            missing = view.missing(found)
        except UpstreamFault as fault:
            missing = fault.message
            pause = max(INTERVAL, fault.retry_after or 0)
        pause = max(pause, look.railway.seen.pause_s())
        if missing != said and not current().json:
            progress().line(f"waiting: {missing}", style="2")
            said = missing
        if time.monotonic() + pause > deadline:
            raise DeadlineReached(
                f"{look.environment.name} did not run {short(expected)} within {say_duration(patience)}: {missing}",
                fix=f"nb deploy why {short(expected)} --env {look.environment.name}",
                data=found,
            )
        time.sleep(pause)


def _outcome(
    data: EnvironmentDeploy | DeployVerifyData | DeployStatusData,
    found: EnvironmentDeploy,
    table: DeployStatusData | None = None,
) -> Outcome:
    """An outcome that `found` decides; the table is of `found` alone unless another one is given."""
    shown = table or DeployStatusData(ok=found["ok"], environments=[found])
    if found["ok"]:
        return Outcome(data, lambda screen: view.status(screen, shown))
    fix = f"nb deploy why {short(found['expected'])} --env {found['env']}" if found["expected"] else None
    codes = {service["code"] for service in found["services"]}
    code = "deploy_skipped" if "skipped" in codes and found["state"] != "failed" else CODES[found["state"]]
    problem = Problem(code, f"{found['env']}: {view.missing(found)}", transient=found["state"] != "failed", fix=fix)
    return Outcome(
        data,
        lambda screen: view.status(screen, shown),
        problem,
        ExitCode.PENDING if found["state"] == "pending" else ExitCode.CHECK_FAILED,
    )


CODES = {
    "failed": "deploy_failed",
    "not_deployed": "not_deployed",
    "unknown": "deploy_unknown",
    "pending": "deploy_pending",
}
"""Code of the error by the worst state."""

"""Credentials: is there one, from where, does the other side know it, what may it do, until when. Never what it is."""

from __future__ import annotations

import shutil
import stat
from datetime import UTC, datetime, timedelta

from cli import credentials
from cli.client import OpsClient
from cli.diagnosis.checks import check, of_failure
from cli.environments import LOCAL, credentials_path, target_of
from cli.environments import credentials as stored_credentials
from cli.errors import CommandFailed, NotAuthenticated, NotFound, UpstreamFault
from cli.invocation import warn
from cli.moments import parse_moment
from cli.platforms.doctor_documents import ACCOUNT, PROJECT_TOKEN, AccountAnswer, ProjectTokenAnswer
from cli.project import load_project
from cli.shapes import DoctorCheck, DoctorState
from cli.wire import ServiceStatus
from cli.wire_tokens import Token

SOON = timedelta(days=14)


def file_checks() -> list[DoctorCheck]:
    """The file itself: its mode, and whether it can be read."""
    path = credentials_path()
    try:
        stored = stored_credentials()
    except CommandFailed as failure:
        return [check("credentials.file", "failed", failure.message, failure.fix)]
    if not path.exists():
        return [check("credentials.file", "skipped", f"{path} is not there yet", "nb up makes it, and nb token save")]
    mode = stat.S_IMODE(path.stat().st_mode)
    return [check("credentials.file", "ok", f"{path}, mode {mode:04o}, for {', '.join(stored) or 'nothing'}")]


def ops_checks(name: str, timeout: float, *, expected: bool) -> list[DoctorCheck]:
    """Our own token: the service is asked for its scopes and its end."""
    found = credentials.find("ops", name)
    if found is None:
        fix = "nb up" if name == LOCAL else f"export NB_TOKEN_{name.upper()}=nbk_..."
        state: DoctorState = "skipped" if name == LOCAL else "failed"
        return [check("credentials.token", state, f"no token for {name}", fix)]
    present = check("credentials.token", "ok", f"for {name}, from {found.source}")
    try:
        client = OpsClient(target_of(name), timeout=timeout)
        scope = _ops_scope(client)
    except UpstreamFault as fault:
        if not expected:
            return [present]
        scope = check("credentials.scope", "unknown", fault.message, fault.fix)
    except CommandFailed as failure:
        scope = of_failure("credentials.scope", failure)
    return [present, scope]


def railway_checks(name: str, timeout: float) -> list[DoctorCheck]:
    """Railway's token: a project token has to be of the environment that nb.toml names."""
    from cli.platforms.railway import connect_railway

    found = credentials.find_railway(name)
    if found is None:
        if name == LOCAL:
            return []
        fix = f"nb token save railway --env {name} < FILE, or export RAILWAY_TOKEN_{name.upper()}=..."
        if shutil.which("railway") is not None:
            words = f"no Railway token for {name}: nb deploy asks the program railway, this nobody"
            return [check("credentials.railway", "skipped", words, fix)]
        return [check("credentials.railway", "failed", f"no Railway token for {name}", fix)]
    if name == LOCAL:
        return [check("credentials.railway", "skipped", f"from {found.source}; nb doctor --env staging asks with it")]
    project = load_project()
    environment = project.environment(name)
    client = connect_railway(
        environment=name, railway_id=environment.railway_id, project=project.railway_id, timeout=timeout
    )
    try:
        if found.kind == "railway-account":
            whose = client.ask(ACCOUNT, AccountAnswer, {})["me"]["name"] or "an account"
            return [check("credentials.railway", "ok", f"of {whose}, from {found.source}")]
        token = client.ask(PROJECT_TOKEN, ProjectTokenAnswer, {})["projectToken"]
    except NotAuthenticated as refusal:
        if found.kind == "railway-account":
            words = f"from {found.source}: no person's account; the group railway says what a workspace's may read"
            return [check("credentials.railway", "skipped", words)]
        return [check("credentials.railway", "failed", refusal.message, refusal.fix)]
    except CommandFailed as failure:
        return [of_failure("credentials.railway", failure)]
    where = f"{token['project']['name']}/{token['environment']['name']}"
    if (token["projectId"], token["environmentId"]) != (project.railway_id, environment.railway_id):
        fix = f"make a project token of {name} in Railway: nb token save railway --env {name} < FILE"
        return [check("credentials.railway", "failed", f"from {found.source}, of {where}: not what nb.toml names", fix)]
    return [check("credentials.railway", "ok", f"of {where}, from {found.source}")]


def github_checks(name: str, timeout: float) -> list[DoctorCheck]:
    """GitHub's token: known, what a classic one may do, and its end where it has one."""
    from cli.platforms.github import connect_github

    found = credentials.find("github", name)
    if found is None:
        words = "no GitHub token: only what is public can be read"
        return [] if name == LOCAL else [check("credentials.github", "skipped", words, "nb token save github < FILE")]
    client = connect_github(load_project().repository if name != LOCAL else "nobody/nothing", timeout=timeout)
    # Costs nothing of the rate, and answers to every kind of token, that of a workflow included.
    answer = client.platform.read("/rate_limit")
    if answer.status == 401:
        words = f"from {found.source}: GitHub does not know it, or it is expired"
        return [check("credentials.github", "failed", words, "make another: nb token save github < FILE")]
    if answer.status != 200:
        return [check("credentials.github", "unknown", f"GitHub answered HTTP {answer.status}", "repeat it later")]
    scopes = answer.headers.get("X-OAuth-Scopes")
    words = f"from {found.source}" + (f", scopes {scopes or 'none'}" if scopes is not None else "")
    ends = _moment(answer.headers.get("github-authentication-token-expiration", ""))
    return [check("credentials.github", "ok", words + (_until("github", ends) if ends else ""))]


def _ops_scope(client: OpsClient) -> DoctorCheck:
    try:
        token = client.read(Token, client.get("/api/ops/v1/tokens/self"))
    except NotFound:
        # A service of before this question: whether it lets the token in is said all the same.
        status = client.read(ServiceStatus, client.get("/api/ops/v1/status"))
        return check("credentials.scope", "ok", f"the token may read {status['environment']}")
    words = f"{token['name']}, may {' and '.join(token['scopes'])}"
    if token["expires_at"] is None:
        return check("credentials.scope", "ok", f"{words}, has no end")
    return check("credentials.scope", "ok", words + _until(client.target.name, parse_moment(token["expires_at"])))


def _until(whose: str, ends: datetime) -> str:
    left = ends - datetime.now(UTC)
    if left < SOON:
        warn("token_expires_soon", f"the token of {whose} is over in {max(0, left.days)} d: make another in time")
    return f", until {ends:%Y-%m-%d}"


def _moment(text: str) -> datetime | None:
    """`2026-12-01 10:00:00 UTC` or `… -0700`, as GitHub writes it; None for anything else."""
    try:
        return datetime.strptime(text.replace("UTC", "+0000"), "%Y-%m-%d %H:%M:%S %z").astimezone(UTC)
    except ValueError:
        return None

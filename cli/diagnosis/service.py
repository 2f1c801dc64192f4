"""The environment: credentials and scopes, what the service says about itself, providers' keys."""

from __future__ import annotations

import os

from cli.client import OpsClient
from cli.commands.ready import readiness
from cli.diagnosis.checks import check
from cli.environments import LOCAL, Target, address, credentials, credentials_path, token
from cli.errors import CommandFailed, NotAuthenticated, UpstreamFault
from cli.shapes import DoctorCheck, DoctorState
from cli.wire import Check, ModelPage, ServiceStatus

PROVIDER_KEYS = (
    ("gemini", ("GEMINI_API_KEY",)),
    ("vertex", ("GOOGLE_APPLICATION_CREDENTIALS_JSON",)),
    ("veo", ("GOOGLE_APPLICATION_CREDENTIALS_JSON", "VEO_OUTPUT_URI")),
    ("kling", ("KLING_API_KEY", "KLING_API_SECRET")),
    ("useapi", ("USEAPI_API_KEY",)),
    ("kie", ("KIE_API_KEY",)),
    ("snapgen", ("GEMINIGEN_API_KEY",)),
)
"""Provider and the variables that hold its keys."""


def credential_checks(name: str) -> list[DoctorCheck]:
    """The credentials file and the token for this environment, without showing it."""
    try:
        stored = credentials()
        found = token(name)
    except CommandFailed as failure:
        return [check("credentials.file", "failed", failure.message, failure.fix)]
    path = credentials_path()
    file = check(
        "credentials.file",
        "ok" if path.exists() else "skipped",
        f"{path}, for {', '.join(stored) or 'nothing'}" if path.exists() else f"{path} is not there yet",
        None if path.exists() else "nb up makes it",
    )
    if found:
        return [file, check("credentials.token", "ok", f"there is a token for {name}")]
    fix = "nb up" if name == LOCAL else f"export NB_TOKEN_{name.upper()}=nbk_..."
    return [file, check("credentials.token", "skipped" if name == LOCAL else "failed", f"no token for {name}", fix)]


def service_checks(name: str, timeout: float, *, expected: bool) -> list[DoctorCheck]:
    """What the service answers: token and scope, readiness check by check, providers that can be used.

    Where it is not expected to run, its silence is nothing to look at yet.
    """
    try:
        client = OpsClient(Target(name, address(name), token(name)), timeout=timeout)
    except UpstreamFault as fault:
        return [check("service.address", "skipped", fault.message, fault.fix)]
    except CommandFailed as failure:
        return [check("service.address", "failed", failure.message, failure.fix)]
    ready = _ready(client)
    if not expected and [part["state"] for part in ready] == ["unknown"]:
        return [{**ready[0], "state": "skipped"}, *_keys(client)]
    return [_scope(client), *ready, *_keys(client), *_models(client)]


def _scope(client: OpsClient) -> DoctorCheck:
    try:
        found = client.read(ServiceStatus, client.get("/api/ops/v1/status"))
    except NotAuthenticated as failure:
        return check("credentials.scope", "failed", failure.message, failure.fix)
    except CommandFailed as failure:
        return check("credentials.scope", "unknown", failure.message, failure.fix)
    return check("credentials.scope", "ok", f"the token may read {found['environment']}")


def _ready(client: OpsClient) -> list[DoctorCheck]:
    try:
        found, _ = readiness(client)
    except CommandFailed as failure:
        return [check("service.ready", "unknown", failure.message, failure.fix)]
    if "checks" not in found:
        state: DoctorState = "ok" if found["ok"] else "failed"
        detail = "ready" if found["ok"] else "not ready"
        return [check("service.ready", state, f"{detail}; what exactly is said with a token only")]
    return [check(f"service.{part['id']}", _state(part), part["detail"], part["fix"]) for part in found["checks"]]


def _state(part: Check) -> DoctorState:
    """The state of a check; what is only noted, a provider's open breaker, is nothing that anybody has to repair."""
    return "skipped" if part.get("level") == "noted" and part["state"] != "ok" else part["state"]


def _keys(client: OpsClient) -> list[DoctorCheck]:
    """Keys in this environment, for a product that is started from it. Their values are not looked at."""
    if client.target.name != LOCAL:
        return []
    checks = []
    for provider, variables in PROVIDER_KEYS:
        missing = [variable for variable in variables if not os.environ.get(variable)]
        present = not missing
        detail = f"{' and '.join(missing or variables)} {'not ' if missing else ''}set here"
        fix = None if present else f"export {'=... '.join(missing)}=... before nb up, or use the demo models"
        checks.append(check(f"providers.{provider}", "ok" if present else "skipped", detail, fix))
    return checks


def _models(client: OpsClient) -> list[DoctorCheck]:
    try:
        page = client.read(ModelPage, client.get("/api/ops/v1/models"))
    except CommandFailed as failure:
        return [check("providers.models", "unknown", failure.message, failure.fix)]
    active = [model for model in page["items"] if model["is_active"]]
    usable = [model for model in active if model["available"]]
    detail = f"{len(usable)} of {len(active)} models can be used"
    if usable:
        return [check("providers.models", "ok", detail)]
    return [check("providers.models", "failed", detail, "set a provider's key, or DEMO_PROVIDER=true")]

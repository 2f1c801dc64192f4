"""The environment: what the service says about itself, Telegram's webhook, models and providers that can be used."""

from __future__ import annotations

import os

from cli import vitals
from cli.client import OpsClient
from cli.commands.ready import readiness
from cli.diagnosis.checks import check, of_failure
from cli.environments import LOCAL, target_of
from cli.errors import CommandFailed, NotAuthenticated, UpstreamFault
from cli.fixes import completed
from cli.shapes import DoctorCheck, DoctorState
from cli.wire import Check, ModelPage, Readiness
from cli.wire_generations import ProviderList
from cli.wire_webhook import Webhook

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

GROUPS = (
    ("database", "database"),
    ("migration", "database"),
    ("storage", "storage"),
    ("webhook", "telegram"),
    ("telegram", "telegram"),
    ("provider", "providers"),
    ("breaker", "providers"),
)
"""How the id of a readiness check begins, and the group that shows it; any other is of the services."""


def ready_checks(name: str, timeout: float, *, expected: bool) -> list[DoctorCheck]:
    """Whether it answers, as whom, and everything that it needs, check by check.

    Where it is not expected to run, its silence is nothing to look at yet.
    """
    try:
        client = OpsClient(target_of(name), timeout=timeout)
    except UpstreamFault as fault:
        return [check("services.address", "skipped", fault.message, fault.fix)]
    except CommandFailed as failure:
        return [check("services.address", "failed", failure.message, failure.fix)]
    try:
        _, _, own_checks = vitals.of_answer(client)
        found, _ = readiness(client)
    except CommandFailed as failure:
        if not expected:
            return [check("services.ready", "skipped", failure.message, failure.fix)]
        return [check("services.ready", "unknown", failure.message, failure.fix), *_unseen(name, "it did not answer")]
    own = [check(f"services.{one['id']}", one["state"], one["detail"], one["fix"]) for one in own_checks]
    return own + _needs(name, found)


def webhook_checks(name: str, timeout: float, *, expected: bool) -> list[DoctorCheck]:
    """What Telegram says of the webhook; without a token of ours the service tells nobody."""
    client = _client(name, timeout)
    if client is None:
        return _no_token("telegram.webhook", name)
    try:
        found = client.read(Webhook, client.get("/api/ops/v1/webhook"))
    except CommandFailed as failure:
        return _silent("telegram.webhook", failure, expected=expected)
    return [
        check(f"telegram.{one['id']}", one["state"], one["detail"], completed(one["fix"], name))
        for one in found["checks"]
    ]


def provider_checks(name: str, timeout: float, *, expected: bool) -> list[DoctorCheck]:
    """Which providers can be used now, and how many models that leaves."""
    found = _keys(name)
    client = _client(name, timeout)
    if client is None:
        return [*found, *_no_token("providers.models", name)]
    for identity, ask in (("providers.breakers", _breakers), ("providers.models", _models)):
        try:
            found.append(ask(client))
        except CommandFailed as failure:
            found += _silent(identity, failure, expected=expected)
    return found


def _client(name: str, timeout: float) -> OpsClient | None:
    """A client with a token, None where there is nothing to ask with: the other looks say why."""
    try:
        target = target_of(name)
    except CommandFailed:
        return None
    return OpsClient(target, timeout=timeout) if target.token else None


def _no_token(identity: str, name: str) -> list[DoctorCheck]:
    if name == LOCAL:
        return []
    return [
        check(identity, "unknown", "not looked at: there is no token to ask with", f"nb token save --env {name} < FILE")
    ]


def _silent(identity: str, failure: CommandFailed, *, expected: bool) -> list[DoctorCheck]:
    """What could not be asked. A refused token is the credentials' finding: here it only means that nobody looked."""
    if isinstance(failure, UpstreamFault) and not expected:
        return []
    if isinstance(failure, NotAuthenticated):
        return [check(identity, "unknown", failure.message, failure.fix)]
    return [of_failure(identity, failure)]


def _needs(name: str, found: Readiness) -> list[DoctorCheck]:
    if "checks" not in found:
        state: DoctorState = "ok" if found["ok"] else "failed"
        words = f"{'ready' if found['ok'] else 'not ready'}; what exactly is said with a token only"
        return [check("services.ready", state, words), *_unseen(name, "it tells a token only")]
    return [_need(part) for part in found["checks"]]


def _unseen(name: str, why: str) -> list[DoctorCheck]:
    """The groups that the service alone could have told of: that nobody could look is said in each."""
    state: DoctorState = "skipped" if name == LOCAL else "unknown"
    fix = f"nb ready --env {name}"
    return [check(f"{group}.answers", state, f"not looked at: {why}", fix) for group in ("database", "storage")]


def _need(part: Check) -> DoctorCheck:
    identity = part["id"]
    group = next((group for begin, group in GROUPS if identity.startswith(begin)), "services")
    # The same that Telegram's own group asks exactly has the same name.
    name = "answers" if identity == group else identity.removeprefix("webhook.").replace("provider.", "breaker.", 1)
    state: DoctorState = part["state"]
    if part.get("level") == "noted" and state != "ok":
        # Worth knowing, and nothing that anybody has to do.
        return check(f"{group}.{name}", "skipped", f"noted: {part['detail']}", part["fix"])
    return check(f"{group}.{name}", state, part["detail"], part["fix"])


def _keys(name: str) -> list[DoctorCheck]:
    """Keys in this environment, for a product that is started from it. Their values are not looked at."""
    if name != LOCAL:
        return []
    checks = []
    for provider, variables in PROVIDER_KEYS:
        missing = [variable for variable in variables if not os.environ.get(variable)]
        present = not missing
        detail = f"{' and '.join(missing or variables)} {'not ' if missing else ''}set here"
        fix = None if present else f"export {'=... '.join(missing)}=... before nb up, or use the demo models"
        checks.append(check(f"providers.{provider}", "ok" if present else "skipped", detail, fix))
    return checks


KEY = "set a provider's key, or DEMO_PROVIDER=true"
"""What helps where nobody is configured to make anything."""


def _breakers(client: OpsClient) -> DoctorCheck:
    page = client.read(ProviderList, client.get("/api/ops/v1/providers"))
    usable = [one for one in page["items"] if one["is_configured"] and one["is_enabled"]]
    held = [one for one in usable if one["breaker"] != "closed" or one["parked_until"] is not None]
    working = len(usable) - len(held)
    if not usable:
        off = [one["name"] for one in page["items"] if one["is_configured"] and not one["is_enabled"]]
        words = f"none takes jobs: {', '.join(off)} switched off" if off else "none is configured"
        fix = f'nb providers enable {off[0]} --reason "…" --env {client.target.name}' if off else KEY
        return check("providers.breakers", "failed", words, fix)
    if not held:
        return check("providers.breakers", "ok", f"{working} configured, all of them take jobs")
    listed = ", ".join(f"{one['name']} {'parked' if one['parked_until'] else one['breaker']}" for one in held)
    fix = f"nb providers show {held[0]['name']} --env {client.target.name}"
    # A provider that rests is no fault of ours while another takes its jobs.
    return check("providers.breakers", "skipped" if working else "failed", f"{listed}; {working} take jobs", fix)


def _models(client: OpsClient) -> DoctorCheck:
    page = client.read(ModelPage, client.get("/api/ops/v1/models"))
    active = [model for model in page["items"] if model["is_active"]]
    usable = [model for model in active if model["available"]]
    detail = f"{len(usable)} of {len(active)} models can be used"
    if usable:
        return check("providers.models", "ok", detail)
    return check("providers.models", "failed", detail, KEY)

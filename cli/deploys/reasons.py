"""Why a service does not run a commit: rules over facts, the first that holds is the reason.

What is not known is None here, and no rule takes it for a yes or a no.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cli.commits import short
from cli.deploys.patterns import touched
from cli.deploys.shapes import Reason, ServiceDeploy
from cli.durations import say_duration
from cli.platforms.github import Checks
from cli.platforms.railway_documents import AutoDeploy, Event, InstanceSettings, PlatformStatus, Trigger


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found out about one service and one commit."""

    service: ServiceDeploy
    commit: str
    head: str | None
    branch: str
    repository: str
    trigger: Trigger | None
    settings: InstanceSettings | None
    settings_known: bool
    auto_deploy: AutoDeploy | None
    platform: PlatformStatus | None
    checks: Checks | None
    changed_files: Sequence[str] | None
    events: Sequence[Event]


@dataclass(frozen=True, slots=True)
class Found:
    """A reason and what changes it."""

    code: str
    reason: str
    fix: str | None


Rule = Callable[[Facts], Found | None]


def explain(facts: Facts, url: str) -> Reason:
    """The first reason that holds."""
    service = facts.service
    found = next((found for rule in RULES if (found := rule(facts)) is not None), None)
    found = found or Found(service["code"], service["reason"], "look at the service in Railway")
    return {
        "service": service["service"],
        "state": service["state"],
        "code": found.code,
        "reason": found.reason,
        "fix": found.fix,
        "url": url,
    }


def _deployed(facts: Facts) -> Found | None:
    if facts.service["state"] != "deployed":
        return None
    return Found("deployed", facts.service["reason"], None)


def _broken(facts: Facts) -> Found | None:
    """It failed, crashed or was stopped: say at which step."""
    if facts.service["state"] != "failed":
        return None
    if facts.service["code"] == "stopped":
        return Found("stopped", f"{facts.service['reason']} by somebody", "redeploy it in Railway, or push a commit")
    for event in facts.events:
        payload = event["payload"]
        said = payload and (payload["error"] or payload["reason"])
        if said:
            where = event["step"].lower().replace("_", " ")
            return Found(facts.service["code"], f"{facts.service['reason']} at {where}: {said}", _repair(event["step"]))
    return Found(facts.service["code"], facts.service["reason"], "read the log of the deployment in Railway")


def _repair(step: str) -> str:
    return {
        "PRE_DEPLOY_COMMAND": "correct the migration or the pre-deploy command, and push",
        "HEALTHCHECK": "read the log of the deployment: the new container did not answer its health check",
    }.get(step, "read the log of this step in Railway, correct it, and push")


def _old_container(facts: Facts) -> Found | None:
    if facts.service["code"] != "old_container":
        return None
    return Found(
        "old_container",
        facts.service["reason"],
        "wait until it has drained (nb deploy wait); if it stays, remove the old deployment in Railway",
    )


def _app(facts: Facts) -> Found | None:
    """Railway says that it runs, and the process does not say so."""
    fixes = {
        "silent": "read the log of the deployment: does the process start, does it reach Redis",
        "app_unknown": "make the service reachable: its address in nb.toml, its token NB_TOKEN_...",
        "app_commit_unknown": "set NB_COMMIT=${{RAILWAY_GIT_COMMIT_SHA}} for the service in Railway",
    }
    code = facts.service["code"]
    return Found(code, facts.service["reason"], fixes[code]) if code in fixes else None


def _approval(facts: Facts) -> Found | None:
    if facts.service["platform"] != "NEEDS_APPROVAL" or facts.service["state"] != "pending":
        return None
    return Found("needs_approval", "the deployment waits for an approval in Railway", "approve it in Railway")


def _at_work(facts: Facts) -> Found | None:
    """Railway builds or starts it."""
    service = facts.service
    if service["state"] != "pending" or service["code"] == "waiting":
        return None
    since = "" if service["age_s"] is None else f" for {say_duration(max(0.0, service['age_s']))}"
    old = f"; {', '.join(map(short, service['running']))} still answers" if service["running"] else ""
    trouble = _incident(facts)
    if trouble is not None:
        return Found(trouble.code, f"{service['reason']}{since}; {trouble.reason}", trouble.fix)
    return Found(service["code"], f"{service['reason']}{since}{old}", "nb deploy wait")


def _replaced(facts: Facts) -> Found | None:
    if facts.service["code"] != "replaced":
        return None
    return Found("replaced", facts.service["reason"], "nb deploy status")


def _no_trigger(facts: Facts) -> Found | None:
    """Nothing, or something else, makes a push a deployment."""
    if not facts.settings_known:
        return None
    fix = "connect the repository and the branch in Railway: service, Settings, Source"
    if facts.settings is not None and facts.settings["source"] is None:
        return Found("trigger_missing", "the service has no source repository", fix)
    if facts.trigger is None:
        return Found("trigger_missing", "no trigger connects the service to a branch: a push deploys nothing", fix)
    if facts.trigger["branch"] != facts.branch:
        words = f"the service follows {facts.trigger['branch']}, and nb.toml says {facts.branch}"
        return Found("trigger_branch", words, fix)
    if facts.trigger["repository"].lower() != facts.repository.lower():
        words = f"the service follows {facts.trigger['repository']}, and nb.toml says {facts.repository}"
        return Found("trigger_repository", words, fix)
    return None


def _auto_deploy_off(facts: Facts) -> Found | None:
    if facts.auto_deploy is None or facts.auto_deploy["enabled"]:
        return None
    said = f": {facts.auto_deploy['reason']}" if facts.auto_deploy["reason"] else ""
    return Found("auto_deploy_off", f"automatic deployments are switched off{said}", "switch them on in Railway")


def _ci(facts: Facts) -> Found | None:
    """Wait for CI is on, and CI is red, under way, or not known."""
    if facts.trigger is None or not facts.trigger["checkSuites"] or facts.checks is None:
        return None
    checks = facts.checks
    if checks["state"] == "failed":
        names = ", ".join(item["name"] for item in checks["items"] if item["state"] == "failed")
        return Found("ci_red", f"Wait for CI is on, and red: {names}", "correct it or rerun the job, then push")
    if checks["state"] == "pending":
        return Found("wait_for_ci", f"Wait for CI is on: {checks['detail']}", "wait: nb deploy wait")
    if checks["state"] == "unknown":
        words = f"Wait for CI is on, and what CI says is not known: {checks['detail']}"
        return Found("ci_unknown", words, "give GITHUB_TOKEN read access to checks and actions")
    return None


def _watch_paths(facts: Facts) -> Found | None:
    patterns = facts.settings["watchPatterns"] if facts.settings is not None else []
    if not patterns or facts.changed_files is None or touched(patterns, facts.changed_files):
        return None
    words = f"the commit touches none of the watch paths ({', '.join(patterns)})"
    return Found("watch_paths", words, "change the watch paths in Railway if this commit should be deployed")


def _incident(facts: Facts) -> Found | None:
    platform = facts.platform
    if platform is None or (platform["incident"] is None and platform["isStable"]):
        return None
    incident = platform["incident"]
    said = f"{incident['status'].lower()}: {incident['message']}" if incident else "it says that it is not stable"
    return Found("platform_incident", f"Railway has an incident, {said}", incident["url"] if incident else None)


def _not_the_head(facts: Facts) -> Found | None:
    if facts.head is None or facts.head.startswith(facts.commit):
        return None
    words = f"{short(facts.commit)} is not the head of {facts.branch}, that is {short(facts.head)}"
    return Found("not_the_head", words, f"merge it into {facts.branch}, or ask about {short(facts.head)}")


def _nothing_explains(facts: Facts) -> Found | None:
    """Skipped, waiting or absent, and none of the known reasons holds."""
    if facts.service["code"] not in ("skipped", "waiting", "not_started", "never_deployed"):
        return None
    unknown = [
        *([] if facts.settings_known else ["the triggers"]),
        *([] if facts.auto_deploy is not None else ["automatic deployments"]),
        *([] if facts.platform is not None else ["incidents of the platform"]),
        *([] if facts.checks is not None else ["CI"]),
    ]
    words = f"{facts.service['reason']}, and nothing that is known explains it"
    if unknown:
        words += f"; not known: {', '.join(unknown)}"
    return Found(facts.service["code"], words, "look at the service in Railway")


RULES: tuple[Rule, ...] = (
    _deployed,
    _broken,
    _old_container,
    _app,
    _approval,
    _at_work,
    _replaced,
    _no_trigger,
    _auto_deploy_off,
    _ci,
    _watch_paths,
    _incident,
    _not_the_head,
    _nothing_explains,
)
"""What is certain before what is likely, and the nearer cause before the farther one."""

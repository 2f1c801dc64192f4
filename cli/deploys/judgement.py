"""Does a service run a commit: the platform's word and the process's own, both of them needed for a yes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cli.commits import same_commit, short
from cli.deploys.running import Reported
from cli.deploys.shapes import DeployState, ServiceDeploy
from cli.moments import age_s
from cli.platforms.railway_documents import PROGRESS, Deployment, ServiceInstance, commit_of

WORST_FIRST: tuple[DeployState, ...] = ("failed", "not_deployed", "unknown", "pending", "deployed")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a commit in a service; `is_final` where waiting changes nothing."""

    state: DeployState
    code: str
    reason: str
    is_final: bool = False


def overall(services: Iterable[ServiceDeploy]) -> DeployState:
    """The worst state among services; of none, nothing is known."""
    states = {service["state"] for service in services}
    return next((state for state in WORST_FIRST if state in states), "unknown")


def judged(
    name: str,
    expected: str | None,
    instance: ServiceInstance | None,
    deployments: Sequence[Deployment],
    reported: Reported,
    *,
    now: str,
) -> ServiceDeploy:
    """One service against the commit that is expected; `deployments` are the newest of this service."""
    known = [*deployments]
    if instance is not None:
        known += [
            *instance["activeDeployments"],
            *([instance["latestDeployment"]] if instance["latestDeployment"] else []),
        ]
    chosen = deployment_of(expected, known)
    verdict = _verdict(name, expected, instance, chosen, known, reported)
    shown = chosen or newest(known)
    age = age_s(shown["createdAt"], now) if shown else None
    return {
        "service": name,
        "state": verdict.state,
        "code": verdict.code,
        "reason": verdict.reason,
        "is_final": verdict.is_final,
        "expected": expected,
        "platform": shown["status"] if shown else None,
        "deployment": shown["id"] if shown else None,
        "commit": commit_of(shown) if shown else None,
        "created_at": shown["createdAt"] if shown else None,
        "age_s": None if age is None else round(age, 1),
        "running": list(reported.commits or ()),
    }


def newest(deployments: Iterable[Deployment]) -> Deployment | None:
    """The deployment that began last."""
    return max(deployments, key=lambda deployment: deployment["createdAt"], default=None)


def deployment_of(commit: str | None, deployments: Iterable[Deployment]) -> Deployment | None:
    """The newest deployment of a commit; one that was deployed twice is judged by its last try."""
    if commit is None:
        return None
    return newest(d for d in deployments if same_commit(commit_of(d) or "", commit))


def _verdict(
    name: str,
    expected: str | None,
    instance: ServiceInstance | None,
    chosen: Deployment | None,
    known: Sequence[Deployment],
    reported: Reported,
) -> Verdict:
    if expected is None:
        return Verdict("unknown", "head_unknown", "the head of the branch is not known")
    if instance is None:
        return Verdict("unknown", "service_missing", f"Railway shows no {name} in this environment")
    if chosen is None:
        return _absent(expected, newest(known))
    progress = PROGRESS.get(chosen["status"], "unknown")
    said = f"the deployment of {short(expected)}"
    if chosen["deploymentStopped"]:
        return Verdict("failed", "stopped", f"{said} was stopped", is_final=True)
    if progress == "failed":
        code = chosen["status"].lower()
        return Verdict("failed", code, f"{said} {'crashed' if code == 'crashed' else 'failed'}", is_final=True)
    if progress == "skipped":
        return Verdict("not_deployed", "skipped", f"{said} was skipped", is_final=True)
    if progress == "pending":
        return Verdict("pending", chosen["status"].lower(), f"{said} is {_word(chosen['status'])}")
    if progress == "replaced":
        last = newest(known)
        by = f" by {short(commit_of(last))}" if last is not None and last["id"] != chosen["id"] else ""
        return Verdict("not_deployed", "replaced", f"{said} was replaced{by}", is_final=True)
    if progress == "unknown":
        return Verdict("unknown", "platform_state", f"{said} is {chosen['status']}, a state that nb does not know")
    return _running(name, expected, reported)


def _absent(expected: str, last: Deployment | None) -> Verdict:
    if last is None:
        return Verdict("not_deployed", "never_deployed", "nothing was ever deployed here")
    at = f"; the newest is of {short(commit_of(last))}" if commit_of(last) else "; the newest names no commit"
    return Verdict("not_deployed", "not_started", f"there is no deployment of {short(expected)}{at}")


def _running(name: str, expected: str, reported: Reported) -> Verdict:
    """The platform says that it runs; what do the processes say."""
    if reported.commits is None:
        words = f"which commit {name} runs is not known: {reported.detail}"
        return Verdict("unknown", "app_unknown", words, reported.is_final)
    if not reported.commits:
        return Verdict("not_deployed", "silent", f"Railway says that it runs, and no {name} has reported itself lately")
    others = [commit for commit in reported.commits if not same_commit(commit, expected)]
    if not others:
        return Verdict("deployed", "deployed", f"runs {short(expected)}")
    if not any(map(_is_hash, others)):
        return Verdict("unknown", "app_commit_unknown", f"{name} does not know its own commit: NB_COMMIT is not set")
    if len(others) < len(reported.commits):
        words = f"the old container still answers beside the new one: {name} runs {_listed(others)} too"
    else:
        words = (
            f"the old container still answers: Railway says {short(expected)} runs, {name} reports {_listed(others)}"
        )
    return Verdict("not_deployed", "old_container", words)


def _listed(commits: Sequence[str]) -> str:
    return ", ".join(map(short, commits))


def _is_hash(commit: str) -> bool:
    return same_commit(commit, commit)


def _word(status: str) -> str:
    return {"NEEDS_APPROVAL": "waiting for an approval in Railway"}.get(status, status.lower())

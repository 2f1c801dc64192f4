"""What `data` of the `nb deploy` commands holds."""

from typing import Literal, TypedDict

from cli.platforms.github import Checks, PullRequest
from cli.wire import CheckLevel, CheckState

DeployState = Literal["deployed", "pending", "not_deployed", "failed", "unknown"]


class ServiceDeploy(TypedDict):
    """One service in one environment against the commit that is expected there.

    `platform`, `deployment`, `commit`, `created_at` and `age_s` are of the deployment that was judged, `running` what
    live processes say of themselves. `code` names the reason of a state, `is_final` says that waiting changes nothing.
    """

    service: str
    state: DeployState
    code: str
    reason: str
    is_final: bool
    expected: str | None
    platform: str | None
    deployment: str | None
    commit: str | None
    created_at: str | None
    age_s: float | None
    running: list[str]


class EnvironmentDeploy(TypedDict):
    """The services of one environment. `expected` is the head of the branch unless a commit was given."""

    env: str
    branch: str
    expected: str | None
    ok: bool
    state: DeployState
    services: list[ServiceDeploy]


class DeployStatusData(TypedDict):
    """`nb deploy status`."""

    ok: bool
    environments: list[EnvironmentDeploy]


class VerifyCheck(TypedDict):
    """Something that was verified beside the commits."""

    id: str
    state: CheckState
    level: CheckLevel
    detail: str
    fix: str | None


class ErrorLine(TypedDict):
    """A line that a service logged as an error since it was deployed; secrets are masked."""

    service: str
    at: str
    message: str


class DeployVerifyData(EnvironmentDeploy):
    """`nb deploy verify`. `checks` and `errors` are empty while the commit is not deployed."""

    checks: list[VerifyCheck]
    errors: list[ErrorLine]


class Reason(TypedDict):
    """Why a service does not run the commit, and what changes that. `code` is stable."""

    service: str
    state: DeployState
    code: str
    reason: str
    fix: str | None
    url: str | None


class DeployWhyData(TypedDict):
    """`nb deploy why`."""

    env: str
    branch: str
    commit: str
    ok: bool
    state: DeployState
    services: list[Reason]
    checks: Checks | None
    pull_request: PullRequest | None
    platform: Literal["stable", "incident", "unknown"]
    incident: str | None

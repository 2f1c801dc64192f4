"""What `data` of the `nb agent-log` commands holds."""

from typing import Literal, NotRequired, TypedDict

EntryKind = Literal["staging-deploy", "production-deploy", "work", "incident"]
EntryStatus = Literal["open", "done", "failed"]


class PullData(TypedDict):
    """The pull request; `merge` is `auto`, `conflict`, `by:<login>`, `mergeable`, `conflicting` or empty."""

    number: int | None
    state: Literal["OPEN", "CLOSED", "MERGED", "unknown"]
    merge: str


class DeployData(TypedDict):
    """What the platform says of a service."""

    service: str
    id: str
    status: str


class EntryData(TypedDict):
    """An entry. `pr` is null where the branch has none; `sources` names where each fact was read."""

    id: str
    date: str
    file: str
    kind: EntryKind
    status: EntryStatus
    title: str
    agent: str
    branch: str
    env: str | None
    pr: PullData | None
    commits: list[str]
    commit: str
    deploys: list[DeployData]
    verdict: Literal["passed", "failed", "pending", "none"]
    actions: list[str]
    result: str
    runs: list[str]
    sources: dict[str, str]


class AddData(TypedDict):
    """`nb agent-log add`: the entry and the text of its file."""

    entry: EntryData
    text: str
    dry_run: NotRequired[bool]


class ListData(TypedDict):
    """`nb agent-log list`; `total` counts what was asked for, `items` are the newest of it."""

    items: list[EntryData]
    total: int


class ShowData(TypedDict):
    """`nb agent-log show`."""

    entry: EntryData
    text: str


class RenderData(TypedDict):
    """`nb agent-log render`."""

    file: str
    entries: int
    changed: bool
    dry_run: NotRequired[bool]


class Finding(TypedDict):
    """Something in the log that is not in order. `rule` is stable; `line` counts from 1."""

    rule: str
    file: str
    line: int
    message: str
    fix: str | None


class LintData(TypedDict):
    """`nb agent-log lint`. `github` says whether pull requests were compared with the entries."""

    ok: bool
    entries: int
    since: str
    github: Literal["ok", "partial", "unknown", "skipped"]
    findings: list[Finding]


class SyncData(TypedDict):
    """`nb agent-log sync`, by id: what was closed, changed, is open still, was sent and was not."""

    closed: list[str]
    updated: list[str]
    open: list[str]
    sent: list[str]
    unsent: list[str]
    view_changed: bool
    dry_run: NotRequired[bool]

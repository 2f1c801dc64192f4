"""Shapes of what the service answers about the agents' log, and GitHub about pull requests."""

from typing import Any, NotRequired, TypedDict


class SentEntry(TypedDict):
    """An entry as the service's list has it."""

    id: str
    digest: str


class SentPage(TypedDict):
    """`GET /api/ops/v1/agent-log`."""

    items: list[SentEntry]
    next_cursor: str | None


class Received(SentEntry):
    """`POST /api/ops/v1/agent-log`; `changed` is false where the service had it so."""

    changed: bool
    dry_run: NotRequired[bool]


class Reference(TypedDict):
    """A branch and its commit."""

    ref: str
    sha: str


class Person(TypedDict):
    """Who did something; `type` is `Bot` for an app."""

    login: str
    type: NotRequired[str]


class ListedPull(TypedDict):
    """A pull request in a list."""

    number: int
    state: str
    title: NotRequired[str]
    updated_at: NotRequired[str]
    merged_at: str | None
    merge_commit_sha: str | None
    head: Reference
    base: Reference


class DetailedPull(ListedPull):
    """A pull request alone: how it was merged, or whether it can be."""

    merged_by: NotRequired[Person | None]
    auto_merge: NotRequired[dict[str, Any] | None]
    mergeable: NotRequired[bool | None]


class WorkflowRun(TypedDict):
    """A run of a workflow."""

    name: str | None
    path: NotRequired[str]
    conclusion: str | None


class WorkflowRuns(TypedDict):
    """Runs on a commit."""

    workflow_runs: list[WorkflowRun]

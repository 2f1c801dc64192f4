"""Shapes of what the service answers about the agents' log."""

from typing import NotRequired, TypedDict


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

"""Shapes of what the service answers about Telegram's webhook."""

from typing import Literal, NotRequired, TypedDict

from cli.wire import CheckState


class WebhookCheck(TypedDict):
    """One thing about the webhook, and what to do about it."""

    id: str
    state: CheckState
    detail: str
    fix: str | None


class WebhookDifference(TypedDict):
    """A value at Telegram that is not as it should be."""

    field: str
    found: str
    expected: str


class Webhook(TypedDict):
    """`GET /api/ops/v1/webhook`. The secret is not in it, only whether Telegram was told the one in force."""

    url: str
    expected_url: str
    allowed_updates: list[str]
    expected_updates: list[str]
    max_connections: int | None
    pending: int
    last_error: str | None
    last_error_at: str | None
    has_certificate: bool
    ip_address: str | None
    secret: Literal["same", "differs", "unknown"]
    differences: list[WebhookDifference]
    checks: list[WebhookCheck]


class WebhookSet(Webhook):
    """`POST /api/ops/v1/webhook`."""

    changed: list[WebhookDifference]
    dry_run: NotRequired[bool]

"""What the ops API takes and answers about Telegram's webhook. The secret is in none of it."""

from __future__ import annotations

from typing import Literal

from core.http.values import Answer, Moment


class WebhookCheck(Answer):
    """One thing about the webhook, and what to do about it."""

    id: str
    state: Literal["ok", "failed", "unknown"]
    detail: str
    fix: str | None


class WebhookDifference(Answer):
    """A value at Telegram that is not as it should be."""

    field: str
    found: str
    expected: str


class Webhook(Answer):
    """Where Telegram sends updates and how that goes; `expected_url` is empty where updates are fetched.

    `secret` says whether Telegram was last given the one in force: `same`, `differs`, or `unknown` when nobody
    remembers.
    """

    url: str
    expected_url: str
    allowed_updates: list[str]
    expected_updates: list[str]
    max_connections: int | None
    pending: int
    last_error: str | None
    last_error_at: Moment | None
    has_certificate: bool
    ip_address: str | None
    secret: Literal["same", "differs", "unknown"]
    differences: list[WebhookDifference]
    checks: list[WebhookCheck]


class WebhookSet(Webhook):
    """The webhook after it was put right; `changed` holds what was not as it should be."""

    changed: list[WebhookDifference]

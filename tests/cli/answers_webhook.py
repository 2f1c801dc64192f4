"""What the emulated service answers about Telegram's webhook."""

from __future__ import annotations

from typing import Any

URL = "https://bot.example.com/api/telegram/webhook"
KINDS = ["message", "callback_query", "pre_checkout_query"]
DIFFERENCE = {"field": "allowed_updates", "found": "message", "expected": ", ".join(KINDS)}


def webhook(**changes: Any) -> dict[str, Any]:
    """A webhook that is in order."""
    return {
        "url": URL,
        "expected_url": URL,
        "allowed_updates": KINDS,
        "expected_updates": KINDS,
        "max_connections": 40,
        "pending": 3,
        "last_error": None,
        "last_error_at": None,
        "has_certificate": False,
        "ip_address": "203.0.113.7",
        "secret": "same",
        "differences": [],
        "checks": [{"id": "url", "state": "ok", "detail": URL, "fix": None}],
        **changes,
    }


WRONG = webhook(
    allowed_updates=["message"],
    last_error="Wrong response from the webhook: 502 Bad Gateway",
    last_error_at="2026-11-22T12:00:00.000Z",
    differences=[DIFFERENCE],
    checks=[
        {"id": "url", "state": "ok", "detail": URL, "fix": None},
        {"id": "allowed_updates", "state": "failed", "detail": "message; should be more", "fix": "nb webhook set"},
        {"id": "secret", "state": "unknown", "detail": "nobody remembers", "fix": "nb webhook set"},
    ],
)
"""What the predecessor's repair workflow left behind: buttons and payments dead."""

ANSWERS: dict[tuple[str, str], Any] = {
    ("GET", "webhook"): webhook(),
    ("POST", "webhook"): {**webhook(), "changed": [DIFFERENCE]},
}

"""What the emulated service answers about providers and about changes of generations."""

from __future__ import annotations

from typing import Any

NOW = "2026-11-22T12:00:00.000Z"


def provider(name: str = "kling", **changes: Any) -> dict[str, Any]:
    """A provider that is in order."""
    return {
        "name": name,
        "is_configured": True,
        "is_enabled": True,
        "breaker": "closed",
        "failures": 0,
        "parked_until": None,
        "reason": None,
        "running": 3,
        "waiting": 0,
        "limit": None,
        "own_limit": None,
        **changes,
    }


PARKED = provider(
    breaker="open", failures=5, parked_until=NOW, reason="auth_failed: 401", waiting=12, limit=20, own_limit=20
)

ITEMS = [
    PARKED,
    provider("openai", limit=40),
    provider("useapi-midjourney", is_enabled=False),
    provider("kie", is_configured=False, running=0),
    provider("veo", failures=2),
    provider("snapgen", breaker="half_open", parked_until=NOW),
]

CHANGED = {
    "id": "g_000001",
    "status": "cancelled",
    "stage": "finished",
    "model": "demo-image",
    "kind": "image",
    "user": "100200300",
    "tokens": "4.00",
    "cost_usd": None,
    "created_at": NOW,
    "completed_at": NOW,
    "route": "demo",
    "error_code": None,
    "refunded": "4.00",
}

OUTCOMES = [
    {"status": "done", "error_code": None, "count": 190},
    {"status": "error", "error_code": "ambiguous", "count": 2},
]

ANSWERS: dict[tuple[str, str], Any] = {
    ("GET", "providers"): {"items": ITEMS},
    ("GET", "providers/kling"): {
        **PARKED,
        "models": ["kling-v2-5-turbo", "kling-v3"],
        "outcomes": OUTCOMES,
        "ambiguous": 2,
    },
    ("POST", "providers/kling/park"): PARKED,
    ("POST", "providers/kling/unpark"): provider(),
    ("POST", "providers/kling/limit"): provider(limit=7, own_limit=7),
    ("POST", "providers/kling/enable"): provider(),
    ("POST", "providers/kling/disable"): provider(is_enabled=False),
    ("POST", "generations/g_000001/retry"): {**CHANGED, "status": "processing", "stage": "queued", "refunded": "0.00"},
    ("POST", "generations/g_000001/cancel"): CHANGED,
    ("POST", "generations/g_000001/refund"): {**CHANGED, "status": "error", "error_code": "stopped_by_operator"},
}

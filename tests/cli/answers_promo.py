"""What the emulated service answers about promo codes."""

from __future__ import annotations

from typing import Any

NOW = "2026-11-22T12:00:00.000Z"


def code(name: str = "FOX", **changes: Any) -> dict[str, Any]:
    """A promo code."""
    return {
        "code": name,
        "state": "active",
        "kind": "tokens",
        "value": "10",
        "description": "",
        "min_deposit": "0.00",
        "max_bonus": None,
        "uses": 12,
        "waiting": 0,
        "max_uses": 500,
        "max_uses_per_user": 1,
        "given": "120.00",
        "budget": None,
        "budget_left": None,
        "valid_from": NOW,
        "valid_until": "2027-01-01T00:00:00.000Z",
        "created_at": NOW,
        **changes,
    }


HALF = code(
    "HALF",
    kind="percent",
    value="12.5",
    description="a sale",
    min_deposit="100.00",
    max_bonus="40.00",
    waiting=3,
    max_uses=None,
    budget="5000.00",
    budget_left="4760.00",
    valid_until=None,
)

LATEST = [
    {"user": "4343", "number": 1, "at": NOW, "tokens": None, "payment": None},
    {"user": "4242", "number": 1, "at": NOW, "tokens": "12.50", "payment": "0123456789abcdef0123456789abcdef"},
]

ANSWERS: dict[tuple[str, str], Any] = {
    ("GET", "promo-codes"): {"items": [HALF, code()], "next_cursor": None},
    ("GET", "promo-codes/FOX"): {**code(), "latest": []},
    ("GET", "promo-codes/HALF"): {**HALF, "latest": LATEST},
    ("POST", "promo-codes/FOX"): code(uses=0, given="0.00"),
    ("POST", "promo-codes/HALF"): HALF,
    ("POST", "promo-codes/FOX/disable"): {**code(state="disabled"), "changed": True},
    ("POST", "promo-codes/FOX/enable"): {**code(), "changed": False},
}

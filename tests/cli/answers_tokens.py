"""What the emulated service answers about its tokens."""

from __future__ import annotations

from typing import Any

NOW = "2026-11-22T12:00:00.000Z"


def token(number: int = 1, name: str = "laptop", **changes: Any) -> dict[str, Any]:
    """A token as the service knows it."""
    return {
        "id": number,
        "name": name,
        "prefix": f"nbk_{number:08d}",
        "scopes": ["read", "operate"],
        "state": "active",
        "created_at": NOW,
        "last_used_at": NOW,
        "expires_at": "2126-11-22T12:00:00.000Z",
        "revoked_at": None,
        **changes,
    }


OWN = token(1, "tests", prefix="nbk_test_012", scopes=["admin"], expires_at=None)
CI = token(2, "ci", scopes=["read"], last_used_at=None)
GONE = token(3, "gone", state="revoked", revoked_at=NOW)

ANSWERS: dict[tuple[str, str], Any] = {
    ("GET", "tokens"): {"items": [GONE, CI, OWN], "next_cursor": None},
    ("GET", "tokens/self"): OWN,
    ("POST", "tokens/ci"): {**CI, "same_name": 0},
    ("POST", "tokens/2/revoke"): {**CI, "state": "revoked", "revoked_at": NOW, "changed": True, "admins_left": 1},
    ("POST", "tokens/nbk_00000002/revoke"): {**CI, "state": "revoked", "changed": False, "admins_left": 1},
    ("POST", "tokens/1/revoke"): {**OWN, "state": "revoked", "revoked_at": NOW, "changed": True, "admins_left": 0},
}

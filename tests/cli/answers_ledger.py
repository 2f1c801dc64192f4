"""What the emulated service answers about people, statements and changes."""

from __future__ import annotations

from typing import Any

NOW = "2026-11-22T12:00:00.000Z"
CODE = "0123456789abcdef0123456789abcdef"


def posting(number: int, **changes: Any) -> dict[str, Any]:
    """A line of a statement."""
    return {
        "id": str(number),
        "at": NOW,
        "kind": "generation",
        "amount": "-4.00",
        "balance_after": "146.00",
        "what": "generation with demo-image",
        "actor": "system",
        "reason": "",
        "payment": None,
        "generation": "g_000001",
        "model": "demo-image",
        "promo_code": None,
        "related": None,
        **changes,
    }


DEPOSIT = posting(
    2,
    kind="deposit",
    amount="100.00",
    what="deposit, 100 ⚡",
    payment=CODE,
    generation=None,
    model=None,
    actor="gateway:stars",
)

USER: dict[str, Any] = {
    "id": "100200300",
    "username": "fox",
    "first_name": "Fox",
    "last_name": "",
    "language": "ru",
    "timezone": None,
    "is_premium": True,
    "is_blocked": False,
    "unreachable_since": None,
    "created_at": NOW,
    "generations": 1,
    "postings_total": 2,
    "balance": {"tokens": "146.00", "held": "0.00", "spent": "4.00", "deposited": "100.00", "bonuses": "50.00"},
    "referral": {"code": "abc", "invited_by": None, "invited": 2, "rewards": "10.00"},
    "refusals": {
        "count": 4,
        "latest": "words sexual",
        "latest_at": "2026-11-22T10:00:00Z",
        "paused_until": "2026-11-22T11:00:00Z",
    },
    "postings": [posting(3), DEPOSIT],
    "payments": [
        {
            "code": CODE,
            "gateway": "stars",
            "status": "paid",
            "package": "tokens-100",
            "tokens": "100.00",
            "amount": "385.00",
            "currency": "XTR",
            "created_at": NOW,
            "paid_at": NOW,
            "refunded_at": None,
        }
    ],
    "notes": [{"at": NOW, "by": "token:ops", "text": "asked twice for a refund"}],
}

STATEMENT: dict[str, Any] = {
    "user": "100200300",
    "balance": "146.00",
    "items": [posting(3), DEPOSIT],
    "next_cursor": None,
}

EVENT: dict[str, Any] = {
    "id": "7",
    "at": NOW,
    "actor": "token:ops",
    "action": "users.credit",
    "subject": "100200300",
    "reason": "ticket 4711",
    "request": {"tokens": "25.00"},
    "result": {"amount": "25.00"},
    "trace_id": None,
}

ADJUSTED = {"user": "100200300", "posting": "4", "amount": "25.00", "balance": "171.00"}

ANSWERS: dict[tuple[str, str], Any] = {
    ("GET", "users/100200300"): USER,
    ("GET", "users/@fox"): USER,
    ("GET", "ledger/statement/100200300"): STATEMENT,
    ("GET", "audit"): {"items": [EVENT], "next_cursor": None},
    ("POST", "users/100200300/credit"): ADJUSTED,
    ("POST", "users/100200300/debit"): ADJUSTED | {"amount": "-25.00", "balance": "121.00"},
    ("POST", "users/100200300/block"): {"user": "100200300", "state": "blocked", "changed": True},
    ("POST", "users/100200300/note"): {"user": "100200300", "text": "asked twice", "notes": 2},
    ("POST", "users/100200300/unblock"): {"user": "100200300", "state": "open", "changed": False},
}
"""By method and path below `/api/ops/v1/`."""

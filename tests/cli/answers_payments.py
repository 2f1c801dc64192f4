"""What the emulated service answers about payments."""

from __future__ import annotations

from typing import Any

NOW = "2026-11-22T12:00:00.000Z"
CODE = "7f3a91c0" + "0" * 24


def payment(**changes: Any) -> dict[str, Any]:
    """A payment as a list shows it."""
    return {
        "code": CODE,
        "user": "100200300",
        "gateway": "stars",
        "external_id": "stx-one",
        "status": "paid",
        "package": "tokens-100",
        "tokens": "100.00",
        "amount": "385.00",
        "currency": "XTR",
        "problem": "",
        "is_recurring": False,
        "created_at": NOW,
        "expires_at": "2026-11-23T12:00:00.000Z",
        "paid_at": NOW,
        "refund_requested_at": None,
        "refunded_at": None,
        **changes,
    }


def detail(**changes: Any) -> dict[str, Any]:
    """The same in full."""
    return {
        **payment(),
        "payment_url": None,
        "promo_code": None,
        "subscription": None,
        "subscription_ends_at": None,
        "next_check_at": None,
        "attempts": 0,
        "given": "120.00",
        "spent": "0.00",
        "postings": [
            {"id": "7", "at": NOW, "kind": "deposit", "amount": "100.00", "actor": "gateway:stars", "reason": "payment"}
        ],
        "events": [{"at": NOW, "event": "paid", "detail": "stx-one"}],
        **changes,
    }


HELD = payment(code="0" * 32, user=None, status="quarantined", package=None, tokens="0.00", problem="no such order")


def reconciled(*findings: dict[str, Any], ok: bool = True, error: str | None = None) -> dict[str, Any]:
    """What a comparison found."""
    one = {"gateway": "stars", "looked_at": 12, "findings": list(findings), "error": error}
    return {"ok": ok, "since": NOW, "dry_run": False, "gateways": [one]}


def finding(kind: str) -> dict[str, Any]:
    """A difference."""
    return {"kind": kind, "external_id": "stx-one", "code": CODE, "detail": "385 XTR here"}


ANSWERS: dict[tuple[str, str], Any] = {
    ("GET", "payments"): {"items": [HELD, payment()], "next_cursor": None},
    ("GET", f"payments/{CODE}"): detail(),
    ("GET", f"payments/{CODE[:8]}"): detail(),
    ("POST", f"payments/{CODE}/refund"): {
        "code": CODE,
        "status": "refunding",
        "taken": "120.00",
        "written_off": "0.00",
    },
    ("POST", f"payments/{CODE}/dismiss"): {"code": CODE, "status": "dismissed"},
    ("POST", f"payments/{CODE}/invoice"): {"code": CODE, "payment_url": "https://t.me/$abc"},
    ("POST", "payments/test"): payment(status="pending", external_id=None, paid_at=None),
    ("POST", "payments/reconcile"): reconciled(),
}

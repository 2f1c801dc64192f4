"""What the service answers about a period and about the runs of `nb smoke`."""

from __future__ import annotations

from typing import Any


def row(key: str, **changes: Any) -> dict[str, Any]:
    """A model, day or provider in numbers."""
    return {
        "key": key,
        "orders": 12,
        "charged": "48.00",
        "refunded": "4.00",
        "tokens": "44.00",
        "revenue_usd": "2.20",
        "cost_usd": "1.10",
        "estimated": 1,
        "profit_usd": "1.10",
        "margin": "0.5000",
        "done": 10,
        "failed": 1,
        "cancelled": 1,
        "refunded_jobs": 1,
        "failure_rate": "0.0909",
        "refund_rate": "0.0833",
        "latency": {"p50_s": 7.25, "p95_s": 31.0, "p99_s": 40.125},
        **changes,
    }


def statistics(**changes: Any) -> dict[str, Any]:
    """A period in numbers."""
    return {
        "since": "2026-11-16T00:00:00.000Z",
        "until": "2026-11-23T00:00:00.000Z",
        "timezone": "UTC",
        "by": "model",
        "total": row(""),
        "rows": [row("nano-banana-pro"), row("kling-v2-6", margin=None, latency=None, failure_rate=None)],
        "failures": [{"model": "kling-v2-6", "code": "timed_out", "count": 1, "rate": "0.0833"}],
        "payments": [
            {
                "gateway": "stars",
                "currency": "XTR",
                "payments": 3,
                "amount": "1155.00",
                "tokens": "300.00",
                "refunds": 1,
                "refunded": "385.00",
                "refunded_tokens": "100.00",
            }
        ],
        "people": {"new": 4, "active": 7, "paying": 3, "total": 90},
        **changes,
    }


STARTED = {"id": "g_000001", "model": "demo-image", "user": "4503599627370496", "tokens": "8.00"}
CLEANED = {"ended": [], "waiting": [], "files": 1, "tokens": "0.00", "balance": "0.00"}

ANSWERS: dict[tuple[str, str], Any] = {
    ("GET", "statistics"): statistics(),
    ("POST", "smoke/generations"): STARTED,
    ("POST", "smoke/clean"): CLEANED,
}

"""What the emulated service answers about faults and the schedule."""

from __future__ import annotations

from typing import Any

NOW = "2026-11-22T12:00:00.000Z"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
KIND = "k_0123456789abcd"


def error(identity: str = "e_7kq2m9xw4t", **changes: Any) -> dict[str, Any]:
    """A fault as a list shows it."""
    return {
        "id": identity,
        "fingerprint": KIND,
        "status": "new",
        "severity": "critical",
        "origin": "telegram_handler",
        "service": "worker",
        "handler": "bot.routers.prompts:order",
        "error_class": "core.ledger.errors.KeyReused",
        "message": "Key order-1 belongs to another posting",
        "at": NOW,
        "last_at": NOW,
        "times": 1,
        "came_back": False,
        "trace_id": TRACE,
        "generation": "g_000001",
        "user": "100200300",
        **changes,
    }


def detailed(identity: str = "e_7kq2m9xw4t", **changes: Any) -> dict[str, Any]:
    """The same in full."""
    return {
        **error(identity, **changes),
        "commit": "6a090cb",
        "stacktrace": '  File "core/ledger/postings.py", line 7, in charge\n    raise KeyReused\nKeyReused: 1',
        "extra": {"update": "message", "holds": "command /start", "attempts": 1},
        "also": [{"at": NOW, "trace_id": "f" * 32, "generation": None, "user": "42"}],
        "resolved_at": None,
        "resolved_by": None,
        "resolution": None,
    }


NOTED = error("e_23456789ab", severity="info", error_class="", message="kling works again", times=40, status="resolved")
BACK = error("e_3456789abc", severity="warning", came_back=True, trace_id=None, generation=None, user=None)


def entry(identity: str = "payments.reconcile", **changes: Any) -> dict[str, Any]:
    """An entry of the schedule."""
    return {
        "id": identity,
        "name": "payments: compare with the gateways",
        "task": identity,
        "every_s": 86400.0,
        "shipped_every_s": 86400.0,
        "enabled": True,
        "next_run_at": "2026-11-23T03:00:00.000Z",
        "last_run_at": NOW,
        "overdue": False,
        "vital": False,
        "orphaned": False,
        **changes,
    }


TICK = entry("generations.tick", name="generations: what is due", every_s=1.0, shipped_every_s=1.0, vital=True)
SLOWED = entry("retention.sweep", name="retention", every_s=21600.0, shipped_every_s=3600.0, last_run_at=None)
OFF = entry("cart.forget_old", name="cart", enabled=False, next_run_at=None)
ORPHAN = entry("gone.task", name="old", shipped_every_s=None, orphaned=True)

ANSWERS: dict[tuple[str, str], Any] = {
    ("GET", "errors"): {"items": [error(), NOTED, BACK], "next_cursor": None},
    ("GET", "errors/groups"): {
        "items": [
            {
                "fingerprint": KIND,
                "rows": 2,
                "times": 41,
                "open": 1,
                "first_at": NOW,
                "last_at": NOW,
                "sample": error(),
            }
        ],
        "next_cursor": None,
    },
    ("GET", "errors/e_7kq2m9xw4t"): detailed(),
    ("GET", "errors/e_23456789ab"): detailed("e_23456789ab", status="resolved"),
    ("POST", "errors/e_7kq2m9xw4t/take"): {"id": "e_7kq2m9xw4t", "status": "in_progress", "changed": 1},
    ("POST", "errors/e_7kq2m9xw4t/resolve"): {"id": "e_7kq2m9xw4t", "status": "resolved", "changed": 0},
    ("POST", f"errors/{KIND}/resolve"): {"id": KIND, "status": "resolved", "changed": 3},
    ("GET", "schedule"): {"items": [entry(), TICK, SLOWED, OFF, ORPHAN]},
    ("POST", "schedule/payments.reconcile/enable"): {**entry(), "changed": False},
    ("POST", "schedule/payments.reconcile/disable"): {**entry(enabled=False, next_run_at=None), "changed": True},
    ("POST", "schedule/payments.reconcile/interval"): {**entry(every_s=43200.0), "changed": True},
    ("POST", "schedule/payments.reconcile/run"): {**entry(), "changed": True},
    ("POST", "schedule/generations.tick/disable"): {**TICK, "enabled": False, "next_run_at": None, "changed": True},
}

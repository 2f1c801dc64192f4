"""What the emulated service answers about prices, packages and approvals."""

from __future__ import annotations

from typing import Any

NOW = "2026-11-22T12:00:00.000Z"

REVISION: dict[str, Any] = {
    "id": 12,
    "subject": "nano-banana-pro",
    "before": {"base_cost_usd": "0.15", "option_factors.image_size.2K": None},
    "after": {"base_cost_usd": "0.16", "option_factors.image_size.2K": "1.2"},
    "actor": "token:mia",
    "reason": "the provider's new price list",
    "approval": None,
    "reverts": None,
    "at": NOW,
}


def row(label: str = "defaults", **changes: Any) -> dict[str, Any]:
    """An order before and after."""
    return {
        "model": "nano-banana-pro",
        "label": label,
        "params": {},
        "tokens": "6.00",
        "tokens_new": "6.40",
        "usd": "0.15",
        "usd_new": "0.16",
        "margin": "50",
        "margin_new": "50",
        "percent": "6.7",
        **changes,
    }


ROWS = [row(), row("image_size 4K", params={"image_size": "4K"}, tokens="10.80", tokens_new="11.52")]

REPLAY: dict[str, Any] = {
    "days": 30,
    "jobs": 1234,
    "unpriced_jobs": 2,
    "tokens": "7404.00",
    "tokens_new": "7897.60",
    "revenue_usd": "370.20",
    "revenue_usd_new": "394.88",
    "cost_usd": "180.00",
    "cost_usd_new": "182.10",
    "reported_jobs": 1100,
    "reported_usd": "160.10",
    "margin": "51.4",
    "margin_new": "53.9",
}

PREVIEW: dict[str, Any] = {
    "subject": "nano-banana-pro",
    "latest": 11,
    "before": {"base_cost_usd": "0.15"},
    "after": {"base_cost_usd": "0.16"},
    "rows": ROWS,
    "largest_percent": "6.7",
    "limit_percent": 30,
    "needs_approval": False,
    "replay": None,
}

EDITED: dict[str, Any] = {
    "subject": "nano-banana-pro",
    "changed": True,
    "revision": REVISION,
    "rows": ROWS,
    "inverse": "nb pricing revert 12 --reason 'undo revision 12'",
}

PRICE: dict[str, Any] = {
    "slug": "nano-banana-pro",
    "name": "🍌 Nano Banana Pro",
    "kind": "image",
    "is_active": True,
    "base_cost_usd": "0.16",
    "cost_unit": "generation",
    "option_factors": {"image_size": {"4K": "1.8"}},
    "rate": "20",
    "markup": "2",
    "revision": 12,
    "settings_revision": 0,
    "orders": [
        {"label": "defaults", "params": {}, "tokens": "6.40", "usd": "0.16"},
        {"label": "image_size 4K", "params": {"image_size": "4K"}, "tokens": "11.52", "usd": "0.288"},
    ],
}

DETAIL: dict[str, Any] = {
    **PRICE,
    "params_schema": {
        "properties": {
            "image_size": {"enum": ["1K", "2K", "4K"], "default": "1K"},
            "strength": {"type": "number", "minimum": 0, "maximum": 1},
            "sound": {"type": "boolean"},
        }
    },
    "history": [REVISION],
}

CHECK: dict[str, Any] = {
    "ok": True,
    "models": 3,
    "combinations": 9,
    "reported_jobs": 40,
    "days": 7,
    "partial": [],
    "findings": [],
}

PACKAGE: dict[str, Any] = {
    "code": "tokens-100",
    "title": "100 ⚡",
    "tokens": "100.00",
    "price_usd": "5.00",
    "stars": 385,
    "offers": {"lava": "836b9fc5-7ae9-4a27-9642-592bc44072b7"},
    "is_recurring": False,
    "is_active": True,
    "order": 10,
    "usd_per_token": "0.05",
}

PACKAGES: dict[str, Any] = {
    "items": [PACKAGE, {**PACKAGE, "code": "monthly-300", "stars": 0, "offers": {}, "is_recurring": True}],
    "list_usd_per_token": "0.05",
}

APPROVAL: dict[str, Any] = {
    "code": "NDF9W8V2XP",
    "state": "pending",
    "action": "pricing.set",
    "subject": "nano-banana-pro",
    "content": {
        "subject": "nano-banana-pro",
        "before": {"base_cost_usd": "0.15"},
        "after": {"base_cost_usd": "0.3"},
    },
    "hash": "50809fb2a79d07a08b5416055837d0b4f823aeeca5aa767264ba793dd3699093",
    "requested_by": "token:mia",
    "reason": "the provider's new price list",
    "requested_at": NOW,
    "expires_at": "2026-11-23T12:00:00.000Z",
    "approved_by": None,
    "approved_at": None,
    "used_at": None,
}

ANSWERS: dict[tuple[str, str], Any] = {
    ("GET", "prices"): {"items": [PRICE]},
    ("GET", "prices/nano-banana-pro"): DETAIL,
    ("POST", "prices/nano-banana-pro/preview"): PREVIEW,
    ("POST", "prices/settings/preview"): {**PREVIEW, "subject": "settings"},
    ("POST", "prices/nano-banana-pro"): EDITED,
    ("POST", "prices/settings"): {**EDITED, "subject": "settings"},
    ("GET", "price-revisions"): {"items": [REVISION], "next_cursor": None},
    ("POST", "price-revisions/12/revert"): EDITED,
    ("GET", "pricing/check"): CHECK,
    ("GET", "packages"): PACKAGES,
    ("GET", "packages/tokens-100"): PACKAGE,
    ("POST", "packages"): {"changed": True, "package": PACKAGE, "before": None},
    ("POST", "packages/tokens-100"): {
        "changed": True,
        "package": {**PACKAGE, "price_usd": "5.50"},
        "before": PACKAGE,
    },
    ("POST", "packages/tokens-100/sale"): {
        "changed": True,
        "package": {**PACKAGE, "is_active": False},
        "before": PACKAGE,
    },
    ("POST", "package-order"): PACKAGES,
    ("GET", "approvals"): {"items": [APPROVAL]},
    ("GET", "approvals/NDF9W8V2XP"): APPROVAL,
    ("POST", "approvals/NDF9W8V2XP/approve"): {
        **APPROVAL,
        "state": "approved",
        "approved_by": "token:boss",
        "approved_at": NOW,
    },
}
"""By method and path."""

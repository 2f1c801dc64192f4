"""What the emulated service answers about models and the catalogue."""

from __future__ import annotations

from typing import Any

NO_LABEL: dict[str, str] = {}

MODEL: dict[str, Any] = {
    "slug": "kling-v2-6",
    "name": "🐉 Kling 2.6",
    "kind": "video",
    "is_active": True,
    "is_listed": True,
    "price_from": "11.00",
    "unit": "second",
    "routes": ["kling"],
    "available": True,
    "retired": False,
    "retires_at": None,
    "successor": None,
    "order": 36,
    "purpose": {"ru": "видео из слов или фото", "en": "video from words or a photo"},
    "max_prompt_length": 2500,
    "cooldown_seconds": 0,
    "daily_limit": None,
    "typical_seconds": 150,
    "deadline_seconds": 1200,
    "options": [
        {
            "name": "mode",
            "label": {"ru": "Качество", "en": "Quality"},
            "default": "std",
            "choices": [
                {"value": "std", "label": {"ru": "обычное", "en": "standard"}, "tokens": "11.00"},
                {"value": "pro", "label": {"ru": "высокое", "en": "high"}, "tokens": "14.00"},
            ],
        },
        {
            "name": "sound",
            "label": {"ru": "Звук", "en": "Sound"},
            "default": False,
            "choices": [
                {"value": False, "label": NO_LABEL, "tokens": "11.00"},
                {"value": True, "label": NO_LABEL, "tokens": None},
            ],
        },
        {"name": "words", "label": {"ru": "Слова", "en": "Words"}, "default": None, "choices": []},
    ],
    "inputs": [
        {
            "role": "start",
            "most": 1,
            "least": 0,
            "label": NO_LABEL,
            "needs": [],
            "excludes": ["reference"],
            "requires": {},
            "fewer": {},
            "longest": None,
        },
        {
            "role": "end",
            "most": 1,
            "least": 0,
            "label": NO_LABEL,
            "needs": ["start"],
            "excludes": [],
            "requires": {"mode": ["pro"], "sound": [False]},
            "fewer": {"video": 1},
            "longest": 10.0,
        },
    ],
    "all_routes": [
        {
            "provider": "kling",
            "model": "kling-v2-6",
            "requires": {},
            "takes": None,
            "state": "parked",
            "reason": "quota_exhausted: the pack is empty",
        },
        {
            "provider": "useapi-kling",
            "model": "kling-v2-6",
            "requires": {"sound": [False]},
            "takes": ["start"],
            "state": "no_key",
            "reason": "",
        },
    ],
    "follow_ups": [{"kind": "extend", "model": "kling-v2-6", "tokens": "11.00", "available": True}],
    "params_schema": {"type": "object"},
}

EDITED = {"changed": True, "model": {**MODEL, "daily_limit": 20}, "before": MODEL}

CHECK: dict[str, Any] = {"ok": True, "models": 21, "days": 30, "findings": []}

SYNCED: dict[str, Any] = {
    "added": ["veo3-pro"],
    "unchanged": ["nano-banana"],
    "differences": [
        {
            "model": "kling-v2-6",
            "field": "routes",
            "now": [],
            "shipped": [{"provider": "kling", "model": "kling-v2-6"}],
            "taken": False,
        }
    ],
}

ANSWERS: dict[tuple[str, str], Any] = {
    ("GET", "models/kling-v2-6"): MODEL,
    ("POST", "models/kling-v2-6"): EDITED,
    ("POST", "models/kling-v2-6/activity"): {**EDITED, "model": {**MODEL, "is_active": False}},
    ("POST", "model-order"): {"items": [MODEL], "next_cursor": None},
    ("GET", "catalogue/check"): CHECK,
    ("POST", "catalogue/sync"): SYNCED,
}

"""The bot's name on Telegram, for links that lead to it. Asked for once; links wait while Telegram is away."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Final

import httpx

from core.http.types import App
from core.logs import get_logger
from core.settings import Settings

logger = get_logger(__name__)

TIMEOUT: Final = 2.0
ASK_AGAIN: Final = 15.0
"""Seconds in which a Telegram that did not answer is let be."""


@dataclass(slots=True)
class _Known:
    name: str | None = None
    asked_at: float = field(default=float("-inf"))


async def of(app: App) -> str | None:
    """Return the name without its @; None while Telegram cannot be asked."""
    known: _Known = app.ctx.__dict__.setdefault("bot_name", _Known())
    if known.name is None and time.monotonic() - known.asked_at > ASK_AGAIN:
        known.asked_at = time.monotonic()
        known.name = await _ask(app.ctx.settings)
    return known.name


async def _ask(settings: Settings) -> str | None:
    token = settings.telegram_bot_token.get_secret_value()
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT) as client:
            answer = await client.get(f"{settings.telegram_api_base_url}/bot{token}/getMe")
            return str(answer.raise_for_status().json()["result"]["username"])
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        # Without the exception's own text, which holds the address and with it the token.
        logger.warning("bot_name_unknown", error=type(error).__name__)
        return None

"""Sends alerts to the operators' chat, each once within the cooldown. The log has all of them."""

from __future__ import annotations

import hashlib
from typing import Final

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError

from bot.client import LOST_ANSWER
from core import redis
from core.logs import get_logger
from core.settings import Settings

logger = get_logger(__name__)

LONGEST: Final = 4000


async def send(bot: Bot, settings: Settings, key: str, text: str) -> None:
    """Tell the operators. What cannot be sent stays in the log, where `core.alerts` has written it."""
    if settings.alert_chat_id is None or not await _is_first(key, settings.alert_cooldown):
        return
    said = f"🚨 {settings.environment.value}: {text}"[:LONGEST]
    try:
        await bot.send_message(settings.alert_chat_id, said, parse_mode=None)
    except (TelegramAPIError, *LOST_ANSWER) as error:
        logger.error("alert_not_sent", key=key, error=type(error).__name__, detail=str(error)[:200])
        await _forget(key)


async def _is_first(key: str, cooldown: int) -> bool:
    try:
        return bool(await redis.client().set(_name(key), "1", nx=True, ex=cooldown))
    except redis.UNAVAILABLE as error:
        # Rather told twice than not at all.
        logger.warning("alert_not_remembered", error=type(error).__name__)
        return True


async def _forget(key: str) -> None:
    try:
        await redis.client().delete(_name(key))
    except redis.UNAVAILABLE as error:
        logger.warning("alert_not_forgotten", error=type(error).__name__)


def _name(key: str) -> str:
    return f"nb:alert:{hashlib.sha256(key.encode()).hexdigest()}"

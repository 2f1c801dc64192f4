"""Tells Telegram where updates go and what the bot looks like, again and again until Telegram has heard it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError

from bot import profile
from bot.client import LOST_ANSWER
from bot.mini_app import MiniApp
from core import telegram_webhook
from core.logs import get_logger
from core.settings import Settings
from core.telegram_webhook import CONNECTIONS, UPDATES

logger = get_logger(__name__)

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0


async def keep_subscribed(bot: Bot, settings: Settings) -> None:
    """Have updates come in the way that the settings say, and the bot's profile published, however long that takes.

    Updates that wait at Telegram are kept either way.
    """
    if settings.telegram_updates == "webhook":
        await _until_it_works("webhook_not_set", lambda: set_webhook(bot, settings))
    else:
        await _until_it_works("webhook_not_removed", bot.delete_webhook)
    await _until_it_works("profile_not_published", lambda: profile.publish(bot, MiniApp.of(settings)))


async def set_webhook(bot: Bot, settings: Settings) -> bool:
    """Have updates pushed to our address; True when something had to be changed."""
    url = settings.public_base_url + telegram_webhook.PATH
    secret = settings.telegram_webhook_secret.get_secret_value()
    fingerprint = telegram_webhook.fingerprint(settings)
    info = await bot.get_webhook_info()
    is_same = info.url == url and set(info.allowed_updates or ()) == set(UPDATES)
    if is_same and await telegram_webhook.remembered() == fingerprint:
        return False
    await bot.set_webhook(url, secret_token=secret, allowed_updates=list(UPDATES), max_connections=CONNECTIONS)
    await telegram_webhook.remember(fingerprint)
    logger.info("webhook_set", url=url)
    return True


async def _until_it_works(event: str, call: Callable[[], Awaitable[object]]) -> None:
    pause = FIRST_PAUSE
    while True:
        try:
            await call()
            return
        except (TelegramAPIError, *LOST_ANSWER) as error:
            logger.warning(event, error=type(error).__name__, detail=str(error)[:200], again_in=pause)
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)

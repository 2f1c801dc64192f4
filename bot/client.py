"""The Bot API client: where it calls, what it repeats, and what it remembers of a person who blocked the bot."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from aiogram import Bot
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.session.base import BaseSession
from aiogram.client.session.middlewares.base import BaseRequestMiddleware, NextRequestMiddlewareType
from aiogram.client.telegram import TelegramAPIServer
from aiogram.enums import ParseMode
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.methods import Response, TelegramMethod
from aiogram.methods.base import TelegramType
from aiohttp import ClientConnectorError

from bot.chat_log import ChatLog
from core import users
from core.logs import get_logger
from core.settings import Settings

logger = get_logger(__name__)

LOST_ANSWER: Final = (TelegramNetworkError, TelegramServerError, ClientDecodeError)
"""What a call raises when Telegram is away or its answer was lost: the call may or may not have worked."""

LONGEST_WAIT: Final = 10
"""Seconds that a call waits because Telegram said so; a longer pause is the caller's to plan."""

ATTEMPTS: Final = 4
SAFE_TO_REPEAT: Final = ("get", "edit", "delete", "set", "answer", "sendChatAction", "leave")
"""Methods whose repetition changes nothing. A repeated sendPhoto would post a second photo."""

REQUEST_TIMEOUT: Final = 30.0
UPLOAD_TIMEOUT: Final = 80
"""Seconds for sending a file; a delivery is leased for two minutes."""

Sleep = Callable[[float], Awaitable[None]]


def create_bot(settings: Settings, chat_log: ChatLog | None = None, session: BaseSession | None = None) -> Bot:
    """Return the bot of these settings. Whoever creates it closes `bot.session`."""
    if session is None:
        api = TelegramAPIServer.from_base(settings.telegram_api_base_url)
        session = AiohttpSession(api=api, timeout=REQUEST_TIMEOUT)
    if chat_log is not None:
        session.middleware(OutgoingLog(chat_log))
    session.middleware(Patience())
    return Bot(
        settings.telegram_bot_token.get_secret_value(),
        session=session,
        default=DefaultBotProperties(parse_mode=ParseMode.HTML, link_preview_is_disabled=True),
    )


class Patience(BaseRequestMiddleware):
    """Waits when Telegram asks for it, repeats what may be repeated, and notes who blocked the bot."""

    def __init__(self, sleep: Sleep = asyncio.sleep) -> None:
        self._sleep = sleep

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await make_request(bot, method)
            except TelegramRetryAfter as error:
                if error.retry_after > LONGEST_WAIT or attempt == ATTEMPTS:
                    raise
                logger.warning("telegram_asks_to_wait", method=method.__api_method__, seconds=error.retry_after)
                await self._sleep(error.retry_after)
            except LOST_ANSWER as error:
                if attempt == ATTEMPTS or not (is_safe_to_repeat(method) or was_never_sent(error)):
                    raise
                logger.warning("telegram_call_repeated", method=method.__api_method__, error=type(error).__name__)
                await self._sleep(0.25 * 2**attempt)
            except TelegramForbiddenError:
                chat_id = getattr(method, "chat_id", None)
                if isinstance(chat_id, int):
                    await users.mark_unreachable(chat_id)
                raise
        raise AssertionError("the last attempt returns or raises")


class OutgoingLog(BaseRequestMiddleware):
    """Writes every message that the bot sent or changed into the chat log."""

    def __init__(self, chat_log: ChatLog) -> None:
        self._chat_log = chat_log

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        # aiogram declares a Response here and hands on what is in it.
        result = await make_request(bot, method)
        self._chat_log.sent(result)
        return result


def is_safe_to_repeat(method: TelegramMethod[TelegramType]) -> bool:
    """Say whether the method may be called twice without a person noticing."""
    return method.__api_method__.startswith(SAFE_TO_REPEAT)


def was_never_sent(error: BaseException) -> bool:
    """Say whether the request certainly did not reach Telegram: no connection came about."""
    return isinstance(error.__cause__, ClientConnectorError)

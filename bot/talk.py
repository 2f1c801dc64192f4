"""One turn of a conversation: who speaks, in which language, about which update, and how to answer."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramBadRequest
from aiogram.types import (
    CallbackQuery,
    ForceReply,
    InlineKeyboardMarkup,
    Message,
    ReplyKeyboardMarkup,
    ReplyParameters,
)

from bot.client import LOST_ANSWER
from bot.mini_app import MiniApp
from bot.texts import Words
from core.inbox import Event
from core.types import IdempotencyKey
from core.users import User

Markup = InlineKeyboardMarkup | ReplyKeyboardMarkup | ForceReply


@dataclass(slots=True)
class Talk:
    """What a handler needs to answer one update."""

    bot: Bot
    user: User
    words: Words
    event: Event
    mini_app: MiniApp | None = None
    _is_acknowledged: bool = field(default=False)

    @property
    def key(self) -> IdempotencyKey:
        """The idempotency key of an order made by this update: handled again, it orders nothing new."""
        return IdempotencyKey(f"tg:{self.event.event_id}")

    async def say(self, text: str, *, keyboard: Markup | None = None, reply_to: int | None = None) -> Message:
        """Send a message, as an answer to one of the person's where `reply_to` says so."""
        return await self.bot.send_message(
            self.user.chat_id, text, reply_markup=keyboard, reply_parameters=answering(reply_to)
        )

    async def rewrite(self, query: CallbackQuery, text: str, keyboard: InlineKeyboardMarkup | None) -> int:
        """Change the message whose button was pressed, or send a new one where it cannot be changed; return its id."""
        if isinstance(query.message, Message):
            try:
                await self.bot.edit_message_text(
                    text,
                    chat_id=self.user.chat_id,
                    message_id=query.message.message_id,
                    reply_markup=keyboard,
                )
                return query.message.message_id
            except TelegramBadRequest as error:
                if "not modified" in error.message:
                    return query.message.message_id
        return (await self.say(text, keyboard=keyboard)).message_id

    async def toast(self, query: CallbackQuery, text: str = "", *, is_alert: bool = False) -> None:
        """Answer a pressed button once; a query that Telegram no longer remembers needs no answer.

        One without words only ends the button's spinner, which is not worth handling the press again for.
        """
        if self._is_acknowledged:
            return
        self._is_acknowledged = True
        with suppress(TelegramBadRequest) if text else suppress(TelegramAPIError, *LOST_ANSWER):
            await self.bot.answer_callback_query(query.id, text=text or None, show_alert=is_alert or None)


def contact_of(data: Mapping[str, Any]) -> str:
    """Return whom people write to, out of what a middleware is given; `nobody` where the settings name nobody."""
    return str(data.get("support_contact") or "nobody")


def answering(message_id: int | None) -> ReplyParameters | None:
    """Return reply parameters that tolerate a deleted message."""
    if message_id is None:
        return None
    return ReplyParameters(message_id=message_id, allow_sending_without_reply=True)

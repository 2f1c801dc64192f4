"""Keeps the bot in private chats: a group hears one line and is left."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from aiogram import BaseMiddleware, Bot
from aiogram.enums import ChatMemberStatus, ChatType
from aiogram.exceptions import TelegramAPIError
from aiogram.types import Chat, TelegramObject, Update, User

from bot.texts import LANGUAGES, Words, join
from core.users import language_for


class PrivateOnly(BaseMiddleware):
    """Lets updates of private chats through."""

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> object:
        chat: Chat | None = data.get("event_chat")
        if chat is None or chat.type == ChatType.PRIVATE:
            return await handler(event, data)
        if isinstance(event, Update) and not _is_farewell(event):
            await _leave(data["bot"], chat, data.get("event_from_user"))
        return None


def _is_farewell(update: Update) -> bool:
    """Say whether the update only tells that the bot is out of the group."""
    change = update.my_chat_member
    return change is not None and change.new_chat_member.status in {ChatMemberStatus.LEFT, ChatMemberStatus.KICKED}


async def _leave(bot: Bot, chat: Chat, person: User | None) -> None:
    with suppress(TelegramAPIError):
        name = (await bot.me()).username or ""
        if chat.type != ChatType.CHANNEL:
            languages = [language_for(person.language_code or "")] if person else LANGUAGES
            text = join(*(Words(language)("group-goodbye", username=name) for language in languages))
            with suppress(TelegramAPIError):
                await bot.send_message(chat.id, text)
        await bot.leave_chat(chat.id)

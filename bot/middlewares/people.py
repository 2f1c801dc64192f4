"""Knows who is speaking: keeps the account up to date, picks the language, shuts out who was blocked, logs the talk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware, Bot
from aiogram.enums import ChatMemberStatus
from aiogram.types import CallbackQuery, Message, TelegramObject, Update
from aiogram.types import User as TelegramUser

from bot.chat_log import ChatLog
from bot.talk import Talk, contact_of
from bot.texts import Words
from core import users
from core.inbox import Event
from core.users import Profile


class People(BaseMiddleware):
    """Gives every handler its `talk`."""

    def __init__(self, chat_log: ChatLog) -> None:
        self._chat_log = chat_log

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> object:
        person: TelegramUser | None = data.get("event_from_user")
        if person is None or person.is_bot or not isinstance(event, Update):
            return None
        if event.my_chat_member is not None:
            await _note_membership(event, person)
            return None
        inbox_event: Event = data["inbox_event"]
        bot: Bot = data["bot"]
        user = await users.upsert(profile_of(person))
        talk = data["talk"] = Talk(bot, user, Words(user.language), inbox_event, data.get("mini_app"))
        said = event.message or event.callback_query
        if isinstance(said, Message | CallbackQuery):
            self._chat_log.heard(said)
        if user.is_blocked:
            await _shut_out(event, talk, contact_of(data))
            return None
        try:
            return await handler(event, data)
        finally:
            if event.callback_query is not None:
                await talk.toast(event.callback_query)


def profile_of(person: TelegramUser) -> Profile:
    """Return what Telegram says of somebody."""
    return Profile(
        chat_id=person.id,
        username=person.username or "",
        first_name=person.first_name,
        last_name=person.last_name or "",
        language_code=person.language_code or "",
        is_premium=bool(person.is_premium),
    )


async def _note_membership(update: Update, person: TelegramUser) -> None:
    change = update.my_chat_member
    if change is not None and change.new_chat_member.status == ChatMemberStatus.KICKED:
        await users.mark_unreachable(person.id)


async def _shut_out(update: Update, talk: Talk, contact: str) -> None:
    if update.callback_query is not None:
        await talk.toast(update.callback_query, talk.words.plain("refused-user_blocked"), is_alert=True)
    elif update.message is not None:
        await talk.say(talk.words("blocked", id=str(talk.user.id), contact=contact))

"""Choosing the language."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from aiogram import Router
from aiogram.exceptions import TelegramAPIError
from aiogram.filters import Command
from aiogram.types import BotCommandScopeChat, CallbackQuery, Message

from bot import keyboards
from bot.buttons import Button, Pressed
from bot.client import LOST_ANSWER
from bot.profile import commands
from bot.talk import Talk
from bot.texts import LANGUAGES, Words
from core import users


def router() -> Router:
    """Return the router."""
    router = Router(name="language")
    router.message.register(ask, Command("language", ignore_case=True))
    router.callback_query.register(choose, Pressed(Button.LANGUAGE, 1))
    return router


async def ask(_message: Message, talk: Talk) -> None:
    """Offer the languages."""
    await talk.say(talk.words("language-choose"), keyboard=keyboards.languages())


async def choose(query: CallbackQuery, talk: Talk, arguments: list[str]) -> None:
    """Speak the chosen language from now on, on the keyboard and in the list of commands too."""
    language = next((known for known in LANGUAGES if known == arguments[0]), None)
    if language is None:
        await talk.toast(query, talk.words.plain("unknown-button"), is_alert=True)
        return
    await users.set_language(talk.user.id, language)
    talk.user, talk.words = replace(talk.user, language=language), Words(language)
    await talk.toast(query)
    await talk.say(talk.words("language-chosen"), keyboard=keyboards.menu(talk.words))
    with suppress(TelegramAPIError, *LOST_ANSWER):
        # The language is chosen and told: a list of commands is not worth saying it twice.
        scope = BotCommandScopeChat(chat_id=talk.user.chat_id)
        await talk.bot.set_my_commands(commands(talk.words), scope=scope)

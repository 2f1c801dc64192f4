"""What Telegram shows of the bot before anybody writes to it: commands, descriptions, the menu button."""

from __future__ import annotations

from typing import Final

from aiogram import Bot
from aiogram.types import BotCommand, MenuButtonCommands

from bot.mini_app import MiniApp
from bot.texts import LANGUAGES, Words
from core.types import Language

COMMANDS: Final = (
    "start",
    "models",
    "reference",
    "balance",
    "history",
    "topup",
    "promo",
    "daily",
    "invite",
    "cancel",
    "language",
    "help",
    "paysupport",
    "terms",
)

MENU_BUTTON: Final = "🍌 App"

DEFAULT: Final[Language] = "en"
"""For Telegram languages that have no texts of their own."""


def commands(words: Words) -> list[BotCommand]:
    """Return the commands in one language."""
    return [BotCommand(command=name, description=words.plain(f"command-{name}")) for name in COMMANDS]


async def publish(bot: Bot, mini_app: MiniApp | None) -> None:
    """Set what differs from the texts; asking first spares calls that Telegram limits."""
    for code, language in [(None, DEFAULT), *((language, language) for language in LANGUAGES)]:
        words = Words(language)
        wanted = commands(words)
        if await bot.get_my_commands(language_code=code) != wanted:
            await bot.set_my_commands(wanted, language_code=code)
        about = words.plain("bot-description")
        if (await bot.get_my_description(language_code=code)).description != about:
            await bot.set_my_description(about, language_code=code)
        short = words.plain("bot-short-description")
        if (await bot.get_my_short_description(language_code=code)).short_description != short:
            await bot.set_my_short_description(short, language_code=code)
    # One for all languages: a button per chat would be a call for every person.
    menu = mini_app.menu_button(MENU_BUTTON) if mini_app else MenuButtonCommands()
    await bot.set_chat_menu_button(menu_button=menu)

"""Leafing through one's statement, ten postings at a time."""

from __future__ import annotations

from typing import Final

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, Message

from bot import keyboards, postings
from bot.buttons import Button, Pressed, button
from bot.talk import Talk
from bot.texts import Html, Words, join, lines
from core import ledger

SHOWN: Final = 10
MOST_DIGITS: Final = 18


def router() -> Router:
    """Return the router."""
    router = Router(name="history")
    router.message.register(show, Command("history", ignore_case=True))
    router.callback_query.register(show_anew, Pressed(Button.HISTORY, 1))
    router.callback_query.register(turn, Pressed(Button.HISTORY, 2))
    return router


async def show(_message: Message, talk: Talk) -> None:
    """Show the latest postings."""
    text, keyboard = await _page(talk, 0, None)
    await talk.say(text, keyboard=keyboard)


async def show_anew(query: CallbackQuery, talk: Talk, arguments: list[str]) -> None:
    """Show the latest postings below the message whose button was pressed, which stays as it is."""
    del arguments
    await talk.toast(query)
    text, keyboard = await _page(talk, 0, None)
    await talk.say(text, keyboard=keyboard)


async def turn(query: CallbackQuery, talk: Talk, arguments: list[str]) -> None:
    """Show another page of the same statement: what was posted since it was opened shifts nothing."""
    numbers = [int(text) for text in arguments if text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS]
    if len(numbers) != len(arguments):
        await talk.toast(query, talk.words.plain("unknown-button"), is_alert=True)
        return
    number, newest = numbers
    text, keyboard = await _page(talk, number, newest)
    await talk.rewrite(query, text, keyboard)


async def _page(talk: Talk, number: int, newest: int | None) -> tuple[Html, InlineKeyboardMarkup]:
    """A page of the postings up to `newest`, the last one where there are not so many pages."""
    words = talk.words
    count, newest = await ledger.extent(talk.user.id, newest=newest)
    if not count:
        return words("history-empty"), keyboards.account(words)
    pages = -(-count // SHOWN)
    number = min(number, pages - 1)
    entries = await ledger.history(talk.user.id, limit=SHOWN, before=newest + 1, skip=number * SHOWN)
    rows = await postings.lines_of(talk, entries)
    title = words("history-title", balance=await ledger.balance_of(talk.user.id))
    footer = words("history-page", page=number + 1, pages=pages) if pages > 1 else Html("")
    return join(title, lines(*rows), footer), _keyboard(words, number, pages, newest)


def _keyboard(words: Words, number: int, pages: int, newest: int) -> InlineKeyboardMarkup:
    turns: list[InlineKeyboardButton] = []
    if number > 0:
        turns.append(button(words.plain("history-newer"), Button.HISTORY, number - 1, newest))
    if number < pages - 1:
        turns.append(button(words.plain("history-older"), Button.HISTORY, number + 1, newest))
    top_up = [button(words.plain("button-top-up"), Button.TOP_UP)]
    return InlineKeyboardMarkup(inline_keyboard=[turns, top_up] if turns else [top_up])

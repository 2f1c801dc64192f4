"""Buttons of an order that waits for tokens."""

from __future__ import annotations

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from bot.buttons import Button, button, in_hundredths
from bot.texts import Words
from core.types import Tokens


def waiting(words: Words, code: str, price: Tokens) -> InlineKeyboardMarkup:
    """Under the refusal: more tokens first, then the order itself."""
    top_up = button(words.plain("button-top-up"), Button.TOP_UP)
    return InlineKeyboardMarkup(inline_keyboard=[[top_up], [_start(words, code, price)]])


def too_few(words: Words) -> InlineKeyboardMarkup:
    """Under a refusal whose order is not kept: more tokens."""
    return InlineKeyboardMarkup(inline_keyboard=[[button(words.plain("button-top-up"), Button.TOP_UP)]])


def payable(words: Words, code: str, price: Tokens) -> InlineKeyboardMarkup:
    """Under the offer to start it."""
    return InlineKeyboardMarkup(inline_keyboard=[[_start(words, code, price)]])


def _start(words: Words, code: str, price: Tokens) -> InlineKeyboardButton:
    return button(words.plain("button-cart", price=price), Button.CART, code, in_hundredths(price))

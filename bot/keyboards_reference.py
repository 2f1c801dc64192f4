"""Buttons of prompts by reference."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from aiogram.types import InlineKeyboardMarkup

from bot import offers
from bot.buttons import LONGEST, Button, button, in_hundredths
from bot.texts import Words
from core.catalog import CatalogModel
from core.generations import Generation
from core.types import Tokens
from providers.base import MediaKind

MOST_MODELS: Final = 10
LINK: Final = "l"
MAKES: Final = {"i": MediaKind.IMAGE, "v": MediaKind.VIDEO}
"""What can be made with a prompt, by the letter in its button."""


def describe_link(words: Words, price: Tokens) -> InlineKeyboardMarkup:
    """Under the offer to describe the link in the message that it answers."""
    text = words.plain("reference-describe", price=price)
    return InlineKeyboardMarkup(inline_keyboard=[[button(text, Button.REFERENCE, LINK, in_hundredths(price))]])


def result(words: Words, generation: Generation, price: Tokens) -> InlineKeyboardMarkup:
    """Under a prompt. `price` is what describing the same again costs now."""
    code = generation.run_code
    return InlineKeyboardMarkup(
        inline_keyboard=[
            [
                button(words.plain("reference-make-image"), Button.REFERENCE, "i", code),
                button(words.plain("reference-make-video"), Button.REFERENCE, "v", code),
            ],
            [button(words.plain("button-again", price=price), Button.AGAIN, code, in_hundredths(price))],
        ]
    )


def models(words: Words, run_code: str, models: Iterable[CatalogModel]) -> InlineKeyboardMarkup:
    """One button per model that makes something of a prompt, with its price: pressing it agrees to that."""
    rows = []
    for model in models:
        price = offers.price_of(model)
        data: list[str | int] = [run_code, model.slug, in_hundredths(price)]
        if len(":".join([Button.MAKE.value, *map(str, data)]).encode()) <= LONGEST:
            text = words.plain("reference-model", model=model.display_name, price=price)
            rows.append([button(text, Button.MAKE, *data)])
    return InlineKeyboardMarkup(inline_keyboard=rows[:MOST_MODELS])

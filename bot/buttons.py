"""The data behind inline buttons: a short name and arguments, at most 64 bytes, parsed back by the `Pressed` filter.

Whatever comes back was sent by a client and may be forged: handlers check who owns what it names.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Final

from aiogram.filters import Filter
from aiogram.types import CallbackQuery, InlineKeyboardButton

from core.types import Tokens

LONGEST: Final = 64


class Button(StrEnum):
    """What a button does. The value is what Telegram keeps, so it stays when a name changes."""

    MODELS = "m"
    PICK = "p"
    OPTION = "o"
    CARD = "k"
    VALUES = "v"
    EDIT = "e"
    DRAW = "d"
    CANCEL = "x"
    AGAIN = "a"
    CHANGE = "c"
    ORIGINAL = "f"
    FOLLOW = "w"
    GO_ON = "j"
    DESCRIBE = "s"
    LANGUAGE = "l"
    TOP_UP = "t"
    BUY = "b"
    HISTORY = "h"
    DAILY = "y"
    ZONE = "z"
    INVITE = "i"
    PROMO = "r"
    CART = "g"
    REFUND = "q"
    REFERENCE = "n"
    MAKE = "u"


def button(text: str, kind: Button, *arguments: str | int) -> InlineKeyboardButton:
    """Return an inline button.

    Raises:
        ValueError: Telegram would refuse the data.
    """
    data = ":".join([kind.value, *map(str, arguments)])
    if len(data.encode()) > LONGEST:
        raise ValueError(f"Button data {data!r} is longer than {LONGEST} bytes")
    return InlineKeyboardButton(text=text, callback_data=data)


def in_hundredths(price: Tokens) -> int:
    """Write a price into button data, so that pressing the button agrees to that price and to no other."""
    return int(price * 100)


def price_in(argument: str) -> Tokens | None:
    """Read a price back; None for a forged one, which is no price."""
    return Decimal(argument).scaleb(-2) if argument.isascii() and argument.isdecimal() else None


class Pressed(Filter):
    """Lets a press of one kind of button through and hands its arguments on as `arguments`."""

    def __init__(self, kind: Button, count: int) -> None:
        self._kind = kind.value
        self._count = count

    async def __call__(self, query: CallbackQuery) -> bool | dict[str, list[str]]:
        kind, *arguments = (query.data or "").split(":")
        if kind != self._kind or len(arguments) != self._count:
            return False
        return {"arguments": arguments}

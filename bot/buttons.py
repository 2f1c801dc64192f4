"""The data behind inline buttons: a short name and arguments, at most 64 bytes, parsed back by the `Pressed` filter.

Whatever comes back was sent by a client and may be forged: handlers check who owns what it names.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from aiogram.filters import Filter
from aiogram.types import CallbackQuery, InlineKeyboardButton

LONGEST: Final = 64


class Button(StrEnum):
    """What a button does. The value is what Telegram keeps, so it stays when a name changes."""

    MODELS = "m"
    PICK = "p"
    OPTION = "o"
    EDIT = "e"
    DRAW = "d"
    CANCEL = "x"
    AGAIN = "a"
    CHANGE = "c"
    ORIGINAL = "f"
    LANGUAGE = "l"


def button(text: str, kind: Button, *arguments: str | int) -> InlineKeyboardButton:
    """Return an inline button.

    Raises:
        ValueError: Telegram would refuse the data.
    """
    data = ":".join([kind.value, *map(str, arguments)])
    if len(data.encode()) > LONGEST:
        raise ValueError(f"Button data {data!r} is longer than {LONGEST} bytes")
    return InlineKeyboardButton(text=text, callback_data=data)


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

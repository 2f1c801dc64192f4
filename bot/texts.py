"""Everything that a customer reads, from the Fluent catalogues in `locales/`.

`Words` speaks one language. Its call returns HTML for Telegram: every text argument is escaped unless it is `Html`, so
a name or a prompt can never break a message. `plain` is for places without markup: buttons and toasts.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Final, TypeAlias, get_args

from fluent.runtime import FluentBundle, FluentResource
from fluent.runtime.types import FluentNumber, fluent_number

from core.types import Language

LANGUAGES: tuple[Language, ...] = get_args(Language)

CATALOGUES = (
    "common",
    "start",
    "balance",
    "models",
    "create",
    "refusals",
    "progress",
    "results",
    "unknown",
    "payments",
    "bonuses",
    "history",
    "cart",
    "reference",
)
"""Files of a language, one per thing that a person is doing."""

TURNING: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Unicode's signs that set the direction of what follows, up to the end of the line."""


class Html(str):
    """Text that is HTML already and is not escaped again."""

    __slots__ = ()


Value: TypeAlias = str | int | Decimal


class BrokenText(Exception):
    """A catalogue lacks a text, or a text lacks an argument."""


@cache
def catalogue(language: Language) -> FluentBundle:
    """Return the texts of a language; read once per process."""
    bundle = FluentBundle([language], use_isolating=False)
    folder = files("bot").joinpath("locales", language)
    for name in CATALOGUES:
        bundle.add_resource(FluentResource(folder.joinpath(f"{name}.ftl").read_text(encoding="utf-8")))
    return bundle


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of one language."""

    language: Language

    def __call__(self, key: str, /, **arguments: Value) -> Html:
        """Return a text as HTML, its arguments escaped.

        Raises:
            BrokenText: there is no such text, or it needs another argument.
        """
        return Html(self._format(key, {name: _escaped(value) for name, value in arguments.items()}))

    def plain(self, key: str, /, **arguments: Value) -> str:
        """Return a text for a place without markup.

        Raises:
            BrokenText: as above.
        """
        return self._format(key, arguments)

    def has(self, key: str) -> bool:
        """Say whether there is such a text."""
        return bool(catalogue(self.language).has_message(key))

    def duration(self, seconds: float) -> str:
        """Return a length of time as a person says it: seconds below a minute and a half, minutes above."""
        if seconds < 90:
            return self.plain("duration-seconds", n=max(1, round(seconds)))
        return self.plain("duration-minutes", n=round(seconds / 60))

    def _format(self, key: str, arguments: dict[str, Value]) -> str:
        bundle = catalogue(self.language)
        if not bundle.has_message(key):
            raise BrokenText(f"{self.language} has no text {key!r}")
        pattern = bundle.get_message(key).value
        if pattern is None:
            raise BrokenText(f"{key!r} in {self.language} has no value")
        text, errors = bundle.format_pattern(pattern, {name: _number(value) for name, value in arguments.items()})
        if errors:
            raise BrokenText(f"{key!r} in {self.language}: {errors[0]}")
        return str(text)


def one_line(name: str) -> str:
    """Return a name that somebody gave themselves as one line, without signs that turn the words after it around."""
    return " ".join(TURNING.sub("", name).split())


def join(*blocks: str) -> Html:
    """Put blocks of HTML under each other with an empty line between them; empty ones are left out."""
    return Html("\n\n".join(block for block in blocks if block))


def lines(*rows: str) -> Html:
    """Put HTML lines under each other; empty ones are left out."""
    return Html("\n".join(row for row in rows if row))


def escape(text: str) -> Html:
    """Return text as HTML."""
    return Html(html.escape(text, quote=False))


def _escaped(value: Value) -> Value:
    return escape(value) if isinstance(value, str) and not isinstance(value, Html) else value


def _number(value: Value) -> Value | FluentNumber:
    """Amounts of money show hundredths, or none at all where they are whole: 0.80, 50."""
    if isinstance(value, Decimal):
        digits = 0 if value == value.to_integral_value() else 2
        number = fluent_number(value, minimumFractionDigits=digits, maximumFractionDigits=2)
        assert isinstance(number, FluentNumber)
        return number
    return value

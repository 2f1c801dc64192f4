"""The words of the payment page, in the language of its order, from Fluent catalogues beside this module."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files

from fluent.runtime import FluentBundle, FluentResource

from core.types import Language


@cache
def catalogue(language: Language) -> FluentBundle:
    """Return the texts of a language; read once per process."""
    bundle = FluentBundle([language], use_isolating=False)
    text = files("core.http.pay").joinpath(f"{language}.ftl").read_text(encoding="utf-8")
    bundle.add_resource(FluentResource(text))
    return bundle


def say(language: Language, key: str, **values: str) -> str:
    """Return a text; it is plain and has still to be escaped."""
    bundle = catalogue(language)
    pattern = bundle.get_message(key).value
    assert pattern is not None, key
    text, errors = bundle.format_pattern(pattern, values)
    assert not errors, f"{key} in {language}: {errors}"
    return str(text)


def tokens(amount: Decimal) -> str:
    """An amount of tokens: whole, or with hundredths."""
    return f"{amount:.0f}" if amount == amount.to_integral_value() else f"{amount:.2f}"


def price(language: Language, amount: Decimal, currency: str) -> str:
    """A sum of money as it is written in a language."""
    sign = {"USD": "$", "EUR": "€", "RUB": "₽"}.get(currency)
    if language == "ru":
        return f"{amount:.2f}".replace(".", ",") + f"\N{NO-BREAK SPACE}{sign or currency}"
    return f"{sign}{amount:.2f}" if sign else f"{amount:.2f}\N{NO-BREAK SPACE}{currency}"


def date(language: Language, moment: datetime) -> str:
    """A day."""
    return f"{moment:%d.%m.%Y}" if language == "ru" else f"{moment:%d %B %Y}"


def language_of(header: str) -> Language:
    """The language of somebody whose order is not known, from Accept-Language."""
    first = header.partition(",")[0].strip().lower()
    return "en" if first.startswith("en") else "ru"

"""Keyboards of the payment dialogues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from bot.buttons import Button, button, in_hundredths
from bot.payment_words import money_words, short_code
from bot.texts import Words
from core.payments import Payment
from core.payments.packages import Package
from core.types import Tokens

LONGEST_CODE: Final = 40
"""Characters of a package's code that fit into a button beside the gateway and the price."""


@dataclass(frozen=True, slots=True)
class OnSale:
    """A package as one way to pay offers it, and the tokens that this person gets on top."""

    package: Package
    amount: Decimal
    currency: str
    bonus: Tokens


def packages(
    words: Words, gateway: str, on_sale: Sequence[OnSale], other_gateways: Sequence[str]
) -> InlineKeyboardMarkup:
    """One button per package with its price, then the other ways to pay."""
    rows = [[_package(words, gateway, one)] for one in on_sale if len(one.package.code) <= LONGEST_CODE]
    for other in other_gateways:
        key = f"topup-by-{other}"
        label = words.plain(key if words.has(key) else "topup-by-other")
        rows.append([button(label, Button.TOP_UP, other)])
    return InlineKeyboardMarkup(inline_keyboard=rows)


def link(label: str, url: str) -> InlineKeyboardMarkup:
    """A button that opens an address."""
    return InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text=label, url=url)]])


def refunds(words: Words, payments: Sequence[Payment]) -> InlineKeyboardMarkup | None:
    """One button per payment whose money may be asked back; None without any."""
    rows = []
    for payment in payments:
        amount = money_words(words, payment.amount, payment.currency)
        label = words.plain("paysupport-refund-button", amount=amount, code=short_code(payment))
        rows.append([button(label, Button.REFUND, payment.code)])
    return InlineKeyboardMarkup(inline_keyboard=rows) if rows else None


def _package(words: Words, gateway: str, one: OnSale) -> InlineKeyboardButton:
    key = "topup-button-monthly" if one.package.is_recurring else "topup-button"
    amount = money_words(words, one.amount, one.currency)
    label = words.plain(key, tokens=one.package.tokens, amount=amount)
    return button(label, Button.BUY, one.package.code, gateway, in_hundredths(one.amount))

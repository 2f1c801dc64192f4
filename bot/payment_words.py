"""Amounts, dates and states of payments in the words of a person."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from bot.texts import Html, Words
from core.ledger import Posting
from core.payments import Payment

SHORT_CODE = 8


def money_words(words: Words, amount: Decimal, currency: str) -> str:
    """Return an amount with its currency as people write it."""
    key = f"money-{currency.lower()}"
    if words.has(key):
        return words.plain(key, amount=amount)
    return words.plain("money-other", amount=amount, currency=currency)


def date_words(words: Words, moment: datetime) -> str:
    """Return a date."""
    return moment.strftime("%d.%m.%Y" if words.language == "ru" else "%d %b %Y")


def bonus_words(words: Words, posting: Posting) -> Html:
    """Say what came on top of a deposit, and why."""
    key = f"payment-bonus-{posting.reason.partition(':')[0]}"
    return words(key if words.has(key) else "payment-bonus", tokens=posting.amount)


def state_words(words: Words, payment: Payment) -> str:
    """Say how far a payment is."""
    return words.plain(f"payment-state-{payment.status.value}")


def short_code(payment: Payment) -> str:
    """Return what a person quotes to support; `nb payments show` finds the payment by it."""
    return payment.code[:SHORT_CODE]

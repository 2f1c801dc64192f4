"""Looking at one's tokens: how many, what they are worth, what they pay for, where they went."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import Message

from bot import keyboards, offers, postings
from bot.talk import Talk
from bot.texts import Html, join, lines
from core import ledger
from core.types import Tokens

SHOWN: Final = 5
CENT: Final = Decimal("0.01")


def router() -> Router:
    """Return the router."""
    router = Router(name="balance")
    router.message.register(show, Command("balance", ignore_case=True))
    router.message.register(show, F.text.in_(keyboards.menu_texts("button-balance")))
    return router


async def show(_message: Message, talk: Talk) -> None:
    """Show the balance and the latest postings."""
    balance = await ledger.balance_of(talk.user.id)
    text = join(
        lines(talk.words("balance-now", balance=balance), await _rate(talk)),
        await _enough(talk, balance),
        await _history(talk),
    )
    await talk.say(text, keyboard=keyboards.account(talk.words))


async def _rate(talk: Talk) -> Html | str:
    model = await offers.image_model(talk.user)
    if model is None:
        return ""
    dollars = (1 / model.rate).quantize(CENT, rounding=ROUND_HALF_UP)
    return talk.words("balance-rate", dollars=dollars)


async def _enough(talk: Talk, balance: Tokens) -> Html | str:
    possible = await offers.affordable(balance)
    if possible:
        return lines(talk.words("balance-enough-title"), *offers.affordable_words(talk.words, possible))
    model = await offers.image_model(talk.user)
    return talk.words("balance-enough-for-nothing", price=offers.price_of(model)) if model else ""


async def _history(talk: Talk) -> Html:
    entries = await ledger.history(talk.user.id, limit=SHOWN)
    if not entries:
        return talk.words("history-empty")
    return lines(talk.words("balance-history-title"), *await postings.lines_of(talk, entries))

"""Looking at one's tokens: how many, what they are worth, what they pay for, where they went."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, TypeAlias

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import Message

from bot import keyboards, offers
from bot.progress import known_model
from bot.talk import Talk
from bot.texts import Html, Words, join, lines
from core import ledger
from core.ledger import Posting, PostingKind
from core.types import Tokens

SHOWN: Final = 7
LOOKED_AT: Final = 30
Quotes: TypeAlias = Mapping[int, Mapping[str, Any] | None]
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
    postings = await ledger.statement(talk.user.id, limit=LOOKED_AT)
    text = join(
        lines(talk.words("balance-now", balance=balance), await _rate(talk)),
        await _enough(talk, balance),
        await _history(talk, postings),
    )
    await talk.say(text, keyboard=keyboards.menu(talk.words))


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


async def _history(talk: Talk, postings: list[Posting]) -> Html:
    if not postings:
        return talk.words("balance-history-empty")
    quotes = {posting.id: posting.quote for posting in postings}
    rows = [await _line(talk.words, posting, quotes) for posting in postings[:SHOWN]]
    return lines(talk.words("balance-history-title"), *rows)


async def _line(words: Words, posting: Posting, quotes: Quotes) -> Html:
    amount = words.plain("amount-taken" if posting.amount < 0 else "amount-given", amount=abs(posting.amount))
    date = posting.created_at.strftime("%d.%m" if words.language == "ru" else "%d %b")
    return words("balance-line", date=date, amount=amount, what=await _what(words, posting, quotes))


async def _what(words: Words, posting: Posting, quotes: Quotes) -> str:
    """Say what a posting was for. A refund is for what its charge, somewhere in the history, was made for."""
    if posting.kind is PostingKind.BONUS and posting.reason == "welcome":
        return words.plain("posting-welcome")
    if posting.kind not in {PostingKind.GENERATION, PostingKind.REFUND}:
        return words.plain(f"posting-{posting.kind.value}")
    quote = posting.quote or quotes.get(posting.related or 0)
    model = await known_model(str(quote["model"])) if quote else None
    if model is None:
        return words.plain(f"posting-{posting.kind.value}-unknown")
    return words.plain(f"posting-{posting.kind.value}", model=model.display_name)

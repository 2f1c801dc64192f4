"""Meeting the bot: /start with the welcome bonus, and /help."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.filters import Command, CommandStart
from aiogram.types import Message

from bot import keyboards, offers
from bot.talk import Talk
from bot.texts import Html, join
from core import ledger
from core.catalog import CatalogModel


def router() -> Router:
    """Return the router."""
    router = Router(name="start")
    router.message.register(start, CommandStart(ignore_case=True))
    router.message.register(show_help, Command("help", ignore_case=True))
    router.message.register(show_help, F.text.in_(keyboards.menu_texts("button-help")))
    return router


async def start(_message: Message, talk: Talk) -> None:
    """Greet, give the welcome bonus once, say what to do now and what it costs. A deep link's payload is let be."""
    bonus = await ledger.give_welcome_bonus(talk.user.id)
    model = await offers.image_model(talk.user)
    balance = await ledger.balance_of(talk.user.id)
    text = join(
        _hello(talk),
        talk.words("start-pitch"),
        _gift(talk, bonus, model) if bonus else talk.words("start-balance", balance=balance),
        talk.words("start-what-now") if model else talk.words("models-none"),
        _price(talk, model) if model else "",
        talk.words("start-language") if bonus else "",
    )
    await talk.say(text, keyboard=keyboards.menu(talk.words))


async def show_help(_message: Message, talk: Talk) -> None:
    """Tell what can be done here."""
    text = talk.words("help", video=talk.words.plain("button-create-video"))
    await talk.say(text, keyboard=keyboards.menu(talk.words))


def _hello(talk: Talk) -> Html:
    if not talk.user.first_name.strip():
        return talk.words("start-hello-nameless")
    return talk.words("start-hello", name=keyboards.shortened(talk.user.first_name.strip(), 64))


def _gift(talk: Talk, bonus: ledger.Posting, model: CatalogModel | None) -> Html:
    pictures = int(bonus.amount // offers.price_of(model)) if model else 0
    if not pictures:
        return talk.words("start-gift-only", bonus=bonus.amount)
    return talk.words("start-gift", bonus=bonus.amount, pictures=pictures)


def _price(talk: Talk, model: CatalogModel) -> Html:
    duration = talk.words.duration(model.typical_seconds)
    return talk.words("start-price", price=offers.price_of(model), duration=duration)

"""Meeting the bot: /start with the welcome bonus and what a link brought, and /help."""

from __future__ import annotations

from typing import Final

from aiogram import F, Router
from aiogram.filters import Command, CommandObject, CommandStart
from aiogram.types import Message

from bot import keyboards, offers
from bot.routers import topup
from bot.talk import Talk
from bot.texts import Html, join, lines, one_line
from core import ledger
from core.bonuses import referrals
from core.bonuses.referrals import Accepted, Declined
from core.catalog import CatalogModel

TOP_UP: Final = "topup"
"""What the link carries that opens the packages."""


def router() -> Router:
    """Return the router."""
    router = Router(name="start")
    router.message.register(start, CommandStart(ignore_case=True))
    router.message.register(show_help, Command("help", ignore_case=True))
    router.message.register(show_help, F.text.in_(keyboards.menu_texts("button-help")))
    return router


async def start(_message: Message, talk: Talk, command: CommandObject) -> None:
    """Greet, give the welcome bonus once and what the link brings, say what to do now and what it costs."""
    bonus = await ledger.give_welcome_bonus(talk.user.id)
    payload = (command.args or "").strip()
    if payload == TOP_UP and not bonus:
        await topup.offer(talk)
        return
    friend = await _from_friend(talk, payload)
    model = await offers.image_model(talk.user)
    balance = await ledger.balance_of(talk.user.id)
    text = join(
        _hello(talk),
        talk.words("start-pitch"),
        lines(_gift(talk, bonus, model) if bonus else talk.words("start-balance", balance=balance), friend),
        talk.words("start-what-now") if model else talk.words("models-none"),
        _price(talk, model) if model else "",
        talk.words("start-language") if bonus else "",
    )
    await talk.say(text, keyboard=keyboards.menu(talk.words))
    if payload == TOP_UP:
        await topup.offer(talk)


async def show_help(_message: Message, talk: Talk) -> None:
    """Tell what can be done here."""
    video, reference = talk.words.plain("button-create-video"), talk.words.plain("button-reference")
    text = talk.words("help", video=video, reference=reference)
    await talk.say(text, keyboard=keyboards.menu(talk.words))


async def _from_friend(talk: Talk, payload: str) -> Html | str:
    """Note who invited the person, where the link says so, and tell what that brings."""
    if not payload.lower().startswith(referrals.PREFIX):
        return ""
    outcome = await referrals.accept(talk.user.id, payload, talk.event.received_at)
    if outcome is Declined.OWN:
        return talk.words("start-own-link")
    if not isinstance(outcome, Accepted):
        return ""
    name = one_line(outcome.inviter_name) or talk.words.plain("friend-nameless")
    return talk.words("start-invited", name=keyboards.shortened(name, 64), tokens=outcome.posting.amount)


def _hello(talk: Talk) -> Html:
    name = one_line(talk.user.first_name)
    return talk.words("start-hello", name=keyboards.shortened(name, 64)) if name else talk.words("start-hello-nameless")


def _gift(talk: Talk, bonus: ledger.Posting, model: CatalogModel | None) -> Html:
    pictures = int(bonus.amount // offers.price_of(model)) if model else 0
    if not pictures:
        return talk.words("start-gift-only", bonus=bonus.amount)
    return talk.words("start-gift", bonus=bonus.amount, pictures=pictures)


def _price(talk: Talk, model: CatalogModel) -> Html:
    duration = talk.words.duration(model.typical_seconds)
    return talk.words("start-price", price=offers.price_of(model), duration=duration)

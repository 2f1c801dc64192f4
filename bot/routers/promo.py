"""Typing a promo code: /promo CODE, or the button, which asks for it."""

from __future__ import annotations

from datetime import datetime

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bot import asking, keyboards, keyboards_bonuses
from bot.buttons import Button, Pressed
from bot.talk import Talk
from bot.texts import Html, join, lines
from core import ledger
from core.bonuses import promo, zones
from core.bonuses.promo import Activated, Given, NotYetValid, PromoRefused, TooManyTries, UnknownCode, UsedByYou
from core.types import Tokens


def router() -> Router:
    """Return the router."""
    router = Router(name="promo")
    router.message.register(command, Command("promo", ignore_case=True))
    router.callback_query.register(pressed, Pressed(Button.PROMO, 0))
    router.message.register(answered, F.text, asking.Answers())
    return router


async def command(_message: Message, talk: Talk, command: CommandObject) -> None:
    """Use the code behind the command, or ask for one."""
    if command.args:
        await use(talk, command.args)
    else:
        await asking.ask(talk, talk.words("promo-ask"))


async def pressed(query: CallbackQuery, talk: Talk, arguments: list[str]) -> None:
    """Ask for a code."""
    del arguments
    await talk.toast(query)
    await asking.ask(talk, talk.words("promo-ask"))


async def answered(message: Message, talk: Talk) -> None:
    """Use the code that was asked for."""
    await use(talk, message.text or "")


async def use(talk: Talk, text: str) -> None:
    """Use a code and say what came of it. After a wrong one the next message is another try."""
    try:
        outcome = await promo.redeem(talk.user.id, text, talk.event.received_at, key=talk.key)
    except UnknownCode:
        await asking.ask(talk, talk.words("refused-promo_unknown"))
    except PromoRefused as refusal:
        await talk.say(await _refusal_words(talk, refusal), keyboard=keyboards.menu(talk.words))
    else:
        await _tell(talk, outcome)


async def _tell(talk: Talk, outcome: Given | Activated) -> None:
    if isinstance(outcome, Activated):
        await talk.say(await _promise_words(talk, outcome), keyboard=keyboards_bonuses.top_up(talk.words))
        return
    balance = await ledger.balance_of(talk.user.id)
    text = talk.words("promo-given", code=outcome.code, tokens=outcome.posting.amount, balance=balance)
    await talk.say(text, keyboard=keyboards.menu(talk.words))


async def _promise_words(talk: Talk, promised: Activated) -> Html:
    if promised.percent is not None:
        gives = talk.words("promo-gives-percent", percent=promised.percent)
    else:
        gives = talk.words("promo-gives-tokens", tokens=promised.tokens or Tokens(0))
    return join(
        talk.words("promo-activated" if promised.is_new else "promo-activated-before", code=promised.code),
        lines(
            gives,
            talk.words("promo-min-deposit", tokens=promised.min_deposit) if promised.min_deposit else "",
            talk.words("promo-max-bonus", tokens=promised.max_bonus) if promised.max_bonus is not None else "",
            talk.words("promo-until", moment=await _moment(talk, promised.until)) if promised.until else "",
        ),
    )


async def _refusal_words(talk: Talk, refusal: PromoRefused) -> Html:
    match refusal:
        case UsedByYou() if refusal.received:
            return talk.words("refused-promo_used_by_you", tokens=refusal.received)
        case UsedByYou():
            return talk.words("refused-promo_used_by_you-nothing")
        case NotYetValid():
            return talk.words("refused-promo_not_yet_valid", moment=await _moment(talk, refusal.since))
        case TooManyTries():
            duration = talk.words.duration(refusal.retry_in.total_seconds())
            return talk.words("refused-promo_too_many_tries", duration=duration)
    return talk.words(f"refused-{refusal.code}")


async def _moment(talk: Talk, moment: datetime) -> str:
    """Write a moment by the person's own clock."""
    zone = zones.find(await zones.name_of(talk.user.id, talk.user.language))
    return moment.astimezone(zone).strftime("%d.%m.%Y, %H:%M" if talk.words.language == "ru" else "%d %b %Y, %H:%M")

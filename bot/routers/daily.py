"""Coming every day: the day's reward, the ladder that it climbs, and the clock that the day goes by."""

from __future__ import annotations

from datetime import datetime

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot import keyboards_bonuses
from bot.buttons import Button, Pressed
from bot.keyboards_bonuses import BY_OFFSET, OFFSETS, ZONES
from bot.talk import Talk
from bot.texts import Html, Words, join, lines
from core.bonuses import daily, zones
from core.bonuses.daily import LADDER, Daily


def router() -> Router:
    """Return the router."""
    router = Router(name="daily")
    router.message.register(command, Command("daily", ignore_case=True))
    router.callback_query.register(pressed, Pressed(Button.DAILY, 0))
    router.callback_query.register(ask_zone, Pressed(Button.ZONE, 0))
    router.callback_query.register(choose_zone, Pressed(Button.ZONE, 1))
    return router


async def command(_message: Message, talk: Talk) -> None:
    """Give today's reward."""
    await show(talk)


async def pressed(query: CallbackQuery, talk: Talk, arguments: list[str]) -> None:
    """Give today's reward, below the message whose button was pressed."""
    del arguments
    await talk.toast(query)
    await show(talk)


async def show(talk: Talk) -> None:
    """Give today's reward where it is still to be had, and show the ladder."""
    now = talk.event.received_at
    taken = await daily.take(talk.user, now)
    await talk.say(_words(talk.words, taken, now), keyboard=keyboards_bonuses.zone(talk.words))


async def ask_zone(query: CallbackQuery, talk: Talk, arguments: list[str]) -> None:
    """Offer cities, each with the time that it is there now."""
    del arguments
    await talk.rewrite(
        query, talk.words("zone-ask"), keyboards_bonuses.zones(talk.words, ZONES, talk.event.received_at)
    )


async def choose_zone(query: CallbackQuery, talk: Talk, arguments: list[str]) -> None:
    """Remember the zone, or offer hours from UTC instead of cities."""
    (name,) = arguments
    if name == BY_OFFSET:
        await talk.rewrite(
            query, talk.words("zone-ask"), keyboards_bonuses.zones(talk.words, OFFSETS, talk.event.received_at)
        )
        return
    if name not in {*ZONES, *OFFSETS} or zones.find(name) is None:
        await talk.toast(query, talk.words.plain("unknown-button"), is_alert=True)
        return
    await zones.choose(talk.user.id, name)
    taken = await daily.look(talk.user, talk.event.received_at)
    chosen = talk.words("zone-chosen", zone=keyboards_bonuses.zone_name(talk.words, name))
    if taken is None:
        await talk.rewrite(query, join(chosen, talk.words("daily-waits")), keyboards_bonuses.daily(talk.words))
        return
    await talk.rewrite(
        query, join(chosen, _words(talk.words, taken, talk.event.received_at)), keyboards_bonuses.zone(talk.words)
    )


def _words(words: Words, taken: Daily, now: datetime) -> Html:
    if taken.posting is not None:
        title = words("daily-taken", tokens=taken.posting.amount, n=taken.streak)
    else:
        title = words("daily-taken-before", n=taken.streak)
    next_one = "daily-held-back" if taken.is_held_back else "daily-tomorrow"
    return join(
        title,
        _ladder(words, taken.streak),
        lines(
            words(next_one, tokens=taken.tomorrow, duration=_duration(words, taken, now)),
            words("daily-every-day"),
        ),
        words("daily-zone", zone=keyboards_bonuses.zone_name(words, taken.zone)),
    )


def _ladder(words: Words, streak: int) -> Html:
    """Draw the steps: those taken, today's, those to come."""
    today = min(streak, len(LADDER))
    steps = []
    for number, tokens in enumerate(LADDER, start=1):
        key = "daily-step-taken" if number < today else "daily-step-today" if number == today else "daily-step"
        steps.append(words(key, tokens=tokens))
    return Html("  ".join(steps))


def _duration(words: Words, taken: Daily, now: datetime) -> str:
    seconds = max(0.0, (taken.next_at - now).total_seconds())
    hours, rest = divmod(round(seconds), 3600)
    if not hours:
        return words.duration(seconds)
    return words.plain("duration-hours", hours=hours, minutes=rest // 60)

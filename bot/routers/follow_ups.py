"""Making something from a result: a variation, a larger picture, a film of it, more of a film."""

from __future__ import annotations

from typing import Final

from aiogram import Router
from aiogram.types import CallbackQuery, InlineKeyboardMarkup

from bot import drafts, keyboards, neighbours, offers
from bot.buttons import Button, Pressed
from bot.delivery import price_now
from bot.drafts import Draft
from bot.ordering import Wish, agrees, order
from bot.routers.results import own
from bot.talk import Talk
from core.catalog import FollowUpKind
from core.generations import Continuation, Generation
from core.generations.continuations import Offer

WITH_WORDS: Final = frozenset({FollowUpKind.ANIMATE, FollowUpKind.EXTEND})
"""What people like to describe first; the others start at once."""


def router() -> Router:
    """Return the router."""
    router = Router(name="follow_ups")
    router.callback_query.register(follow, Pressed(Button.FOLLOW, 4))
    router.callback_query.register(go_on, Pressed(Button.GO_ON, 4))
    return router


async def follow(query: CallbackQuery, talk: Talk, arguments: list[str]) -> None:
    """Ask which of several results is meant, then for words where some are useful, else start."""
    found = await _offered(query, talk, arguments)
    if found is None:
        return
    generation, offer, number = found
    reply_to = query.message.message_id if query.message else None
    if number == 0:
        await talk.toast(query)
        question = talk.words(f"follow-which-{offer.kind.value}", price=offer.price)
        await talk.say(question, keyboard=keyboards.which_result(talk.words, generation, offer), reply_to=reply_to)
    elif offer.kind in WITH_WORDS:
        await talk.toast(query)
        await _ask(talk, generation, offer, number, reply_to)
    else:
        await _start(query, talk, arguments[3], generation, offer, number)


async def go_on(query: CallbackQuery, talk: Talk, arguments: list[str]) -> None:
    """Start without further words."""
    found = await _offered(query, talk, arguments)
    if found is not None and found[2]:
        await _start(query, talk, arguments[3], *found)


async def _ask(talk: Talk, generation: Generation, offer: Offer, number: int, reply_to: int | None) -> None:
    await drafts.keep(
        talk.user.chat_id,
        Draft(
            model=offer.model.slug,
            params=offer.params,
            parent=generation.run_code,
            continuation=Continuation(offer.kind, number),
            price=str(offer.price),
        ),
    )
    question = talk.words(f"follow-ask-{offer.kind.value}", model=offer.model.display_name, price=offer.price)
    await talk.say(question, keyboard=keyboards.as_it_is(talk.words, generation, offer, number), reply_to=reply_to)


async def _start(
    query: CallbackQuery, talk: Talk, shown: str, generation: Generation, offer: Offer, number: int
) -> None:
    if await neighbours.is_second_tap(talk.event):
        await talk.toast(query, talk.words.plain("again-already"))
        return
    if not await agrees(talk, query, shown, offer.price, await _keyboard(talk, generation, offer, number)):
        return
    await talk.toast(query, talk.words.plain("again-started"))
    prompt = talk.words.plain(f"follow-{offer.kind.value}-prompt") if offer.kind in WITH_WORDS else generation.prompt
    await order(
        talk,
        Wish(
            prompt=prompt,
            key=talk.key,
            model=offer.model.slug,
            params=offer.params,
            parent=generation.run_code,
            continuation=Continuation(offer.kind, number),
            reply_to=query.message.message_id if query.message else None,
            shown_price=offer.price,
        ),
    )


async def _keyboard(talk: Talk, generation: Generation, offer: Offer, number: int) -> InlineKeyboardMarkup:
    """Return the buttons under which an offer was pressed, at the prices of now."""
    if offer.kind in WITH_WORDS:
        return keyboards.as_it_is(talk.words, generation, offer, number)
    if len(generation.results) > 1:
        return keyboards.which_result(talk.words, generation, offer)
    price, more = await price_now(generation), await offers.continuing(generation)
    return keyboards.result(talk.words, generation, price, more)


async def _offered(query: CallbackQuery, talk: Talk, arguments: list[str]) -> tuple[Generation, Offer, int] | None:
    """Look up what a button names; None when it is stale or forged, and the person was told."""
    generation = await own(query, talk, arguments[0])
    if generation is None:
        return None
    offer = next((one for one in await offers.continuing(generation) if one.kind.value == arguments[1]), None)
    number = int(arguments[2]) if arguments[2].isascii() and arguments[2].isdecimal() else -1
    if offer is None or not 0 <= number <= len(generation.results):
        await talk.toast(query, talk.words.plain("follow-gone"), is_alert=True)
        return None
    return generation, offer, number

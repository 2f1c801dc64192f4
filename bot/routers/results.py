"""Going on from a result: the same again, a change in words, the original file."""

from __future__ import annotations

from aiogram import Router
from aiogram.types import CallbackQuery, InlineKeyboardMarkup

from bot import drafts, keyboards, keyboards_reference, neighbours, offers
from bot.buttons import Button, Pressed
from bot.changing import change_of
from bot.delivery import Courier, price_now
from bot.ordering import Wish, agrees, order
from bot.talk import Talk
from core import generations
from core.generations import Generation, GenerationNotFound
from core.storage import FileNotStored
from core.types import Tokens
from providers.base import MediaKind


def router() -> Router:
    """Return the router."""
    router = Router(name="results")
    router.callback_query.register(again, Pressed(Button.AGAIN, 2))
    router.callback_query.register(change, Pressed(Button.CHANGE, 1))
    router.callback_query.register(original, Pressed(Button.ORIGINAL, 1))
    return router


async def again(query: CallbackQuery, talk: Talk, arguments: list[str]) -> None:
    """Order the same once more. Two taps within two seconds are one wish: the second one is only acknowledged."""
    generation = await own(query, talk, arguments[0])
    if generation is None:
        return
    if await neighbours.is_second_tap(talk.event):
        await talk.toast(query, talk.words.plain("again-already"))
        return
    price = await price_now(generation)
    if not await agrees(talk, query, arguments[1], price, _buttons(talk, generation, price)):
        return
    await talk.toast(query, talk.words.plain("again-started"))
    await order(
        talk,
        Wish(
            prompt=generation.prompt,
            key=talk.key,
            model=generation.model,
            params=generation.params,
            images=() if generation.continuation else generation.images,
            source_url="" if generation.images else generation.source_url,
            parent=generation.parent if generation.continuation else generation.run_code,
            continuation=generation.continuation,
            reply_to=query.message.message_id if query.message else None,
            shown_price=price,
        ),
    )


async def change(query: CallbackQuery, talk: Talk, arguments: list[str]) -> None:
    """Ask what to change. A picture becomes the input; a video is made anew from its own inputs."""
    generation = await own(query, talk, arguments[0])
    if generation is None:
        return
    await talk.toast(query)
    draft = await change_of(talk, generation)
    model = await offers.find(draft.model) if draft and draft.model else None
    if draft is None or model is None:
        await talk.say(talk.words("result-gone"))
        return
    if not await drafts.keep(talk.user.chat_id, draft):
        await talk.say(talk.words("change-not-kept"))
        return
    question = talk.words(
        "change-ask" if generation.kind is MediaKind.IMAGE else "change-ask-video",
        model=model.display_name,
        price=offers.price_of(model, draft.params),
    )
    await talk.say(question, reply_to=query.message.message_id if query.message else None)


async def original(query: CallbackQuery, talk: Talk, arguments: list[str]) -> None:
    """Send the stored file as it is."""
    generation = await own(query, talk, arguments[0])
    if generation is None:
        return
    await talk.toast(query, talk.words.plain("original-sending"))
    if await neighbours.is_second_tap(talk.event):
        return
    try:
        await Courier(talk.bot).send_originals(generation)
    except FileNotStored:
        await talk.say(talk.words("result-gone"))


def _buttons(talk: Talk, generation: Generation, price: Tokens) -> InlineKeyboardMarkup:
    """Return what stands under a job that may be done again."""
    if not generation.results:
        return keyboards.retry(talk.words, generation, price)
    if generation.kind is MediaKind.TEXT:
        return keyboards_reference.result(talk.words, generation, price)
    return keyboards.result(talk.words, generation, price)


async def own(query: CallbackQuery, talk: Talk, run_code: str) -> Generation | None:
    """Return the person's own generation. Of anybody else's, or of a made-up code, only a stale button is told."""
    try:
        generation = await generations.get(run_code)
    except GenerationNotFound:
        generation = None
    if generation is None or generation.user_id != talk.user.id:
        await talk.toast(query, talk.words.plain("unknown-button"), is_alert=True)
        return None
    return generation

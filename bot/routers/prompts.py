"""Saying what to make: any text is a prompt and starts at once, with what was begun before if there is something."""

from __future__ import annotations

from dataclasses import replace

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from bot import drafts, keyboards, neighbours, offers, photos
from bot.buttons import Button, Pressed
from bot.changing import change_of, result_in
from bot.drafts import Draft
from bot.ordering import Wish, agrees, order, with_draft
from bot.routers.photos import accept
from bot.talk import Talk
from core.storage import StoredFile


def router() -> Router:
    """Return the router."""
    router = Router(name="prompts")
    router.message.register(forwarded, F.text, F.forward_origin)
    router.message.register(prompt, F.text, ~F.text.startswith("/"))
    router.edited_message.register(edited_command, F.text.startswith("/"))
    router.edited_message.register(edited, F.text | F.caption)
    router.callback_query.register(draw, Pressed(Button.DRAW, 1))
    return router


async def prompt(message: Message, talk: Talk) -> None:
    """Start a generation with what was begun. An answer to a picture or video changes that one instead."""
    if await neighbours.continues_long_text(talk.event):
        await talk.say(talk.words("prompt-cut"), reply_to=message.message_id)
        return
    wish = Wish(prompt=message.text or "", key=talk.key, reply_to=message.message_id)
    if message.reply_to_message is not None and photos.shows_something(message.reply_to_message):
        answered = await _about(message.reply_to_message, talk, wish)
    else:
        answered = with_draft(wish, await drafts.read(talk.user.chat_id) or Draft())
    if answered is not None:
        await order(talk, answered)


async def forwarded(message: Message, talk: Talk) -> None:
    """Ask before drawing somebody else's words: they were hardly written as a prompt."""
    await _offer(message, talk, "draw-forwarded")


async def edited(message: Message, talk: Talk) -> None:
    """Say that a started job stays as it was, and offer to draw from the new words."""
    await _offer(message, talk, "draw-edited")


async def edited_command(message: Message, talk: Talk) -> None:
    """Ask for the command as a new message: changed words are never done by themselves."""
    await talk.say(talk.words("unknown-edited-command"), reply_to=message.message_id)


async def draw(query: CallbackQuery, talk: Talk, arguments: list[str]) -> None:
    """Draw the message that the offer answered, as it reads now."""
    source = query.message.reply_to_message if isinstance(query.message, Message) else None
    text = ((source.text or source.caption or "") if source else "").strip()
    if source is None or not text:
        await talk.toast(query, talk.words.plain("text-gone"), is_alert=True)
        return
    if await neighbours.is_second_tap(talk.event):
        await talk.toast(query, talk.words.plain("again-already"))
        return
    picture = photos.in_message(source)
    model = await offers.image_model(talk.user, images=1 if picture else 0)
    price = offers.price_of(model) if model else None
    if price is not None and not await agrees(talk, query, arguments[0], price, keyboards.draw_it(talk.words, price)):
        return
    await talk.toast(query)
    images: tuple[StoredFile, ...] | None = ()
    if picture is not None:
        images = await accept(talk, [picture], source.message_id)
    if images is not None:
        wish = Wish(prompt=text, key=talk.key, images=images, reply_to=source.message_id, shown_price=price)
        await order(talk, wish)


async def _about(shown: Message, talk: Talk, wish: Wish) -> Wish | None:
    """Return the wish about the picture or video that it answers; None when that is unusable and the person was told.

    A result of ours is taken from storage, as it was made; Telegram's copy of a photo is smaller.
    """
    generation = await result_in(talk, shown.message_id)
    draft = await change_of(talk, generation, shown.message_id) if generation else None
    if draft is not None:
        return with_draft(wish, draft)
    picture = photos.in_message(shown)
    if picture is None:
        return wish
    images = await accept(talk, [picture], wish.reply_to or shown.message_id)
    return None if images is None else replace(wish, images=images)


async def _offer(message: Message, talk: Talk, key: str) -> None:
    model = await offers.image_model(talk.user, images=1 if photos.in_message(message) else 0)
    if model is None:
        await talk.say(talk.words("models-none"))
        return
    keyboard = keyboards.draw_it(talk.words, offers.price_of(model))
    await talk.say(talk.words(key), keyboard=keyboard, reply_to=message.message_id)

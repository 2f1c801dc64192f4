"""Saying what to make: any text is a prompt and starts at once, with what was begun before if there is something."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from bot import drafts, keyboards, neighbours, offers, photos
from bot.buttons import Button, Pressed
from bot.drafts import Draft
from bot.ordering import Wish, order
from bot.routers.photos import accept
from bot.talk import Talk
from core.storage import StoredFile


def router() -> Router:
    """Return the router."""
    router = Router(name="prompts")
    router.message.register(forwarded, F.text, F.forward_origin)
    router.message.register(prompt, F.text, ~F.text.startswith("/"))
    router.edited_message.register(edited, F.text | F.caption)
    router.callback_query.register(draw, Pressed(Button.DRAW, 0))
    return router


async def prompt(message: Message, talk: Talk) -> None:
    """Start a generation. An answer to a picture changes that picture."""
    draft = await drafts.read(talk.user.chat_id) or Draft()
    images = draft.images
    picture = photos.in_message(message.reply_to_message) if message.reply_to_message else None
    if picture is not None:
        accepted = await accept(talk, [picture], message.message_id)
        if accepted is None:
            return
        images = accepted
    wish = Wish(
        prompt=message.text or "",
        key=talk.key,
        model=draft.model,
        params=draft.params,
        images=images,
        parent=draft.parent,
        reply_to=message.message_id,
    )
    await order(talk, wish)


async def forwarded(message: Message, talk: Talk) -> None:
    """Ask before drawing somebody else's words: they were hardly written as a prompt."""
    await _offer(message, talk, "draw-forwarded")


async def edited(message: Message, talk: Talk) -> None:
    """Say that a started job stays as it was, and offer to draw from the new words."""
    await _offer(message, talk, "draw-edited")


async def draw(query: CallbackQuery, talk: Talk) -> None:
    """Draw the message that the offer answered, as it reads now."""
    source = query.message.reply_to_message if isinstance(query.message, Message) else None
    text = ((source.text or source.caption or "") if source else "").strip()
    if source is None or not text:
        await talk.toast(query, talk.words.plain("text-gone"), is_alert=True)
        return
    if await neighbours.is_second_tap(talk.event):
        await talk.toast(query, talk.words.plain("again-already"))
        return
    await talk.toast(query)
    images: tuple[StoredFile, ...] | None = ()
    picture = photos.in_message(source)
    if picture is not None:
        images = await accept(talk, [picture], source.message_id)
    if images is not None:
        await order(talk, Wish(prompt=text, key=talk.key, images=images, reply_to=source.message_id))


async def _offer(message: Message, talk: Talk, key: str) -> None:
    model = await offers.image_model(talk.user)
    if model is None:
        await talk.say(talk.words("models-none"))
        return
    keyboard = keyboards.draw_it(talk.words, offers.price_of(model))
    await talk.say(talk.words(key), keyboard=keyboard, reply_to=message.message_id)

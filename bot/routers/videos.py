"""Giving a video to work on: to a model that changes videos, or to be described."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from bot import clips, drafts, keyboards, neighbours, offers, photos
from bot.buttons import Button, Pressed
from bot.drafts import Draft
from bot.ordering import Wish, agrees, model_for, order
from bot.talk import Talk
from core import catalog, media, references
from core.catalog import CatalogModel
from core.storage import StoredFile

MEGABYTE = 1024 * 1024


def router() -> Router:
    """Return the router."""
    router = Router(name="videos")
    router.message.register(video, F.video | F.video_note | F.document.mime_type.startswith("video/"))
    router.callback_query.register(describe, Pressed(Button.DESCRIBE, 1))
    return router


async def video(message: Message, talk: Talk) -> None:
    """Use a video for what was begun, or ask what to do with it."""
    draft = await drafts.read(talk.user.chat_id)
    if draft is None or not draft.is_dialogue or draft.model is None:
        await _ask(message, talk)
        return
    caption = "" if message.forward_origin else (message.caption or "").strip()
    wish = Wish(
        prompt=caption,
        key=talk.key,
        model=draft.model,
        params=draft.params,
        parent=draft.parent,
        reply_to=message.message_id,
        shown_price=Decimal(draft.price) if draft.price else None,
    )
    model = await model_for(talk, wish)
    if model is None or not model.max_input_videos:
        name = model.display_name if model else ""
        await talk.say(talk.words("refused-videos_not_supported", model=name), reply_to=message.message_id)
        return
    file = await accept(message, talk)
    if file is None:
        return
    together = offers.fitting_files(model, (*draft.images, file))
    if caption:
        await order(talk, replace(wish, images=together))
        return
    price = offers.price_of(model, draft.params)
    await drafts.keep(talk.user.chat_id, replace(draft, images=together, price=str(price)))
    await talk.say(talk.words("video-waiting-for-words", model=model.display_name, price=price))


async def describe(query: CallbackQuery, talk: Talk, arguments: list[str]) -> None:
    """Write a prompt for the video that the question was about."""
    model = await offers.find(references.MODEL)
    file = await _asked_about(query, talk)
    if model is None or file is None:
        key = "reference-unavailable" if model is None else "video-gone"
        await talk.toast(query, talk.words.plain(key), is_alert=True)
        return
    if await neighbours.is_second_tap(talk.event):
        await talk.toast(query, talk.words.plain("again-already"))
        return
    price = offers.price_of(model)
    if not await agrees(talk, query, arguments[0], price, keyboards.video_uses(talk.words, await _editors(), price)):
        return
    await talk.toast(query)
    reply_to = query.message.message_id if query.message else None
    wish = Wish(prompt="", key=talk.key, model=model.slug, images=(file,), reply_to=reply_to, shown_price=price)
    await order(talk, wish)


async def accept(message: Message, talk: Talk) -> StoredFile | None:
    """Take the video of a message into storage; None when it is unusable and the person was told why."""
    clip = clips.in_message(message)
    if clip is None:
        return None
    try:
        return await clips.accept(talk.bot, talk.user, clip)
    except photos.PhotoTooBig:
        text = talk.words("video-too-big", limit=photos.LARGEST_DOWNLOAD // MEGABYTE)
    except photos.FileGone:
        text = talk.words("video-gone")
    except (media.VideoTooLong, media.VideoTooLarge):
        text = talk.words("video-too-long", duration=talk.words.duration(media.MAX_VIDEO_SECONDS))
    except media.UnusableMedia:
        text = talk.words("video-unreadable")
    await talk.say(text, reply_to=message.message_id)
    return None


async def _ask(message: Message, talk: Talk) -> None:
    editors, describing = await _editors(), await offers.find(references.MODEL)
    if not editors and describing is None:
        await talk.say(talk.words("unknown-video"))
        return
    file = await accept(message, talk)
    if file is None:
        return
    await drafts.keep(talk.user.chat_id, Draft(images=(file,)))
    keyboard = keyboards.video_uses(talk.words, editors, offers.price_of(describing) if describing else None)
    question = await talk.say(talk.words("video-question"), keyboard=keyboard, reply_to=message.message_id)
    await drafts.keep_photos(talk.user.chat_id, question.message_id, (file,))


async def _editors() -> list[CatalogModel]:
    """Return the models that change a video and need nothing beside it."""
    return [model for model in await catalog.models() if model.max_input_videos and not model.needs_input_image]


async def _asked_about(query: CallbackQuery, talk: Talk) -> StoredFile | None:
    if query.message is None:
        return None
    files = await drafts.photos_of(talk.user.chat_id, query.message.message_id)
    return files[0] if files else None

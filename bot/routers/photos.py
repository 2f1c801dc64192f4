"""Giving photos to work on: alone or as an album, with words in the caption or with a question back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from aiogram import F, Router
from aiogram.types import CallbackQuery, Document, InlineKeyboardMarkup, Message, PhotoSize

from bot import drafts, keyboards, neighbours, offers, photos
from bot.buttons import Button, Pressed
from bot.drafts import Draft
from bot.ordering import Wish, agrees, model_for, order
from bot.talk import Talk
from core import media
from core.catalog import CatalogModel
from core.storage import StoredFile
from core.types import IdempotencyKey

READY: Final = {*keyboards.READY_EDITS, *keyboards.SEVERAL_PHOTOS_EDITS}
MEGABYTE: Final = 1024 * 1024
MEGAPIXEL: Final = 1_000_000
NOTHING: Final = Decimal(0)


def router() -> Router:
    """Return the router."""
    router = Router(name="photos")
    router.message.register(album, F.media_group_id, F.photo | F.document)
    router.message.register(photo, F.photo)
    router.message.register(document, F.document, ~F.animation)
    router.callback_query.register(ready_edit, Pressed(Button.EDIT, 2))
    return router


@dataclass(frozen=True, slots=True)
class Given:
    """Pictures that came together, with the words that came with them."""

    pictures: Sequence[PhotoSize | Document]
    caption: str
    key: IdempotencyKey
    message_id: int


async def photo(message: Message, talk: Talk) -> None:
    """Edit a photo as its caption says, or ask what to do with it."""
    picture = photos.in_message(message)
    if picture is not None:
        await _take(talk, Given([picture], _wish_of(message), talk.key, message.message_id))


def _wish_of(message: Message) -> str:
    """Return what a caption asks for: a forwarded one is somebody else's words, and a command is no wish."""
    caption = (message.caption or "").strip()
    return "" if message.forward_origin or caption.startswith("/") else caption


async def document(message: Message, talk: Talk) -> None:
    """Take a picture that was sent as a file. What it is, its bytes say; only sound is not even fetched."""
    mime = (message.document.mime_type if message.document else None) or ""
    if mime.startswith("audio/"):
        await talk.say(talk.words("unknown-audio"))
        return
    await photo(message, talk)


async def album(message: Message, talk: Talk) -> None:
    """Gather an album into one order. Its first message does it; the others find that out and leave.

    Which one is first is read from the inbox, and the order's key is the album's, so a crash in between costs nothing.
    """
    group = message.media_group_id or ""
    known = await neighbours.album_parts(talk.event, group)
    if known and known[0].inbox_id != talk.event.id:
        await _leave_to_first(message, talk, known)
        return
    parts = await neighbours.whole_album(talk.event, group)
    messages = [Message.model_validate(part.message) for part in parts] or [message]
    messages.sort(key=lambda part: part.message_id)
    pictures = [picture for part in messages if (picture := photos.in_message(part)) is not None]
    is_forwarded = any(part.forward_origin for part in messages)
    captions = [wish for part in messages if (wish := _wish_of(part))]
    caption = captions[0] if captions and not is_forwarded else ""
    key = IdempotencyKey(f"tg:{talk.user.chat_id}:album:{group}")
    await _take(talk, Given(pictures, caption, key, messages[0].message_id))


async def _leave_to_first(message: Message, talk: Talk, parts: Sequence[neighbours.AlbumPart]) -> None:
    """Say so when this part came after the first message of its album had been dealt with."""
    own = next((part for part in parts if part.inbox_id == talk.event.id), None)
    done_at = parts[0].handled_at
    if own is not None and done_at is not None and own.received_at > done_at:
        await talk.say(talk.words("photo-late"), reply_to=message.message_id)


async def ready_edit(query: CallbackQuery, talk: Talk, arguments: list[str]) -> None:
    """Do one of the ready-made edits with the photos that the question was about."""
    name = arguments[0]
    if name not in READY and name != keyboards.ANIMATE:
        await talk.toast(query, talk.words.plain("unknown-button"), is_alert=True)
        return
    if await neighbours.is_second_tap(talk.event):
        await talk.toast(query, talk.words.plain("again-already"))
        return
    images = await _asked_about(query, talk)
    model = await (
        offers.animator(talk.user) if name == keyboards.ANIMATE else offers.image_model(talk.user, images=len(images))
    )
    if not images or model is None:
        await talk.say(talk.words("models-none-videos" if images else "photo-gone"))
        return
    keyboard = await _edits(talk, len(images))
    if not await agrees(talk, query, arguments[1], offers.price_of(model), keyboard):
        return
    await talk.toast(query)
    wish = Wish(
        prompt=talk.words.plain(f"edit-{name}-prompt"),
        key=talk.key,
        model=model.slug,
        images=images,
        reply_to=query.message.message_id if query.message else None,
        shown_price=offers.price_of(model),
    )
    await order(talk, wish)


async def accept(talk: Talk, pictures: Sequence[PhotoSize | Document], reply_to: int) -> tuple[StoredFile, ...] | None:
    """Take pictures into storage; None when one of them cannot be used and the person has been told why."""
    try:
        return tuple(await asyncio.gather(*(photos.accept(talk.bot, talk.user, picture) for picture in pictures)))
    except photos.PhotoTooBig:
        text = talk.words("photo-too-big", limit=photos.LARGEST_DOWNLOAD // MEGABYTE)
    except photos.FileGone:
        text = talk.words("photo-gone")
    except media.ImageTooLarge:
        text = talk.words("photo-too-large", limit=media.MAX_PIXELS // MEGAPIXEL)
    except media.HeicImage:
        text = talk.words("photo-heic")
    except media.UnusableMedia:
        text = talk.words("photo-not-an-image")
    await talk.say(text, reply_to=reply_to)
    return None


async def _take(talk: Talk, given: Given) -> None:
    draft = await drafts.read(talk.user.chat_id)
    base = draft if draft is not None and draft.is_dialogue else Draft()
    wish = Wish(
        prompt=given.caption,
        key=given.key,
        model=base.model,
        params=base.params,
        parent=base.parent,
        reply_to=given.message_id,
        shown_price=Decimal(base.price) if base.price else None,
    )
    model = await offers.image_model(talk.user, images=len(given.pictures))
    if base.model is not None:
        model = await model_for(talk, wish)
    if model is None:
        await talk.say(talk.words("models-none"))
        return
    if await _is_refused(talk, model, given):
        return
    images = await accept(talk, given.pictures, given.message_id)
    if images is None:
        return
    together = offers.fitting_files(model, (*base.images, *images))
    if given.caption:
        await order(talk, replace(wish, model=model.slug, images=together))
    elif base.is_dialogue:
        await _wait_for_words(talk, replace(base, images=together), model)
    else:
        await _ask(talk, images, model, given.message_id)


async def _is_refused(talk: Talk, model: CatalogModel, given: Given) -> bool:
    """Say at once what the order would be refused for, before anything is downloaded."""
    count = len(given.pictures)
    if not model.max_input_images:
        text = talk.words("refused-images_not_supported", model=model.display_name)
    elif count > model.max_input_images:
        text = talk.words("refused-too_many_images", n=count, limit=model.max_input_images, model=model.display_name)
    elif len(given.caption) > model.max_prompt_length:
        text = talk.words("refused-prompt_too_long", limit=model.max_prompt_length, length=len(given.caption))
    else:
        return False
    await talk.say(text, reply_to=given.message_id)
    return True


async def _wait_for_words(talk: Talk, draft: Draft, model: CatalogModel) -> None:
    price = offers.price_of(model, draft.params)
    await drafts.keep(talk.user.chat_id, replace(draft, price=str(price)))
    text = talk.words("photo-waiting-for-words", n=len(draft.images), model=model.display_name, price=price)
    await talk.say(text)


async def _ask(talk: Talk, images: tuple[StoredFile, ...], model: CatalogModel, message_id: int) -> None:
    is_kept = await drafts.keep(talk.user.chat_id, Draft(images=images, price=str(offers.price_of(model))))
    price = offers.price_of(model)
    text = talk.words("photo-question", n=len(images), price=price) if is_kept else talk.words("photo-question-buttons")
    question = await talk.say(text, keyboard=await _edits(talk, len(images)), reply_to=message_id)
    await drafts.keep_photos(talk.user.chat_id, question.message_id, images)


async def _edits(talk: Talk, count: int) -> InlineKeyboardMarkup:
    """Return the ready-made edits at the prices of now."""
    model, animator = await offers.image_model(talk.user, images=count), await offers.animator(talk.user)
    price = offers.price_of(model) if model else NOTHING
    return keyboards.photo_edits(talk.words, count, price, offers.price_of(animator) if animator else None)


async def _asked_about(query: CallbackQuery, talk: Talk) -> tuple[StoredFile, ...]:
    """Return the photos of a question: as remembered, else the one photo that the question answers."""
    if query.message is None:
        return ()
    images = await drafts.photos_of(talk.user.chat_id, query.message.message_id)
    if images or not isinstance(query.message, Message) or query.message.reply_to_message is None:
        return images
    picture = photos.in_message(query.message.reply_to_message)
    if picture is None:
        return ()
    return await accept(talk, [picture], query.message.message_id) or ()

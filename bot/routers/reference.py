"""Prompts by reference: a photo, a video or a link is described in words to make something alike.

It begins with the button or the command, which tell the price; what is sent next is described for it. A link that is
sent out of the blue is only offered to be described.
"""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Final

from aiogram import F, Router
from aiogram.filters import Command, Filter
from aiogram.types import CallbackQuery, Message

from bot import clips, drafts, keyboards, keyboards_reference, neighbours, offers, photos, texts_delivery
from bot.buttons import Button, Pressed
from bot.drafts import Draft
from bot.ordering import Wish, agrees, order
from bot.routers import videos
from bot.routers.photos import accept
from bot.routers.results import own
from bot.talk import Talk
from core import catalog, ledger, references
from core.catalog import CatalogModel
from core.generations import Generation
from core.generations.repository import by_key
from core.references import LinkFailed, Site
from core.storage import FileNotStored, StoredFile
from core.types import IdempotencyKey, Tokens
from providers.base import MediaKind

MEGABYTE: Final = 1024 * 1024
SHOWS: Final = F.photo | F.video | F.animation | F.video_note | F.document


def router() -> Router:
    """Return the router."""
    router = Router(name="reference")
    router.message.register(begin, Command("reference", ignore_case=True))
    router.message.register(begin, F.text.in_(keyboards.menu_texts("button-reference")))
    router.message.register(given, SHOWS, Awaited())
    router.message.register(written, F.text, ~F.text.startswith("/"), Awaited())
    router.message.register(offer_link, F.text, ~F.reply_to_message, IsLink())
    router.edited_message.register(offer_link, F.text, ~F.reply_to_message, IsLink())
    router.callback_query.register(use, Pressed(Button.REFERENCE, 2))
    router.callback_query.register(make, Pressed(Button.MAKE, 3))
    return router


class Awaited(Filter):
    """Lets through what is sent while a reference is awaited, and the rest of an album that began then."""

    async def __call__(self, message: Message, talk: Talk) -> bool:
        about = message.reply_to_message
        if message.text and about is not None and photos.shows_something(about):
            return False
        draft = await drafts.read(talk.user.chat_id)
        if draft is not None and draft.model == references.MODEL:
            return True
        if talk.event.attempts == 1 and message.media_group_id is None:
            return False
        # The order dropped the draft: this is the same message handled again, or another part of its album.
        first = await by_key(_key(message, talk))
        return first is not None and first.model == references.MODEL


class IsLink(Filter):
    """Lets through a message that is a link, or has one to a site whose videos are described."""

    async def __call__(self, message: Message) -> bool:
        text = message.text or ""
        found = references.in_text(text)
        if found is None or text.startswith("/"):
            return False
        with suppress(LinkFailed):
            return found == text.strip() or references.parse(found).site is not Site.ANY
        return found == text.strip()


async def begin(_message: Message, talk: Talk) -> None:
    """Say what to send, what it costs, and what is on the balance."""
    model = await _model()
    if model is None:
        await talk.say(talk.words("reference-unavailable"))
        return
    price = offers.price_of(model)
    if await drafts.keep(talk.user.chat_id, Draft(model=model.slug, price=str(price))):
        balance = await ledger.balance_of(talk.user.id)
        await talk.say(talk.words("reference-ask", price=price, balance=balance))
    else:
        await talk.say(talk.words("reference-ask-not-kept", price=price))


async def given(message: Message, talk: Talk) -> None:
    """Describe a photo or video. Of an album the first is taken; a forwarded caption is somebody else's words."""
    if message.media_group_id is not None:
        parts = await neighbours.album_parts(talk.event, message.media_group_id)
        if parts and parts[0].inbox_id != talk.event.id:
            return
        await talk.say(talk.words("reference-one-at-a-time"))
    file = await _accepted(message, talk)
    if file is not None:
        wishes = "" if message.forward_origin else (message.caption or "").strip()
        await _order(talk, message, wishes, images=(file,))


async def written(message: Message, talk: Talk) -> None:
    """Describe what a link leads to. Words without a link are not described, and nothing is charged for them."""
    text = message.text or ""
    link = references.in_text(text)
    if link is None:
        model = await offers.image_model(talk.user)
        keyboard = keyboards.draw_it(talk.words, offers.price_of(model)) if model else None
        key = "reference-draw-instead" if model else "reference-waiting"
        await talk.say(talk.words(key), keyboard=keyboard, reply_to=message.message_id)
    elif not _is_readable(link):
        await talk.say(talk.words("reference-link-not-supported"), reply_to=message.message_id)
    else:
        wishes = "" if message.forward_origin else " ".join(text.replace(link, " ").split())
        await _order(talk, message, wishes, source_url=link)


async def offer_link(message: Message, talk: Talk) -> None:
    """Offer to describe a link, at a price."""
    model = await _model()
    link = references.in_text(message.text or "")
    if model is None:
        await talk.say(talk.words("reference-unavailable"), reply_to=message.message_id)
    elif link is None or not _is_readable(link):
        await talk.say(talk.words("reference-link-not-supported"), reply_to=message.message_id)
    else:
        keyboard = keyboards_reference.describe_link(talk.words, offers.price_of(model))
        await talk.say(talk.words("reference-offer-link"), keyboard=keyboard, reply_to=message.message_id)


async def use(query: CallbackQuery, talk: Talk, arguments: list[str]) -> None:
    """Describe the link that the offer answered, or show which models make something of a prompt."""
    kind = keyboards_reference.MAKES.get(arguments[0])
    if kind is not None:
        await _choose(query, talk, arguments[1], kind)
        return
    model = await _model()
    source = query.message.reply_to_message if isinstance(query.message, Message) else None
    text = (source.text or "") if source else ""
    link = references.in_text(text)
    if arguments[0] != keyboards_reference.LINK or model is None or source is None or link is None:
        key = "unknown-button" if arguments[0] != keyboards_reference.LINK else "text-gone"
        await talk.toast(query, talk.words.plain("reference-unavailable" if model is None else key), is_alert=True)
        return
    if await neighbours.is_second_tap(talk.event):
        await talk.toast(query, talk.words.plain("again-already"))
        return
    price = offers.price_of(model)
    if not await agrees(talk, query, arguments[1], price, keyboards_reference.describe_link(talk.words, price)):
        return
    await talk.toast(query)
    wishes = "" if source.forward_origin else " ".join(text.replace(link, " ").split())
    await order(
        talk,
        Wish(
            prompt=wishes,
            key=talk.key,
            model=model.slug,
            source_url=link,
            reply_to=source.message_id,
            shown_price=price,
        ),
    )


async def make(query: CallbackQuery, talk: Talk, arguments: list[str]) -> None:
    """Order a picture or video of a prompt, at the price that the button names."""
    run_code, slug, shown = arguments
    generation = await own(query, talk, run_code)
    if generation is None:
        return
    model = await offers.find(slug)
    if model is None:
        await talk.toast(query, talk.words.plain("unknown-button"), is_alert=True)
        return
    if await neighbours.is_second_tap(talk.event):
        await talk.toast(query, talk.words.plain("again-already"))
        return
    price = offers.price_of(model)
    prompt = await _prompt_of(query, talk, generation)
    if prompt is None:
        return
    choices = keyboards_reference.models(talk.words, run_code, await _makers(model.kind, prompt))
    if not await agrees(talk, query, shown, price, choices):
        return
    await talk.toast(query)
    await order(
        talk,
        Wish(
            prompt=prompt,
            key=talk.key,
            model=model.slug,
            parent=run_code,
            reply_to=query.message.message_id if query.message else None,
            shown_price=price,
        ),
    )


async def _choose(query: CallbackQuery, talk: Talk, run_code: str, kind: MediaKind) -> None:
    generation = await own(query, talk, run_code)
    if generation is None:
        return
    prompt = await _prompt_of(query, talk, generation)
    if prompt is None:
        return
    await talk.toast(query)
    found = await _makers(kind, prompt)
    found.sort(key=lambda model: model.slug != talk.user.preferred_model)
    if not found:
        await talk.say(talk.words("models-none" if kind is MediaKind.IMAGE else "models-none-videos"))
        return
    key = "reference-which-image" if kind is MediaKind.IMAGE else "reference-which-video"
    await talk.say(
        talk.words(key),
        keyboard=keyboards_reference.models(talk.words, run_code, found),
        reply_to=query.message.message_id if query.message else None,
    )


async def _makers(kind: MediaKind, prompt: str) -> list[CatalogModel]:
    """Return the models that make something of words alone, and take so many."""
    return [
        model
        for model in await catalog.models(kind=kind)
        if not model.needs_input_image and not model.needs_input_video and len(prompt) <= model.max_prompt_length
    ]


async def _prompt_of(query: CallbackQuery, talk: Talk, generation: Generation) -> str | None:
    """Return the words that were made; None when they are gone and the person was told."""
    if generation.kind is MediaKind.TEXT:
        with suppress(FileNotStored):
            return await texts_delivery.text_of(generation)
    await talk.toast(query, talk.words.plain("reference-prompt-gone"), is_alert=True)
    return None


async def _order(
    talk: Talk, message: Message, wishes: str, *, images: tuple[StoredFile, ...] = (), source_url: str = ""
) -> None:
    """Start describing, at the price that the person was told."""
    draft = await drafts.read(talk.user.chat_id)
    told = draft.price if draft is not None and draft.model == references.MODEL else None
    shown: Tokens | None = None if told is None else Decimal(told)
    await order(
        talk,
        Wish(
            prompt=wishes,
            key=_key(message, talk),
            model=references.MODEL,
            images=images,
            source_url=source_url,
            reply_to=message.message_id,
            shown_price=shown,
        ),
    )


async def _accepted(message: Message, talk: Talk) -> StoredFile | None:
    """Take the photo or video of a message into storage; None when it is unusable and the person was told why."""
    clip = clips.in_message(message)
    if clip is None:
        picture = photos.in_message(message)
        files = None if picture is None else await accept(talk, [picture], message.message_id)
        return files[0] if files else None
    return await videos.accept(message, talk)


async def _model() -> CatalogModel | None:
    """Return the model that describes, None while it cannot be ordered."""
    with suppress(catalog.UnknownModel):
        model = await catalog.get(references.MODEL)
        return model if model.is_available else None
    return None


def _is_readable(link: str) -> bool:
    """Say whether a link may lead to something, as far as its words tell."""
    try:
        parsed = references.parse(link)
        if parsed.site is Site.YOUTUBE:
            references.video_of_youtube(parsed)
    except LinkFailed:
        return False
    return True


def _key(message: Message, talk: Talk) -> IdempotencyKey:
    """Return the key of the order that a message makes: one for a whole album."""
    group = message.media_group_id
    return talk.key if group is None else IdempotencyKey(f"tg:{talk.user.chat_id}:album:{group}")

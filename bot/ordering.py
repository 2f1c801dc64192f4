"""Starts a generation from a chat: chooses the model, submits the order, shows how it stands."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal

from aiogram.exceptions import TelegramBadRequest
from aiogram.types import CallbackQuery, InlineKeyboardMarkup

from bot import drafts, keyboards_cart, offers
from bot.buttons import price_in
from bot.drafts import Draft
from bot.progress import Board
from bot.refusals import REFUSED, insufficient_words, refusal_words
from bot.talk import Talk
from bot.texts import join
from core import cart, catalog, generations
from core.catalog import CatalogModel
from core.generations import Continuation, Generation, Order, PriceDiffers
from core.generations.repository import by_key
from core.ledger import InsufficientTokens
from core.storage import StoredFile
from core.types import IdempotencyKey, Tokens
from providers.base import Json


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks for.

    Attributes:
        key: repeating a wish with it starts nothing new.
        model: slug; None for the model that makes pictures for this person.
        continuation: what is done with the parent's result, where it is continued.
        reply_to: the message of theirs that says it.
        shown_price: what the person was told that it costs, where they were; nothing else is charged then.
    """

    prompt: str
    key: IdempotencyKey
    model: str | None = None
    params: Mapping[str, Json] = field(default_factory=dict)
    images: tuple[StoredFile, ...] = ()
    source_url: str = ""
    parent: str | None = None
    continuation: Continuation | None = None
    reply_to: int | None = None
    shown_price: Tokens | None = None


def with_draft(wish: Wish, draft: Draft) -> Wish:
    """Return the wish with everything that was begun before."""
    return replace(
        wish,
        model=draft.model,
        params=draft.params,
        images=draft.images,
        parent=draft.parent,
        continuation=draft.continuation,
        shown_price=None if draft.price is None else Decimal(draft.price),
    )


async def order(talk: Talk, wish: Wish) -> Generation | None:
    """Start what the person asks for, or explain why not; None in that case. The draft is done with once it starts."""
    model = await model_for(talk, wish)
    if model is None:
        await talk.say(talk.words("models-none"))
        return None
    wanted = Order(
        user=talk.user,
        model=model.slug,
        prompt=wish.prompt,
        images=wish.images,
        source_url=wish.source_url,
        params=offers.known_params(model, wish.params),
        key=wish.key,
        language=talk.user.language,
        trace_id=talk.event.trace_id,
        parent=wish.parent,
        continuation=wish.continuation,
        agreed=wish.shown_price,
    )
    try:
        generation = await generations.submit(wanted)
    except InsufficientTokens as refusal:
        await _keep_for_later(talk, wanted, refusal, reply_to=wish.reply_to)
        return None
    except PriceDiffers as refusal:
        await _ask_again(talk, wish, refusal.price)
        return None
    except REFUSED as refusal:
        text = await refusal_words(talk.words, refusal, model, images=len(wish.images))
        await talk.say(text, reply_to=wish.reply_to)
        return None
    await drafts.drop(talk.user.chat_id)
    await cart.drop_alike(wanted)
    await Board(talk.bot).open(generation, reply_to=wish.reply_to)
    return generation


async def _keep_for_later(talk: Talk, wanted: Order, refusal: InsufficientTokens, *, reply_to: int | None) -> None:
    """Say how much is missing, and keep the order until it is there."""
    if wanted.source_url:
        # A link is looked at when it is ordered: what it leads to may be gone by the time there are tokens.
        keyboard = keyboards_cart.too_few(talk.words)
        await talk.say(await insufficient_words(talk.words, refusal), keyboard=keyboard, reply_to=reply_to)
        return
    kept = await cart.keep(wanted, refusal.needed)
    text = join(await insufficient_words(talk.words, refusal), talk.words("cart-kept"))
    await talk.say(text, keyboard=keyboards_cart.waiting(talk.words, kept.code, kept.price), reply_to=reply_to)


async def agrees(
    talk: Talk,
    query: CallbackQuery,
    shown: str,
    price: Tokens,
    keyboard: InlineKeyboardMarkup,
    *,
    key: IdempotencyKey | None = None,
) -> bool:
    """Say whether a button was pressed at today's price. If not, the person is told, and the buttons name the new one.

    A press that is handled again after its order was taken agreed to what was charged. `key` is that of the order,
    where it is not the press's own.
    """
    if price_in(shown) == price or await by_key(key or talk.key) is not None:
        return True
    await talk.toast(query, talk.words.plain("price-changed", price=price), is_alert=True)
    if query.message is not None:
        with suppress(TelegramBadRequest):
            await talk.bot.edit_message_reply_markup(
                chat_id=talk.user.chat_id, message_id=query.message.message_id, reply_markup=keyboard
            )
    return False


async def _ask_again(talk: Talk, wish: Wish, price: Tokens) -> None:
    """Say what it costs since the person was told another price. Sending the words again agrees to that."""
    draft = await drafts.read(talk.user.chat_id)
    if draft is not None and draft.price is not None and Decimal(draft.price) == wish.shown_price:
        await drafts.keep(talk.user.chat_id, replace(draft, price=str(price)))
    await talk.say(talk.words("price-changed-send-again", price=price), reply_to=wish.reply_to)


async def model_for(talk: Talk, wish: Wish) -> CatalogModel | None:
    """Return the model that the wish names, even one that cannot be ordered now, or the person's own image model."""
    if wish.model is not None:
        with suppress(catalog.UnknownModel):
            return await catalog.get(wish.model)
    return await offers.image_model(talk.user, images=len(wish.images))

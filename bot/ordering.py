"""Starts a generation from a chat: chooses the model, submits the order, shows how it stands."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from bot import drafts, offers
from bot.drafts import Draft
from bot.progress import Board
from bot.refusals import REFUSED, refusal_words
from bot.talk import Talk
from core import catalog, generations
from core.catalog import CatalogModel
from core.generations import Generation, Order
from core.storage import StoredFile
from core.types import IdempotencyKey
from providers.base import Json


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks for.

    Attributes:
        key: repeating a wish with it starts nothing new.
        model: slug; None for the model that makes pictures for this person.
        reply_to: the message of theirs that says it.
    """

    prompt: str
    key: IdempotencyKey
    model: str | None = None
    params: Mapping[str, Json] = field(default_factory=dict)
    images: tuple[StoredFile, ...] = ()
    parent: str | None = None
    reply_to: int | None = None


def with_draft(wish: Wish, draft: Draft) -> Wish:
    """Return the wish with everything that was begun before."""
    return replace(wish, model=draft.model, params=draft.params, images=draft.images, parent=draft.parent)


async def order(talk: Talk, wish: Wish) -> Generation | None:
    """Start what the person asks for, or explain why not; None in that case. The draft is done with once it starts."""
    model = await model_for(talk, wish)
    if model is None:
        await talk.say(talk.words("models-none"))
        return None
    try:
        generation = await generations.submit(
            Order(
                user=talk.user,
                model=model.slug,
                prompt=wish.prompt,
                images=wish.images,
                params=offers.known_params(model, wish.params),
                key=wish.key,
                language=talk.user.language,
                trace_id=talk.event.trace_id,
                parent=wish.parent,
            )
        )
    except REFUSED as refusal:
        text = await refusal_words(talk.words, refusal, model, images=len(wish.images))
        await talk.say(text, reply_to=wish.reply_to)
        return None
    await drafts.drop(talk.user.chat_id)
    await Board(talk.bot).open(generation, reply_to=wish.reply_to)
    return generation


async def model_for(talk: Talk, wish: Wish) -> CatalogModel | None:
    """Return the model that the wish names, even one that cannot be ordered now, or the person's own image model."""
    if wish.model is not None:
        with suppress(catalog.UnknownModel):
            return await catalog.get(wish.model)
    return await offers.image_model(talk.user, images=len(wish.images))

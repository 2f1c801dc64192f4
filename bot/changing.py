"""What it takes to change a result: a picture becomes the input, a video is made anew from its own inputs."""

from __future__ import annotations

from bot import offers
from bot.drafts import Draft
from bot.talk import Talk
from core import generations
from core.generations import Generation
from core.storage import StoredFile
from providers.base import MediaKind

LOOKED_AT = 50
"""How many of a person's latest results are searched for the one that a message answers."""


async def change_of(talk: Talk, generation: Generation, message_id: int | None = None) -> Draft | None:
    """Return a draft that the next words complete; None when there is nothing to change or no model to do it.

    Args:
        message_id: which message of the result is meant, where it was several pictures.
    """
    is_picture = generation.kind is MediaKind.IMAGE
    images = _shown_in(generation, message_id) if is_picture else generation.images
    model = await offers.find(generation.model)
    if model is None or (is_picture and images and not model.max_input_images):
        model = await offers.image_model(talk.user, images=1) if is_picture else None
    if model is None or (is_picture and not images):
        return None
    others = {name: value for name, value in generation.params.items() if name != "quantity"}
    params = offers.known_params(model, others)
    price = str(offers.price_of(model, params))
    return Draft(model=model.slug, params=params, images=images, parent=generation.run_code, price=price)


async def result_in(talk: Talk, message_id: int) -> Generation | None:
    """Return the person's generation whose result a message shows."""
    latest = await generations.of_user(talk.user.id, limit=LOOKED_AT)
    return next((job for job in latest if message_id in job.result_message_ids), None)


def _shown_in(generation: Generation, message_id: int | None) -> tuple[StoredFile, ...]:
    """Return the one picture that is meant. Results lie in the order of their messages."""
    position = generation.result_message_ids.index(message_id) if message_id in generation.result_message_ids else 0
    return generation.results[position : position + 1] or generation.results[:1]

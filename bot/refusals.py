"""The words for an order that was not taken: what is wrong, and what to do instead."""

from __future__ import annotations

from collections.abc import Mapping

from bot import offers
from bot.texts import Html, Value, Words, join, lines
from core import generations
from core.catalog import CatalogModel, UnknownModel
from core.generations import OrderRefused
from core.ledger import InsufficientTokens
from core.pricing import InvalidParams

REFUSED = (OrderRefused, InsufficientTokens, InvalidParams, UnknownModel)
"""What `core.generations.submit` raises when it took nothing."""

Refusal = OrderRefused | InsufficientTokens | InvalidParams | UnknownModel


async def refusal_words(words: Words, refusal: Refusal, model: CatalogModel, *, images: int) -> Html:
    """Explain a refusal to the person."""
    name = model.display_name
    match refusal:
        case InsufficientTokens():
            return await insufficient_words(words, refusal)
        case generations.ModelUnavailable():
            return await _unavailable_words(words, refusal, name)
        case UnknownModel():
            return lines(words("refused-model_unavailable", model=name), words("refused-model_unavailable-others"))
        case InvalidParams():
            return words("refused-invalid_params", model=name)
        case generations.PriceDiffers():
            return words("price-changed-send-again", price=refusal.price)
        case generations.InputMismatch():
            return _mismatch_words(words, refusal, model)
    key = f"refused-{refusal.code}"
    if isinstance(refusal, generations.ContentRefused) and words.has(f"{key}-{refusal.category}"):
        key = f"{key}-{refusal.category}"
    return words(key if words.has(key) else "refused-other", **_arguments(words, refusal, name, images))


async def insufficient_words(words: Words, refusal: InsufficientTokens) -> Html:
    """Say how much is missing, and what the balance does pay for."""
    short = words(
        "refused-insufficient_tokens", missing=refusal.missing, needed=refusal.needed, balance=refusal.balance
    )
    possible = offers.affordable_words(words, await offers.affordable(refusal.balance))
    if not possible:
        return short
    return join(short, lines(words("enough-for", balance=refusal.balance), *possible))


async def _unavailable_words(words: Words, refusal: generations.ModelUnavailable, name: str) -> Html:
    successor = await offers.find(refusal.successor) if refusal.successor else None
    return lines(
        words("refused-model_unavailable", model=name),
        words("refused-model_unavailable-successor", successor=successor.display_name)
        if successor
        else words("refused-model_unavailable-others"),
    )


def _mismatch_words(words: Words, refusal: generations.InputMismatch, model: CatalogModel) -> Html:
    """Say which input does not fit, and with what it would."""
    name = offers.input_name(words, model, refusal.role)
    if refusal.requires:
        options = offers.required_words(words, model, refusal.requires)
        return words("refused-input_mismatch-option", model=model.display_name, input=name, options=options)
    if refusal.needs:
        others = ", ".join(offers.input_name(words, model, role) for role in refusal.needs)
        return words("refused-input_mismatch-needs", model=model.display_name, input=name, others=others)
    if refusal.excludes:
        others = ", ".join(offers.input_name(words, model, role) for role in refusal.excludes)
        return words("refused-input_mismatch-excludes", model=model.display_name, input=name, others=others)
    return words("refused-input_mismatch", model=model.display_name, input=name)


def _arguments(words: Words, refusal: OrderRefused, name: str, images: int) -> Mapping[str, Value]:
    match refusal:
        case generations.PromptTooLong():
            return {"limit": refusal.limit, "length": refusal.length}
        case generations.TooManyImages():
            return {"n": images, "limit": refusal.limit, "model": name}
        case generations.TooManyRunning():
            return {"limit": refusal.limit}
        case generations.CooldownActive():
            return {"model": name, "duration": words.duration(refusal.seconds)}
        case generations.TooManyRefusals():
            return {"duration": words.duration(refusal.seconds)}
        case generations.VideoTooLong():
            return {"model": name, "limit": words.duration(refusal.limit)}
        case generations.DailyLimitReached():
            return {"model": name, "limit": refusal.limit}
        case (
            generations.ImageRequired()
            | generations.ImagesNotSupported()
            | generations.VideoRequired()
            | generations.VideosNotSupported()
        ):
            return {"model": name}
    return {}

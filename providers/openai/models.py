"""What differs between the GPT Image models: options they take, sizes they make, what their tokens cost, their end.

Options and sizes are those of the SDK 3.54 (`openai.types.image_generate_params`); prices are USD per million tokens of
https://developers.openai.com/api/docs/pricing as of November 2026; end dates are those of its page of deprecations.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from providers.errors import InvalidRequest, ModelRetired

MILLION = Decimal(1_000_000)
RETIRED = {
    "dall-e-2": "12 May 2026",
    "dall-e-3": "12 May 2026",
    "gpt-image-1": "23 October 2026",
}
QUALITIES = ("auto", "low", "medium", "high")
FINER = (*QUALITIES, "xhigh", "max")


@dataclass(frozen=True, slots=True)
class Prices:
    """USD per million tokens."""

    text: Decimal
    image: Decimal
    output: Decimal
    output_text: Decimal


@dataclass(frozen=True, slots=True)
class Traits:
    """What a model takes.

    Attributes:
        is_free: whether any size of multiples of 16 is made, not only the three standard ones.
        fidelity: values of `input_fidelity`, which later models refuse.
        has_complexity: whether `complexity` may be sent.
    """

    prices: Prices
    qualities: tuple[str, ...] = QUALITIES
    is_free: bool = True
    fidelity: tuple[str, ...] = ()
    has_complexity: bool = False


def _prices(text: str, image: str, output: str, output_text: str) -> Prices:
    return Prices(Decimal(text), Decimal(image), Decimal(output), Decimal(output_text))


_CURRENT = _prices("5", "8", "30", "10")
_LATEST = Traits(_CURRENT, FINER, has_complexity=True)
MODELS: dict[str, Traits] = {
    "gpt-image-2.6-flare": _LATEST,
    "gpt-image-2.6-sunburst": _LATEST,
    "gpt-image-2.5-flare": Traits(_CURRENT, FINER),
    "gpt-image-2.5-sunburst": Traits(_CURRENT, FINER),
    "gpt-image-2": Traits(_CURRENT),
    "gpt-image-1.5": Traits(_prices("5", "8", "32", "10"), is_free=False, fidelity=("low", "high")),
    "gpt-image-1-mini": Traits(_prices("2", "2.50", "8", "8"), is_free=False, fidelity=("low",)),
}
SNAPSHOTS = {
    "gpt-image-2.5-flare-2026-09-08": "gpt-image-2.5-flare",
    "gpt-image-2.5-sunburst-2026-09-08": "gpt-image-2.5-sunburst",
    "gpt-image-2-2026-04-21": "gpt-image-2",
    "gpt-image-1.5-2025-12-16": "gpt-image-1.5",
}


def traits(model: str) -> Traits:
    """Return what is known of a model.

    Raises:
        ModelRetired: it was shut down; nothing is sent to find that out.
        InvalidRequest: it is none of these models.
    """
    if model in RETIRED:
        raise ModelRetired(f"{model} was shut down on {RETIRED[model]}")
    try:
        return MODELS[SNAPSHOTS.get(model, model)]
    except KeyError:
        raise InvalidRequest(f"{model} is no model that makes pictures here") from None


def cost(prices: Prices, text: int, image: int, output_image: int, output_text: int) -> Decimal:
    """Return what the tokens of a call cost."""
    billed = text * prices.text + image * prices.image + output_image * prices.output
    return (billed + output_text * prices.output_text) / MILLION

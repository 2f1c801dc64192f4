"""What differs between the Gemini models: options they take and what their tokens cost.

List prices of November 2026 in USD per million tokens. A model that is not listed is called without options that some
models refuse, and its cost is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google.genai import types

MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Prices:
    """USD per million tokens."""

    input: Decimal
    text: Decimal
    image: Decimal


@dataclass(frozen=True, slots=True)
class Traits:
    """`sizes` are the values of `imageConfig.imageSize`; a model with one size refuses even that one."""

    sizes: tuple[str, ...]
    prices: Prices | None

    @property
    def takes_size(self) -> bool:
        """Say whether the size may be sent at all."""
        return len(self.sizes) > 1


def _prices(given: str, text: str, image: str) -> Prices:
    return Prices(Decimal(given), Decimal(text), Decimal(image))


ONE_SIZE = ("1K",)
SIZES = ("1K", "2K", "4K")
UNKNOWN = Traits(ONE_SIZE, prices=None)
MODELS: dict[str, Traits] = {
    "gemini-2.5-flash-image": Traits(ONE_SIZE, prices=_prices("0.30", "2.50", "30")),
    "gemini-3.1-flash-lite-image": Traits(ONE_SIZE, prices=None),
    "gemini-3.1-flash-image": Traits(("512", *SIZES), prices=_prices("0.50", "3.00", "60")),
    "gemini-nano-banana-2.1": Traits(SIZES, prices=_prices("1.50", "7.50", "30")),
    "gemini-3-pro-image": Traits(SIZES, prices=_prices("2.00", "12.00", "120")),
    "gemini-3.8-flash": Traits(ONE_SIZE, prices=_prices("0.75", "3.75", "3.75")),
    "gemini-3.5-flash-lite": Traits(ONE_SIZE, prices=_prices("0.30", "2.50", "2.50")),
    "gemini-3.1-pro-preview": Traits(ONE_SIZE, prices=_prices("2.00", "12.00", "12.00")),
}
ANNOUNCED: dict[str, tuple[date, Prices]] = {
    "gemini-3.8-flash": (date(2027, 1, 1), _prices("1.50", "7.50", "7.50")),
}
"""Prices that hold from a day on, as Google has announced."""


def traits(model: str) -> Traits:
    """Return what is known of a model."""
    return MODELS.get(model, UNKNOWN)


def prices_on(model: str, day: date) -> Prices | None:
    """Return what a model's tokens cost on a day; None where that is not known."""
    since, announced = ANNOUNCED.get(model, (date.max, None))
    return announced if day >= since else traits(model).prices


def cost(
    model: str, usage: types.GenerateContentResponseUsageMetadata | None, day: date | None = None
) -> Decimal | None:
    """Return what one call cost; None where the price or the usage is unknown.

    Thoughts are billed as text. Output that is not broken down by modality is counted as image, the dearer one.
    """
    prices = prices_on(model, day or datetime.now(UTC).date())
    if prices is None or usage is None:
        return None
    output = usage.candidates_token_count or 0
    details = usage.candidates_tokens_details or []
    written = sum(
        part.token_count or 0 for part in details if part.modality is not None and part.modality.value == "TEXT"
    )
    text = written + (usage.thoughts_token_count or 0)
    billed = (usage.prompt_token_count or 0) * prices.input + text * prices.text + (output - written) * prices.image
    return billed / MILLION

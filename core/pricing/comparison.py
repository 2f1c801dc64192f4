"""What an edit does to prices: tokens before and after for every order that shows it, and by how much at most."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from core.catalog.models import CatalogModel
from core.pricing.fields import InvalidPrice
from core.pricing.options import combinations, typical
from core.pricing.quotes import InvalidParams, Problem, Quote, quote
from providers.base import Json

ABSURD = Decimal(1000)
"""A price that becomes so many times as high, or as low, is a slip of the finger; no approval helps."""

_TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class PriceChange:
    """One order at the price before and after."""

    model: str
    label: str
    params: Mapping[str, Json]
    before: Quote
    after: Quote

    @property
    def ratio(self) -> Decimal:
        """The new price over the old one; prices are never 0."""
        return self.after.tokens / self.before.tokens

    @property
    def percent(self) -> Decimal:
        """By how much the price changes, to a tenth of a percent."""
        return ((self.ratio - 1) * 100).quantize(_TENTH, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What people are shown, and the order among all whose price changes most."""

    rows: list[PriceChange]
    largest: PriceChange

    @property
    def largest_percent(self) -> Decimal:
        """Change of the price that changes most, without its sign."""
        return abs(self.largest.percent)

    def exceeds(self, percent: int) -> bool:
        """True when some price changes by more than so many percent, up or down."""
        return abs(self.largest.ratio - 1) * 100 > percent


def margin(price: Quote) -> Decimal:
    """What is left of the price after the cost, in percent of the price."""
    return ((1 - price.usd * price.rate / price.tokens) * 100).quantize(_TENTH, rounding=ROUND_HALF_UP)


def compare_model(before: CatalogModel, after: CatalogModel) -> Comparison:
    """Compare a model with itself after an edit: the typical orders are shown, every combination is looked at.

    Raises:
        InvalidPrice: a price becomes a thousand times as high or as low.
    """
    rows = [_changed(before, after, order.label, order.params) for order in typical(before, after)]
    others = [_changed(before, after, "", params) for params in combinations(before, after).orders]
    largest = _largest([*rows, *others], before.slug)
    if not any(row.params == largest.params for row in rows):
        label = ", ".join(f"{name} {value}" for name, value in largest.params.items())
        rows.append(PriceChange(largest.model, label, largest.params, largest.before, largest.after))
    return Comparison(rows, largest)


def compare_settings(pairs: Iterable[tuple[CatalogModel, CatalogModel]]) -> Comparison:
    """Compare every model after an edit of the settings: each is shown with its defaults.

    Raises:
        InvalidPrice: a price becomes a thousand times as high or as low, or there is no model yet.
    """
    rows: list[PriceChange] = []
    everything: list[PriceChange] = []
    for before, after in pairs:
        orders = [_changed(before, after, order.label, order.params) for order in typical(before, after)]
        rows += orders[:1]
        everything += orders
    return Comparison(rows, _largest(everything, "settings"))


def _changed(before: CatalogModel, after: CatalogModel, label: str, params: Mapping[str, Json]) -> PriceChange:
    try:
        return PriceChange(before.slug, label, params, quote(before, params), quote(after, params))
    except InvalidParams as error:
        raise InvalidPrice([Problem("cost_unit", str(error))]) from None


def _largest(changes: Sequence[PriceChange], subject: str) -> PriceChange:
    if not changes:
        raise InvalidPrice([Problem(subject, "no order of it is valid, so its price cannot be compared")])
    largest = max(changes, key=lambda change: abs(change.ratio - 1))
    extreme = max(changes, key=lambda change: max(change.ratio, 1 / change.ratio))
    if max(extreme.ratio, 1 / extreme.ratio) >= ABSURD:
        of = "" if extreme.model == subject else f"{extreme.model}: "
        said = f"{extreme.before.tokens} would become {extreme.after.tokens} tokens"
        raise InvalidPrice([Problem(subject, f"{of}{said}, a thousand times as much or as little")])
    return largest

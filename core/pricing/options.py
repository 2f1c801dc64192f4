"""Which orders of a model differ in price: the typical ones, and every combination of the options that are priced.

Options without a factor change no price and are left at their defaults, so that the combinations stay few.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import prod
from typing import Any

from core.catalog.models import CatalogModel
from core.pricing.quotes import EACH, TOGETHER, InvalidParams, Quote, name_of, paid_by, quote
from providers.base import Json

MOST_COMBINATIONS = 2000
"""Combinations of one model that are looked at; a model with more is looked at by its typical orders."""

MOST_NUMBERS = 20
"""A range of more whole numbers than this is looked at by its ends and its default."""


@dataclass(frozen=True, slots=True)
class TypicalOrder:
    """An order that people look at when a price changes: the defaults, or one option away from them."""

    label: str
    params: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Combinations:
    """Orders of a model that differ in price. Not complete where there are too many to look at each."""

    orders: list[Mapping[str, Json]]
    is_complete: bool


def priced_options(model: CatalogModel) -> list[str]:
    """Names of the options that the price depends on, in the schema's order."""
    named = {part for option in model.option_factors for part in option.split(TOGETHER)} | {paid_by(model) or ""}
    return [option for option in model.options if option in named]


def values_of(schema: Mapping[str, Any]) -> list[Json]:
    """Values of an option that its schema names or that stand for its range; none where it could be anything."""
    if "const" in schema:
        return [schema["const"]]
    if "enum" in schema:
        return list(schema["enum"])
    if schema.get("type") == "boolean":
        return [False, True]
    if schema.get("type") not in ("integer", "number"):
        return []
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is None or most is None:
        return [value for value in (least, schema.get("default"), most) if value is not None]
    if schema["type"] == "integer" and most - least < MOST_NUMBERS:
        return list(range(least, most + 1))
    return sorted({least, schema.get("default", least), most})


def typical(*versions: CatalogModel) -> list[TypicalOrder]:
    """Orders of a model that show what its price depends on, before or after an edit: `versions` are the same model."""
    model = versions[0]
    orders = [TypicalOrder("defaults", {})]
    for option in dict.fromkeys(name for version in versions for name in priced_options(version)):
        schema = model.options[option]
        others = (value for value in values_of(schema) if value != schema.get("default"))
        orders.extend(TypicalOrder(f"{option} {name_of(value)}", {option: value}) for value in others)
    for combined in dict.fromkeys(name for version in versions for name in version.option_factors if TOGETHER in name):
        orders += _together(combined, model, {value for v in versions for value in v.option_factors.get(combined, {})})
    return [order for order in orders if _is_valid(model, order.params)]


def combinations(*versions: CatalogModel) -> Combinations:
    """Every valid combination of the values of priced options; the typical orders where there are too many."""
    model = versions[0]
    names = list(dict.fromkeys(name for version in versions for name in priced_options(version)))
    values = [_with_absence(model.options[name]) for name in names]
    if prod(map(len, values)) > MOST_COMBINATIONS:
        return Combinations([order.params for order in typical(*versions)], is_complete=False)
    orders = (_chosen(zip(names, chosen, strict=True)) for chosen in itertools.product(*values))
    return Combinations([order for order in orders if _is_valid(model, order)], is_complete=True)


def ordinary(model: CatalogModel) -> Quote | None:
    """Price of an order that chooses nothing but what it cannot do without; None where no order is valid."""
    required = (name for name in model.params_schema.get("required", ()) if name in model.options)
    missing = {name: values_of(model.options[name]) for name in required if "default" not in model.options[name]}
    names = [name for name, values in missing.items() if values]
    for chosen in itertools.islice(itertools.product(*(missing[name] for name in names)), MOST_COMBINATIONS):
        with suppress(InvalidParams):
            return quote(model, dict(zip(names, chosen, strict=True)))
    return None


def unknown_factors(model: CatalogModel) -> Iterator[tuple[str, str]]:
    """Options and values that have a factor and do not exist, so that nobody ever pays it."""
    for option, factors in model.option_factors.items():
        parts = option.split(TOGETHER)
        if not all(part in model.options for part in parts):
            yield from ((option, value) for value in factors)
            continue
        known = _names(model, parts)
        if known is not None:
            yield from ((option, value) for value in factors if value not in known and value != EACH)


def _names(model: CatalogModel, parts: list[str]) -> set[str] | None:
    """Names of the values that options have together; None where one of them is not named by its schema."""
    schemas = [model.options[part] for part in parts]
    if any("enum" not in schema and schema.get("type") != "boolean" for schema in schemas):
        return None
    return {TOGETHER.join(map(name_of, chosen)) for chosen in itertools.product(*map(values_of, schemas))}


def _together(combined: str, model: CatalogModel, named: set[str]) -> Iterator[TypicalOrder]:
    parts = combined.split(TOGETHER)
    if not all(part in model.options for part in parts):
        return
    for chosen in itertools.product(*(values_of(model.options[part]) for part in parts)):
        if TOGETHER.join(map(name_of, chosen)) in named:
            label = ", ".join(f"{part} {name_of(value)}" for part, value in zip(parts, chosen, strict=True))
            yield TypicalOrder(label, dict(zip(parts, chosen, strict=True)))


_ABSENT = object()


def _with_absence(schema: Mapping[str, Any]) -> list[object]:
    # An option without a default may be left out, and what is left out has no factor.
    return [*values_of(schema)] if "default" in schema else [_ABSENT, *values_of(schema)]


def _chosen(pairs: Iterable[tuple[str, Any]]) -> dict[str, Json]:
    return {name: value for name, value in pairs if value is not _ABSENT}


def _is_valid(model: CatalogModel, params: Mapping[str, Json]) -> bool:
    try:
        quote(model, params)
    except InvalidParams:
        return False
    return True

"""Which models a person is offered, for how much, and with which options: the catalogue in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.texts import Html, Words, escape
from core import catalog
from core.catalog import CatalogModel, CostUnit
from core.pricing import InvalidParams, quote
from core.types import Tokens
from core.users import User
from providers.base import Json, MediaKind

MOST_BUTTONS: Final = 12
"""Values of one option that fit on a card; an option with more is left to its default."""

NEUTRAL_MARKS: Final = {MediaKind.IMAGE: "🖼", MediaKind.VIDEO: "🎬"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of an option, and what the whole order costs with it. `value` None leaves the option to the model."""

    value: Json
    label: str
    price: Tokens
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a model as a card shows it."""

    name: str
    label: str
    choices: tuple[Choice, ...]

    @property
    def changes_price(self) -> bool:
        """True when a choice costs more than another."""
        return len({choice.price for choice in self.choices}) > 1


async def image_model(user: User, *, images: int = 0) -> CatalogModel | None:
    """Return the model that makes pictures for this person: the preferred one, else the first.

    With `images` it is one that takes so many photos, or the one that takes most.
    """
    available = await catalog.models(kind=MediaKind.IMAGE)
    available.sort(key=lambda model: model.slug != user.preferred_model)
    if not images:
        return next((model for model in available if not model.needs_input_image), None)
    enough = next((model for model in available if model.max_input_images >= images), None)
    return enough or max(available, key=lambda model: model.max_input_images, default=None)


async def animator() -> CatalogModel | None:
    """Return the first video model that takes a photo."""
    return next((model for model in await catalog.models(kind=MediaKind.VIDEO) if model.max_input_images), None)


async def find(slug: str) -> CatalogModel | None:
    """Return a model that can be ordered now."""
    return next((model for model in await catalog.models() if model.slug == slug), None)


def price_of(model: CatalogModel, params: Mapping[str, Json] | None = None) -> Tokens:
    """Return the price with these options; options that the model no longer takes count as not chosen."""
    try:
        return quote(model, params or {}).tokens
    except InvalidParams:
        return quote(model, known_params(model, params or {})).tokens


def price_words(words: Words, model: CatalogModel) -> str:
    """Return the price of the plainest order: per picture, for so many seconds, or at all."""
    price = price_of(model)
    if model.kind is MediaKind.VIDEO:
        duration = model.with_defaults({}).get("duration")
        if isinstance(duration, int):
            return words.plain("price-video", price=price, duration=words.duration(duration))
        return words.plain("price-generation", price=price)
    if model.cost_unit is CostUnit.SECOND:
        return words.plain("price-generation", price=price)
    return words.plain("price-image", price=price)


async def affordable(balance: Tokens) -> list[tuple[CatalogModel, int]]:
    """Return the models that the balance pays for, and how many times."""
    counts = [(model, price_of(model)) for model in await catalog.models()]
    return [(model, int(balance // price)) for model, price in counts if 0 < price <= balance]


def affordable_words(words: Words, models: list[tuple[CatalogModel, int]]) -> list[Html]:
    """Return a line for each model that the balance pays for."""
    return [
        words(
            "balance-enough-videos" if model.kind is MediaKind.VIDEO else "balance-enough-images",
            model=model.display_name,
            n=count,
            price=price_of(model),
        )
        for model, count in models
    ]


def options(words: Words, model: CatalogModel, chosen: Mapping[str, Json]) -> list[Option]:
    """Return the options that a card offers, with what the order would cost for each value."""
    current = model.with_defaults(known_params(model, chosen))
    found = []
    for name, schema in model.options.items():
        values = _values(schema)
        if not 1 < len(values) <= MOST_BUTTONS:
            continue
        if "default" not in schema and name not in model.params_schema.get("required", ()):
            values = [None, *values]
        choices = tuple(
            Choice(
                value=value,
                label=words.plain("card-auto") if value is None else _value_label(words, schema, value),
                price=price_of(model, with_choice(current, name, value)),
                is_chosen=current.get(name) == value,
            )
            for value in values
        )
        found.append(Option(name, option_label(words, name, schema), choices))
    return found


def with_choice(params: Mapping[str, Json], name: str, value: Json) -> dict[str, Json]:
    """Return the options with one of them chosen, or left to the model."""
    others = {key: kept for key, kept in params.items() if key != name}
    return others if value is None else {**others, name: value}


def known_params(model: CatalogModel, params: Mapping[str, Json]) -> dict[str, Json]:
    """Return the options that the model still has and still takes."""
    known = {name: value for name, value in params.items() if name in model.options}
    while known:
        try:
            quote(model, known)
        except InvalidParams as error:
            wrong = known.keys() & {problem.param for problem in error.problems}
            known = {name: value for name, value in known.items() if wrong and name not in wrong}
        else:
            break
    return known


def params_words(words: Words, model: CatalogModel | None, params: Mapping[str, Json]) -> str:
    """Return the chosen options as a short plain text, such as ` · 4K · 16:9`; empty without any worth telling."""
    schemas = model.options if model else {}
    told = []
    for name, value in params.items():
        if value is None or (name == "quantity" and value == 1):
            continue
        schema = schemas.get(name, {})
        if isinstance(value, bool) and not schema.get("x-labels"):
            told += [option_label(words, name, schema)] if value else []
        elif isinstance(value, int) and not isinstance(value, bool) and words.has(f"option-{name}"):
            told.append(words.plain(f"option-{name}", n=value))
        else:
            told.append(_value_label(words, schema, value))
    return "".join(f" · {text}" for text in told)


def option_label(words: Words, name: str, schema: Mapping[str, Any]) -> str:
    """Return what an option is called."""
    labels = schema.get("x-label", {})
    return str(labels.get(words.language, name))


def purpose(words: Words, model: CatalogModel) -> Html:
    """Return what a model is good for."""
    return escape(model.purpose.get(words.language, ""))


def _values(schema: Mapping[str, Any]) -> list[Json]:
    if "enum" in schema:
        return list(schema["enum"])
    if schema.get("type") == "boolean":
        return [False, True]
    if schema.get("type") == "integer" and "minimum" in schema and "maximum" in schema:
        return list(range(schema["minimum"], schema["maximum"] + 1))
    return []


def _value_label(words: Words, schema: Mapping[str, Any], value: Json) -> str:
    """Return what a value is called; itself where the schema has no name for it."""
    key = str(value).lower() if isinstance(value, bool) else str(value)
    labels = schema.get("x-labels", {}).get(key, {})
    name: str | None = labels.get(words.language)
    return name or str(value)

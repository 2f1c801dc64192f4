"""Which models a person is offered, for how much, and with which options: the catalogue in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from bot.texts import Html, Words, escape
from core import catalog
from core.catalog import CatalogModel, CostUnit, FollowUpKind
from core.generations import Generation, continuations
from core.generations.inputs import is_video
from core.pricing import InvalidParams, quote
from core.storage import StoredFile
from core.types import Tokens
from core.users import User
from providers.base import Json, MediaKind, MediaRole

MOST_BUTTONS: Final = 12
"""Values of one option that fit on a card; of an option with more a few are offered."""

FEW_MODELS: Final = 3
"""Models of one kind that a balance is told to pay for."""

FEW_STOPS: Final = 5
"""Steps in which a wide range of numbers is offered."""

LONGEST_VALUE: Final = 30
"""A value of more characters, words of the person's own perhaps, is told by the name of its option."""

NEUTRAL_MARKS: Final = {MediaKind.IMAGE: "🖼", MediaKind.VIDEO: "🎬", MediaKind.TEXT: "📝"}


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


async def animator(user: User) -> CatalogModel | None:
    """Return the model that animates what this person's image model makes, else the first that takes a photo."""
    painter = await image_model(user)
    for follow_up in painter.follow_ups if painter else ():
        model = await find(follow_up.model)
        if follow_up.kind is FollowUpKind.ANIMATE and model is not None:
            return model
    return next((model for model in await catalog.models(kind=MediaKind.VIDEO) if model.max_input_images), None)


async def retired() -> list[tuple[CatalogModel, CatalogModel]]:
    """Return models that have reached their end, each beside the one to use instead."""
    pairs = [(model, await find(model.successor or "")) for model in await catalog.retired()]
    return [(model, successor) for model, successor in pairs if successor is not None]


async def continuing(generation: Generation) -> list[continuations.Offer]:
    """Return what can be made from a result now, each kind once: by the first model that can."""
    offered: dict[FollowUpKind, continuations.Offer] = {}
    for offer in await continuations.offers(generation):
        offered.setdefault(offer.kind, offer)
    return list(offered.values())


async def find_any(slug: str) -> CatalogModel | None:
    """Return a model whether it can be ordered or not."""
    with suppress(catalog.UnknownModel):
        return await catalog.get(slug)
    return None


async def find(slug: str) -> CatalogModel | None:
    """Return a model that can be ordered now, whether it is listed or not."""
    everything = await catalog.models(only_available=False)
    return next((model for model in everything if model.slug == slug and model.is_available), None)


def price_of(model: CatalogModel, params: Mapping[str, Json] | None = None) -> Tokens:
    """Return the price with these options; options that the model no longer takes count as not chosen."""
    try:
        return quote(model, params or {}).tokens
    except InvalidParams:
        return quote(model, known_params(model, params or {})).tokens


def price_words(words: Words, model: CatalogModel) -> str:
    """Return the price of the plainest order: per picture, for so many seconds, or for whatever comes of it."""
    price = price_of(model)
    duration = model.with_defaults({}).get("duration")
    if model.kind is MediaKind.VIDEO and isinstance(duration, int):
        return words.plain("price-video", price=price, duration=words.duration(duration))
    # An order that is priced as a whole may make four pictures, as Midjourney's do.
    return words.plain("price-image" if model.cost_unit is CostUnit.IMAGE else "price-generation", price=price)


async def affordable(balance: Tokens) -> list[tuple[CatalogModel, int]]:
    """Return the models that the balance pays for, and how many times."""
    counts = [(model, price_of(model)) for model in await catalog.models()]
    return [(model, int(balance // price)) for model, price in counts if 0 < price <= balance]


def affordable_words(words: Words, models: list[tuple[CatalogModel, int]]) -> list[Html]:
    """Return a line for each model that the balance pays for; of each kind the first few are enough."""
    told: list[Html] = []
    named: Counter[MediaKind] = Counter()
    for model, count in models:
        named[model.kind] += 1
        if named[model.kind] <= FEW_MODELS:
            key = "balance-enough-videos" if model.kind is MediaKind.VIDEO else "balance-enough-images"
            told.append(words(key, model=model.display_name, n=count, price=price_of(model)))
    return told


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
                price=price_of(model, with_choice(model, current, name, value)),
                is_chosen=current.get(name) == value,
            )
            for value in values
        )
        found.append(Option(name, option_label(words, name, schema), choices))
    return found


def with_choice(model: CatalogModel, params: Mapping[str, Json], name: str, value: Json) -> dict[str, Json]:
    """Return the options with one of them chosen, or left to the model.

    Others give way where they do not go with it: sound that there is in one quality only brings that quality along.
    """
    chosen = {key: kept for key, kept in params.items() if key != name}
    if value is not None:
        chosen[name] = value
    for _ in model.options:
        wrong = _problems(model, chosen)
        change = _cure(model, chosen, name, wrong) if wrong else None
        if change is None:
            break
        chosen |= change
    return chosen


def _cure(model: CatalogModel, params: Mapping[str, Json], fixed: str, wrong: set[str]) -> dict[str, Json] | None:
    """Return another option with a value with which less is wrong; those that are blamed are tried first."""
    for other in sorted(model.options, key=lambda option: option not in wrong):
        for value in _values(model.options[other]) if other != fixed else ():
            if _problems(model, {**params, other: value}) < wrong:
                return {other: value}
    return None


def _problems(model: CatalogModel, params: Mapping[str, Json]) -> set[str]:
    try:
        quote(model, params)
    except InvalidParams as error:
        return {problem.param for problem in error.problems}
    return set()


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
    """Return what was chosen as a short plain text, such as ` · 4K · 16:9`; what is as always is not worth telling."""
    schemas = model.options if model else {}
    told = [
        _param_words(words, name, schemas.get(name, {}), params[name])
        for name in [*schemas, *(other for other in params if other not in schemas)]
        if params.get(name) is not None and _is_worth_telling(name, schemas.get(name, {}), params[name])
    ]
    return "".join(f" · {text}" for text in told if text)


def _is_worth_telling(name: str, schema: Mapping[str, Any], value: Json) -> bool:
    return name == "duration" or value != schema.get("default", 1 if name == "quantity" else None)


def _param_words(words: Words, name: str, schema: Mapping[str, Any], value: Json) -> str:
    label = option_label(words, name, schema)
    if isinstance(value, bool) and not schema.get("x-labels"):
        return label if value else ""
    if isinstance(value, int) and not isinstance(value, bool):
        if words.has(f"option-{name}"):
            return words.plain(f"option-{name}", n=value)
        return f"{label} {_value_label(words, schema, value)}"
    return _value_label(words, schema, value) if len(str(value)) <= LONGEST_VALUE else label


def fitting_files(model: CatalogModel, files: Sequence[StoredFile]) -> tuple[StoredFile, ...]:
    """Return of the pictures and videos that a person gave the latest that one order of the model takes."""
    videos = [file for file in files if is_video(file)]
    pictures = [file for file in files if not is_video(file)]
    kept = [*pictures[max(0, len(pictures) - model.max_input_images) :]]
    kept += videos[max(0, len(videos) - model.max_input_videos) :]
    return tuple(file for file in files if file in kept)


def meaningful(options: Sequence[Option], model: CatalogModel, files: Sequence[StoredFile]) -> tuple[Option, ...]:
    """Return the options that mean something beside these files: a first frame, for one, decides the format."""
    given = {MediaRole.VIDEO} if any(map(is_video, files)) else set()
    if any(not is_video(file) for file in files):
        given |= {slot.role for slot in model.inputs if slot.role is not MediaRole.VIDEO}
    return tuple(one for one in options if given.isdisjoint(model.options[one.name].get("x-without", ())))


def input_name(words: Words, model: CatalogModel, role: MediaRole) -> str:
    """Return what an input of this role is called."""
    slot = model.slot(role)
    label = slot.label.get(words.language) if slot else None
    return label or words.plain(f"input-{role.value}")


def required_words(words: Words, model: CatalogModel, required: Mapping[str, tuple[Json, ...]]) -> str:
    """Name options and the values that one of has to be chosen, such as `Quality: pro`."""
    told = []
    for name, allowed in required.items():
        schema = model.options.get(name, {})
        label = option_label(words, name, schema)
        if words.has(f"option-{name}"):
            label, values = label.partition(",")[0], [_param_words(words, name, schema, value) for value in allowed]
        else:
            values = [_value_label(words, schema, value) for value in allowed]
        told.append(f"{label}: {' / '.join(values)}")
    return ", ".join(told)


def inputs_words(words: Words, model: CatalogModel) -> list[str]:
    """Name the inputs of a model with several kinds of them, each with its limits."""
    named = [slot for slot in model.inputs if slot.role not in (MediaRole.IMAGE, MediaRole.MASK)]
    told = []
    for slot in named:
        name = input_name(words, model, slot.role)
        more = [words.plain("input-most", n=slot.most)] if slot.most > 1 else []
        more += [required_words(words, model, slot.requires)] if slot.requires else []
        told.append(f"{name} ({', '.join(more)})" if more else name)
    return told


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
        return _stops(schema)
    return []


def _stops(schema: Mapping[str, Any]) -> list[Json]:
    """Return the numbers of a range, or a few of them that lie evenly, and the default."""
    least, most, step = schema["minimum"], schema["maximum"], schema.get("multipleOf", 1)
    numbers = range(-(-least // step) * step, most + 1, step)
    if len(numbers) <= MOST_BUTTONS:
        return list(numbers)
    few = {numbers[position * (len(numbers) - 1) // (FEW_STOPS - 1)] for position in range(FEW_STOPS)}
    return sorted(few | {schema.get("default", least)})


def _value_label(words: Words, schema: Mapping[str, Any], value: Json) -> str:
    """Return what a value is called; itself where the schema has no name for it."""
    key = str(value).lower() if isinstance(value, bool) else str(value)
    labels = schema.get("x-labels", {}).get(key, {})
    name: str | None = labels.get(words.language)
    return name or str(value)

"""What the rest of the service knows of a model: an immutable snapshot with the prices of one moment."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from jsonschema import Draft202012Validator

from providers.base import Json, MediaKind, MediaRole


class CostUnit(StrEnum):
    """What one `base_cost_usd` pays for."""

    IMAGE = "image"
    SECOND = "second"
    GENERATION = "generation"


@dataclass(frozen=True, slots=True)
class Route:
    """One way to have a model's work done: a provider, and the name that it gives the model.

    Attributes:
        requires: options that must have one of these values for this way to be open; others do not matter.
        takes: roles of inputs that this way can carry; None for all that the model takes.
        extends: the provider goes on with videos that it made itself; otherwise their last frame is animated.
    """

    provider: str
    model: str
    requires: Mapping[str, tuple[Json, ...]] = field(default_factory=dict)
    takes: frozenset[MediaRole] | None = None
    extends: bool = False

    def carries(self, params: Mapping[str, Json], roles: Collection[MediaRole]) -> bool:
        """True when an order with these options and inputs can go this way."""
        return all(params.get(option) in allowed for option, allowed in self.requires.items()) and (
            self.takes is None or self.takes.issuperset(roles)
        )


@dataclass(frozen=True, slots=True)
class InputSlot:
    """A place for pictures or videos that a model works from.

    Attributes:
        role: what they are for; it is passed on to the provider.
        most: how many of them it takes.
        fewer: how many it takes at most beside inputs of another role.
        least: how many it cannot do without.
        label: what it is called, by language; a name that follows from the role where there is none.
        excludes: roles that cannot be given together with this one.
        needs: roles that have to be given together with this one.
        requires: options that must have one of these values where this slot is filled.
        longest: seconds that a video may have; None without a limit.
    """

    role: MediaRole
    most: int
    least: int = 0
    label: Mapping[str, str] = field(default_factory=dict)
    excludes: frozenset[MediaRole] = frozenset()
    needs: frozenset[MediaRole] = frozenset()
    requires: Mapping[str, tuple[Json, ...]] = field(default_factory=dict)
    longest: float | None = None
    fewer: Mapping[MediaRole, int] = field(default_factory=dict)

    def most_beside(self, roles: Collection[MediaRole]) -> int:
        """Return how many of them it takes where inputs of these roles are given too."""
        return min([self.most, *(most for role, most in self.fewer.items() if role in roles)])

    @property
    def takes_video(self) -> bool:
        """True when it is for videos, False when it is for pictures."""
        return self.role is MediaRole.VIDEO

    def goes_with(self, other: InputSlot) -> bool:
        """True when both may be filled in one order."""
        return other.role not in self.excludes and self.role not in other.excludes


class FollowUpKind(StrEnum):
    """What can be made from a finished result."""

    VARY = "vary"
    UPSCALE = "upscale"
    ANIMATE = "animate"
    EXTEND = "extend"


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Something that is offered under a result, and the model that does it; that model says what it costs."""

    kind: FollowUpKind
    model: str


@dataclass(frozen=True, slots=True, eq=False)
class CatalogModel:
    """A model as it stands now. Two snapshots of one model are two values.

    Attributes:
        purpose: what it is good for, by language.
        option_factors: by option and value, what the choice multiplies the cost with; 1 where nothing is named.
        params_schema: JSON Schema of the options.
        routes: configured routes only, in the order in which they are tried.
        inputs: slots for pictures and videos, in the order in which unnamed ones fill them.
        follow_ups: what is offered under a result.
        typical_seconds: usual time until the result, measured where enough jobs were.
        is_listed: False for a model that is reached from a result only.
        rate: tokens that one USD buys.
        markup: retail price over cost.
        all_routes: routes over providers that are not configured here too.
    """

    id: int
    slug: str
    display_name: str
    kind: MediaKind
    purpose: Mapping[str, str]
    base_cost_usd: Decimal
    cost_unit: CostUnit
    option_factors: Mapping[str, Mapping[str, Decimal]]
    params_schema: Mapping[str, Any]
    routes: tuple[Route, ...]
    max_prompt_length: int
    inputs: tuple[InputSlot, ...]
    follow_ups: tuple[FollowUp, ...]
    cooldown_seconds: int
    daily_limit: int | None
    typical_seconds: int
    deadline_seconds: int
    is_active: bool
    is_listed: bool
    order: int
    retires_at: datetime | None
    successor: str | None
    rate: Decimal
    markup: Decimal
    all_routes: tuple[Route, ...] = ()

    @property
    def is_available(self) -> bool:
        """True when somebody can order it now."""
        return self.is_active and bool(self.routes) and not self.is_retired

    @property
    def is_retired(self) -> bool:
        """True when its end has come; `successor` names the model to use instead."""
        return self.retires_at is not None and self.retires_at <= datetime.now(UTC)

    @property
    def max_input_images(self) -> int:
        """Most pictures that one order may have."""
        slots = [slot for slot in self.inputs if not slot.takes_video and slot.role is not MediaRole.MASK]
        return max((sum(one.most for one in slots if slot.goes_with(one)) for slot in slots), default=0)

    @property
    def max_input_videos(self) -> int:
        """Most videos that one order may have."""
        return sum(slot.most for slot in self.inputs if slot.takes_video)

    @property
    def needs_input_image(self) -> bool:
        """True when it works from a picture only."""
        return any(slot.least and not slot.takes_video for slot in self.inputs)

    @property
    def needs_input_video(self) -> bool:
        """True when it works from a video only."""
        return any(slot.least and slot.takes_video for slot in self.inputs)

    @property
    def needs_words(self) -> bool:
        """True when it makes nothing without a prompt; words are made from the input alone."""
        return self.kind is not MediaKind.TEXT

    def routes_for(self, params: Mapping[str, Json], roles: Collection[MediaRole]) -> tuple[Route, ...]:
        """Return the configured routes that an order with these options and inputs can take, in their order."""
        return tuple(route for route in self.routes if route.carries(params, roles))

    def slot(self, role: MediaRole) -> InputSlot | None:
        """Return the slot of a role, None where there is none."""
        return next((slot for slot in self.inputs if slot.role is role), None)

    @property
    def options(self) -> Mapping[str, Mapping[str, Any]]:
        """The schema of each option by name."""
        properties: Mapping[str, Mapping[str, Any]] = self.params_schema.get("properties", {})
        return properties

    def with_defaults(self, params: Mapping[str, Json]) -> dict[str, Json]:
        """Return the options with the schema's defaults filled in, in the schema's order.

        A default inside a condition of the schema goes before the option's own, where the condition holds: sound brings
        the quality that it needs.
        """
        filled: dict[str, Json] = {}
        for name, schema in self.options.items():
            if name in params:
                filled[name] = params[name]
            elif "default" in schema:
                filled[name] = schema["default"]
        filled |= {name: value for name, value in params.items() if name not in filled}
        for condition in self.conditions:
            if Draft202012Validator(condition["if"]).is_valid(filled):
                follows = condition.get("then", {}).get("properties", {})
                filled |= {
                    name: schema["default"]
                    for name, schema in follows.items()
                    if "default" in schema and name not in params
                }
        return filled

    @property
    def conditions(self) -> tuple[Mapping[str, Any], ...]:
        """The parts of the schema that say what follows from a choice, each with `if` and `then`."""
        parts = (self.params_schema, *self.params_schema.get("allOf", ()))
        return tuple(part for part in parts if "if" in part)


class UnknownModel(Exception):
    """There is no model of that name."""

    def __init__(self, slug: str, known: Iterable[str]) -> None:
        self.slug = slug
        self.near = difflib.get_close_matches(slug, list(known), n=3, cutoff=0.5)
        super().__init__(f"There is no model {slug!r}" + (f"; near: {', '.join(self.near)}" if self.near else ""))

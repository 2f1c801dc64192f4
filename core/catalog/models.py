"""What the rest of the service knows of a model: an immutable snapshot with the prices of one moment."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from providers.base import Json, MediaKind


class CostUnit(StrEnum):
    """What one `base_cost_usd` pays for."""

    IMAGE = "image"
    SECOND = "second"
    GENERATION = "generation"


@dataclass(frozen=True, slots=True)
class Route:
    """One way to have a model's work done: a provider, and the name that it gives the model."""

    provider: str
    model: str


@dataclass(frozen=True, slots=True, eq=False)
class CatalogModel:
    """A model as it stands now. Two snapshots of one model are two values.

    Attributes:
        purpose: what it is good for, by language.
        option_factors: by option and value, what the choice multiplies the cost with; 1 where nothing is named.
        params_schema: JSON Schema of the options.
        routes: configured routes only, in the order in which they are tried.
        typical_seconds: usual time until the result.
        rate: tokens that one USD buys.
        markup: retail price over cost.
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
    max_input_images: int
    needs_input_image: bool
    cooldown_seconds: int
    daily_limit: int | None
    typical_seconds: int
    deadline_seconds: int
    is_active: bool
    order: int
    retires_at: datetime | None
    successor: str | None
    rate: Decimal
    markup: Decimal

    @property
    def is_available(self) -> bool:
        """True when somebody can order it now."""
        return self.is_active and bool(self.routes)

    @property
    def options(self) -> Mapping[str, Mapping[str, Any]]:
        """The schema of each option by name."""
        properties: Mapping[str, Mapping[str, Any]] = self.params_schema.get("properties", {})
        return properties

    def with_defaults(self, params: Mapping[str, Json]) -> dict[str, Json]:
        """Return the options with the schema's defaults filled in, in the schema's order."""
        filled: dict[str, Json] = {}
        for name, schema in self.options.items():
            if name in params:
                filled[name] = params[name]
            elif "default" in schema:
                filled[name] = schema["default"]
        return filled | {name: value for name, value in params.items() if name not in filled}


class UnknownModel(Exception):
    """There is no model of that name."""

    def __init__(self, slug: str, known: Iterable[str]) -> None:
        self.slug = slug
        self.near = difflib.get_close_matches(slug, list(known), n=3, cutoff=0.5)
        super().__init__(f"There is no model {slug!r}" + (f"; near: {', '.join(self.near)}" if self.near else ""))

"""The catalogue as it ships, read here on its own so that the tests know what to expect of the product."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import core.catalog


@dataclass(frozen=True)
class Shipped:
    """A model of the catalogue, as far as the tests care."""

    slug: str
    name: str
    kind: str
    roles: tuple[str, ...]
    needed: tuple[str, ...]
    follow_ups: tuple[tuple[str, str], ...]
    is_listed: bool
    is_retired: bool
    successor: str | None
    providers: tuple[str, ...]

    @property
    def is_emulated(self) -> bool:
        """True when a vendor does its work; the demonstration is none."""
        return set(self.providers) != {"demo"}

    @property
    def ways(self) -> tuple[str, ...]:
        """From what it is ordered here: words alone, a photo, a video."""
        words = () if self.needed else ("words",)
        photo = ("photo",) if {"image", "start", "reference"} & set(self.roles) else ()
        return (*words, *photo, *(("video",) if self.needed == ("video",) else ()))


def read() -> tuple[Shipped, ...]:
    """Return all models."""
    path = Path(core.catalog.__file__).with_name("models.toml")
    return tuple(_model(slug, data) for slug, data in tomllib.loads(path.read_text())["models"].items())


def _model(slug: str, data: dict[str, object]) -> Shipped:
    inputs: list[dict[str, object]] = data.get("inputs", [])  # type: ignore[assignment]
    follow_ups: list[dict[str, str]] = data.get("follow_ups", [])  # type: ignore[assignment]
    routes: list[dict[str, str]] = data["routes"]  # type: ignore[assignment]
    retires = data.get("retires_at")
    return Shipped(
        slug=slug,
        name=str(data["display_name"]),
        kind=str(data["type"]),
        roles=tuple(str(slot["role"]) for slot in inputs),
        needed=tuple(str(slot["role"]) for slot in inputs if slot.get("least")),
        follow_ups=tuple((one["kind"], one["model"]) for one in follow_ups),
        is_listed=bool(data.get("is_listed", True)),
        is_retired=isinstance(retires, datetime) and retires <= datetime.now(UTC),
        successor=str(data["successor"]) if "successor" in data else None,
        providers=tuple(route["provider"] for route in routes),
    )


MODELS = read()
SERVED = tuple(model for model in MODELS if model.is_listed and not model.is_retired and model.is_emulated)
RETIRED = tuple(model for model in MODELS if model.is_retired)

"""Reads the catalogue.

Snapshots are kept for a second: a burst of requests reads the table once, and an operator's edit is seen soon.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from core import db
from core.catalog.models import CatalogModel, CostUnit, FollowUp, FollowUpKind, InputSlot, Route, UnknownModel
from providers.base import Json, MediaKind, MediaRole

FRESH_SECONDS = 1.0

_SELECT = """
    SELECT model.*, pricing.usd_to_token_rate, pricing.markup_multiplier
    FROM botapp_aimodel AS model CROSS JOIN pricing_settings AS pricing
"""


@dataclass(slots=True)
class _Snapshot:
    configured_providers: frozenset[str] = frozenset()
    models: list[CatalogModel] = field(default_factory=list)
    read_at: float = float("-inf")


_snapshot = _Snapshot()


def configure(providers: Iterable[str]) -> None:
    """Say which providers this process can call; routes over others do not exist for it."""
    _snapshot.configured_providers = frozenset(providers)
    forget()


def forget() -> None:
    """Drop what was read: the catalogue was changed here, and its next reader is to see that."""
    _snapshot.read_at = float("-inf")


async def models(*, kind: MediaKind | None = None, only_available: bool = True) -> list[CatalogModel]:
    """Return the models in their order; of those that can be ordered only the listed ones."""
    now = time.monotonic()
    if now - _snapshot.read_at > FRESH_SECONDS:
        _snapshot.models = await read()
        # As old as the question, not as the answer: a slow database does not make prices stay longer.
        _snapshot.read_at = now
    return [
        model
        for model in _snapshot.models
        if (kind is None or model.kind is kind) and (not only_available or (model.is_available and model.is_listed))
    ]


async def read() -> list[CatalogModel]:
    """Return all models in their order as the open transaction sees them; nothing is remembered."""
    return [from_row(row) for row in await db.fetch(f'{_SELECT} ORDER BY model."order", model.slug')]


async def find(slug: str) -> CatalogModel:
    """Return one model as the open transaction sees it.

    Raises:
        UnknownModel: with the nearest names.
    """
    return await _find(f"{_SELECT} WHERE model.slug = $1", slug)


async def lock(slug: str) -> CatalogModel:
    """Return one model as it is now and let nobody else change it, or the settings, until the transaction ends.

    Raises:
        UnknownModel: with the nearest names.
    """
    return await _find(f"{_SELECT} WHERE model.slug = $1 FOR UPDATE OF model FOR SHARE OF pricing", slug)


async def get(slug: str) -> CatalogModel:
    """Return one model, whether it can be ordered or not.

    Raises:
        UnknownModel: with the nearest names.
    """
    everything = await models(only_available=False)
    for model in everything:
        if model.slug == slug:
            return model
    raise UnknownModel(slug, [model.slug for model in everything])


async def retired() -> list[CatalogModel]:
    """Return the listed models whose end has come, in their order; people still ask for them."""
    return [model for model in await models(only_available=False) if model.is_listed and model.is_retired]


async def default_model(kind: MediaKind) -> CatalogModel | None:
    """Return the first model of a kind that can be ordered."""
    available = await models(kind=kind)
    return available[0] if available else None


async def _find(sql: str, slug: str) -> CatalogModel:
    row = await db.fetch_one(sql, slug)
    if row is None:
        raise UnknownModel(slug, [model.slug for model in await read()])
    return from_row(row)


def from_row(row: db.Row) -> CatalogModel:
    """Return the model that a row of the catalogue, joined with the settings, describes."""
    factors = json.loads(row["option_factors"])
    routes = tuple(_route(route) for route in json.loads(row["routes"]))
    return CatalogModel(
        id=row["id"],
        slug=row["slug"],
        display_name=row["display_name"],
        kind=MediaKind(row["type"]),
        purpose=json.loads(row["purpose"]),
        base_cost_usd=row["base_cost_usd"],
        cost_unit=CostUnit(row["cost_unit"]),
        option_factors={
            option: {value: Decimal(factor) for value, factor in values.items()} for option, values in factors.items()
        },
        params_schema=_in_order(json.loads(row["params_schema"])),
        routes=tuple(route for route in routes if route.provider in _snapshot.configured_providers),
        max_prompt_length=row["max_prompt_length"],
        inputs=tuple(_slot(slot) for slot in json.loads(row["inputs"])),
        follow_ups=tuple(FollowUp(FollowUpKind(item["kind"]), item["model"]) for item in json.loads(row["follow_ups"])),
        cooldown_seconds=row["cooldown_seconds"],
        daily_limit=row["daily_limit"],
        typical_seconds=row["measured_seconds"] or row["typical_seconds"],
        deadline_seconds=row["deadline_seconds"],
        is_active=row["is_active"],
        is_listed=row["is_listed"],
        order=row["order"],
        retires_at=row["retires_at"],
        successor=row["successor"],
        rate=row["usd_to_token_rate"],
        markup=row["markup_multiplier"],
        all_routes=routes,
    )


def _in_order(schema: dict[str, Any]) -> dict[str, Any]:
    """Bring the options of a schema into the order that its author gave them."""
    properties, order = schema.get("properties"), schema.get("x-order", ())
    if not properties:
        return schema
    names = [name for name in order if name in properties]
    return {**schema, "properties": {name: properties[name] for name in [*names, *properties]}}


def _route(values: Mapping[str, Any]) -> Route:
    return Route(
        provider=values["provider"],
        model=values["model"],
        requires=_allowed(values.get("requires", {})),
        takes=frozenset(map(MediaRole, values["takes"])) if "takes" in values else None,
        extends=values.get("extends", False),
    )


def _allowed(values: Mapping[str, Iterable[Json]]) -> dict[str, tuple[Json, ...]]:
    return {option: tuple(allowed) for option, allowed in values.items()}


def _slot(values: Mapping[str, Any]) -> InputSlot:
    return InputSlot(
        role=MediaRole(values["role"]),
        most=values["most"],
        least=values.get("least", 0),
        label=values.get("label", {}),
        excludes=frozenset(map(MediaRole, values.get("excludes", ()))),
        needs=frozenset(map(MediaRole, values.get("needs", ()))),
        requires=_allowed(values.get("requires", {})),
        longest=values.get("longest"),
        fewer={MediaRole(role): most for role, most in values.get("fewer", {}).items()},
    )

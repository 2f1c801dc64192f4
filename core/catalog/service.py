"""Reads the catalogue and loads the file it ships as.

Snapshots are kept for a second: a burst of requests reads the table once, and an operator's edit is seen soon.
"""

from __future__ import annotations

import json
import time
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from importlib.resources import files
from typing import Any

from core import db
from core.catalog.models import CatalogModel, CostUnit, FollowUp, FollowUpKind, InputSlot, Route, UnknownModel
from providers.base import Json, MediaKind, MediaRole

FRESH_SECONDS = 1.0

EDITABLE = (
    "display_name",
    "type",
    "purpose",
    "base_cost_usd",
    "cost_unit",
    "option_factors",
    "params_schema",
    "routes",
    "max_prompt_length",
    "inputs",
    "follow_ups",
    "cooldown_seconds",
    "daily_limit",
    "typical_seconds",
    "deadline_seconds",
    "is_active",
    "is_listed",
    "order",
    "retires_at",
    "successor",
)
"""Columns of a model that the shipped file may fill."""

_AS_JSON = {"purpose", "option_factors", "params_schema", "routes", "inputs", "follow_ups"}

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


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What loading the shipped file did, by slug. `differing` were edited since and are left as they are."""

    added: list[str]
    unchanged: list[str]
    differing: dict[str, list[str]]


def configure(providers: Iterable[str]) -> None:
    """Say which providers this process can call; routes over others do not exist for it."""
    _snapshot.configured_providers = frozenset(providers)
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
    return [_from_row(row) for row in await db.fetch(f'{_SELECT} ORDER BY model."order", model.slug')]


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


async def default_model(kind: MediaKind) -> CatalogModel | None:
    """Return the first model of a kind that can be ordered."""
    available = await models(kind=kind)
    return available[0] if available else None


async def sync() -> SyncReport:
    """Add the shipped models that are not there yet. What an operator edited is left alone and reported."""
    shipped = tomllib.loads(files("core.catalog").joinpath("models.toml").read_text(encoding="utf-8"))
    report = SyncReport(added=[], unchanged=[], differing={})
    async with db.transaction():
        await db.execute("INSERT INTO pricing_settings (id) VALUES (1) ON CONFLICT DO NOTHING")
        for slug, description in shipped["models"].items():
            await _sync_one(slug, description, report)
    _snapshot.read_at = float("-inf")
    return report


async def _find(sql: str, slug: str) -> CatalogModel:
    row = await db.fetch_one(sql, slug)
    if row is None:
        raise UnknownModel(slug, [model.slug for model in await read()])
    return _from_row(row)


async def _sync_one(slug: str, description: Mapping[str, Any], report: SyncReport) -> None:
    values = {name: _to_column(name, description[name]) for name in EDITABLE if name in description}
    columns = ", ".join(f'"{name}"' for name in values)
    places = ", ".join(f"${number}" for number in range(2, len(values) + 2))
    added = await db.execute(
        f"INSERT INTO botapp_aimodel (slug, {columns}) VALUES ($1, {places}) ON CONFLICT (slug) DO NOTHING",  # noqa: S608  names are from EDITABLE
        slug,
        *values.values(),
    )
    if added:
        report.added.append(slug)
        return
    row = await db.fetch_one("SELECT * FROM botapp_aimodel WHERE slug = $1", slug)
    assert row is not None
    differing = [name for name, value in values.items() if not _same(name, row[name], value)]
    if differing:
        report.differing[slug] = differing
    else:
        report.unchanged.append(slug)


def _to_column(name: str, value: Any) -> Any:  # noqa: ANN401  A column's type is the file's.
    if name in _AS_JSON:
        return db.to_json(value)
    return Decimal(value) if name == "base_cost_usd" else value


def _same(name: str, stored: Any, shipped: Any) -> bool:  # noqa: ANN401
    if name in _AS_JSON:
        return bool(json.loads(stored) == json.loads(shipped))
    return bool(stored == shipped)


def _from_row(row: db.Row) -> CatalogModel:
    factors = json.loads(row["option_factors"])
    routes = (_route(route) for route in json.loads(row["routes"]))
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
        params_schema=json.loads(row["params_schema"]),
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
    )


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

"""Loads the file that the catalogue ships as: adds what is missing, tells what differs, overwrites what it is told to.

Prices are never overwritten: an edit of a price is a revision, made with `nb pricing set`.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Any

from core import db
from core.catalog import service
from core.catalog.models import UnknownModel

PRICED = ("base_cost_usd", "cost_unit", "option_factors")

EDITABLE = (
    "display_name",
    "type",
    "purpose",
    *PRICED,
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

TAKEABLE = tuple(name for name in EDITABLE if name not in PRICED)
"""Columns that may be overwritten with what ships."""

AS_JSON = {"purpose", "option_factors", "params_schema", "routes", "inputs", "follow_ups"}

LEFT_OUT: Mapping[str, Any] = {
    "option_factors": {},
    "inputs": [],
    "follow_ups": [],
    "cooldown_seconds": 0,
    "daily_limit": None,
    "is_active": True,
    "is_listed": True,
    "retires_at": None,
    "successor": None,
}
"""What a column has that the file says nothing of."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A field of a model that is not as it ships. Both values are as JSON has them."""

    field: str
    now: Any
    shipped: Any


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What loading the shipped file did, by slug. `differing` were edited since and are left as they are.

    Attributes:
        taken: fields that were overwritten with what ships.
        details: both values of every field that differed.
    """

    added: list[str]
    unchanged: list[str]
    differing: dict[str, list[str]]
    taken: dict[str, list[str]] = field(default_factory=dict)
    details: dict[str, list[Difference]] = field(default_factory=dict)


@lru_cache(maxsize=1)
def descriptions() -> Mapping[str, Mapping[str, Any]]:
    """Return what ships, by slug, as the file has it, with the order of its options written down."""
    text = files("core.catalog").joinpath("models.toml").read_text(encoding="utf-8")
    found: dict[str, dict[str, Any]] = tomllib.loads(text)["models"]
    for description in found.values():
        # The database keeps no order of names, and people are to see options in the order of the file.
        schema = description["params_schema"]
        schema["x-order"] = list(schema.get("properties", {}))
    return found


async def sync() -> SyncReport:
    """Add the shipped models that are not there yet, in a transaction of its own. Edits are reported and left alone."""
    async with db.transaction():
        return await load()


async def load(*, only: Collection[str] = (), take: Collection[str] = ()) -> SyncReport:
    """Do the same inside the caller's transaction.

    Args:
        only: slugs to look at; all that ship where it is empty.
        take: columns that are overwritten with what ships where they differ.

    Raises:
        UnknownModel: a slug does not ship.
    """
    shipped = descriptions()
    for slug in only:
        if slug not in shipped:
            raise UnknownModel(slug, shipped)
    report = SyncReport(added=[], unchanged=[], differing={})
    await db.execute("INSERT INTO pricing_settings (id) VALUES (1) ON CONFLICT DO NOTHING")
    for slug, description in shipped.items():
        if not only or slug in only:
            await _sync_one(slug, description, take, report)
    service.forget()
    return report


async def _sync_one(slug: str, description: Mapping[str, Any], take: Collection[str], report: SyncReport) -> None:
    values = {name: description[name] for name in EDITABLE if name in description}
    columns = ", ".join(f'"{name}"' for name in values)
    places = ", ".join(f"${number}" for number in range(2, len(values) + 2))
    added = await db.execute(
        f"INSERT INTO botapp_aimodel (slug, {columns}) VALUES ($1, {places}) ON CONFLICT (slug) DO NOTHING",  # noqa: S608  names are from EDITABLE
        slug,
        *(_to_column(name, value) for name, value in values.items()),
    )
    if added:
        report.added.append(slug)
        return
    row = await db.fetch_one("SELECT * FROM botapp_aimodel WHERE slug = $1 FOR UPDATE", slug)
    assert row is not None
    # A field that the file says nothing of is an operator's alone, until it is taken.
    wanted = {**{name: value for name, value in LEFT_OUT.items() if name in take}, **values}
    details = [
        Difference(name, _readable(name, row[name]), _plain(value))
        for name, value in wanted.items()
        if not _same(name, row[name], value)
    ]
    if not details:
        report.unchanged.append(slug)
        return
    report.details[slug] = details
    taken = [one.field for one in details if one.field in take]
    for name in taken:
        await db.execute(
            f'UPDATE botapp_aimodel SET "{name}" = $2, updated_at = now() WHERE slug = $1',  # noqa: S608  from TAKEABLE
            slug,
            _to_column(name, wanted[name]),
        )
    left = [one.field for one in details if one.field not in take]
    if taken:
        report.taken[slug] = taken
    if left:
        report.differing[slug] = left


def _to_column(name: str, value: Any) -> Any:  # noqa: ANN401  A column's type is the file's.
    if name in AS_JSON:
        return db.to_json(value)
    return Decimal(value) if name == "base_cost_usd" else value


def _same(name: str, stored: Any, shipped: Any) -> bool:  # noqa: ANN401
    if name in AS_JSON:
        return bool(json.loads(stored) == json.loads(db.to_json(shipped)))
    return bool(stored == (Decimal(shipped) if name == "base_cost_usd" else shipped))


def _readable(name: str, stored: Any) -> Any:  # noqa: ANN401
    return json.loads(stored) if name in AS_JSON else _plain(stored)


def _plain(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value

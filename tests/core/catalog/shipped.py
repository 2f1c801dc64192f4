"""The models that ship, as the service would read them where every provider is configured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from core import db
from core.catalog import CatalogModel, service
from core.catalog import shipped as shipped_file

SHIPPED: Mapping[str, Mapping[str, Any]] = shipped_file.descriptions()


def shipped(slug: str) -> CatalogModel:
    """A shipped model that every one of its providers is configured for."""
    values = {**shipped_file.LEFT_OUT, **SHIPPED[slug]}
    row: Any = {
        "id": 1,
        "slug": slug,
        "measured_seconds": None,
        "usd_to_token_rate": Decimal(20),
        "markup_multiplier": Decimal(2),
        **{name: db.to_json(value) if name in shipped_file.AS_JSON else value for name, value in values.items()},
        "base_cost_usd": Decimal(values["base_cost_usd"]),
    }
    model = service.from_row(row)
    return replace(model, routes=model.all_routes)

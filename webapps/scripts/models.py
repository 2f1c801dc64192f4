"""Writes tests/fixtures/models.json: what the API tells of every model that ships, and which options go together.

`python webapps/scripts/models.py` from the root of the project, after an edit of `core/catalog/models.toml`. The cases
come from the server's own validator, so that the form cannot disagree with it unnoticed.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from jsonschema import Draft202012Validator

from core.catalog.models import CatalogModel
from core.catalog.service import from_row
from core.catalog.shipped import descriptions
from core.http.app.catalogue import _told
from core.pricing.options import values_of
from core.users import User
from providers.base import Json

TARGET = Path(__file__).parents[1] / "tests" / "fixtures" / "models.json"
MOST_CASES = 60

ORDINARY: dict[str, Any] = {
    "follow_ups": [],
    "inputs": [],
    "option_factors": {},
    "cooldown_seconds": 0,
    "daily_limit": None,
    "is_active": True,
    "is_listed": True,
    "retires_at": None,
    "successor": None,
    "measured_seconds": None,
}
SETTINGS = {"id": 0, "usd_to_token_rate": Decimal(20), "markup_multiplier": Decimal(2)}
AS_JSON = ("option_factors", "routes", "purpose", "params_schema", "inputs", "follow_ups")


class _Reader:
    language = "en"


def models() -> Iterator[CatalogModel]:
    """The models that ship, those too that nobody can order."""
    for slug, description in descriptions().items():
        row = {**ORDINARY, **SETTINGS, **description, "slug": slug}
        row["base_cost_usd"] = Decimal(row["base_cost_usd"])
        yield from_row(row | {name: json.dumps(row[name]) for name in AS_JSON})


def cases(model: CatalogModel) -> Iterator[dict[str, Any]]:
    """Options as somebody may choose them, with what the server makes of them."""
    names = list(model.options)
    every = itertools.product(*([None, *values_of(model.options[name])] for name in names))
    for chosen in _some(list(every)):
        params: dict[str, Json] = {name: value for name, value in zip(names, chosen, strict=True) if value is not None}
        filled = model.with_defaults(params)
        valid = Draft202012Validator(model.params_schema).is_valid(filled)
        yield {"params": params, "filled": filled, "valid": valid}


def _some(found: list[Any]) -> list[Any]:
    step = max(1, -(-len(found) // MOST_CASES))
    return found[::step]


def main() -> int:
    """Write the file."""
    everything = {model.slug: model for model in models()}
    told = []
    for model in everything.values():
        answer = _told(model, everything, cast("User", _Reader()))
        assert answer is not None
        told.append({"model": json.loads(answer.model_dump_json()), "cases": list(cases(model))})
    TARGET.write_text(json.dumps(told, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    sys.stdout.write(f"{TARGET.name}: {len(told)} models\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

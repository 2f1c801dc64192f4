"""What `docs/catalogue.md` shows can be loaded as it stands."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from core import catalog, providers
from core.catalog import checks, shipped
from core.pricing import quote
from core.settings import Settings

TEXT = (Path(__file__).parents[3] / "docs" / "catalogue.md").read_text("utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.integration
async def test_the_model_that_the_manual_adds_can_be_ordered(
    database: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = tomllib.loads(EXAMPLES[-1])["models"]
    monkeypatch.setattr(shipped, "descriptions", lambda: models)
    assert (await catalog.sync()).added == ["demo-poster"]
    catalog.configure({"demo"})
    (poster,) = await catalog.models()
    assert quote(poster, {"image_size": "4K"}).tokens > quote(poster).tokens
    report = checks.check([poster], providers.known())
    assert report.findings == []


def test_the_described_model_is_the_one_that_ships() -> None:
    (described,) = tomllib.loads(EXAMPLES[0])["models"].values()
    ships = shipped.descriptions()["kling-v2-6"]
    for name in ("display_name", "base_cost_usd", "cost_unit", "inputs", "follow_ups", "option_factors", "order"):
        assert described[name] == ships[name], name
    assert all(route in ships["routes"] for route in described["routes"])


@pytest.mark.parametrize("slug", sorted(set(re.findall(r"`([a-z0-9][\w.-]+)`", TEXT.partition("## What ships")[2]))))
def test_every_slug_that_the_manual_names_ships(slug: str) -> None:
    assert slug in shipped.descriptions()

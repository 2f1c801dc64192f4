"""Every installation starts with models and packages, and loading them again changes nothing."""

from __future__ import annotations

import asyncio

import pytest

from core import catalog, db, seeding
from core.payments import packages
from core.settings import Settings

pytestmark = pytest.mark.integration


async def test_an_empty_database_gets_models_prices_and_packages(database: Settings) -> None:
    seeded = await seeding.seed()
    assert sorted(seeded.catalogue.added) == sorted(model.slug for model in await catalog.read())
    assert seeded.packages == [package.code for package in await packages.everything()]
    assert await db.fetch_value("SELECT usd_to_token_rate FROM pricing_settings") == 20


async def test_loading_again_adds_nothing_and_keeps_what_was_edited(database: Settings) -> None:
    await seeding.seed()
    await db.execute("UPDATE botapp_aimodel SET base_cost_usd = 1 WHERE slug = 'nano-banana'")
    await db.execute("DELETE FROM token_packages WHERE code = 'tokens-100'")
    seeded = await seeding.seed()
    assert (seeded.catalogue.added, seeded.packages) == ([], [])
    assert seeded.catalogue.differing == {"nano-banana": ["base_cost_usd"]}
    assert len(await packages.everything()) == 3


async def test_two_processes_may_load_at_once(database: Settings) -> None:
    first, second = await asyncio.gather(seeding.seed(), seeding.seed())
    assert sorted([len(first.packages), len(second.packages)]) == [0, 4]

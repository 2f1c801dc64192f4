"""What past jobs would have brought at another price."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from time import perf_counter

import pytest

from core import catalog, db
from core.pricing import fields
from core.pricing.fields import Fields
from core.pricing.replay import Replay, replay, replay_all
from core.settings import Settings
from tests.core.pricing import jobs

pytestmark = pytest.mark.integration


async def at(changes: Fields, *, model: str = "nano-banana", days: int = 30) -> Replay:
    """The jobs of a model at an edited price."""
    before = await catalog.find(model)
    return await replay(before, fields.applied(before, changes), days=days)


async def test_without_jobs_there_is_nothing_to_say(service: Settings) -> None:
    found = await at({"base_cost_usd": "0.03"})
    assert (found.jobs, str(found.tokens), found.margin, found.margin_new) == (0, "0", None, None)


async def test_every_job_is_priced_with_its_own_options(service: Settings) -> None:
    await jobs.job(quantity=1)
    await jobs.job(quantity=4)
    await jobs.job(quantity=4)
    found = await at({"base_cost_usd": "0.03"})
    assert (found.jobs, str(found.tokens), str(found.tokens_new)) == (3, "7.20", "10.80")
    assert (found.revenue_usd, found.revenue_usd_new) == (Decimal("0.36"), Decimal("0.54"))


async def test_reported_costs_are_kept_apart_from_quoted_ones(service: Settings) -> None:
    await jobs.job(cost="0.031234")
    await jobs.job(cost="0")
    await jobs.job()
    found = await at({"base_cost_usd": "0.04"})
    assert (found.reported_jobs, found.reported_usd) == (2, Decimal("0.031234"))
    assert (found.quoted_usd, found.quoted_usd_new) == (Decimal("0.0200"), Decimal("0.0400"))
    assert (found.cost_usd, found.cost_usd_new) == (Decimal("0.05"), Decimal("0.07"))
    assert (found.margin, found.margin_new) == (Decimal("58.3"), Decimal("70.8"))


async def test_what_was_given_back_is_no_revenue_at_either_price(service: Settings) -> None:
    await jobs.job(quantity=4, returned="0.80")
    await jobs.job(returned="0.80")
    found = await at({"base_cost_usd": "0.04"})
    assert (found.jobs, str(found.tokens), str(found.tokens_new)) == (1, "2.40", "4.80")


async def test_only_the_last_days_and_only_this_model_count(service: Settings) -> None:
    await jobs.job(days_ago=1)
    await jobs.job(days_ago=9)
    await jobs.job("nano-banana-pro")
    assert (await at({"base_cost_usd": "0.03"}, days=7)).jobs == 1
    assert (await at({"base_cost_usd": "0.03"}, days=10)).jobs == 2


async def test_a_factor_that_is_new_is_charged_to_those_who_chose_it(service: Settings) -> None:
    await jobs.job("nano-banana-pro", image_size="2K")
    await jobs.job("nano-banana-pro", image_size="4K")
    found = await at({"option_factors.image_size.2K": "1.2"}, model="nano-banana-pro")
    assert (str(found.tokens), str(found.tokens_new)) == ("16.80", "18.00")


async def test_an_edit_of_the_settings_prices_the_jobs_of_all_models(service: Settings) -> None:
    await jobs.job()
    await jobs.job("nano-banana-pro")
    models = await catalog.read()
    found = await replay_all([(model, replace(model, markup=Decimal(3))) for model in models], days=30)
    assert (found.jobs, str(found.tokens), str(found.tokens_new)) == (2, "6.80", "10.20")


async def test_jobs_that_the_new_price_cannot_price_are_counted_apart(service: Settings) -> None:
    made = await jobs.job()
    await db.execute(
        """UPDATE botapp_genrequest SET generation_params = '{"quantity": "two"}' WHERE id = $1""", made.id
    )
    found = await at({"base_cost_usd": "0.03"})
    assert (found.jobs, found.unpriced_jobs, str(found.tokens)) == (0, 1, "0")


async def test_a_hundred_thousand_jobs_are_priced_in_a_moment(service: Settings) -> None:
    await jobs.many("nano-banana", 100_000)
    started = perf_counter()
    found = await at({"base_cost_usd": "0.03"})
    assert found.jobs == 100_001
    assert found.reported_jobs == 50_000
    assert found.tokens_new > found.tokens
    # Measured: 0.6 s. A limit that only another kind of plan exceeds.
    assert perf_counter() - started < 10

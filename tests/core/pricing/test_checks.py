"""Prices below cost times markup are found and named, whatever the reason."""

from __future__ import annotations

import pytest

from core import catalog, db
from core.payments import packages
from core.pricing.checks import MOST_FINDINGS_OF_A_KIND, Report, check
from core.settings import Settings
from tests.core.pricing import jobs

pytestmark = pytest.mark.integration


async def findings(days: int = 7) -> list[tuple[str, str]]:
    """Kind and subject of everything found."""
    return [(found.kind, found.subject) for found in (await check(days=days)).findings]


async def set_model(column: str, value: str, slug: str = "nano-banana") -> None:
    """Change a model past every check."""
    await db.execute(f"UPDATE botapp_aimodel SET {column} = '{value}' WHERE slug = $1", slug)


async def test_what_ships_is_as_it_should_be(service: Settings) -> None:
    await packages.seed()
    report = await check()
    active = [model for model in await catalog.read() if model.is_active]
    assert report == Report(models=len(active), combinations=report.combinations)
    assert report.combinations >= 4 + 3 + 2
    assert report.ok


async def test_a_price_that_rounding_eats_is_below_its_cost(service: Settings) -> None:
    await set_model("base_cost_usd", "0.0003")
    report = await check()
    assert [(found.kind, dict(found.params), found.detail) for found in report.findings] == [
        ("below_cost", {"quantity": 1}, "0.01 tokens are below cost times markup, 0.012"),
        ("below_cost", {"quantity": 2}, "0.02 tokens are below cost times markup, 0.024"),
    ]
    assert not report.ok


async def test_four_pictures_for_the_price_of_one_are_found(service: Settings) -> None:
    await set_model("cost_unit", "generation")
    [found] = (await check()).findings
    assert (found.kind, found.subject) == ("unpaid_quantity", "nano-banana")
    assert found.detail == "4 results cost 0.80 tokens, one costs 0.80"


async def test_a_factor_that_nobody_pays_is_found(service: Settings) -> None:
    await set_model("option_factors", '{"image_size": {"8K": "3"}}', "nano-banana-pro")
    assert await findings() == [("unknown_factor", "nano-banana-pro")]


async def test_a_model_that_nobody_can_order_is_found(service: Settings) -> None:
    await set_model("params_schema", '{"type": "object", "required": ["x"]}')
    assert ("no_order", "nano-banana") in await findings()


async def test_a_model_that_is_off_is_not_looked_at(service: Settings) -> None:
    before = await check()
    await set_model("cost_unit", "generation")
    await set_model("is_active", "false")
    report = await check()
    assert (report.ok, report.models) == (True, before.models - 1)


async def test_a_model_with_too_many_combinations_is_said_to_be_looked_at_in_part(service: Settings) -> None:
    schema = {name: {"enum": list(range(10)), "default": 0} for name in "abcd"}
    await set_model("params_schema", db.to_json({"type": "object", "properties": schema}))
    await set_model("option_factors", db.to_json({name: {"1": "2"} for name in "abcd"}))
    report = await check()
    assert report.partial == ["nano-banana"]
    assert report.ok


async def test_many_findings_of_one_model_are_cut(service: Settings) -> None:
    schema = {name: {"enum": list(range(7)), "default": 0} for name in "ab"}
    await set_model("params_schema", db.to_json({"type": "object", "properties": schema}))
    await set_model("option_factors", db.to_json({"a": {"1": "1.1"}, "b": {"1": "1.1"}}))
    await set_model("base_cost_usd", "0.0003")
    assert len(await findings()) == MOST_FINDINGS_OF_A_KIND


class TestPackages:
    """A token sold below the rate makes every price too low."""

    @pytest.mark.parametrize(
        ("column", "value", "paid"), [("price_usd", "4.5", "in money"), ("stars_amount", "346", "in Stars")]
    )
    async def test_a_cheap_package_is_found(self, service: Settings, column: str, value: str, paid: str) -> None:
        await packages.seed()
        await db.execute(f"UPDATE token_packages SET {column} = {value} WHERE code = 'tokens-100'")
        [found] = (await check()).findings
        assert (found.kind, found.subject) == ("cheap_package", "tokens-100")
        assert paid in found.detail
        assert "10.0 % below 20 tokens per USD" in found.detail

    async def test_a_dear_one_and_one_that_is_off_sale_are_not(self, service: Settings) -> None:
        await packages.seed()
        await db.execute("UPDATE token_packages SET price_usd = 1, is_active = false WHERE code = 'tokens-100'")
        await db.execute("UPDATE token_packages SET price_usd = 11, stars_amount = 0 WHERE code = 'tokens-200'")
        assert await findings() == []


class TestReportedCosts:
    """What providers say that jobs really cost."""

    async def test_a_model_that_costs_more_than_its_quotes_is_found(self, service: Settings) -> None:
        await jobs.job(cost="0.0190")
        assert await findings() == []
        await jobs.job(cost="0.0290")
        report = await check()
        [found] = report.findings
        assert (found.kind, found.subject, dict(found.params)) == ("reported_cost", "nano-banana", {"quantity": 1})
        assert found.detail == (
            "2 jobs of the last 7 days cost USD 0.048 by their provider's report; their quotes expected USD 0.04"
        )
        assert report.reported_jobs == 2

    async def test_the_combination_that_loses_is_named_although_the_model_earns(self, service: Settings) -> None:
        for _ in range(3):
            await jobs.job("nano-banana-pro", cost="0.13", image_size="2K")
        await jobs.job("nano-banana-pro", cost="0.30", image_size="4K")
        [found] = (await check()).findings
        assert dict(found.params) == {"image_size": "4K"}

    async def test_old_jobs_and_jobs_without_a_report_are_left_out(self, service: Settings) -> None:
        await jobs.job(cost="9", days_ago=8)
        await jobs.job()
        assert await findings() == []
        assert await findings(days=9) == [("reported_cost", "nano-banana")]

    async def test_prices_of_then_are_compared_with_costs_of_then(self, service: Settings) -> None:
        await jobs.job(cost="0.0190")
        await set_model("base_cost_usd", "0.0100")
        assert await findings() == []

    async def test_reported_costs_of_a_hundred_thousand_jobs_are_added_up(self, service: Settings) -> None:
        await jobs.many("nano-banana", 100_000)
        report = await check(days=365)
        assert report.reported_jobs == 50_000
        assert all(found.kind != "reported_cost" for found in report.findings)

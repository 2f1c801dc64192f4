"""The catalogue: what ships, what an operator changed, what can be ordered."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from core import catalog, db
from core.catalog import CostUnit, Route, UnknownModel
from core.catalog import service as catalog_service
from core.catalog import shipped as shipped_file
from core.pricing import quote
from core.pricing.options import values_of
from core.pricing.quotes import name_of
from core.settings import Settings
from providers.base import MediaKind
from tests.core.catalog.shipped import SHIPPED, shipped

DRAFT = "https://json-schema.org/draft/2020-12/schema"


@pytest.fixture(autouse=True)
def no_snapshot() -> Iterator[None]:
    """Forget what an earlier test read."""
    catalog.configure(())
    yield
    catalog.configure(())


@pytest.fixture
def seconds_pass(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A clock that the test moves."""
    now = time.monotonic()

    class Clock:
        @staticmethod
        def monotonic() -> float:
            return now

    def forward(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr(catalog_service, "time", Clock)
    yield forward


@pytest.mark.integration
class TestSync:
    """Loading the shipped file."""

    async def test_an_empty_catalogue_gets_every_shipped_model(self, database: Settings) -> None:
        report = await catalog.sync()
        assert sorted(report.added) == sorted(SHIPPED)
        assert (report.unchanged, report.differing) == ([], {})
        assert {model.slug for model in await catalog.models(only_available=False)} == set(SHIPPED)

    async def test_loading_again_changes_nothing(self, database: Settings) -> None:
        await catalog.sync()
        before = await db.fetch("SELECT * FROM botapp_aimodel ORDER BY id")
        report = await catalog.sync()
        assert (report.added, sorted(report.unchanged), report.differing) == ([], sorted(SHIPPED), {})
        assert await db.fetch("SELECT * FROM botapp_aimodel ORDER BY id") == before

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("display_name", "'Bananas'"),
            ("base_cost_usd", "0.03"),
            ("is_active", "false"),
            ("routes", "'[]'"),
            ("purpose", """'{"ru": "другое", "en": "other"}'"""),
            ('"order"', "77"),
            ("inputs", """'[{"role": "image", "most": 1}]'"""),
        ],
    )
    async def test_an_operators_edit_is_kept_and_reported(self, database: Settings, column: str, value: str) -> None:
        await catalog.sync()
        await db.execute(f"UPDATE botapp_aimodel SET {column} = {value} WHERE slug = 'nano-banana'")
        edited = await db.fetch("SELECT * FROM botapp_aimodel ORDER BY id")
        report = await catalog.sync()
        name = column.strip('"')
        expected = {"nano-banana": [name]} if name in SHIPPED["nano-banana"] else {}
        assert report.differing == expected
        assert await db.fetch("SELECT * FROM botapp_aimodel ORDER BY id") == edited

    async def test_a_model_of_an_operators_own_is_left_alone(self, database: Settings) -> None:
        await catalog.sync()
        await db.execute(
            """INSERT INTO botapp_aimodel (slug, display_name, type, base_cost_usd)
            VALUES ('own', 'Own', 'image', 1)"""
        )
        await catalog.sync()
        assert (await catalog.get("own")).display_name == "Own"

    async def test_a_removed_model_comes_back(self, database: Settings) -> None:
        await catalog.sync()
        await db.execute("DELETE FROM botapp_aimodel WHERE slug = 'demo-video'")
        assert (await catalog.sync()).added == ["demo-video"]

    async def test_prices_that_an_operator_set_are_kept(self, database: Settings) -> None:
        await catalog.sync()
        await db.execute("UPDATE pricing_settings SET markup_multiplier = 3")
        await catalog.sync()
        assert (await catalog.get("nano-banana")).markup == 3

    async def test_two_processes_may_load_it_at_once(self, database: Settings) -> None:
        reports = await asyncio.gather(catalog.sync(), catalog.sync())
        assert sorted(slug for report in reports for slug in report.added) == sorted(SHIPPED)


@pytest.mark.integration
class TestReading:
    """What the rest of the service sees."""

    async def test_a_model_arrives_with_its_values_and_todays_prices(self, service: Settings) -> None:
        model = await catalog.get("nano-banana-pro")
        assert (model.display_name, model.kind, model.cost_unit) == (
            "🍌 Nano Banana Pro",
            MediaKind.IMAGE,
            CostUnit.GENERATION,
        )
        assert (model.base_cost_usd, model.rate, model.markup) == (Decimal("0.15"), Decimal(20), Decimal(2))
        assert model.option_factors == {"image_size": {"4K": Decimal("1.8")}}
        assert model.routes == (Route("gemini", "gemini-3-pro-image"), Route("demo", "demo-image"))
        assert (model.max_input_images, model.needs_input_image) == (6, False)

    @pytest.mark.parametrize(
        ("slug", "params", "tokens"),
        [
            ("nano-banana", {}, "0.80"),
            ("nano-banana", {"quantity": 4}, "3.20"),
            ("nano-banana-pro", {}, "6.00"),
            ("nano-banana-pro", {"image_size": "2K"}, "6.00"),
            ("nano-banana-pro", {"image_size": "4K"}, "10.80"),
            ("demo-video", {}, "2.40"),
        ],
    )
    async def test_shipped_prices_are_those_of_the_worked_examples(
        self, service: Settings, slug: str, params: dict[str, Any], tokens: str
    ) -> None:
        assert str(quote(await catalog.get(slug), params).tokens) == tokens

    @pytest.mark.parametrize(
        ("typed", "near"),
        [("nano-bananna", "nano-banana"), ("nanobanana", "nano-banana"), ("demo_video", "demo-video")],
    )
    async def test_an_unknown_name_is_refused_beside_the_nearest(
        self, service: Settings, typed: str, near: str
    ) -> None:
        with pytest.raises(UnknownModel, match=near) as refusal:
            await catalog.get(typed)
        assert refusal.value.slug == typed
        assert refusal.value.near[0] == near

    async def test_a_name_like_no_other_has_none_near(self, service: Settings) -> None:
        with pytest.raises(UnknownModel) as refusal:
            await catalog.get("zzz")
        assert (refusal.value.near, str(refusal.value)) == ([], "There is no model 'zzz'")

    async def test_a_name_cannot_smuggle_sql(self, service: Settings) -> None:
        with pytest.raises(UnknownModel):
            await catalog.get("' OR '1'='1")

    async def test_they_come_in_the_operators_order(self, service: Settings) -> None:
        await db.execute("UPDATE botapp_aimodel SET \"order\" = 0 WHERE slug = 'demo-video'")
        catalog.configure({"demo"})
        assert (await catalog.models())[0].slug == "demo-video"

    async def test_kinds_can_be_asked_for(self, service: Settings) -> None:
        assert {model.kind for model in await catalog.models(kind=MediaKind.VIDEO)} == {MediaKind.VIDEO}
        assert (await catalog.models(kind=MediaKind.IMAGE))[0].slug == "nano-banana"

    async def test_the_default_is_the_first_of_its_kind_that_can_be_ordered(self, service: Settings) -> None:
        first = await catalog.default_model(MediaKind.IMAGE)
        assert first is not None
        assert first.slug == "nano-banana"
        await db.execute("UPDATE botapp_aimodel SET is_active = false WHERE slug = 'nano-banana'")
        catalog.configure({"demo"})
        second = await catalog.default_model(MediaKind.IMAGE)
        assert second is not None
        assert second.slug == "nano-banana-pro"

    async def test_without_any_there_is_no_default(self, service: Settings) -> None:
        catalog.configure(())
        assert await catalog.default_model(MediaKind.IMAGE) is None


@pytest.mark.integration
class TestRoutes:
    """Only providers that this process can call."""

    async def test_routes_over_others_do_not_exist(self, service: Settings) -> None:
        catalog.configure({"demo"})
        assert (await catalog.get("nano-banana")).routes == (Route("demo", "demo-image"),)
        catalog.configure({"gemini"})
        assert [route.provider for route in (await catalog.get("nano-banana")).routes] == ["gemini"]

    async def test_a_model_without_any_is_known_and_not_offered(self, service: Settings) -> None:
        catalog.configure({"gemini"})
        assert "demo-video" not in {model.slug for model in await catalog.models()}
        assert not (await catalog.get("demo-video")).is_available

    async def test_an_inactive_model_is_known_and_not_offered(self, service: Settings) -> None:
        await db.execute("UPDATE botapp_aimodel SET is_active = false WHERE slug = 'nano-banana'")
        catalog.configure({"demo"})
        assert "nano-banana" not in {model.slug for model in await catalog.models()}
        assert not (await catalog.get("nano-banana")).is_available


@pytest.mark.integration
class TestPastTheSnapshot:
    """What edits prices reads what is there, and leaves the snapshot alone."""

    async def test_a_model_is_found_as_the_transaction_sees_it(self, service: Settings) -> None:
        assert (await catalog.get("nano-banana")).base_cost_usd == Decimal("0.02")

        class Stop(Exception):
            pass

        with pytest.raises(Stop):
            async with db.transaction():
                await db.execute("UPDATE botapp_aimodel SET base_cost_usd = 9 WHERE slug = 'nano-banana'")
                assert (await catalog.find("nano-banana")).base_cost_usd == 9
                assert (await catalog.lock("nano-banana")).base_cost_usd == 9
                assert {model.base_cost_usd for model in await catalog.read()} >= {Decimal(9)}
                assert (await catalog.get("nano-banana")).base_cost_usd == Decimal("0.02")
                raise Stop
        assert (await catalog.find("nano-banana")).base_cost_usd == Decimal("0.02")

    @pytest.mark.parametrize("look", [catalog.find, catalog.lock])
    async def test_an_unknown_name_is_refused_beside_the_nearest(self, service: Settings, look: Any) -> None:
        with pytest.raises(UnknownModel) as refusal:
            await look("nano-bananna")
        assert refusal.value.near[0] == "nano-banana"

    async def test_who_waits_for_the_lock_sees_what_was_waited_for(self, service: Settings) -> None:
        async def raise_cost() -> Decimal:
            async with db.transaction():
                model = await catalog.lock("nano-banana")
                cost = model.base_cost_usd + Decimal("0.01")
                await db.execute("UPDATE botapp_aimodel SET base_cost_usd = $1 WHERE slug = 'nano-banana'", cost)
                return cost

        costs = await asyncio.gather(*(raise_cost() for _ in range(5)))
        assert sorted(costs) == [Decimal(f"0.0{n}") for n in (3, 4, 5, 6, 7)]


@pytest.mark.integration
class TestFreshness:
    """A burst reads the table once; an edit is seen soon."""

    async def test_an_edit_is_seen_within_two_seconds(self, service: Settings, seconds_pass: Any) -> None:
        assert (await catalog.get("nano-banana")).base_cost_usd == Decimal("0.02")
        await db.execute("UPDATE botapp_aimodel SET base_cost_usd = 0.05 WHERE slug = 'nano-banana'")
        seconds_pass(2)
        assert (await catalog.get("nano-banana")).base_cost_usd == Decimal("0.05")

    async def test_a_slow_answer_does_not_make_prices_stay_longer(
        self, service: Settings, seconds_pass: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fetch = db.fetch

        async def slow(sql: str, *arguments: object) -> list[db.Row]:
            rows = await fetch(sql, *arguments)
            seconds_pass(0.9)
            return rows

        seconds_pass(2)
        monkeypatch.setattr(db, "fetch", slow)
        await catalog.get("nano-banana")
        await db.execute("UPDATE botapp_aimodel SET base_cost_usd = 0.05 WHERE slug = 'nano-banana'")
        seconds_pass(0.2)
        assert (await catalog.get("nano-banana")).base_cost_usd == Decimal("0.05")

    async def test_an_edit_of_the_markup_is_seen_within_two_seconds(self, service: Settings, seconds_pass: Any) -> None:
        await catalog.get("nano-banana")
        await db.execute("UPDATE pricing_settings SET usd_to_token_rate = 40")
        seconds_pass(2)
        assert str(quote(await catalog.get("nano-banana")).tokens) == "1.60"

    async def test_a_burst_reads_the_table_once(
        self, service: Settings, seconds_pass: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await catalog.models()
        reads = 0
        fetch = db.fetch

        async def counted(sql: str, *arguments: object) -> list[db.Row]:
            nonlocal reads
            reads += 1
            return await fetch(sql, *arguments)

        monkeypatch.setattr(db, "fetch", counted)
        for _ in range(50):
            await catalog.models()
        assert reads == 0
        seconds_pass(2)
        await catalog.models()
        await catalog.models()
        assert reads == 1


@pytest.mark.parametrize("slug", SHIPPED)
class TestShippedModels:
    """Every model of `models.toml`."""

    def test_its_columns_are_ones_that_are_loaded(self, slug: str) -> None:
        assert set(SHIPPED[slug]) <= set(shipped_file.EDITABLE)

    def test_its_schema_is_valid_json_schema_of_2020_12(self, slug: str) -> None:
        schema = SHIPPED[slug]["params_schema"]
        Draft202012Validator.check_schema(schema)
        assert (schema["$schema"], schema["type"], schema["additionalProperties"]) == (DRAFT, "object", False)
        json.dumps(schema)

    def test_its_purpose_is_told_in_both_languages(self, slug: str) -> None:
        assert set(SHIPPED[slug]["purpose"]) == {"ru", "en"}
        assert all(SHIPPED[slug]["purpose"].values())

    def test_every_option_has_a_label_in_both_languages_and_a_widget(self, slug: str) -> None:
        for name, option in shipped(slug).options.items():
            assert set(option["x-label"]) == {"ru", "en"}, name
            assert all(option["x-label"].values()), name
            assert option["x-widget"], name
            for value, label in option.get("x-labels", {}).items():
                assert value in [name_of(allowed) for allowed in values_of(option)], name
                assert set(label) == {"ru", "en"}, name

    def test_every_option_has_a_type(self, slug: str) -> None:
        assert all("type" in option for option in shipped(slug).options.values())

    def test_its_defaults_are_valid_and_priced(self, slug: str) -> None:
        price = quote(shipped(slug))
        assert price.tokens > 0
        assert price.usd > 0

    def test_every_choice_of_every_option_is_valid_and_priced(self, slug: str) -> None:
        model = shipped(slug)
        for name, option in model.options.items():
            for choice in values_of(option):
                assert quote(model, {name: choice}).tokens > 0

    def test_what_it_is_paid_by_is_an_option_with_a_default(self, slug: str) -> None:
        model = shipped(slug)
        if model.cost_unit is CostUnit.SECOND:
            assert model.options["duration"]["type"] == "integer"
            assert "default" in model.options["duration"]

    def test_its_factors_belong_to_choices_that_exist(self, slug: str) -> None:
        model = shipped(slug)
        for name, values in model.option_factors.items():
            allowed = {name_of(value) for value in values_of(model.options[name])}
            assert set(values) <= allowed

    def test_it_has_a_route_and_time_to_finish(self, slug: str) -> None:
        model = shipped(slug)
        assert model.routes
        assert 0 < model.typical_seconds < model.deadline_seconds
        assert model.max_prompt_length > 0

    def test_its_name_fits_a_column_and_a_callback(self, slug: str) -> None:
        assert slug.isascii()
        assert len(slug) <= 50
        assert len(f"model:{slug}".encode()) <= 64


@pytest.mark.integration
async def test_what_has_ended_is_told_apart_from_what_is_offered(database: Settings) -> None:
    await catalog.sync()
    catalog.configure({"sora", "vertex", "demo"})
    assert [model.slug for model in await catalog.retired()] == ["imagen-3", "sora2"]
    offered = {model.slug for model in await catalog.models()}
    assert not {"imagen-3", "sora2", "kling-v2-5-turbo-pro"} & offered

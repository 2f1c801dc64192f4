"""Models over the ops API: looked at, edited with who and why, arranged, compared with what ships, checked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from core import audit, catalog, db, providers
from tests.core.http.operators import Operator, operator_with

pytestmark = pytest.mark.integration

MODEL, ACTIVITY = "/models/{slug}", "/models/{slug}/activity"


@pytest.fixture
async def mia(client: httpx.AsyncClient) -> AsyncIterator[Operator]:
    """May operate."""
    async with operator_with(client, "mia", "operate") as opened:
        yield opened


@pytest.fixture
async def reader(client: httpx.AsyncClient) -> AsyncIterator[Operator]:
    """May only look."""
    async with operator_with(client, "reader", "read") as opened:
        yield opened


async def stored(column: str, slug: str = "nano-banana") -> Any:
    """A column as it is stored."""
    return await db.fetch_value(f'SELECT "{column}" FROM botapp_aimodel WHERE slug = $1', slug)


class TestLooking:
    """Reads need the scope read."""

    async def test_every_model_is_listed_also_what_nobody_can_order(self, reader: Operator) -> None:
        items = (await reader.get("/models")).json()["items"]
        assert [item["slug"] for item in items] == [model.slug for model in await catalog.read()]
        told = {item["slug"]: item for item in items}
        assert (told["sora2"]["retired"], told["sora2"]["successor"]) == (True, "veo3-fast")
        assert told["midjourney-upscale"]["is_listed"] is False
        assert told["nano-banana"]["price_from"] == "0.80"

    async def test_a_model_is_told_with_the_price_of_every_choice(self, reader: Operator) -> None:
        found = (await reader.get(MODEL, slug="nano-banana-pro")).json()
        size = next(option for option in found["options"] if option["name"] == "image_size")
        assert [(choice["value"], choice["tokens"]) for choice in size["choices"]] == [
            ("1K", "6.00"),
            ("2K", "6.00"),
            ("4K", "10.80"),
        ]
        assert (size["default"], size["label"]["en"]) == ("1K", "Resolution")

    async def test_routes_say_whether_they_are_open(self, reader: Operator) -> None:
        catalog.configure({"kling", "useapi-kling", "demo"})
        providers.use("kling", None)  # type: ignore[arg-type]  # Only its name is looked at.
        await db.execute(
            """INSERT INTO botapp_provider (name, parked_until, reason, failures)
            VALUES ('kling', now() + interval '1 hour', 'quota_exhausted: empty', 5)"""
        )
        try:
            routes = (await reader.get(MODEL, slug="kling-v2-6")).json()["all_routes"]
        finally:
            providers._providers.pop("kling")
        assert [(route["provider"], route["state"]) for route in routes] == [
            ("useapi-kling", "no_key"),
            ("kling", "parked"),
            ("useapi-kling", "no_key"),
        ]
        assert routes[1]["reason"] == "quota_exhausted: empty"
        assert routes[0]["requires"] == {"sound": [True]}

    async def test_an_option_that_has_to_be_chosen_breaks_no_list(self, reader: Operator) -> None:
        schema = """{"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]}"""
        await db.execute("UPDATE botapp_aimodel SET params_schema = $1 WHERE slug = 'nano-banana'", schema)
        catalog.forget()
        items = {item["slug"]: item for item in (await reader.get("/models")).json()["items"]}
        assert items["nano-banana"]["price_from"] is None

    @pytest.mark.parametrize("slug", ["nano-bananna", "settings", "x" * 200])
    async def test_what_is_no_model_is_not_found(self, reader: Operator, slug: str) -> None:
        response = await reader.get(MODEL, slug=slug)
        assert (response.status_code, response.json()["code"]) == (404, "unknown_model")


class TestEditing:
    """Writes need the scope operate, and leave a record."""

    async def test_fields_are_changed_once_and_recorded(self, mia: Operator) -> None:
        body = {"display_name": "Banana", "daily_limit": 20, "cooldown_seconds": 5, "successor": "nano-banana-pro"}
        answer = (await mia.change(MODEL, body, slug="nano-banana")).json()
        assert (answer["changed"], answer["before"]["name"], answer["model"]["name"]) == (
            True,
            "🍌 Nano Banana",
            "Banana",
        )
        assert (await stored("daily_limit"), await stored("cooldown_seconds")) == (20, 5)
        [event] = await audit.newest(action="models.set")
        assert (event.actor, event.subject, event.reason) == ("token:mia", "nano-banana", "a test")

    async def test_null_takes_away_and_what_is_left_out_stays(self, mia: Operator) -> None:
        await mia.change(MODEL, {"daily_limit": 20, "successor": "nano-banana-pro"}, slug="nano-banana")
        await mia.change(MODEL, {"daily_limit": None}, slug="nano-banana")
        assert (await stored("daily_limit"), await stored("successor")) == (None, "nano-banana-pro")

    async def test_an_end_is_a_moment_and_takes_the_model_off_sale(self, mia: Operator) -> None:
        await mia.change(MODEL, {"retires_at": "2026-01-01T00:00:00Z"}, slug="nano-banana")
        assert (await catalog.get("nano-banana")).is_retired

    async def test_a_rehearsal_changes_nothing(self, mia: Operator) -> None:
        answer = await mia.change(ACTIVITY, {"is_active": False}, slug="nano-banana", dry_run=True)
        assert answer.json()["model"]["is_active"] is False
        assert await stored("is_active") is True
        assert (await catalog.get("nano-banana")).is_active

    async def test_a_model_is_switched_off_and_on(self, mia: Operator) -> None:
        await mia.change(ACTIVITY, {"is_active": False}, slug="nano-banana")
        assert not (await catalog.get("nano-banana")).is_available
        await mia.change(ACTIVITY, {"is_active": True}, slug="nano-banana")
        assert await stored("is_active") is True

    @pytest.mark.parametrize(
        ("body", "param"),
        [
            ({"display_name": " "}, "display_name"),
            ({"display_name": "a\nb"}, "display_name"),
            ({"daily_limit": 0}, "daily_limit"),
            ({"deadline_seconds": 5}, "deadline_seconds"),
            ({"cooldown_seconds": None}, "cooldown_seconds"),
            ({"cooldown_seconds": -1}, "cooldown_seconds"),
            ({"order": 100_001}, "order"),
            ({"successor": "nano-banana"}, "successor"),
        ],
    )
    async def test_what_cannot_be_is_refused(self, mia: Operator, body: dict[str, Any], param: str) -> None:
        answer = await mia.change(MODEL, body, slug="nano-banana")
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_model")
        assert [error["param"] for error in answer.json()["errors"]] == [param]

    async def test_a_successor_has_to_be_there(self, mia: Operator) -> None:
        answer = await mia.change(MODEL, {"successor": "nano-bananna"}, slug="nano-banana-pro")
        assert (answer.status_code, answer.json()["near"][0]) == (404, "nano-banana")

    async def test_prices_are_not_edited_here(self, mia: Operator) -> None:
        answer = await mia.change(MODEL, {"base_cost_usd": "0.01"}, slug="nano-banana")
        assert answer.status_code == 422

    async def test_who_may_only_look_changes_nothing(self, reader: Operator) -> None:
        answer = await reader.change(ACTIVITY, {"is_active": False}, slug="nano-banana")
        assert (answer.status_code, await stored("is_active")) == (403, True)

    async def test_models_are_arranged_and_the_others_follow(self, mia: Operator) -> None:
        before = [model.slug for model in await catalog.read()]
        items = (await mia.change("/model-order", {"slugs": ["demo-video", "veo3-fast"]})).json()["items"]
        first = ["demo-video", "veo3-fast"]
        assert [item["slug"] for item in items] == [*first, *(slug for slug in before if slug not in first)]

    @pytest.mark.parametrize(("slugs", "status"), [(["nobody"], 404), (["demo-video", "demo-video"], 422)])
    async def test_an_arrangement_that_cannot_be_changes_nothing(
        self, mia: Operator, slugs: list[str], status: int
    ) -> None:
        before = [model.slug for model in await catalog.read()]
        assert (await mia.change("/model-order", {"slugs": slugs})).status_code == status
        assert [model.slug for model in await catalog.read()] == before


class TestShipped:
    """What ships, and what was edited since."""

    async def test_an_edit_is_told_and_kept_until_it_is_taken_back(self, mia: Operator) -> None:
        await db.execute("UPDATE botapp_aimodel SET routes = '[]', typical_seconds = 99 WHERE slug = 'nano-banana'")
        told = (await mia.change("/catalogue/sync", {})).json()
        assert [(one["model"], one["field"], one["taken"]) for one in told["differences"]] == [
            ("nano-banana", "routes", False),
            ("nano-banana", "typical_seconds", False),
        ]
        assert await stored("routes") == "[]"
        taken = (await mia.change("/catalogue/sync", {"models": ["nano-banana"], "take": ["routes"]})).json()
        assert [(one["field"], one["taken"]) for one in taken["differences"]] == [
            ("routes", True),
            ("typical_seconds", False),
        ]
        assert "gemini" in await stored("routes")
        assert await stored("typical_seconds") == 99

    async def test_a_field_that_the_file_says_nothing_of_goes_back_when_it_is_taken(self, mia: Operator) -> None:
        await mia.change(ACTIVITY, {"is_active": False}, slug="nano-banana")
        assert (await mia.change("/catalogue/sync", {})).json()["differences"] == []
        await mia.change("/catalogue/sync", {"models": ["nano-banana"], "take": ["is_active"]})
        assert await stored("is_active") is True

    async def test_a_missing_model_is_added(self, mia: Operator) -> None:
        await db.execute("DELETE FROM botapp_aimodel WHERE slug = 'veo3-pro'")
        assert (await mia.change("/catalogue/sync", {})).json()["added"] == ["veo3-pro"]

    async def test_a_rehearsal_adds_and_takes_nothing(self, mia: Operator) -> None:
        await db.execute("DELETE FROM botapp_aimodel WHERE slug = 'veo3-pro'")
        answer = await mia.change("/catalogue/sync", {}, dry_run=True)
        assert answer.json()["added"] == ["veo3-pro"]
        assert await stored("slug", "veo3-pro") is None

    @pytest.mark.parametrize("field", ["base_cost_usd", "option_factors", "cost_unit", "slug", "id = 1; --"])
    async def test_prices_and_what_is_no_field_are_not_taken(self, mia: Operator, field: str) -> None:
        answer = await mia.change("/catalogue/sync", {"models": ["nano-banana"], "take": [field]})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_take")

    async def test_a_model_that_does_not_ship_is_not_found(self, mia: Operator) -> None:
        answer = await mia.change("/catalogue/sync", {"models": ["own"]})
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_model")


class TestChecking:
    """Whether the catalogue can be offered."""

    async def test_what_ships_can_be(self, reader: Operator) -> None:
        report = (await reader.get("/catalogue/check")).json()
        assert (report["ok"], report["days"]) == (True, 30)
        assert {(one["kind"], one["subject"]) for one in report["findings"] if one["kind"] != "no_route"} == {
            ("ended", "imagen-3"),
            ("ended", "sora2"),
        }

    async def test_an_end_without_a_successor_fails_it(self, mia: Operator, reader: Operator) -> None:
        await mia.change(MODEL, {"retires_at": "2026-01-01T00:00:00Z"}, slug="nano-banana")
        report = (await reader.get("/catalogue/check", query={"days": 7})).json()
        assert report["ok"] is False
        failed = [(one["kind"], one["subject"]) for one in report["findings"] if one["level"] == "failed"]
        assert ("no_successor", "nano-banana") in failed

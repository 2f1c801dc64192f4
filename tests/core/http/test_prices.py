"""Prices over the ops API: looked at, tried, edited with who and why, approved, undone, checked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from core import audit, catalog, db
from core.payments import packages
from core.settings import Environment, Settings
from tests.core.http.conftest import serving
from tests.core.http.operators import Operator, operator_with

pytestmark = pytest.mark.integration

PRICE, PREVIEW = "/prices/{subject}", "/prices/{subject}/preview"
REVERT = "/price-revisions/{revision}/revert"
APPROVE = "/approvals/{code}/approve"


@pytest.fixture
async def mia(client: httpx.AsyncClient) -> AsyncIterator[Operator]:
    """May operate."""
    async with operator_with(client, "mia", "operate") as opened:
        yield opened


@pytest.fixture
async def boss(client: httpx.AsyncClient) -> AsyncIterator[Operator]:
    """May do everything."""
    async with operator_with(client, "boss", "admin") as opened:
        yield opened


@pytest.fixture
async def reader(client: httpx.AsyncClient) -> AsyncIterator[Operator]:
    """May only look."""
    async with operator_with(client, "reader", "read") as opened:
        yield opened


async def cost(slug: str = "nano-banana") -> str:
    """The base cost as it is stored."""
    return str(await db.fetch_value("SELECT base_cost_usd FROM botapp_aimodel WHERE slug = $1", slug))


class TestLooking:
    """Reads need the scope read."""

    async def test_a_price_is_shown_with_everything_that_it_is_made_from(self, reader: Operator, mia: Operator) -> None:
        await mia.change(PRICE, {"base_cost_usd": "0.16"}, subject="nano-banana-pro")
        found = (await reader.get(PRICE, subject="nano-banana-pro")).json()
        assert (found["base_cost_usd"], found["cost_unit"], found["rate"], found["markup"]) == (
            *("0.16", "generation"),
            *("20", "2"),
        )
        assert found["option_factors"] == {"image_size": {"4K": "1.8"}}
        assert [(order["label"], order["tokens"]) for order in found["orders"]][-1] == ("image_size 4K", "11.52")
        assert "aspect_ratio" in found["params_schema"]["properties"]
        [edit] = found["history"]
        assert (edit["id"], edit["actor"]) == (found["revision"], "token:mia")

    async def test_all_prices_come_in_the_order_of_the_catalogue(self, reader: Operator) -> None:
        found = (await reader.get("/prices")).json()["items"]
        assert [price["slug"] for price in found] == [model.slug for model in await catalog.read()]
        assert {price["revision"] for price in found} == {0}

    @pytest.mark.parametrize("subject", ["nano-bananna", "settings", "x" * 200])
    async def test_what_is_no_model_is_not_found(self, reader: Operator, subject: str) -> None:
        response = await reader.get(PRICE, subject=subject)
        assert (response.status_code, response.json()["code"]) == (404, "unknown_model")


class TestPreview:
    """What would be."""

    async def test_it_needs_no_more_than_reading_and_writes_nothing(self, reader: Operator) -> None:
        found = (await reader.post(PREVIEW, {"base_cost_usd": "0.03", "days": 7}, subject="nano-banana")).json()
        assert (found["before"], found["after"]) == ({"base_cost_usd": "0.02"}, {"base_cost_usd": "0.03"})
        assert (found["needs_approval"], found["largest_percent"], found["limit_percent"]) == (True, "50", 30)
        first = found["rows"][0]
        assert (first["tokens"], first["tokens_new"], first["margin"], first["percent"]) == ("0.80", "1.20", "50", "50")
        assert (found["replay"]["days"], found["replay"]["jobs"]) == (7, 0)
        assert await cost() == "0.0200"

    async def test_the_settings_show_every_model(self, reader: Operator) -> None:
        found = (await reader.post(PREVIEW, {"markup_multiplier": "2.2", "days": 1}, subject="settings")).json()
        assert [row["model"] for row in found["rows"]] == [model.slug for model in await catalog.read()]

    @pytest.mark.parametrize("days", [0, 366, -1, "x"])
    async def test_days_have_bounds(self, reader: Operator, days: Any) -> None:
        response = await reader.post(PREVIEW, {"base_cost_usd": "0.03", "days": days}, subject="nano-banana")
        assert response.status_code == 422

    async def test_what_is_expected_is_a_conflict_before_anything_is_tried(self, reader: Operator) -> None:
        response = await reader.post(PREVIEW, {"base_cost_usd": "0.021", "expect": "4"}, subject="nano-banana")
        assert (response.status_code, response.json()["code"]) == (409, "price_changed")


class TestEditing:
    """Writes need the scope operate, a key and a reason."""

    async def test_it_is_answered_with_the_revision_and_its_inverse_and_is_in_the_audit(self, mia: Operator) -> None:
        done = (await mia.change(PRICE, {"base_cost_usd": "0.021"}, subject="nano-banana")).json()
        number = done["revision"]["id"]
        assert done["changed"] is True
        assert done["inverse"] == f"nb pricing revert {number} --reason 'undo revision {number}'"
        [event] = await audit.newest()
        assert (event.actor, event.action, event.subject) == ("token:mia", "pricing.set", "nano-banana")
        assert event.result is not None
        assert event.result["revision"]["after"] == {"base_cost_usd": "0.021"}

    async def test_factors_are_named_by_option_and_value(self, mia: Operator) -> None:
        body = {"factors": {"image_size.2K": "1.2", "image_size.4K": None}}
        response = await mia.change(PRICE, body, subject="nano-banana-pro")
        assert response.json()["code"] == "approval_required"
        body = {"factors": {"image_size.2K": "1.2", "image_size.4K": "1.9"}}
        done = (await mia.change(PRICE, body, subject="nano-banana-pro")).json()
        assert done["revision"]["before"] == {
            "option_factors.image_size.2K": None,
            "option_factors.image_size.4K": "1.8",
        }

    async def test_the_same_key_edits_once(self, mia: Operator) -> None:
        answers = [
            (await mia.change(PRICE, {"base_cost_usd": "0.021"}, key="edit-0001", subject="nano-banana")).json()
            for _ in range(2)
        ]
        assert answers[0] == answers[1]
        assert await db.fetch_value("SELECT count(*) FROM botapp_pricerevision") == 1

    async def test_a_rehearsal_answers_the_same_and_leaves_nothing(self, mia: Operator) -> None:
        done = (await mia.change(PRICE, {"base_cost_usd": "0.021"}, dry_run=True, subject="nano-banana")).json()
        assert done["revision"]["after"] == {"base_cost_usd": "0.021"}
        assert await cost() == "0.0200"
        assert await audit.newest() == []

    async def test_a_reader_may_not(self, reader: Operator) -> None:
        response = await reader.change(PRICE, {"base_cost_usd": "0.021"}, subject="nano-banana")
        assert (response.status_code, response.json()["code"]) == (403, "missing_scope")

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"base_cost_usd": "0"}, "invalid_price"),
            ({"base_cost_usd": "20"}, "invalid_price"),
            ({"base_cost_usd": 0.15}, "invalid_request"),
            ({"base_cost_usd": ""}, "invalid_request"),
            ({"price": "1"}, "invalid_request"),
            ({"factors": {"image_size": "2"}}, "invalid_price"),
            ({"factors": {"quantity.9": "2"}, "reason": "  "}, "invalid_request"),
            ({}, "invalid_price"),
            ({"markup_multiplier": "2"}, "invalid_price"),
            ({"base_cost_usd": "0.021", "expect": "x" * 99}, "invalid_request"),
        ],
    )
    async def test_a_bad_value_is_refused_by_name(self, mia: Operator, body: dict[str, Any], code: str) -> None:
        response = await mia.change(PRICE, body, subject="nano-banana")
        assert (response.status_code, response.json()["code"]) == (422, code)
        assert response.json()["errors"]
        assert await cost() == "0.0200"

    async def test_a_conflict_names_the_latest_edit_and_the_values(self, mia: Operator) -> None:
        first = (await mia.change(PRICE, {"base_cost_usd": "0.021"}, subject="nano-banana")).json()
        response = await mia.change(PRICE, {"base_cost_usd": "0.022", "expect": "0"}, subject="nano-banana")
        assert (response.status_code, response.json()["code"]) == (409, "price_changed")
        assert response.json()["latest"]["id"] == first["revision"]["id"]
        assert response.json()["current"]["base_cost_usd"] == "0.021"

    @pytest.mark.parametrize("subject", ["nope", "a%00b", "x" * 200])
    async def test_an_unknown_model_is_not_found(self, mia: Operator, subject: str) -> None:
        response = await mia.change(PRICE, {"base_cost_usd": "0.021"}, subject=subject)
        assert (response.status_code, response.json()["code"]) == (404, "unknown_model")


class TestApproval:
    """A large change, as it goes between two people."""

    async def test_it_is_refused_approved_by_somebody_else_and_made(self, settings: Settings) -> None:
        staging = settings.model_copy(
            update={"environment": Environment.STAGING, "public_base_url": "https://bot.example.com"}
        )
        async with (
            serving(staging) as served,
            operator_with(served, "mia", "admin") as mia,
            operator_with(served, "boss", "admin") as boss,
        ):
            await catalog.sync()
            body = {"base_cost_usd": "0.05"}
            refused = await mia.change(PRICE, body, subject="nano-banana")
            problem = refused.json()
            assert (refused.status_code, problem["code"], problem["rule"]) == (403, "approval_required", "approval")
            assert await cost() == "0.0200"
            code = problem["approval"]
            again = (await mia.change(PRICE, body, subject="nano-banana")).json()
            assert again["approval"] == code

            own = await mia.change(APPROVE, {}, code=code)
            assert (own.status_code, own.json()["code"]) == (409, "own_approval")
            approved = (await boss.change(APPROVE, {}, code=code)).json()
            assert (approved["state"], approved["approved_by"]) == ("approved", "token:boss")
            assert approved["content"]["after"] == {"base_cost_usd": "0.05"}

            other = await mia.change(PRICE, {"base_cost_usd": "0.06", "approval": code}, subject="nano-banana")
            assert other.json()["code"] == "approval_required"
            done = (await mia.change(PRICE, {**body, "approval": code}, subject="nano-banana")).json()
            assert done["revision"]["approval"] == code
            assert done["inverse"].endswith("--env staging")
            assert (await boss.get("/approvals/{code}", code=code)).json()["state"] == "used"
            once_more = await boss.change(APPROVE, {}, code=code)
            assert (once_more.status_code, once_more.json()["code"]) == (409, "approval_used")

    async def test_on_a_machine_of_ones_own_nobody_else_is_needed(self, boss: Operator) -> None:
        refused = (await boss.change(PRICE, {"base_cost_usd": "0.05"}, subject="nano-banana")).json()
        approved = await boss.change(APPROVE, {}, code=refused["approval"])
        assert approved.json()["state"] == "approved"

    async def test_whoever_may_not_do_everything_may_not_approve(self, mia: Operator) -> None:
        refused = (await mia.change(PRICE, {"base_cost_usd": "0.05"}, subject="nano-banana")).json()
        response = await mia.change(APPROVE, {}, code=refused["approval"])
        assert (response.status_code, response.json()["code"]) == (403, "missing_scope")

    async def test_a_rehearsal_asks_nobody(self, mia: Operator) -> None:
        refused = await mia.change(PRICE, {"base_cost_usd": "0.05"}, dry_run=True, subject="nano-banana")
        assert (refused.status_code, "approval" in refused.json()) == (403, False)
        assert (await mia.get("/approvals")).json()["items"] == []

    async def test_the_same_refusal_from_many_at_once_asks_once(self, mia: Operator) -> None:
        refused = await asyncio.gather(
            *(mia.change(PRICE, {"base_cost_usd": "0.05"}, subject="nano-banana") for _ in range(5))
        )
        assert len({response.json()["approval"] for response in refused}) == 1

    async def test_what_waits_is_listed(self, mia: Operator, boss: Operator) -> None:
        refused = [
            await mia.change(PRICE, {"base_cost_usd": price}, subject="nano-banana") for price in ("0.05", "0.06")
        ]
        codes = [response.json()["approval"] for response in refused]
        await boss.change(APPROVE, {}, code=codes[0])
        waiting = (await mia.get("/approvals", query={"pending": "true"})).json()["items"]
        assert [approval["code"] for approval in waiting] == codes[1:]
        assert len((await mia.get("/approvals")).json()["items"]) == 2

    @pytest.mark.parametrize("code", ["NOSUCHCODE", "a%00b", "x" * 300])
    async def test_an_unknown_code_is_not_found(self, boss: Operator, code: str) -> None:
        for response in (await boss.get("/approvals/{code}", code=code), await boss.change(APPROVE, {}, code=code)):
            assert (response.status_code, response.json()["code"]) == (404, "unknown_approval")


class TestReverting:
    """An edit is undone by its number."""

    async def test_the_inverse_restores_the_price(self, mia: Operator) -> None:
        number = str(
            (await mia.change(PRICE, {"base_cost_usd": "0.021"}, subject="nano-banana")).json()["revision"]["id"]
        )
        undone = (await mia.change(REVERT, {}, revision=number)).json()
        assert undone["revision"]["reverts"] == int(number)
        assert await cost() == "0.0200"
        again = await mia.change(REVERT, {}, revision=number)
        assert (again.status_code, again.json()["code"]) == (409, "revision_superseded")

    @pytest.mark.parametrize("number", ["77", "0", "x", "1.5", "-1", "9" * 30, "%D9%A1"])
    async def test_an_unknown_revision_is_not_found(self, mia: Operator, number: str) -> None:
        response = await mia.change(REVERT, {}, revision=number)
        assert (response.status_code, response.json()["code"]) == (404, "unknown_revision")

    async def test_edits_are_listed_in_pages(self, mia: Operator) -> None:
        for price in ("0.021", "0.022", "0.023"):
            await mia.change(PRICE, {"base_cost_usd": price}, subject="nano-banana")
        page = (await mia.get("/price-revisions", query={"limit": 2})).json()
        rest = (await mia.get("/price-revisions", query={"limit": 2, "cursor": page["next_cursor"]})).json()
        values = [item["after"]["base_cost_usd"] for item in [*page["items"], *rest["items"]]]
        assert (values, rest["next_cursor"]) == (["0.023", "0.022", "0.021"], None)
        assert (await mia.get("/price-revisions", query={"subject": "settings"})).json()["items"] == []


class TestChecking:
    """Whether prices hold."""

    async def test_what_ships_does(self, reader: Operator) -> None:
        await packages.seed()
        report = (await reader.get("/pricing/check")).json()
        active = [model for model in await catalog.read() if model.is_active]
        assert (report["ok"], report["models"], report["days"]) == (True, len(active), 7)
        assert report["combinations"] >= 9

    async def test_what_does_not_is_named(self, reader: Operator) -> None:
        await db.execute("UPDATE botapp_aimodel SET cost_unit = 'generation' WHERE slug = 'nano-banana'")
        report = (await reader.get("/pricing/check", query={"days": 30})).json()
        assert report["ok"] is False
        assert [(found["kind"], found["subject"]) for found in report["findings"]] == [
            ("unpaid_quantity", "nano-banana")
        ]

"""Packages over the ops API: every edit with who and why, every bad value refused by name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from core import audit
from core.payments import packages
from tests.core.http.operators import Operator, operator_with

pytestmark = pytest.mark.integration

ONE, SALE = "/packages/{code}", "/packages/{code}/sale"


@pytest.fixture
async def mia(client: httpx.AsyncClient) -> AsyncIterator[Operator]:
    """May operate; four packages are sold."""
    await packages.seed()
    async with operator_with(client, "mia", "operate") as opened:
        yield opened


async def test_they_are_listed_with_what_a_token_brings(mia: Operator) -> None:
    found = (await mia.get("/packages")).json()
    assert found["list_usd_per_token"] == "0.05"
    assert [(item["code"], item["usd_per_token"]) for item in found["items"]] == [
        (code, "0.05") for code in ("tokens-100", "tokens-200", "tokens-500", "tokens-1000")
    ]


async def test_one_is_shown_on_sale_or_off_it(mia: Operator) -> None:
    await mia.change(SALE, {"is_active": False}, code="tokens-100")
    found = (await mia.get(ONE, code="tokens-100")).json()
    assert (found["is_active"], found["price_usd"], found["stars"]) == (False, "5.00", 385)
    assert len((await mia.get("/packages")).json()["items"]) == 4


async def test_an_edit_is_answered_with_before_and_after_and_is_in_the_audit(mia: Operator) -> None:
    edited = (await mia.change(ONE, {"price_usd": "5.50", "stars": 0}, code="tokens-100")).json()
    assert (edited["changed"], edited["before"]["price_usd"], edited["package"]["price_usd"]) == (True, "5.00", "5.50")
    assert edited["package"]["usd_per_token"] == "0.055"
    [event] = await audit.newest()
    assert (event.actor, event.action, event.subject) == ("token:mia", "packages.set", "tokens-100")
    assert event.result == edited


async def test_an_edit_to_what_it_is_changes_nothing(mia: Operator) -> None:
    assert (await mia.change(ONE, {"price_usd": "5.0"}, code="tokens-100")).json()["changed"] is False


async def test_one_is_added_and_a_taken_code_is_a_conflict(mia: Operator) -> None:
    body = {"code": "tokens-300", "tokens": "300", "price_usd": "14.5", "offers": {}, "is_recurring": True}
    added = (await mia.change("/packages", body)).json()
    assert (added["before"], added["package"]["tokens"], added["package"]["order"]) == (None, "300.00", 50)
    assert (await audit.newest())[0].subject == "tokens-300"
    again = await mia.change("/packages", body)
    assert (again.status_code, again.json()["code"]) == (409, "package_exists")


async def test_the_same_key_adds_once(mia: Operator) -> None:
    body = {"code": "tokens-300", "tokens": "300", "price_usd": "14.5"}
    answers = [(await mia.change("/packages", body, key="add-00001")).json() for _ in range(2)]
    assert answers[0] == answers[1]


async def test_they_are_arranged(mia: Operator) -> None:
    found = (await mia.change("/package-order", {"codes": ["tokens-1000"]})).json()
    assert found["items"][0]["code"] == "tokens-1000"


async def test_a_rehearsal_leaves_nothing(mia: Operator) -> None:
    edited = (await mia.change(ONE, {"price_usd": "9"}, dry_run=True, code="tokens-100")).json()
    assert edited["package"]["price_usd"] == "9.00"
    assert (await mia.get(ONE, code="tokens-100")).json()["price_usd"] == "5.00"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"price_usd": "0"}, "invalid_package"),
        ({"price_usd": "-1"}, "invalid_package"),
        ({"price_usd": "5.001"}, "invalid_package"),
        ({"price_usd": "NaN"}, "invalid_request"),
        ({"price_usd": "1e999999999"}, "invalid_request"),
        ({"price_usd": 5.5}, "invalid_request"),
        ({"price_usd": "five"}, "invalid_request"),
        ({"tokens": "0"}, "invalid_package"),
        ({"stars": -1}, "invalid_package"),
        ({"stars": 1.5}, "invalid_request"),
        ({"offers": {"lava": "x"}}, "invalid_package"),
        ({"title": ""}, "invalid_package"),
        ({"is_active": True}, "invalid_request"),
    ],
)
async def test_a_bad_value_is_refused_by_name(mia: Operator, body: dict[str, Any], code: str) -> None:
    response = await mia.change(ONE, body, code="tokens-100")
    assert (response.status_code, response.json()["code"]) == (422, code)
    assert next(iter(body)) in response.json()["errors"][0]["param"]


@pytest.mark.parametrize("code", ["tokens-10", "a%00b", "x" * 300])
async def test_an_unknown_package_is_not_found(mia: Operator, code: str) -> None:
    for response in (
        await mia.get(ONE, code=code),
        await mia.change(ONE, {"stars": 1}, code=code),
        await mia.change(SALE, {"is_active": True}, code=code),
    ):
        assert (response.status_code, response.json()["code"]) == (404, "unknown_package")
    if code == "tokens-10":
        assert "tokens-100" in response.json()["near"]


async def test_whoever_only_reads_may_not_edit(client: httpx.AsyncClient, mia: Operator) -> None:
    async with operator_with(client, "reader", "read") as reader:
        for path, body in ((ONE, {"stars": 1}), (SALE, {"is_active": False})):
            assert (await reader.change(path, body, code="tokens-100")).status_code == 403
        assert (await reader.get("/packages")).status_code == 200

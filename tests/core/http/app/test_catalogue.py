"""What can be made and what it costs: the same prices as everywhere, and nothing of what they are made from."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from core import catalog, db, pricing, providers
from tests.core.http.app.people import Visitor

pytestmark = pytest.mark.integration


async def test_models_come_with_their_form_and_price(mia: Visitor) -> None:
    items = (await mia.get("/models")).json()["items"]

    assert [item["slug"] for item in items] == [model.slug for model in await catalog.models()]
    banana = next(item for item in items if item["slug"] == "nano-banana")
    assert (banana["kind"], banana["price_from"]) == ("image", "0.80")
    assert banana["purpose"]
    for item in items:
        Draft202012Validator.check_schema(item["params"])


async def test_purposes_are_in_the_language_of_the_person(mia: Visitor) -> None:
    masha = Visitor(mia.http, mia.token, language="ru", name="Маша")

    english, russian = [(await visitor.get("/models")).json()["items"][0]["purpose"] for visitor in (mia, masha)]

    assert english.isascii()
    assert not russian.isascii()


async def test_a_model_that_is_off_is_not_listed_and_not_priced(mia: Visitor) -> None:
    await db.execute("UPDATE botapp_aimodel SET is_active = false, successor = 'heir' WHERE slug = 'nano-banana'")
    catalog.configure(providers.names())

    assert "nano-banana" not in {item["slug"] for item in (await mia.get("/models")).json()["items"]}
    answer = await mia.post("/quote", {"model": "nano-banana"})
    assert (answer.status_code, answer.json()["code"]) == (409, "model_unavailable")
    assert answer.json()["successor"] == "heir"


async def test_every_model_is_quoted_as_the_service_charges_it(mia: Visitor) -> None:
    for model in await catalog.models():
        expected = pricing.quote(model)

        body = (await mia.post("/quote", {"model": model.slug})).json()

        assert (Decimal(body["tokens"]), body["params"]) == (expected.tokens, dict(expected.params))
        assert Decimal(body["missing"]) == max(expected.tokens - 50, Decimal(0))
        assert body["balance"] == "50.00"


async def test_a_quote_tells_nothing_of_costs(mia: Visitor) -> None:
    text = (await mia.post("/quote", {"model": "nano-banana"})).text + (await mia.get("/models")).text

    for word in ("usd", "markup", "rate", "factor", "route", "provider"):
        assert f'"{word}' not in text


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"model": "nano-bananna"}, 404, "unknown_model"),
        ({"model": "nano-banana", "params": {"smell": "roses"}}, 422, "invalid_params"),
        ({"model": "nano-banana", "params": {"quantity": "many"}}, 422, "invalid_params"),
        ({"model": "nano-banana", "params": []}, 422, "invalid_request"),
        ({"model": ""}, 422, "invalid_request"),
        ({}, 422, "invalid_request"),
        ([], 400, "malformed_json"),
    ],
)
async def test_what_cannot_be_quoted_is_explained(mia: Visitor, body: Any, status: int, code: str) -> None:
    answer = await mia.post("/quote", body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_mistyped_model_is_guessed(mia: Visitor) -> None:
    assert "nano-banana" in (await mia.post("/quote", {"model": "nano-bananna"})).json()["near"]

"""What can be made and what it costs: the same prices as everywhere, and nothing of what they are made from."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from core import catalog, db, pricing, providers
from core.media import MAX_IMAGE_BYTES
from tests.core.http.app.people import Visitor

pytestmark = pytest.mark.integration


async def test_models_come_with_their_form_and_price(mia: Visitor) -> None:
    items = (await mia.get("/models")).json()["items"]

    orderable = [item["slug"] for item in items if not item["retired"]]
    assert orderable == [model.slug for model in await catalog.models()]
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


async def test_a_model_that_has_ended_is_shown_with_its_successor_and_not_priced(mia: Visitor) -> None:
    items = {item["slug"]: item for item in (await mia.get("/models")).json()["items"]}

    assert (items["sora2"]["retired"], items["sora2"]["successor"]) == (True, "veo3-fast")
    assert items["sora2"]["retires_at"] == "2026-09-24T00:00:00.000Z"
    assert "kling-v2-5-turbo-pro" not in items
    answer = await mia.post("/quote", {"model": "sora2"})
    assert (answer.status_code, answer.json()["successor"]) == (409, "veo3-fast")


async def test_one_model_is_told_in_full_also_one_that_is_in_no_list(mia: Visitor) -> None:
    await everybody_is_configured()

    model = (await mia.get("/models/veo3-fast")).json()
    assert [slot["role"] for slot in model["inputs"]] == ["start", "end", "reference"]
    start, end, reference = model["inputs"]
    assert (start["label"], start["most"], start["least"], end["needs"]) == ("First frame", 1, 0, ["start"])
    assert (reference["excludes"], reference["requires"]) == (["end", "start"], {"duration": [8]})
    assert "image/jpeg" in start["mime_types"]
    assert (start["max_bytes"], start["max_seconds"]) == (MAX_IMAGE_BYTES, None)
    assert model["follow_ups"] == [
        {"kind": "extend", "model": "veo3-extend", "name": "➕ Veo 3.1 Extend", "price_from": "42.00"}
    ]
    assert (await mia.get("/models/veo3-extend")).json()["price_from"] == "42.00"


async def test_a_slot_for_videos_says_how_long_and_how_large(mia: Visitor) -> None:
    await everybody_is_configured()

    (video,) = (await mia.get("/models/runway_aleph")).json()["inputs"]
    assert (video["role"], video["least"], video["max_seconds"]) == ("video", 1, 6.0)
    assert "video/mp4" in video["mime_types"]
    reference, clip = (await mia.get("/models/kling_O1")).json()["inputs"]
    assert (reference["most"], reference["fewer"], clip["label"]) == (7, {"video": 4}, "Video: @video_1")


async def test_follow_ups_that_nobody_can_order_are_not_offered(mia: Visitor) -> None:
    with_demo = (await mia.get("/models/nano-banana")).json()["follow_ups"]
    await everybody_is_configured()
    with_all = (await mia.get("/models/nano-banana")).json()["follow_ups"]

    assert [one["model"] for one in with_demo] == ["demo-video"]
    assert [one["model"] for one in with_all] == ["kling-v2-5-turbo", "demo-video"]


async def test_an_option_that_has_to_be_chosen_has_its_cheapest_valid_price(mia: Visitor) -> None:
    schema = {
        "type": "object",
        "properties": {"image_size": {"type": "string", "enum": ["1K", "4K"]}},
        "required": ["image_size"],
    }
    await db.execute("UPDATE botapp_aimodel SET params_schema = $1 WHERE slug = 'nano-banana-pro'", db.to_json(schema))
    catalog.configure(providers.names())

    items = {item["slug"]: item for item in (await mia.get("/models")).json()["items"]}
    assert items["nano-banana-pro"]["price_from"] == "6.00"


async def test_a_model_that_nobody_can_order_hides_no_other(mia: Visitor) -> None:
    broken = """{"type": "object", "required": ["x"]}"""
    await db.execute("UPDATE botapp_aimodel SET params_schema = $1 WHERE slug = 'nano-banana-pro'", broken)
    catalog.configure(providers.names())

    answer = await mia.get("/models")
    assert answer.status_code == 200
    slugs = {item["slug"] for item in answer.json()["items"]}
    assert "nano-banana" in slugs
    assert "nano-banana-pro" not in slugs
    one = await mia.get("/models/nano-banana-pro")
    assert (one.status_code, one.json()["code"]) == (409, "model_unavailable")


async def test_a_model_that_is_not_there_is_guessed(mia: Visitor) -> None:
    answer = await mia.get("/models/nano-bananna")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_model")
    assert "nano-banana" in answer.json()["near"]


async def test_a_model_without_a_provider_here_is_refused_by_name_too(mia: Visitor) -> None:
    assert (await mia.get("/models/veo3-fast")).status_code == 409


async def everybody_is_configured() -> None:
    """Every provider that there is an adapter for has a key."""
    catalog.configure(providers.known())


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


async def test_a_long_answer_is_compressed_for_whoever_can_read_that(mia: Visitor) -> None:
    plain = await mia.http.get("/api/app/v1/models", headers={**mia.signed(), "Accept-Encoding": "identity"})
    packed = await mia.http.get("/api/app/v1/models", headers={**mia.signed(), "Accept-Encoding": "gzip, br"})
    assert (packed.headers["content-encoding"], "content-encoding" in plain.headers) == ("gzip", False)
    assert packed.json() == plain.json()
    assert int(packed.headers["content-length"]) * 4 < int(plain.headers["content-length"])
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"


async def test_a_short_answer_is_sent_as_it_is(mia: Visitor) -> None:
    answer = await mia.http.get("/api/app/v1/me", headers={**mia.signed(), "Accept-Encoding": "gzip"})
    assert "content-encoding" not in answer.headers

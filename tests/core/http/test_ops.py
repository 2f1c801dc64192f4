"""The ops API: who may ask, what is answered, and that every answer has the shape that the description declares."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from core import db, generations, ledger, ops_tokens, users
from core.generations import Generation, Order
from core.http.ops.api import api
from core.types import IdempotencyKey, TraceId

pytestmark = pytest.mark.integration

ROOT = "/api/ops/v1"
DOCUMENT = api.document("0.1.0")
READS = ["/status", "/generations", "/generations/nobody", "/models", "/ledger/verify", "/openapi.json"]

Ordering = Callable[..., Awaitable[Generation]]


def _assert_declared(response: httpx.Response, path: str, method: str = "get") -> Any:
    """Return the answer after checking it against the schema that the description gives for it."""
    operation = DOCUMENT["paths"][ROOT + path][method]
    media_type = response.headers["content-type"]
    schema = operation["responses"][str(response.status_code)]["content"][media_type]["schema"]
    Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(response.json())
    return response.json()


@pytest.fixture
async def order(client: httpx.AsyncClient) -> Ordering:
    """Orders generations for somebody with 50 tokens."""
    del client
    keys = itertools.count(1)

    async def place(chat_id: int = 4242, model: str = "nano-banana", prompt: str = "a red fox") -> Generation:
        user = await users.upsert(users.Profile(chat_id, "fox", "Fox", "", "en"))
        await ledger.give_welcome_bonus(user.id)
        await db.execute("UPDATE botapp_genrequest SET created_at = created_at - interval '1 minute'")
        return await generations.submit(
            Order(
                user=user,
                model=model,
                prompt=prompt,
                images=(),
                params={},
                key=IdempotencyKey(f"test:{next(keys)}"),
                language="en",
                trace_id=TraceId("ab" * 16),
            )
        )

    return place


@pytest.mark.parametrize("path", READS)
async def test_without_a_token_nothing_is_told(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(ROOT + path)

    assert response.status_code == 401
    assert response.json()["code"] == "not_authenticated"
    assert response.headers["www-authenticate"].startswith("Bearer ")


@pytest.mark.parametrize("value", ["Bearer", "Bearer nbk_wrong", "Basic bmJrOng=", "nbk_", "Bearer nbk_" + "a" * 43])
async def test_a_wrong_token_is_no_token(client: httpx.AsyncClient, value: str) -> None:
    response = await client.get(f"{ROOT}/status", headers={"Authorization": value})

    assert response.status_code == 401


async def test_a_revoked_or_expired_token_opens_nothing(client: httpx.AsyncClient) -> None:
    revoked = await ops_tokens.create("revoked", ["admin"])
    expired = await ops_tokens.create("expired", ["admin"], lifetime=timedelta(days=1))
    await db.execute("UPDATE botapp_opstoken SET revoked_at = now() WHERE name = 'revoked'")
    await db.execute("UPDATE botapp_opstoken SET expires_at = now() WHERE name = 'expired'")

    for token in (revoked, expired):
        response = await client.get(f"{ROOT}/status", headers={"Authorization": f"Bearer {token}"})
        assert response.status_code == 401


async def test_a_token_without_the_scope_is_told_which_one_is_missing(client: httpx.AsyncClient) -> None:
    token = await ops_tokens.create("odd", ["read"])
    await db.execute("UPDATE botapp_opstoken SET scopes = '{}'")

    response = await client.get(f"{ROOT}/status", headers={"Authorization": f"Bearer {token}"})

    body = _assert_declared(response, "/status")
    assert (response.status_code, body["code"]) == (403, "missing_scope")
    assert 'scope="read"' in response.headers["www-authenticate"]


async def test_the_scheme_of_the_header_is_not_case_sensitive(client: httpx.AsyncClient) -> None:
    token = await ops_tokens.create("tests", ["read"])

    response = await client.get(f"{ROOT}/status", headers={"Authorization": f"bEARER {token}"})

    assert response.status_code == 200


async def test_status_shows_processes_queues_and_backlogs(operator: httpx.AsyncClient, order: Ordering) -> None:
    await order()

    body = _assert_declared(await operator.get(f"{ROOT}/status"), "/status")

    assert (body["environment"], body["version"], body["commit"]) == ("local", "0.1.0", "0000000")
    assert [process["kind"] for process in body["processes"]] == ["web"]
    assert {queue["name"] for queue in body["queues"]} == {"generation", "delivery", "default"}
    assert body["generations"] == {"queued": 1, "processing": 0, "stuck": 0}
    assert body["inbox"] == {"pending": 0, "oldest_s": None}


async def test_a_generation_that_nobody_takes_up_is_stuck(operator: httpx.AsyncClient, order: Ordering) -> None:
    await order()
    await db.execute("UPDATE botapp_genrequest SET next_action_at = now() - interval '1 hour'")

    body = (await operator.get(f"{ROOT}/status")).json()

    assert body["generations"]["stuck"] == 1


async def test_a_generation_is_listed_with_its_money(operator: httpx.AsyncClient, order: Ordering) -> None:
    generation = await order()

    body = _assert_declared(await operator.get(f"{ROOT}/generations"), "/generations")

    (item,) = body["items"]
    assert body["next_cursor"] is None
    assert item.pop("created_at").endswith("Z")
    assert item == {
        "id": generation.run_code,
        "status": "queued",
        "stage": "queued",
        "model": "nano-banana",
        "kind": "image",
        "user": "4242",
        "tokens": "0.80",
        "cost_usd": None,
        "completed_at": None,
        "route": None,
        "error_code": None,
    }


async def test_pages_hold_every_generation_once_newest_first(operator: httpx.AsyncClient, order: Ordering) -> None:
    ordered = [(await order(chat_id=number)).run_code for number in range(1, 6)]

    seen: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        body = _assert_declared(await operator.get(f"{ROOT}/generations", params=query), "/generations")
        seen += [item["id"] for item in body["items"]]
        cursor = body["next_cursor"]

    assert seen == ordered[::-1]
    assert cursor is None


async def test_filters_leave_the_others_out(operator: httpx.AsyncClient, order: Ordering) -> None:
    fox = await order(chat_id=1)
    cat = await order(chat_id=2, model="nano-banana-pro")

    async def listed(**query: str) -> list[str]:
        response = await operator.get(f"{ROOT}/generations", params=query)
        return [item["id"] for item in _assert_declared(response, "/generations")["items"]]

    assert await listed(user="1") == [fox.run_code]
    assert await listed(model="nano-banana-pro") == [cat.run_code]
    assert await listed(status="done") == []
    assert await listed(status="queued", user="2") == [cat.run_code]


@pytest.mark.parametrize(
    ("query", "status", "code", "param"),
    [
        ("limit=0", 422, "invalid_request", "limit"),
        ("limit=201", 422, "invalid_request", "limit"),
        ("limit=many", 422, "invalid_request", "limit"),
        ("limit=", 422, "invalid_request", "limit"),
        ("limit=1&limit=2", 422, "invalid_request", "limit"),
        ("status=lost", 422, "invalid_request", "status"),
        ("user=fox", 422, "invalid_request", "user"),
        ("user=99999999999999999999", 422, "invalid_request", "user"),
        ("sort=price", 422, "invalid_request", "sort"),
        ("model=", 422, "invalid_request", "model"),
        ("cursor=nonsense", 400, "bad_cursor", None),
        ("cursor=%00%ff", 400, "bad_cursor", None),
        ("cursor=" + "a" * 5000, 422, "invalid_request", "cursor"),
    ],
)
async def test_a_wrong_question_is_answered_with_what_is_wrong(
    operator: httpx.AsyncClient, query: str, status: int, code: str, param: str | None
) -> None:
    response = await operator.get(f"{ROOT}/generations?{query}")

    body = _assert_declared(response, "/generations")
    assert (response.status_code, body["code"]) == (status, code)
    if param is not None:
        assert [error["param"] for error in body["errors"]] == [param]


async def test_an_unknown_model_is_not_an_empty_list(operator: httpx.AsyncClient) -> None:
    response = await operator.get(f"{ROOT}/generations?model=nano-bananna")

    body = _assert_declared(response, "/generations")
    assert (response.status_code, body["code"]) == (404, "unknown_model")
    assert body["near"][0] == "nano-banana"


async def test_one_generation_is_shown_with_its_quote_charge_and_story(
    operator: httpx.AsyncClient, order: Ordering
) -> None:
    generation = await order(prompt="a red fox in the snow")

    response = await operator.get(f"{ROOT}/generations/{generation.run_code}")
    body = _assert_declared(response, "/generations/{run_code}")

    assert body["prompt"] == "a red fox in the snow"
    assert body["trace_id"] == "ab" * 16
    assert body["quote"]["tokens"] == "0.80"
    assert body["charge"] == {
        "id": str(generation.transaction_id),
        "tokens": "0.80",
        "state": "open",
        "refunded": "0.00",
    }
    assert body["events"]
    assert body["results"] == []


@pytest.mark.parametrize("run_code", ["nobody", "0" * 32, "%27%20OR%201=1", "%D0%BB%D0%B8%D1%81%D0%B0", "a" * 500])
async def test_a_generation_that_does_not_exist_is_not_found(operator: httpx.AsyncClient, run_code: str) -> None:
    response = await operator.get(f"{ROOT}/generations/{run_code}")

    body = _assert_declared(response, "/generations/{run_code}")
    assert (response.status_code, body["code"]) == (404, "unknown_generation")


async def test_a_quote_says_what_it_was_made_from(operator: httpx.AsyncClient) -> None:
    response = await operator.post(
        f"{ROOT}/pricing/quote", json={"model": "nano-banana-pro", "params": {"image_size": "4K"}}
    )

    body = _assert_declared(response, "/pricing/quote", "post")
    assert body["model"] == "nano-banana-pro"
    assert body["params"]["image_size"] == "4K"
    assert "image_size" in [factor["option"] for factor in body["factors"]]
    product = Decimal(body["unit_cost_usd"]) * Decimal(body["units"])
    for factor in body["factors"]:
        product *= Decimal(factor["factor"])
    tokens = product * Decimal(body["rate"]) * Decimal(body["markup"])
    assert tokens.quantize(Decimal("0.01")) == Decimal(body["tokens"])


async def test_a_quote_without_options_takes_the_defaults(operator: httpx.AsyncClient) -> None:
    body = (await operator.post(f"{ROOT}/pricing/quote", json={"model": "nano-banana"})).json()

    assert body["tokens"] == "0.80"
    assert body["params"]["quantity"] == 1


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"{", 400, "malformed_json"),
        (b"", 400, "malformed_json"),
        (b"[]", 400, "malformed_json"),
        (b'"nano-banana"', 400, "malformed_json"),
        (b"[" * 100_000, 400, "malformed_json"),
        (b"{}", 422, "invalid_request"),
        (b'{"model": 7}', 422, "invalid_request"),
        (b'{"model": "nano-banana", "params": []}', 422, "invalid_request"),
        (b'{"model": "nano-banana", "discount": 100}', 422, "invalid_request"),
        (b'{"model": "nano-bananna"}', 404, "unknown_model"),
        (b'{"model": "nano-banana", "params": {"quantity": 5}}', 422, "invalid_params"),
        (b'{"model": "nano-banana", "params": {"colour": "red"}}', 422, "invalid_params"),
        (b'{"model": "' + b"x" * 1_100_000 + b'"}', 413, "payload_too_large"),
    ],
)
async def test_a_wrong_order_is_refused_with_the_reason(
    operator: httpx.AsyncClient, content: bytes, status: int, code: str
) -> None:
    response = await operator.post(f"{ROOT}/pricing/quote", content=content)

    body = _assert_declared(response, "/pricing/quote", "post")
    assert (response.status_code, body["code"]) == (status, code)


async def test_each_wrong_option_is_named(operator: httpx.AsyncClient) -> None:
    response = await operator.post(
        f"{ROOT}/pricing/quote", json={"model": "nano-banana", "params": {"quantity": 5, "aspect_ratio": "7:1"}}
    )

    assert {error["param"] for error in response.json()["errors"]} == {"params.quantity", "params.aspect_ratio"}


async def test_models_are_listed_with_what_they_cost_from(operator: httpx.AsyncClient) -> None:
    body = _assert_declared(await operator.get(f"{ROOT}/models"), "/models")

    models = {model["slug"]: model for model in body["items"]}
    assert models["nano-banana"]["price_from"] == "0.80"
    assert models["nano-banana"]["available"] is True
    assert "demo" in models["nano-banana"]["routes"]


async def test_a_model_that_was_switched_off_is_still_listed(operator: httpx.AsyncClient) -> None:
    await db.execute("UPDATE botapp_aimodel SET is_active = false WHERE slug = 'nano-banana'")

    body = (await operator.get(f"{ROOT}/models")).json()

    (model,) = [model for model in body["items"] if model["slug"] == "nano-banana"]
    assert (model["is_active"], model["available"]) == (False, False)


async def test_the_ledger_adds_up(operator: httpx.AsyncClient, order: Ordering) -> None:
    await order()

    body = _assert_declared(await operator.get(f"{ROOT}/ledger/verify"), "/ledger/verify")

    assert (body["ok"], body["users"], body["postings"], body["problems"]) == (True, 1, 2, [])


async def test_a_ledger_that_does_not_add_up_says_where(operator: httpx.AsyncClient, order: Ordering) -> None:
    await order()
    await db.execute("ALTER TABLE botapp_userbalance DISABLE TRIGGER USER")
    await db.execute("UPDATE botapp_userbalance SET balance = balance + 1")

    body = _assert_declared(await operator.get(f"{ROOT}/ledger/verify"), "/ledger/verify")

    assert body["ok"] is False
    assert "balance_differs_from_statement" in [problem["kind"] for problem in body["problems"]]


async def test_a_parameter_that_nobody_reads_is_an_error(operator: httpx.AsyncClient) -> None:
    response = await operator.get(f"{ROOT}/models?kind=image")

    assert response.status_code == 422
    assert response.json()["errors"][0]["param"] == "kind"


async def test_a_database_that_is_away_is_an_answer_too(
    operator: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(db, "fetch_one", away)
    response = await operator.get(f"{ROOT}/status")

    body = _assert_declared(response, "/status")
    assert (response.status_code, body["code"]) == (503, "unavailable")


async def test_the_description_is_served(operator: httpx.AsyncClient) -> None:
    response = await operator.get(f"{ROOT}/openapi.json")

    assert response.status_code == 200
    assert response.json() == DOCUMENT

"""Promo codes over the ops API: made, listed, switched; what costs without limit is refused, every change recorded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from core import audit, ops_tokens, users
from core.bonuses import codes, promo
from core.http.ops.api import api

pytestmark = pytest.mark.integration

ROOT = "/api/ops/v1/promo-codes"


@pytest.fixture
async def manager(client: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """A client that may change things."""
    token = await ops_tokens.create("manager", ["read", "operate"])
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=client.base_url, headers=headers, trust_env=False) as opened:
        yield opened


async def change(
    manager: httpx.AsyncClient, path: str, key: str = "key-0001", *, dry_run: bool = False, **body: Any
) -> httpx.Response:
    """Ask for a change with a reason."""
    return await manager.post(
        f"{ROOT}/{path}",
        json={"reason": "a test", **body},
        params={"dry_run": "true"} if dry_run else {},
        headers={"Idempotency-Key": key},
    )


def declared(response: httpx.Response, path: str = "/{code}", method: str = "post") -> Any:
    """The answer, checked against the description."""
    document = api.document("0")
    content = document["paths"][ROOT + path][method]["responses"][str(response.status_code)]["content"]
    schema = content[response.headers["content-type"]]["schema"]
    Draft202012Validator({**schema, "components": document["components"]}).validate(response.json())
    return response.json()


async def redeem(code: str, chat_id: int = 4242) -> None:
    """Have somebody use a code."""
    person = await users.upsert(users.Profile(chat_id, "fox", "Fox"))
    await promo.redeem(person.id, code, datetime.now(UTC))


async def test_a_code_is_made_as_it_was_asked_for(manager: httpx.AsyncClient) -> None:
    response = await change(manager, "fox", tokens="10", max_uses=100, description="for foxes")
    body = declared(response)
    assert response.status_code == 200
    moments = {"valid_from", "created_at"}
    assert {name: value for name, value in body.items() if name not in moments} == {
        "code": "FOX",
        "state": "active",
        "kind": "tokens",
        "value": "10",
        "description": "for foxes",
        "min_deposit": "0.00",
        "max_bonus": None,
        "uses": 0,
        "waiting": 0,
        "max_uses": 100,
        "max_uses_per_user": 1,
        "given": "0.00",
        "budget": None,
        "budget_left": None,
        "valid_until": None,
    }
    await redeem("fox")


async def test_a_percentage_with_everything(manager: httpx.AsyncClient) -> None:
    start, end = datetime.now(UTC) + timedelta(days=1), datetime.now(UTC) + timedelta(days=2)
    body = declared(
        await change(
            manager,
            "HALF",
            percent="12.5",
            max_uses_per_user=2,
            valid_from=start.isoformat(),
            valid_until=end.isoformat(),
            min_deposit="100",
            max_bonus="40.50",
            budget="1000",
        )
    )
    assert (body["state"], body["kind"], body["value"]) == ("scheduled", "percent", "12.5")
    assert (body["min_deposit"], body["max_bonus"], body["budget_left"]) == ("100.00", "40.50", "1000.00")
    made = await codes.get("HALF")
    assert (made.valid_from, made.valid_until, made.max_uses_per_user) == (start, end, 2)


async def test_the_change_is_recorded_with_actor_and_reason(manager: httpx.AsyncClient) -> None:
    await change(manager, "FOX", tokens="10")
    await change(manager, "FOX/disable", "key-0002")
    switched, made = await audit.newest()
    assert [(event.action, event.subject, event.actor, event.reason) for event in (made, switched)] == [
        ("promo.create", "FOX", "token:manager", "a test"),
        ("promo.disable", "FOX", "token:manager", "a test"),
    ]


async def test_the_same_key_makes_one_code_and_the_same_answer(manager: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(change(manager, "FOX", tokens="10") for _ in range(4)))
    assert {answer.status_code for answer in answers} == {200}
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert len(await codes.newest(limit=9)) == 1


async def test_a_code_that_exists_is_a_conflict_in_any_case(manager: httpx.AsyncClient) -> None:
    await change(manager, "FOX", tokens="10")
    response = await change(manager, "Fox", "key-0002", tokens="5")
    body = declared(response)
    assert (response.status_code, body["code"], "rule" in body) == (409, "promo_code_exists", False)
    assert (await codes.get("FOX")).value == Decimal(10)


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ({"tokens": "1000"}, "promo_needs_limit"),
        ({"percent": "50"}, "promo_needs_limit"),
        ({"percent": "50", "max_bonus": "100"}, "promo_needs_limit"),
        ({"percent": "50", "budget": "100"}, "promo_budget_needs_max_bonus"),
        ({"tokens": "50", "budget": "49"}, "promo_budget_covers_a_use"),
    ],
)
async def test_what_costs_without_limit_is_blocked_by_a_rule(
    manager: httpx.AsyncClient, body: dict[str, Any], rule: str
) -> None:
    response = await change(manager, "RICH", **body)
    problem = declared(response)
    assert (response.status_code, problem["code"], problem["rule"]) == (409, rule, rule)
    assert await codes.newest(limit=9) == []
    assert await audit.newest() == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"tokens": "10", "percent": "10"},
        {"tokens": "0"},
        {"tokens": "-5"},
        {"tokens": "1.005"},
        {"tokens": "100000.01"},
        {"tokens": "NaN"},
        {"tokens": "1e-999999999"},
        {"tokens": "10", "valid_until": "9999-12-31T23:59:59-14:00"},
        {"tokens": "10", "valid_from": "9999-12-31T23:59:59-14:00"},
        {"percent": "500.01", "max_uses": 1},
        {"tokens": "10", "max_bonus": "5"},
        {"tokens": "10", "max_uses": 0},
        {"tokens": "10", "max_uses_per_user": 0},
        {"tokens": "10", "min_deposit": "-1"},
        {"tokens": "10", "valid_until": "2020-01-01T00:00:00Z"},
        {"tokens": "10", "valid_until": "2099-01-01T00:00:00"},
        {"tokens": "10", "valid_from": "2099-01-02T00:00:00Z", "valid_until": "2099-01-02T00:00:00Z"},
        {"tokens": "10", "current_uses": 5},
    ],
)
async def test_a_wrong_value_is_named(manager: httpx.AsyncClient, body: dict[str, Any]) -> None:
    response = await change(manager, "FOX", **body)
    assert response.status_code == 422
    assert declared(response)["errors"]
    assert await codes.newest(limit=9) == []


@pytest.mark.parametrize("code", ["AB", "A%20B", "A" * 51, "%F0%9F%A6%8A%F0%9F%A6%8A%F0%9F%A6%8A", "A.B.C"])
async def test_what_nobody_could_type_is_no_code(manager: httpx.AsyncClient, code: str) -> None:
    response = await change(manager, code, tokens="10")
    assert (response.status_code, response.json()["errors"][0]["param"]) == (422, "code")


async def test_a_rehearsal_makes_nothing(manager: httpx.AsyncClient) -> None:
    response = await change(manager, "FOX", dry_run=True, tokens="10")
    assert declared(response)["code"] == "FOX"
    assert await codes.newest(limit=9) == []
    assert await audit.newest() == []


async def test_a_code_shows_who_used_it_lately(manager: httpx.AsyncClient) -> None:
    await change(manager, "FOX", tokens="10")
    await change(manager, "HALF", "key-0002", percent="50", max_uses=5)
    for code in ("FOX", "HALF"):
        await redeem(code)
    await redeem("FOX", 4343)
    fox = declared(await manager.get(f"{ROOT}/fox"), method="get")
    assert [(use["user"], use["tokens"], use["payment"]) for use in fox["latest"]] == [
        ("4343", "10.00", None),
        ("4242", "10.00", None),
    ]
    assert (fox["uses"], fox["given"]) == (2, "20.00")
    half = declared(await manager.get(f"{ROOT}/HALF"), method="get")
    assert (half["waiting"], half["latest"][0]["tokens"]) == (1, None)


async def test_the_list_comes_in_pages_the_newest_first(manager: httpx.AsyncClient) -> None:
    for number, code in enumerate(("ONE", "TWO", "THREE")):
        await change(manager, code, f"key-000{number}", tokens="10")
    first = declared(await manager.get(ROOT, params={"limit": 2}), "", "get")
    second = declared(await manager.get(ROOT, params={"limit": 2, "cursor": first["next_cursor"]}), "", "get")
    assert [item["code"] for page in (first, second) for item in page["items"]] == ["THREE", "TWO", "ONE"]
    assert second["next_cursor"] is None
    assert (await manager.get(ROOT, params={"cursor": "x"})).json()["code"] == "bad_cursor"


async def test_switching_off_and_on(manager: httpx.AsyncClient) -> None:
    await change(manager, "FOX", tokens="10")
    seen = []
    for number, verb in enumerate(("disable", "disable", "enable", "enable")):
        response = await change(manager, f"fox/{verb}", f"key-100{number}")
        body = declared(response, f"/{{code}}/{verb}")
        seen.append((body["state"], body["changed"]))
    assert seen == [("disabled", True), ("disabled", False), ("active", True), ("active", False)]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/NOBODY"), ("POST", "/NOBODY/disable"), ("POST", "/NOBODY/enable"), ("GET", "/%00"), ("GET", "/..%2Fx")],
)
async def test_an_unknown_code_is_not_found(manager: httpx.AsyncClient, method: str, path: str) -> None:
    body = {"reason": "a test"} if method == "POST" else None
    response = await manager.request(method, ROOT + path, json=body, headers={"Idempotency-Key": "key-0001"})
    assert response.status_code == 404


async def test_reading_is_not_changing(operator: httpx.AsyncClient, client: httpx.AsyncClient) -> None:
    assert (await client.get(ROOT)).status_code == 401
    assert (await operator.get(ROOT)).status_code == 200
    assert (await change(operator, "FOX", tokens="10")).status_code == 403
    assert await codes.newest(limit=9) == []


@pytest.mark.parametrize(
    ("limits", "state"),
    [
        ({"max_uses": 1}, "used_up"),
        ({"budget": "15"}, "exhausted"),
        ({"valid_until": (datetime.now(UTC) + timedelta(days=1)).isoformat()}, "active"),
    ],
)
async def test_the_state_says_whether_it_can_be_used(
    manager: httpx.AsyncClient, limits: dict[str, Any], state: str
) -> None:
    await change(manager, "FOX", tokens="10", **limits)
    await redeem("FOX")
    assert (await manager.get(f"{ROOT}/FOX")).json()["state"] == state


async def test_a_slip_in_a_code_names_the_nearest(manager: httpx.AsyncClient) -> None:
    await change(manager, "FOXES", tokens=5, max_uses=3)
    answer = (await manager.get(f"{ROOT}/FXOES")).json()
    assert (answer["code"], answer["near"]) == ("unknown_promo_code", ["FOXES"])


async def test_an_address_is_read_as_text(manager: httpx.AsyncClient) -> None:
    answer = (await manager.get(f"{ROOT}/%D0%9B%D0%98%D0%A1")).json()
    assert answer["detail"] == "There is no promo code 'ЛИС'."

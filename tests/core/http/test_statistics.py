"""The operation that counts a period."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from core import catalog, db, ledger, users
from core.generations import Order, submit
from core.types import IdempotencyKey, TraceId

pytestmark = pytest.mark.integration

PATH = "/api/ops/v1/statistics"


@pytest.fixture
async def ordered(client: httpx.AsyncClient) -> str:
    """Somebody's picture that was just ordered."""
    catalog.configure({"demo"})
    somebody = await users.upsert(users.Profile(4242, "fox", "Fox", "", "en"))
    await ledger.give_welcome_bonus(somebody.id)
    made = await submit(Order(somebody, "nano-banana", "a fox", IdempotencyKey("statistics"), "en", TraceId("0" * 32)))
    return str(made.tokens)


async def _ask(operator: httpx.AsyncClient, **query: str) -> dict[str, Any]:
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    answer = await operator.get(PATH, params={"since": since, **query})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_charge_counts_when_it_was_made(operator: httpx.AsyncClient, ordered: str) -> None:
    found = await _ask(operator)
    assert (found["timezone"], found["by"]) == ("UTC", "model")
    assert [row["key"] for row in found["rows"]] == ["nano-banana"]
    assert (found["total"]["orders"], found["total"]["charged"], found["total"]["tokens"]) == (1, ordered, ordered)
    assert found["total"]["done"] == 0
    assert found["total"]["failure_rate"] is None
    assert found["people"] == {"new": 1, "active": 1, "paying": 0, "total": 1}


async def test_a_test_user_is_in_no_number(operator: httpx.AsyncClient, ordered: str) -> None:
    await db.execute("UPDATE botapp_tguser SET is_test = true")
    found = await _ask(operator)
    assert found["rows"] == []
    assert found["total"]["charged"] == "0.00"
    assert found["people"] == {"new": 0, "active": 0, "paying": 0, "total": 0}


async def test_every_day_of_a_period_has_a_row(operator: httpx.AsyncClient) -> None:
    found = await _ask(operator, since="2026-02-26T00:00:00Z", until="2026-03-02T00:00:00Z", by="day")
    assert [row["key"] for row in found["rows"]] == ["2026-02-26", "2026-02-27", "2026-02-28", "2026-03-01"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"since": "2026-03-01T00:00:00Z", "until": "2026-03-01T00:00:00Z"}, "invalid_period"),
        ({"since": "2026-03-02T00:00:00Z", "until": "2026-03-01T00:00:00Z"}, "invalid_period"),
        ({"since": "2020-01-01T00:00:00Z", "until": "2026-03-01T00:00:00Z"}, "invalid_period"),
        ({"since": "2026-03-01T00:00:00"}, "invalid_request"),
        ({}, "invalid_request"),
        ({"since": "2026-03-01T00:00:00Z", "by": "user"}, "invalid_request"),
    ],
    ids=["empty", "backwards", "too-long", "no-zone", "no-beginning", "unknown-grouping"],
)
async def test_what_is_no_period_is_refused(operator: httpx.AsyncClient, query: dict[str, str], code: str) -> None:
    answer = await operator.get(PATH, params=query)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_nobody_else_is_told(client: httpx.AsyncClient) -> None:
    assert (await client.get(PATH, params={"since": "2026-03-01T00:00:00Z"})).status_code == 401

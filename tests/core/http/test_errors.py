"""Faults over the ops API: found by what an operator has in hand, taken, resolved, new again when they come back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from core import audit, db, errors, ledger, logs, users
from core.errors import Origin, Severity
from core.generations import Order, submit
from core.types import IdempotencyKey, TraceId
from tests.core.errors.conftest import raised
from tests.core.http.operators import Operator, operator_with

pytestmark = pytest.mark.integration

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
async def manager(client: httpx.AsyncClient) -> AsyncIterator[Operator]:
    """Somebody who may read and operate; the server records faults."""
    async with operator_with(client, "manager", "operate") as opened:
        yield opened


async def meet(handler: str = "GET /a", **known: Any) -> str:
    """Meet a fault and return its id."""
    trace = known.pop("trace", logs.new_trace())
    values: dict[str, Any] = {"origin": Origin.OTHER, "severity": Severity.ERROR, **known}
    errors.record(raised(ValueError("number 7")), handler=handler, trace_id=trace, **values)
    await errors.written()
    code: str = await db.fetch_value("SELECT code FROM botapp_boterrorevent ORDER BY id DESC LIMIT 1")
    return code


async def ids(manager: Operator, **query: Any) -> list[str]:
    """The ids that a list holds."""
    answer = await manager.get("/errors", query=query)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


async def test_a_fault_is_found_by_its_trace_or_the_eight_characters_that_people_are_told(manager: Operator) -> None:
    code = await meet(trace=TRACE)
    await meet("GET /b")
    assert await ids(manager, trace=TRACE) == [code]
    assert await ids(manager, trace=TRACE[:8].upper()) == [code]
    assert await ids(manager, trace="f" * 8) == []


async def test_a_fault_that_was_folded_is_found_by_its_own_trace_and_person(manager: Operator) -> None:
    code = await meet(chat_id=4242)
    await meet(trace=TRACE, chat_id=4343)
    assert await ids(manager, trace=TRACE[:8]) == [code]
    assert await ids(manager, user=4343) == [code]
    shown = (await manager.get("/errors/{error}", error=code)).json()
    assert (shown["times"], shown["also"][0]["trace_id"], shown["also"][0]["user"]) == (2, TRACE, "4343")
    assert "also" not in shown["extra"]


async def test_a_fault_of_a_job_names_the_job_and_its_person(manager: Operator) -> None:
    fox = await users.upsert(users.Profile(4242, "fox", "Fox", "", "en"))
    await ledger.give_welcome_bonus(fox.id)
    job = await submit(Order(fox, "nano-banana", "a fox", IdempotencyKey("order-1"), "en", trace_id=TraceId(TRACE)))
    code = await meet(run_code=job.run_code)
    assert await ids(manager, generation=job.run_code) == await ids(manager, user=4242) == [code]
    shown = (await manager.get("/errors/{error}", error=code)).json()
    assert (shown["generation"], shown["user"]) == (job.run_code, "4242")


async def test_a_list_is_filtered_by_everything(manager: Operator) -> None:
    one = await meet("a", origin=Origin.PAYMENT, severity=Severity.CRITICAL)
    other = await meet("b", origin=Origin.MINIAPP)
    assert await ids(manager) == [other, one]
    assert await ids(manager, origin="payment") == [one]
    assert await ids(manager, severity="critical") == [one]
    assert await ids(manager, service="worker") == []
    kind = (await manager.get("/errors/{error}", error=one)).json()["fingerprint"]
    assert await ids(manager, fingerprint=kind) == [one]
    now = datetime.now(UTC)
    assert await ids(manager, since=(now - timedelta(minutes=1)).isoformat()) == [other, one]
    assert await ids(manager, since=(now + timedelta(minutes=1)).isoformat()) == []
    await manager.change("/errors/{error}/take", {}, error=one)
    assert await ids(manager, status="in_progress") == [one]
    assert await ids(manager, status="new") == [other]
    await manager.change("/errors/{error}/resolve", {}, error=other)
    assert await ids(manager, status="open") == [one]


async def test_a_list_comes_in_pages(manager: Operator) -> None:
    made = [await meet(word) for word in ("a", "b", "c")]
    first = (await manager.get("/errors", query={"limit": 2})).json()
    second = (await manager.get("/errors", query={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [item["id"] for item in (*first["items"], *second["items"])] == made[::-1]
    assert second["next_cursor"] is None


async def test_kinds_count_rows_and_times(manager: Operator) -> None:
    await meet("a")
    await meet("a")
    await db.execute("UPDATE botapp_boterrorevent SET occurred_at = occurred_at - interval '2 minutes'")
    newest = await meet("a")
    await meet("b")
    groups = (await manager.get("/errors/groups")).json()["items"]
    assert [(group["rows"], group["times"], group["open"]) for group in groups] == [(1, 1, 1), (2, 3, 2)]
    assert groups[1]["sample"]["id"] == newest
    assert groups[1]["first_at"] < groups[1]["last_at"]
    page = (await manager.get("/errors/groups", query={"limit": 1})).json()
    rest = (await manager.get("/errors/groups", query={"limit": 1, "cursor": page["next_cursor"]})).json()
    assert rest["items"] == groups[1:]


async def test_resolving_a_kind_closes_all_of_it_with_who_and_what(manager: Operator) -> None:
    first = await meet()
    await db.execute("UPDATE botapp_boterrorevent SET occurred_at = occurred_at - interval '2 minutes'")
    second = await meet()
    kind = (await manager.get("/errors/{error}", error=first)).json()["fingerprint"]
    made = await manager.change("/errors/{error}/resolve", {"reason": "the key was renewed"}, error=kind)
    assert made.json() == {"id": kind, "status": "resolved", "changed": 2}
    shown = (await manager.get("/errors/{error}", error=second)).json()
    assert (shown["status"], shown["resolved_by"]) == ("resolved", "token:manager")
    assert shown["resolution"] == "the key was renewed"
    [event] = await audit.newest(action="errors.resolve")
    assert (event.subject, event.reason) == (kind, "the key was renewed")


async def test_a_fault_that_comes_back_is_new_and_says_so(manager: Operator) -> None:
    first = await meet()
    assert (await manager.get("/errors/{error}", error=first)).json()["came_back"] is False
    await manager.change("/errors/{error}/resolve", {}, error=first)
    second = await meet()
    shown = (await manager.get("/errors/{error}", error=second)).json()
    assert (second != first, shown["status"], shown["came_back"]) == (True, "new", True)
    assert (await manager.get("/errors/{error}", error=first)).json()["came_back"] is False


async def test_taking_twice_changes_once(manager: Operator) -> None:
    code = await meet()
    assert (await manager.change("/errors/{error}/take", {}, error=code)).json()["changed"] == 1
    assert (await manager.change("/errors/{error}/take", {}, error=code)).json()["changed"] == 0


async def test_a_rehearsal_resolves_nothing(manager: Operator) -> None:
    code = await meet()
    made = await manager.change("/errors/{error}/resolve", {}, error=code, dry_run=True)
    assert made.json()["changed"] == 1
    assert await ids(manager, status="new") == [code]


@pytest.mark.parametrize("name", ["e_nobody", "k_nothing", "a b", "%00", "x" * 100])
async def test_an_unknown_id_is_not_found(manager: Operator, name: str) -> None:
    assert (await manager._client.get(f"/api/ops/v1/errors/{name}")).status_code in (404, 422)


async def test_reading_resolves_nothing(client: httpx.AsyncClient) -> None:
    code = await meet()
    async with operator_with(client, "reader", "read") as reader:
        assert (await reader.change("/errors/{error}/resolve", {}, error=code)).status_code == 403
        assert await ids(reader, status="new") == [code]


@pytest.mark.parametrize(
    "query",
    [{"status": "odd"}, {"trace": "xyz"}, {"since": "yesterday"}, {"since": "0001-01-01T00:00:00+14:00"},
     {"since": "2026-01-01T00:00:00"}, {"user": 0}, {"fingerprint": "a b"}, {"odd": 1}],
)  # fmt: skip
async def test_a_filter_that_makes_no_sense_is_refused(manager: Operator, query: dict[str, Any]) -> None:
    assert (await manager.get("/errors", query=query)).status_code == 422

"""Providers and stuck jobs over the ops API: seen as they are, changed with a reason, refused by a rule."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from core import audit, db, generations, ledger, provider_health, users
from core.generations import Generation, Order, Stage, repository
from core.queue import outbox
from core.types import IdempotencyKey, TraceId
from tests.core.http.operators import Operator, operator_with

pytestmark = pytest.mark.integration

_numbers = itertools.count(1)


@pytest.fixture
async def manager(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Operator]:
    """Somebody who may change things, where nobody publishes what is written to the outbox."""

    async def publish_nothing(**_: Any) -> int:
        return 0

    monkeypatch.setattr(outbox, "flush", publish_nothing)
    provider_health.forget()
    async with operator_with(client, "manager", "operate") as opened:
        yield opened
    provider_health.forget()


@pytest.fixture
async def reader(client: httpx.AsyncClient) -> AsyncIterator[Operator]:
    """Somebody who may look."""
    async with operator_with(client, "reader", "read") as opened:
        yield opened


async def ordered() -> Generation:
    """A job of somebody new."""
    number = next(_numbers)
    user = await users.upsert(users.Profile(7000 + number, "fox", "Fox", "", "en"))
    await ledger.give_welcome_bonus(user.id)
    key = IdempotencyKey(f"order-{number}")
    return await generations.submit(Order(user, "nano-banana", "a red fox", key, "en", TraceId("0" * 32)))


async def at_kling(stage: Stage = Stage.SUBMITTED) -> Generation:
    """A job that Kling has."""
    generation = await ordered()
    status = "queued" if stage is Stage.QUEUED else "processing"
    await repository.change(
        generation.id,
        provider="kling",
        stage=stage.value,
        status=status,
        provider_job_id=f"text2video/{generation.id}" if stage is Stage.SUBMITTED else None,
        started_at=datetime.now(UTC),
        polls=3,
    )
    return await generations.get(generation.run_code)


async def test_a_list_has_configured_ones_and_those_with_a_past(manager: Operator) -> None:
    await at_kling()
    await at_kling(Stage.QUEUED)
    await provider_health.park("kling", datetime.now(UTC) + timedelta(minutes=5), "maintenance")
    items = {item["name"]: item for item in (await manager.get("/providers")).json()["items"]}
    assert items["demo"] | {"is_configured": True, "breaker": "closed", "reason": None} == items["demo"]
    kling = items["kling"]
    assert (kling["breaker"], kling["running"], kling["waiting"]) == ("open", 1, 1)
    assert (kling["is_configured"], kling["reason"]) == (False, "parked: maintenance")


async def test_one_provider_has_models_outcomes_and_lost_answers(manager: Operator) -> None:
    generation = await at_kling()
    await repository.tell(generation.id, "lookup", found=True)
    await provider_health.limit("kling", 5)
    found = (await manager.get("/providers/{name}", name="kling")).json()
    assert (found["limit"], found["own_limit"], found["ambiguous"]) == (5, 5, 1)
    assert found["outcomes"] == [{"status": "processing", "error_code": None, "count": 1}]
    assert "nano-banana" in (await manager.get("/providers/{name}", name="demo")).json()["models"]


async def test_an_unknown_provider_is_not_found(manager: Operator) -> None:
    answer = await manager.get("/providers/{name}", name="nobody")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_provider")
    answer = await manager.change("/providers/{name}/unpark", {}, name="nobody")
    assert answer.status_code == 404


async def test_a_slip_in_a_provider_names_the_nearest(manager: Operator) -> None:
    await provider_health.limit("kling", 5)
    answer = (await manager.get("/providers/{name}", name="Klng")).json()
    assert (answer["near"], answer["detail"]) == (["kling"], "There is no provider 'Klng'; near: kling.")


async def test_parking_and_unparking_are_in_the_audit_and_wake_who_waits(manager: Operator) -> None:
    waiting = await at_kling(Stage.QUEUED)
    await repository.change(waiting.id, next_action_at=datetime.now(UTC) + timedelta(hours=1))
    await provider_health.switch("kling", is_enabled=True)
    parked = (await manager.change("/providers/{name}/park", {"minutes": 30}, name="kling")).json()
    assert parked["breaker"] == "open"
    await repository.change(waiting.id, next_action_at=datetime.now(UTC) + timedelta(hours=1))
    closed = (await manager.change("/providers/{name}/unpark", {}, name="kling")).json()
    assert (closed["breaker"], closed["failures"]) == ("closed", 0)
    assert await db.fetch_value("SELECT next_action_at <= now() FROM botapp_genrequest WHERE id = $1", waiting.id)
    actions = [event.action for event in await audit.newest(subject="kling")]
    assert actions == ["providers.unpark", "providers.park"]


async def test_a_rehearsal_parks_nobody(manager: Operator) -> None:
    answer = await manager.change("/providers/{name}/park", {"minutes": 30}, name="demo", dry_run=True)
    assert answer.json()["breaker"] == "open"
    provider_health.forget()
    assert (await provider_health.of("demo")).parked_until is None


async def test_a_switch_and_a_limit_hold(manager: Operator) -> None:
    assert (await manager.change("/providers/{name}/disable", {}, name="demo")).json()["is_enabled"] is False
    assert (await manager.change("/providers/{name}/enable", {}, name="demo")).json()["is_enabled"] is True
    assert (await manager.change("/providers/{name}/limit", {"most": 9}, name="demo")).json()["limit"] == 9
    assert (await manager.change("/providers/{name}/limit", {"most": None}, name="demo")).json()["limit"] is None


@pytest.mark.parametrize(("path", "body"), [("park", {"minutes": 0}), ("limit", {"most": 0}), ("park", {})])
async def test_values_out_of_range_are_refused(manager: Operator, path: str, body: dict[str, Any]) -> None:
    answer = await manager.change(f"/providers/{{name}}/{path}", body, name="demo")
    assert answer.status_code == 422


async def test_who_may_only_look_changes_nothing(reader: Operator) -> None:
    assert (await reader.get("/providers")).status_code == 200
    answer = await reader.change("/providers/{name}/disable", {}, name="demo")
    assert answer.status_code == 403
    assert (await reader.change("/generations/{run_code}/cancel", {}, run_code="f" * 32)).status_code == 403


async def test_stuck_and_ambiguous_jobs_are_listed(manager: Operator) -> None:
    stuck, lost = await ordered(), await ordered()
    await db.execute(
        """UPDATE botapp_genrequest SET next_action_at = now() - interval '10 minutes',
        updated_at = now() - interval '10 minutes' WHERE id = $1""",
        stuck.id,
    )
    await repository.tell(lost.id, "lookup", found=None)
    listed = (await manager.get("/generations", query={"stuck": "true"})).json()["items"]
    assert [item["id"] for item in listed] == [stuck.run_code]
    listed = (await manager.get("/generations", query={"ambiguous": "true"})).json()["items"]
    assert [item["id"] for item in listed] == [lost.run_code]
    assert (await manager.get("/generations/{run_code}", run_code=lost.run_code)).json()["is_ambiguous"] is True


async def test_a_cancelled_job_has_its_tokens_back_and_a_repetition_changes_nothing(manager: Operator) -> None:
    generation = await at_kling()
    for _ in range(2):
        answer = await manager.change(
            "/generations/{run_code}/cancel", {}, run_code=generation.run_code, key="the-same-key"
        )
        assert (answer.status_code, answer.json()["status"], answer.json()["refunded"]) == (200, "cancelled", "0.80")
    tasks = [row["task"] for row in await db.fetch("SELECT task FROM botapp_outbox ORDER BY id")]
    assert tasks.count("generations.stop") == 1
    assert (await ledger.verify()).ok


async def test_a_rehearsed_refund_gives_nothing_back(manager: Operator) -> None:
    generation = await at_kling()
    answer = await manager.change("/generations/{run_code}/refund", {}, run_code=generation.run_code, dry_run=True)
    assert answer.json()["refunded"] == "0.80"
    assert (await generations.get(generation.run_code)).refunded == 0


@pytest.mark.parametrize("verb", ["retry", "cancel", "refund"])
async def test_a_rule_that_forbids_is_named(manager: Operator, verb: str) -> None:
    generation = await at_kling()
    await manager.change("/generations/{run_code}/refund", {}, run_code=generation.run_code)
    answer = await manager.change(f"/generations/{{run_code}}/{verb}", {}, run_code=generation.run_code)
    assert (answer.status_code, answer.json()["rule"]) == (409, "already_refunded")
    assert (await manager.change(f"/generations/{{run_code}}/{verb}", {}, run_code="f" * 32)).status_code == 404


async def test_the_story_of_a_job_is_whole(manager: Operator) -> None:
    generation = await at_kling()
    for event, detail in (
        ("submitting", {"provider": "kling", "model": "kling-v3", "attempt": 1}),
        ("submitting", {"provider": "kling", "model": "kling-v3", "attempt": 2}),
        ("route_left", {"provider": "kling", "model": "kling-v3", "code": "provider_unavailable"}),
        ("submitting", {"provider": "useapi-kling", "model": "kling-v3-0", "attempt": 1}),
    ):
        await repository.tell(generation.id, event, **detail)
    child = await ordered()
    await repository.change(child.id, parent_request_id=generation.id)
    await manager.change("/generations/{run_code}/refund", {}, run_code=generation.run_code)
    told = (await manager.get("/generations/{run_code}", run_code=generation.run_code)).json()
    assert told["routes"] == [
        {"provider": "kling", "model": "kling-v3", "submissions": 2, "left": "provider_unavailable"},
        {"provider": "useapi-kling", "model": "kling-v3-0", "submissions": 1, "left": None},
    ]
    assert told["polls"] == 3
    assert told["times"]["waited_s"] >= 0
    assert told["times"]["total_s"] >= told["times"]["at_provider_s"] >= 0
    assert [(one["tokens"], one["reason"]) for one in told["refunds"]] == [("0.80", "refunded by an operator")]
    assert told["children"] == [{"id": child.run_code, "model": "nano-banana", "status": "queued"}]
    parent = (await manager.get("/generations/{run_code}", run_code=child.run_code)).json()["parent"]
    assert parent == {"id": generation.run_code, "model": "nano-banana", "status": "error"}

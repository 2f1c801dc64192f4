"""The schedule over the ops API: seen, switched, slowed down, run by hand; beat follows at once and keeps it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from core import audit, db
from core.queue import schedule
from core.queue.beat import SHIPPED, add_shipped, publish_due
from tests.core.http.operators import Operator, operator_with

pytestmark = pytest.mark.integration

RECONCILE = "payments.reconcile"
TICK = "generations.tick"


@pytest.fixture
async def manager(client: httpx.AsyncClient) -> AsyncIterator[Operator]:
    """Somebody who may operate, and the schedule that ships."""
    await add_shipped()
    async with operator_with(client, "manager", "operate") as opened:
        yield opened


@pytest.fixture
async def admin(client: httpx.AsyncClient) -> AsyncIterator[Operator]:
    """Somebody who may do everything."""
    async with operator_with(client, "admin", "admin") as opened:
        yield opened


async def entries(manager: Operator) -> dict[str, dict[str, Any]]:
    """The schedule, by id."""
    return {item["id"]: item for item in (await manager.get("/schedule")).json()["items"]}


async def switch(who: Operator, verb: str, entry: str, **more: Any) -> httpx.Response:
    """Enable, disable or run an entry."""
    return await who.change(f"/schedule/{{entry}}/{verb}", more.pop("body", {}), entry=entry, **more)


async def every(who: Operator, entry: str, seconds: object) -> httpx.Response:
    """Change an interval."""
    return await who.change("/schedule/{entry}/interval", {"every_s": seconds}, entry=entry)


async def test_every_shipped_entry_is_named_by_its_task(manager: Operator) -> None:
    found = await entries(manager)
    assert set(found) == {entry.task for entry in SHIPPED}
    assert found[TICK]["vital"] and found["payments.check"]["vital"]
    assert not any(entry["orphaned"] or entry["overdue"] for entry in found.values())
    assert (found[RECONCILE]["every_s"], found[RECONCILE]["shipped_every_s"]) == (86400, 86400)
    assert found[RECONCILE]["next_run_at"].endswith("03:00:00.000Z")


async def test_entries_that_share_a_task_are_told_apart(manager: Operator) -> None:
    row = await db.fetch_value(
        "INSERT INTO botapp_schedule (name, task, every_ms) VALUES ('twice a day', $1, 43200000) RETURNING id",
        RECONCILE,
    )
    found = await entries(manager)
    assert RECONCILE not in found
    assert found[f"{RECONCILE}#{row}"]["name"] == "twice a day"
    made = await switch(manager, "disable", f"{RECONCILE}%23{row}")
    assert (made.status_code, made.json()["id"]) == (200, f"{RECONCILE}#{row}")


async def test_an_entry_whose_task_is_gone_is_orphaned_and_cannot_be_run(manager: Operator) -> None:
    await db.execute("INSERT INTO botapp_schedule (name, task, every_ms) VALUES ('old', 'gone.task', 1000)")
    assert (await entries(manager))["gone.task"]["orphaned"] is True
    refused = await switch(manager, "run", "gone.task")
    assert (refused.status_code, refused.json()["rule"]) == (409, "entry_orphaned")


async def test_an_entry_that_beat_does_not_take_is_overdue(manager: Operator) -> None:
    await db.execute("UPDATE botapp_schedule SET next_run_at = now() - interval '1 minute' WHERE task = $1", RECONCILE)
    assert (await entries(manager))[RECONCILE]["overdue"] is True
    await switch(manager, "disable", RECONCILE)
    assert (await entries(manager))[RECONCILE]["overdue"] is False


async def test_what_is_switched_off_is_not_published_and_survives_a_deploy(manager: Operator) -> None:
    made = (await switch(manager, "disable", RECONCILE)).json()
    assert (made["enabled"], made["changed"], made["next_run_at"]) == (False, True, None)
    await db.execute("UPDATE botapp_schedule SET next_run_at = now() WHERE task = $1", RECONCILE)
    await add_shipped()
    assert "payments: compare with the gateways" not in await publish_due()
    assert (await switch(manager, "disable", RECONCILE)).json()["changed"] is False


async def test_what_is_switched_on_again_keeps_to_its_hour_and_makes_up_for_nothing(manager: Operator) -> None:
    await switch(manager, "disable", RECONCILE)
    await db.execute(
        "UPDATE botapp_schedule SET next_run_at = next_run_at - interval '9 days' WHERE task = $1", RECONCILE
    )
    made = (await switch(manager, "enable", RECONCILE)).json()
    assert (made["enabled"], made["overdue"]) == (True, False)
    assert made["next_run_at"].endswith("03:00:00.000Z")
    assert "payments: compare with the gateways" not in await publish_due()


async def test_a_new_interval_holds_at_once_and_survives_a_deploy(manager: Operator) -> None:
    made = (await every(manager, RECONCILE, "0.5")).json()
    assert (made["every_s"], made["shipped_every_s"], made["changed"]) == (0.5, 86400, True)
    await add_shipped()
    await asyncio.wait_for(_published("payments: compare with the gateways"), 10)
    assert (await entries(manager))[RECONCILE]["every_s"] == 0.5


async def _published(name: str) -> None:
    while name not in await publish_due():  # noqa: ASYNC110  The table tells nobody.
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("seconds", ["0.4", 0, -1, "604801", "1e9", "0.0001", "NaN", "soon"])
async def test_an_interval_beyond_its_limits_is_refused(manager: Operator, seconds: object) -> None:
    assert (await every(manager, RECONCILE, seconds)).status_code == 422


async def test_a_vital_entry_is_switched_off_by_an_admin_only(manager: Operator, admin: Operator) -> None:
    refused = await switch(manager, "disable", TICK)
    assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")
    assert (await entries(manager))[TICK]["enabled"] is True
    assert (await switch(admin, "disable", TICK)).json()["enabled"] is False
    # To switch it on again is nobody's privilege.
    assert (await switch(manager, "enable", TICK)).json()["enabled"] is True


async def test_a_vital_entry_is_not_slowed_down_to_nothing(manager: Operator, admin: Operator) -> None:
    assert (await every(manager, TICK, 10)).status_code == 200
    assert (await every(manager, TICK, 11)).status_code == 403
    assert (await every(admin, TICK, 11)).status_code == 200


async def test_a_run_by_hand_is_published_once_and_recorded(manager: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (await entries(manager))[RECONCILE]
    made = (await switch(manager, "run", RECONCILE, key="run-00001")).json()
    assert made["last_run_at"] is not None and made["next_run_at"] == before["next_run_at"]
    assert (await switch(manager, "run", RECONCILE, key="run-00001")).json() == made
    again = await switch(manager, "run", RECONCILE, key="run-00002")
    assert (again.status_code, again.headers["Retry-After"]) == (429, "10")
    assert [event.subject for event in await audit.newest(action="schedule.run")] == [RECONCILE]
    monkeypatch.setattr(schedule, "RUN_PAUSE", timedelta(0))
    assert (await switch(manager, "run", RECONCILE, key="run-00003")).status_code == 200


async def test_what_is_switched_off_is_run_by_force_only(manager: Operator) -> None:
    await switch(manager, "disable", RECONCILE)
    refused = await switch(manager, "run", RECONCILE)
    assert (refused.status_code, refused.json()["rule"]) == (409, "entry_disabled")
    assert (await switch(manager, "run", RECONCILE, body={"force": True})).status_code == 200


async def test_a_rehearsal_publishes_nothing(manager: Operator) -> None:
    assert (await switch(manager, "run", RECONCILE, dry_run=True)).status_code == 200
    assert await db.fetch_value("SELECT count(*) FROM botapp_outbox") == 0
    assert (await entries(manager))[RECONCILE]["last_run_at"] is None


async def test_a_slip_in_a_name_offers_the_nearest(manager: Operator) -> None:
    refused = await switch(manager, "disable", "payments.reconsile")
    assert (refused.status_code, refused.json()["near"][0]) == (404, RECONCILE)


async def test_an_entry_is_found_by_its_name_and_number_too(manager: Operator) -> None:
    row = (await schedule.get(RECONCILE)).row
    assert (await schedule.get(str(row))).id == (await schedule.get("payments: compare with the gateways")).id


def test_every_shipped_task_is_known_to_workers() -> None:
    assert {entry.task for entry in SHIPPED} <= schedule.known_tasks()

"""Who may work on a job: leases are renewed, given back, run out, and two that look for work find different jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import datetime

import pytest

from core import db
from core.generations import Stage, claims, get
from core.generations.cancelling import cancel
from core.generations.claims import Claim, LeaseLost
from core.users import User
from providers.base import Submitted
from tests.core.generations.conftest import Ordering, advance, make_due, tasks_waiting
from tests.core.generations.scripted import NOW, ScriptedProvider

pytestmark = pytest.mark.integration


async def lease_of(claim: Claim) -> datetime | None:
    """Until when a job is somebody's."""
    found: datetime | None = await db.fetch_value(
        "SELECT lease_until FROM botapp_genrequest WHERE id = $1", claim.generation.id
    )
    return found


async def taken(order: Ordering) -> Claim:
    """A job that a worker has."""
    claim = await claims.claim((await order()).run_code)
    assert claim is not None
    return claim


async def until_renewed(claim: Claim, after: datetime) -> datetime:
    """Wait for a lease that ends later."""
    async with asyncio.timeout(15):
        while True:
            until = await lease_of(claim)
            if until is not None and until > after:
                return until
            await asyncio.sleep(0.01)


async def test_a_lease_is_renewed_while_the_work_goes_on_and_not_after(
    order: Ordering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "RENEWED_EVERY", 0.02)
    claim = await taken(order)
    running = asyncio.all_tasks()
    async with claims.held(claim):
        first = await lease_of(claim)
        assert first is not None
        second = await until_renewed(claim, first)
        await until_renewed(claim, second)
        assert await claims.claim(claim.generation.run_code) is None
        [renewal] = asyncio.all_tasks() - running
    await asyncio.wait({renewal}, timeout=15)
    assert renewal.cancelled()


async def test_work_that_breaks_gives_its_job_back_for_another_look(order: Ordering) -> None:
    claim = await taken(order)
    with pytest.raises(ZeroDivisionError):
        async with claims.held(claim):
            raise ZeroDivisionError
    assert await lease_of(claim) is None
    assert await claims.claim(claim.generation.run_code) is not None


async def test_a_worker_that_lost_its_lease_changes_nothing_and_breaks_nothing(order: Ordering) -> None:
    claim = await taken(order)
    await make_due(claim.generation)
    successor = await claims.claim(claim.generation.run_code)
    assert successor is not None
    async with claims.held(claim):
        await claim.change(stage=Stage.STORING.value)
        pytest.fail("the lease was lost")
    with pytest.raises(LeaseLost):
        await claim.release(due=None)
    assert (await get(claim.generation.run_code)).stage is Stage.QUEUED
    assert await lease_of(successor) is not None


async def test_two_that_look_for_overdue_jobs_do_not_wait_for_each_other_and_find_each_once(order: Ordering) -> None:
    jobs = [await order() for _ in range(3)]
    await db.execute("DELETE FROM botapp_outbox")
    for job in jobs:
        await make_due(job)
    async with asyncio.timeout(15), db.transaction():
        assert await claims.publish_due(2) == 2
        # The other one has a connection of its own, and the first has not committed yet.
        assert await asyncio.create_task(_elsewhere(claims.publish_due(10))) == 1
    assert await tasks_waiting() == ["generations.advance"] * 3
    assert await claims.publish_due(10) == 0, "they were published a moment ago"


async def _elsewhere(work: Awaitable[int]) -> int:
    db.DB.current_transaction.set(None)
    return await work


async def test_a_job_that_is_cancelled_tells_its_story_and_its_user(
    order: Ordering, first: ScriptedProvider, user: User
) -> None:
    first.answers.append(Submitted("made-1", poll_after=NOW))
    job = await advance(await order())
    assert job.stage is Stage.SUBMITTED
    await db.execute("DELETE FROM botapp_outbox")
    await cancel(job.run_code, user.id)
    assert await tasks_waiting() == ["bot.tell_failure"]
    told = await db.fetch("SELECT detail FROM botapp_genevent WHERE event = 'cancelled'")
    assert [row["detail"] for row in told] == ['{"by": "user"}']
    assert first.cancelled == ["made-1"]

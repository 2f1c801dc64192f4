"""The queue before a provider: its limit holds, users take turns, and the place that people see is true."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest

from core import catalog, db, generations, ledger, provider_health, users
from core.generations import Generation, Stage, Status, claims, execution, slots, tasks
from core.generations import orders as placing
from core.types import IdempotencyKey
from providers.base import Finished, Submitted
from tests.core.generations.conftest import Ordering, advance, tasks_waiting
from tests.core.generations.scripted import NOW, ScriptedProvider, picture

pytestmark = pytest.mark.integration

_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
async def two_slots(first: ScriptedProvider, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """One provider, two jobs at once, and users who may order many."""
    monkeypatch.setattr(placing, "MAX_RUNNING", 100)
    await db.execute(
        """UPDATE botapp_aimodel SET routes = '[{"provider": "first", "model": "one"}]' WHERE slug = 'nano-banana'"""
    )
    catalog.configure({"first", "second"})
    await provider_health.limit("first", 2)
    yield
    provider_health.forget()


async def somebody() -> users.User:
    """A new user with tokens."""
    person = await users.upsert(users.Profile(9000 + next(_numbers), "fox", "Fox", "", "en"))
    await ledger.give_welcome_bonus(person.id)
    return person


async def advance_all(jobs: list[Generation]) -> list[Generation]:
    """Have many workers take the jobs on at the same moment, and return how they stand."""
    await asyncio.gather(*(execution.advance(job.run_code) for job in jobs))
    return [await generations.get(job.run_code) for job in jobs]


def under_way(jobs: list[Generation]) -> list[str]:
    """Codes of the jobs that the provider has."""
    return [job.run_code for job in jobs if job.stage is Stage.SUBMITTED]


async def woken() -> list[str]:
    """Codes of the jobs that are to be taken on, and forget that."""
    rows = await db.fetch(
        "DELETE FROM botapp_outbox WHERE task = 'generations.advance' RETURNING id, arguments ->> 'run_code' AS code"
    )
    return [row["code"] for row in sorted(rows, key=lambda row: row["id"])]


async def test_the_limit_holds_however_many_workers_come_at_once(order: Ordering, first: ScriptedProvider) -> None:
    first.answers.extend(Submitted(f"ext-{number}", NOW) for number in range(20))
    jobs = await advance_all([await order(user=await somebody()) for _ in range(12)])
    assert len(under_way(jobs)) == 2
    assert len(first.jobs) == 2
    assert {(job.status, job.provider) for job in jobs if job.stage is Stage.QUEUED} == {(Status.QUEUED, "first")}


async def test_without_a_limit_nobody_waits(order: Ordering, first: ScriptedProvider) -> None:
    await provider_health.limit("first", None)
    first.answers.extend(Submitted(f"ext-{number}", NOW) for number in range(20))
    jobs = await advance_all([await order(user=await somebody()) for _ in range(8)])
    assert len(under_way(jobs)) == 8


async def test_somebody_with_one_job_goes_before_somebodys_batch(order: Ordering, first: ScriptedProvider) -> None:
    greedy, modest = await somebody(), await somebody()
    first.answers.extend(Submitted(f"ext-{number}", NOW) for number in range(20))
    batch = [await order(user=greedy) for _ in range(6)]
    await advance_all(batch[:2])
    await advance_all(batch[2:])
    one = await order(user=modest)
    await advance_all([one])
    assert await generations.queue_place(await generations.get(one.run_code)) == 1
    await woken()
    await generations.cancel(batch[0].run_code, greedy.id)
    assert await woken() == [one.run_code]
    assert (await advance(one)).stage is Stage.SUBMITTED


async def test_who_comes_new_does_not_overtake_who_waits(order: Ordering, first: ScriptedProvider) -> None:
    first.answers.extend(Submitted(f"ext-{number}", NOW) for number in range(20))
    people = [await somebody() for _ in range(5)]
    jobs = [await order(user=person) for person in people[:4]]
    await advance_all(jobs)
    started = under_way([await generations.get(job.run_code) for job in jobs])
    owner = next(person for person, job in zip(people, jobs, strict=False) if job.run_code == started[0])
    await generations.cancel(started[0], owner.id)
    late = await order(user=people[4])
    assert (await advance(late)).stage is Stage.QUEUED


async def test_places_are_true_under_fair_share(order: Ordering, first: ScriptedProvider) -> None:
    greedy, others = await somebody(), [await somebody() for _ in range(2)]
    first.answers.extend(Submitted(f"ext-{number}", NOW) for number in range(20))
    batch = [await order(user=greedy) for _ in range(5)]
    for job in batch:
        await advance(job)
    late = [await order(user=other) for other in others]
    for job in late:
        await advance(job)
    waiting = [await generations.get(job.run_code) for job in (*batch[2:], *late)]
    places = [await generations.queue_place(job) for job in waiting]
    assert places == [3, 4, 5, 1, 2]
    assert await generations.queue_place(await generations.get(batch[0].run_code)) is None


async def test_the_order_of_places_is_the_order_of_starts(order: Ordering, first: ScriptedProvider) -> None:
    first.answers.extend(Submitted(f"ext-{number}", NOW) for number in range(40))
    people = [await somebody() for _ in range(3)]
    jobs = [await order(user=person) for person in people for _ in range(3)]
    for job in jobs:
        await advance(job)
    for _ in range(7):
        running = under_way([await generations.get(job.run_code) for job in jobs])
        first.polls.append(Finished((picture(),)))
        await woken()
        await advance(await generations.get(running[0]))
        waiting = [job for job in [await generations.get(j.run_code) for j in jobs] if job.status is Status.QUEUED]
        places = {await generations.queue_place(job): job.run_code for job in waiting}
        assert sorted(places, key=str) == [number + 1 for number in range(len(waiting))]
        assert await woken() == [places[1]]
        await advance(await generations.get(places[1]))


async def test_a_finished_picture_frees_its_slot_before_it_is_stored(order: Ordering, first: ScriptedProvider) -> None:
    first.answers.extend([Submitted("ext-1", NOW), Submitted("ext-2", NOW)])
    jobs = [await order(user=await somebody()) for _ in range(3)]
    for job in jobs:
        await advance(job)
    await woken()
    await advance(jobs[0])
    assert await woken() == [jobs[2].run_code]


async def test_a_wake_up_that_was_lost_is_repeated_by_the_tick(order: Ordering, first: ScriptedProvider) -> None:
    first.answers.extend([Submitted("ext-1", NOW), Submitted("ext-2", NOW)])
    jobs = [await order(user=await somebody()) for _ in range(3)]
    for job in jobs:
        await advance(job)
    await generations.cancel(jobs[0].run_code, jobs[0].user_id)
    await woken()
    await db.execute("UPDATE botapp_genrequest SET next_action_at = now() + interval '1 hour'")
    await tasks.tick()
    assert await woken() == [jobs[2].run_code]


class Killed(BaseException):
    """Stands for SIGKILL: nothing of the worker runs after it."""


async def test_a_worker_that_dies_with_a_job_that_had_waited_is_followed_at_once(
    order: Ordering, first: ScriptedProvider
) -> None:
    first.answers.extend([Submitted("ext-1", NOW), Submitted("ext-2", NOW), Killed()])
    jobs = [await order(user=await somebody()) for _ in range(3)]
    for job in jobs:
        await advance(job)
    await generations.cancel(jobs[0].run_code, jobs[0].user_id)
    with pytest.raises(Killed):
        await execution.advance(jobs[2].run_code)
    await db.execute("UPDATE botapp_genrequest SET lease_until = now() - interval '1 s' WHERE id = $1", jobs[2].id)
    await woken()
    await claims.publish_due(10)
    assert jobs[2].run_code in await woken()
    first.found = "ext-3"
    await execution.advance(jobs[2].run_code)
    assert (await generations.get(jobs[2].run_code)).external_id == "ext-3"
    assert len(first.jobs) == 3


async def test_a_parked_provider_wakes_nobody(order: Ordering, first: ScriptedProvider) -> None:
    first.answers.extend([Submitted("ext-1", NOW), Submitted("ext-2", NOW)])
    jobs = [await order(user=await somebody()) for _ in range(3)]
    for job in jobs:
        await advance(job)
    await provider_health.switch("first", is_enabled=False)
    await generations.cancel(jobs[0].run_code, jobs[0].user_id)
    await woken()
    assert await slots.wake_everywhere() == 0


async def test_a_wider_limit_lets_everybody_be_looked_at(order: Ordering, first: ScriptedProvider) -> None:
    first.answers.extend(Submitted(f"ext-{number}", NOW) for number in range(9))
    jobs = [await order(user=await somebody()) for _ in range(5)]
    for job in jobs:
        await advance(job)
    await provider_health.limit("first", None)
    assert await slots.look_again("first") == 3
    assert not [job for job in await advance_all(jobs) if job.status is Status.QUEUED]


async def test_who_waits_too_long_takes_another_way_that_is_free(
    order: Ordering, first: ScriptedProvider, second: ScriptedProvider
) -> None:
    await db.execute(
        """UPDATE botapp_aimodel SET routes = '[{"provider": "first", "model": "one"},
        {"provider": "second", "model": "two"}]' WHERE slug = 'nano-banana'"""
    )
    catalog.configure({"first", "second"})
    first.answers.extend([Submitted("ext-1", NOW), Submitted("ext-2", NOW)])
    jobs = [await order(user=await somebody()) for _ in range(3)]
    for job in jobs:
        await advance(job)
    waiting = await generations.get(jobs[2].run_code)
    assert (waiting.stage, second.jobs) == (Stage.QUEUED, [])
    await db.execute("UPDATE botapp_genrequest SET created_at = now() - interval '1 minute' WHERE id = $1", waiting.id)
    assert (await advance(waiting)).provider == "second"


async def test_a_waiting_job_is_cancelled_and_refunded(order: Ordering, first: ScriptedProvider) -> None:
    first.answers.extend([Submitted("ext-1", NOW), Submitted("ext-2", NOW)])
    jobs = [await order(user=await somebody()) for _ in range(3)]
    for job in jobs:
        await advance(job)
    await generations.cancel(jobs[2].run_code, jobs[2].user_id)
    assert str(await ledger.balance_of(jobs[2].user_id)) == "50.00"


async def test_a_repeated_order_of_a_waiting_job_finds_it(order: Ordering, first: ScriptedProvider) -> None:
    first.answers.extend([Submitted("ext-1", NOW), Submitted("ext-2", NOW)])
    person, key = await somebody(), IdempotencyKey("the same wish")
    for _ in range(2):
        await advance(await order(user=await somebody()))
    waiting = await advance(await order(user=person, key=key))
    assert (await order(user=person, key=key)).run_code == waiting.run_code
    assert "bot.show_status" in await tasks_waiting()

"""Polls of many jobs at once: claimed together, written together, none twice, none lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from core import catalog, db, generations, provider_health, users
from core.generations import Generation, Stage, Status, cadence, claims, pace, polling, tasks
from core.generations import orders as placing
from core.generations.polling import Poller
from core.generations.webhooks import handle
from core.inbox import Event
from core.types import TraceId
from providers.base import Failed, Finished, Running, Submitted
from providers.errors import AuthFailed, ContentBlocked, ProviderUnavailable
from tests.core.generations.conftest import Ordering, advance, assert_books_agree, balance, tasks_waiting
from tests.core.generations.scripted import NOW, ScriptedProvider, picture

pytestmark = pytest.mark.integration

SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
async def many(first: ScriptedProvider, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Users may have many jobs."""
    monkeypatch.setattr(placing, "MAX_RUNNING", 1000)
    monkeypatch.setattr(polling, "_shown", pace.Allowance(1000))
    catalog.configure({"first", "second"})
    yield
    provider_health.forget()


async def accepted(order: Ordering, first: ScriptedProvider, count: int) -> list[Generation]:
    """So many jobs that the provider has and that are due."""
    first.answers.extend(Submitted(f"ext-{number}", NOW) for number in range(count))
    jobs = [await advance(await order()) for _ in range(count)]
    await all_due()
    return jobs


async def all_due() -> None:
    """Let every pause be over."""
    await db.execute("UPDATE botapp_genrequest SET next_action_at = now() - interval '1 s' WHERE stage = 'submitted'")


async def test_all_that_are_due_are_polled_once_and_written(order: Ordering, first: ScriptedProvider) -> None:
    jobs = await accepted(order, first, 30)
    first.polls.extend(Running(0.5, SECOND) for _ in jobs)
    assert await Poller().run() == 30
    assert sorted(first.polled) == sorted(f"ext-{number}" for number in range(30))
    rows = await db.fetch("SELECT lease_owner, progress, polls, next_action_at > now() AS later FROM botapp_genrequest")
    assert {(row["lease_owner"], row["progress"], row["polls"], row["later"]) for row in rows} == {(None, 50, 1, True)}


async def test_what_is_not_due_is_left_alone(order: Ordering, first: ScriptedProvider) -> None:
    await accepted(order, first, 3)
    await db.execute("UPDATE botapp_genrequest SET next_action_at = now() + interval '1 hour'")
    assert await Poller().run() == 0
    assert first.polled == []


async def test_several_workers_share_the_jobs_and_poll_none_twice(order: Ordering, first: ScriptedProvider) -> None:
    jobs = await accepted(order, first, 40)
    first.polls.extend(Running(None, SECOND) for _ in jobs)
    counts = await asyncio.gather(*(Poller().run() for _ in range(4)))
    assert sum(counts) == 40
    assert len(first.polled) == len(set(first.polled)) == 40


async def test_a_tick_leaves_the_work_to_the_one_that_runs(order: Ordering, first: ScriptedProvider) -> None:
    await accepted(order, first, 5)
    first.polls.extend(Running(None, SECOND) for _ in range(5))
    poller = Poller()
    counts = await asyncio.gather(poller.run(), poller.run(), poller.run())
    assert sorted(counts) == [0, 0, 5]


async def test_what_ends_is_stored_or_refunded_beside_what_goes_on(
    order: Ordering, first: ScriptedProvider, user: users.User, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = await accepted(order, first, 3)
    answers: dict[str, Finished | Failed | Running] = {
        "ext-0": Finished((picture(),)),
        "ext-1": Failed(ContentBlocked()),
        "ext-2": Running(None, SECOND),
    }

    async def poll(external_id: str) -> Finished | Failed | Running:
        return answers[external_id]

    monkeypatch.setattr(first, "poll", poll)
    await Poller().run()
    stages = [(await generations.get(job.run_code)).stage for job in jobs]
    assert stages == [Stage.DELIVERING, Stage.FINISHED, Stage.SUBMITTED]
    assert await balance(user) == "48.40"
    await assert_books_agree()


async def test_jobs_that_end_faster_than_they_are_stored_do_not_hold_up_the_others(
    order: Ordering, first: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "MOST_ENDINGS", 1)
    jobs = await accepted(order, first, 4)
    assert await Poller().run() == 4
    stages = [(await generations.get(job.run_code)).stage for job in jobs]
    assert Stage.SUBMITTED in stages
    assert Stage.DELIVERING in stages
    for _ in range(4):
        await all_due()
        await Poller().run()
    assert {(await generations.get(job.run_code)).stage for job in jobs} == {Stage.DELIVERING}


async def test_a_poll_without_an_answer_says_nothing_of_the_job(order: Ordering, first: ScriptedProvider) -> None:
    [job] = await accepted(order, first, 1)
    first.polls.append(ProviderUnavailable())
    await Poller().run()
    assert (await generations.get(job.run_code)).stage is Stage.SUBMITTED


async def test_a_provider_whose_credentials_are_gone_is_waited_for(order: Ordering, first: ScriptedProvider) -> None:
    [job] = await accepted(order, first, 1)
    await db.execute("UPDATE botapp_genrequest SET provider = 'gone'")
    assert await Poller().run() == 1
    assert (await advance(job)).stage is Stage.SUBMITTED


async def test_of_many_polls_that_are_not_let_in_one_is_told(
    order: Ordering, first: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "_alerted", {})
    await accepted(order, first, 10)
    first.polls.extend(AuthFailed() for _ in range(10))
    await Poller().run()
    assert (await tasks_waiting()).count("bot.alert") == 1


async def test_a_defect_of_one_job_does_not_stop_the_others(
    order: Ordering, first: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    await accepted(order, first, 3)

    async def poll(external_id: str) -> Running:
        if external_id == "ext-1":
            raise ZeroDivisionError("a defect")
        return Running(0.3, SECOND)

    monkeypatch.setattr(first, "poll", poll)
    with pytest.raises(ExceptionGroup):
        await Poller().run()
    assert await db.fetch_value("SELECT count(*) FROM botapp_genrequest WHERE progress = 30") == 2


async def test_a_job_cancelled_while_it_is_polled_stays_cancelled(
    order: Ordering, first: ScriptedProvider, user: users.User, monkeypatch: pytest.MonkeyPatch
) -> None:
    [job] = await accepted(order, first, 1)

    async def poll(_: str) -> Running:
        await generations.cancel(job.run_code, user.id)
        return Running(0.5, SECOND)

    monkeypatch.setattr(first, "poll", poll)
    await Poller().run()
    found = await generations.get(job.run_code)
    assert (found.status, found.progress) == (Status.CANCELLED, None)


async def test_a_result_that_comes_after_the_cancelling_is_left(
    order: Ordering, first: ScriptedProvider, user: users.User, monkeypatch: pytest.MonkeyPatch
) -> None:
    [job] = await accepted(order, first, 1)

    async def poll(_: str) -> Finished:
        await generations.cancel(job.run_code, user.id)
        return Finished((picture(),))

    monkeypatch.setattr(first, "poll", poll)
    await Poller().run()
    assert (await generations.get(job.run_code)).status is Status.CANCELLED
    assert await balance(user) == "50.00"
    await assert_books_agree()


async def test_a_poll_of_a_dead_worker_is_made_again(order: Ordering, first: ScriptedProvider) -> None:
    [job] = await accepted(order, first, 1)
    await db.execute(
        "UPDATE botapp_genrequest SET lease_owner = 'dead', lease_until = now() - interval '1 second' WHERE id = $1",
        job.id,
    )
    assert await Poller().run() == 1


async def test_a_job_past_its_deadline_is_no_poll_but_an_end(order: Ordering, first: ScriptedProvider) -> None:
    [job] = await accepted(order, first, 1)
    await db.execute("UPDATE botapp_genrequest SET deadline_at = now() - interval '1 second'")
    assert await Poller().run() == 0
    assert await claims.publish_due(10) == 1
    assert (await advance(job)).error_code == "timed_out"


async def test_a_tick_publishes_what_needs_more_than_a_poll_once(order: Ordering) -> None:
    generation = await order()
    await db.execute("DELETE FROM botapp_outbox")
    await tasks.tick()
    await tasks.tick()
    assert await tasks_waiting() == ["generations.advance"]
    assert (await generations.get(generation.run_code)).stage is Stage.QUEUED


async def test_a_webhook_has_its_job_polled_now(
    order: Ordering, first: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    [job] = await accepted(order, first, 1)
    await db.execute("UPDATE botapp_genrequest SET next_action_at = now() + interval '1 hour'")
    await db.execute("DELETE FROM botapp_outbox")
    monkeypatch.setattr(first, "parse_webhook", lambda headers, body: body.decode())
    for body in ("ext-0", "ext-0", "ext-of-nobody"):
        payload = {"provider": "first", "headers": {}, "body": body}
        now = await db.fetch_value("SELECT now()")
        await handle(Event(1, "first:1", "first:1", payload, TraceId("0" * 32), 1, now))
    assert await tasks_waiting() == ["generations.advance"] * 2
    assert await Poller().run() == 1
    assert (await generations.get(job.run_code)).stage is Stage.DELIVERING


async def test_a_webhook_of_a_provider_that_is_gone_is_no_trouble(first: ScriptedProvider) -> None:
    payload = {"provider": "gone", "headers": {}, "body": "{}"}
    now = await db.fetch_value("SELECT now()")
    await handle(Event(1, "gone:1", "gone:1", payload, TraceId("0" * 32), 1, now))
    assert await tasks_waiting() == []


def seconds(elapsed: float, *, usual: float = 120, least: float = 2, under_way: int = 0) -> float:
    """The pause before the next poll, without its jitter."""
    spans = [timedelta(seconds=span) for span in (elapsed, usual, least)]
    return min(
        cadence.pause(spans[0], spans[1], least=spans[2], under_way=under_way).total_seconds() for _ in range(200)
    )


def test_polls_are_rare_at_first_frequent_near_the_usual_time_and_rare_again_when_late() -> None:
    pauses = [seconds(elapsed) for elapsed in (0, 60, 100, 118, 122, 150, 400)]
    assert pauses == pytest.approx([15, 10, 3.33, 2, 2, 5, 15], abs=0.2)


def test_what_the_adapter_asks_for_is_the_least() -> None:
    assert seconds(119, least=12) >= 12


def test_thousands_at_one_provider_are_polled_at_a_rate_that_it_bears() -> None:
    pauses = [
        cadence.pause(timedelta(0), timedelta(0), least=timedelta(0), under_way=10_000).total_seconds()
        for _ in range(2000)
    ]
    mean = 10_000 / cadence.POLLS_PER_SECOND
    assert sum(pauses) / len(pauses) == pytest.approx(mean, rel=0.05)
    assert 0.6 * mean <= min(pauses) < 0.7 * mean < 1.3 * mean < max(pauses) <= 1.4 * mean


def test_jobs_that_were_ordered_together_drift_apart() -> None:
    pauses = {cadence.pause(timedelta(0), timedelta(seconds=60), least=timedelta(0)) for _ in range(20)}
    assert len(pauses) == 20


def test_a_process_that_comes_late_plans_later_and_goes_back_when_it_has_room() -> None:
    census = pace.Census(counts={"first": 1000})
    weights = []
    for number, late in enumerate((0.5, 3.0, 3.0, *[9.0] * 9, *[0.5] * 30)):
        now = number * pace.STRETCHED_EVERY
        census.note_lateness(late, now=now)
        census.note_lateness(99.0, now=now + 0.1)
        weights.append(census.weight("first"))
    assert weights[:3] == [1000, 1500, 2000]
    assert max(weights) == 1000 * pace.MOST_STRETCH
    assert weights[-1] == 1000

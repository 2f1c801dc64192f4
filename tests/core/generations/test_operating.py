"""What operators do to a job by hand, what is refused, and the usual time that is measured."""

from __future__ import annotations

import pytest

from core import catalog, db, generations, users
from core.generations import Generation, GenerationNotFound, Stage, Status, claims, measuring, operating
from core.generations.operating import NotAllowed
from core.users import FIRST_TEST_ID
from providers.base import LookupUnsupported, Submitted
from providers.errors import Ambiguous
from tests.core.generations.conftest import Ordering, advance, assert_books_agree, balance, tasks_waiting
from tests.core.generations.scripted import NOW, ScriptedProvider

pytestmark = pytest.mark.integration


async def rule_of(generation: Generation, what: str) -> str:
    """The rule by which a change is refused."""
    with pytest.raises(NotAllowed) as refused:
        await getattr(operating, what)(generation.run_code)
    return refused.value.rule


async def overdue(generation: Generation) -> None:
    """Let nobody have looked at a job for ten minutes."""
    await db.execute(
        """UPDATE botapp_genrequest SET next_action_at = now() - interval '10 minutes', lease_until = NULL,
        updated_at = now() - interval '10 minutes' WHERE id = $1""",
        generation.id,
    )


async def test_stuck_jobs_are_those_that_nobody_takes_up(order: Ordering) -> None:
    fine, forgotten = await order(), await order()
    await overdue(forgotten)
    assert [job.run_code for job in await operating.stuck(10)] == [forgotten.run_code]
    assert fine.run_code != forgotten.run_code


async def test_a_retry_has_the_job_looked_at_where_it_stands(order: Ordering, first: ScriptedProvider) -> None:
    first.answers.append(Submitted("ext-1", NOW))
    generation = await advance(await order())
    await db.execute("UPDATE botapp_genrequest SET next_action_at = now() + interval '1 hour'")
    await db.execute("DELETE FROM botapp_outbox")
    await operating.retry(generation.run_code)
    assert await tasks_waiting() == ["generations.advance"]
    assert (await advance(generation)).stage is Stage.DELIVERING
    assert len(first.jobs) == 1


async def test_a_retry_of_a_delivery_delivers(order: Ordering) -> None:
    made = await advance(await order())
    await db.execute("DELETE FROM botapp_outbox")
    await operating.retry(made.run_code)
    assert await tasks_waiting() == ["bot.deliver"]


async def test_a_job_that_was_submitted_too_often_is_not_retried(order: Ordering) -> None:
    generation = await order()
    for _ in range(operating.MOST_SUBMISSIONS):
        await db.execute("INSERT INTO botapp_genevent (generation_id, event) VALUES ($1, 'submitting')", generation.id)
    assert await rule_of(generation, "retry") == "attempt_cap"


@pytest.mark.parametrize("what", ["retry", "cancel", "refund"])
async def test_what_was_refunded_is_left_alone(order: Ordering, user: users.User, what: str) -> None:
    generation = await order()
    await generations.cancel(generation.run_code, user.id)
    assert await rule_of(generation, what) == "already_refunded"


@pytest.mark.parametrize("what", ["retry", "cancel", "refund"])
async def test_what_was_delivered_is_left_alone(order: Ordering, what: str) -> None:
    made = await advance(await order())
    assert await generations.claim_delivery(made.run_code) is not None
    await generations.record_delivery(made.run_code, [7])
    assert await rule_of(made, what) == "already_ended"


@pytest.mark.parametrize("what", ["retry", "cancel", "refund"])
async def test_what_somebody_works_on_is_left_alone(order: Ordering, what: str) -> None:
    generation = await order()
    assert await claims.claim(generation.run_code) is not None
    assert await rule_of(generation, what) == "in_flight"


async def test_an_operator_cancels_with_a_full_refund_and_the_provider_is_asked_to_stop(
    order: Ordering, first: ScriptedProvider, user: users.User
) -> None:
    first.answers.append(Submitted("ext-1", NOW))
    generation = await advance(await order())
    cancelled = await operating.cancel(generation.run_code)
    assert cancelled.status is Status.CANCELLED
    assert await balance(user) == "50.00"
    assert (await tasks_waiting())[-2:] == ["bot.tell_failure", "generations.stop"]
    await assert_books_agree()


async def test_a_job_that_is_being_handed_over_is_refunded_but_not_cancelled(order: Ordering, user: users.User) -> None:
    made = await advance(await order())
    assert await rule_of(made, "cancel") == "not_cancellable"
    ended = await operating.refund(made.run_code)
    assert (ended.status, ended.error_code) == (Status.ERROR, "stopped_by_operator")
    assert await balance(user) == "50.00"
    assert await generations.claim_delivery(made.run_code) is None
    await assert_books_agree()


async def test_an_unknown_job_is_not_found(order: Ordering) -> None:
    await order()
    with pytest.raises(GenerationNotFound):
        await operating.cancel("f" * 32)


async def test_jobs_whose_answer_was_lost_are_a_list(order: Ordering, first: ScriptedProvider) -> None:
    first.answers.append(Ambiguous())
    first.found = LookupUnsupported
    lost = await advance(await order(), times=2)
    await advance(await order())
    listed = await generations.page(generations.Filter(is_ambiguous=True), limit=10)
    assert [job.run_code for job in listed.items] == [lost.run_code]


async def done_in(generation: Generation, seconds: int) -> None:
    """Write that a job took so long."""
    await db.execute(
        """UPDATE botapp_genrequest SET status = 'done', stage = 'finished', started_at = now() - interval '1 hour',
        completed_at = now() - interval '1 hour' + make_interval(secs => $2) WHERE id = $1""",
        generation.id,
        float(seconds),
    )


async def usual(slug: str = "nano-banana") -> int:
    """What the catalogue says that a model usually takes."""
    catalog.configure({"first", "second"})
    return (await catalog.get(slug)).typical_seconds


async def test_the_usual_time_is_the_median_of_enough_jobs(order: Ordering, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = await usual()
    monkeypatch.setattr(measuring, "ENOUGH", 3)
    for number, seconds in enumerate((5, 33, 500)):
        assert await measuring.measure() == 0
        assert await usual() == shipped, number
        await done_in(await order(), seconds)
    assert await measuring.measure() == 1
    assert await usual() == 33
    assert (await order()).typical_seconds == 33
    assert await measuring.measure() == 0


async def test_jobs_of_a_test_user_say_nothing(order: Ordering, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "ENOUGH", 1)
    job = await order()
    await done_in(job, 33)
    await db.execute("UPDATE botapp_genrequest SET chat_id = $2 WHERE id = $1", job.id, FIRST_TEST_ID)
    assert await measuring.measure() == 0


async def test_jobs_of_long_ago_say_nothing(order: Ordering, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "ENOUGH", 1)
    await done_in(await order(), 33)
    await measuring.measure()
    await db.execute("UPDATE botapp_genrequest SET completed_at = completed_at - interval '30 days'")
    assert await measuring.measure() == 1
    assert await db.fetch_value("SELECT measured_seconds FROM botapp_aimodel WHERE slug = 'nano-banana'") is None

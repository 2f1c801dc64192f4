"""Which way a job takes: by name, past providers that are out of order, and never back to one that failed it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from core import catalog, db, generations, ledger, provider_health, users
from core.generations import Generation, Stage, Status, routing, story
from core.provider_health import FAILURES_THAT_OPEN, Breaker
from providers.base import Finished, Submitted
from providers.errors import (
    AuthFailed,
    ContentBlocked,
    InvalidRequest,
    ProviderUnavailable,
    QuotaExhausted,
    RateLimited,
    TimedOut,
)
from tests.core.generations.conftest import Ordering, advance, assert_books_agree, balance, tasks_waiting
from tests.core.generations.scripted import NOW, ScriptedProvider, picture

pytestmark = pytest.mark.integration

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
async def nothing_known(first: ScriptedProvider) -> AsyncIterator[None]:
    """What another test noted of the providers is forgotten."""
    provider_health.forget()
    yield
    provider_health.forget()


async def set_routes(routes: str) -> None:
    """Have an operator edit the model's routes."""
    await db.execute("UPDATE botapp_aimodel SET routes = $1 WHERE slug = 'nano-banana'", routes)
    catalog.configure({"first", "second"})


async def events(generation: Generation, name: str) -> list[dict[str, object]]:
    """Details of the steps of that name."""
    return [dict(step.detail) for step in await story(generation.run_code) if step.event == name]


async def park(name: str, reason: str = "maintenance", span: timedelta = MINUTE) -> None:
    """Open a provider's breaker by hand."""
    await provider_health.park(name, datetime.now(UTC) + span, reason)


async def test_an_invalid_request_goes_on_to_the_next_route_and_alerts(
    order: Ordering, first: ScriptedProvider, second: ScriptedProvider, user: users.User
) -> None:
    first.answers.append(InvalidRequest("no such size"))
    made = await advance(await order(), times=2)
    assert (made.stage, made.provider, made.route) == (Stage.DELIVERING, "second", 1)
    assert await events(made, routing.LEFT) == [{"provider": "first", "model": "one", "code": "invalid_request"}]
    assert "bot.alert" in await tasks_waiting()
    assert await balance(user) == "49.20"


async def test_when_every_route_calls_it_invalid_it_is_refunded(
    order: Ordering, first: ScriptedProvider, second: ScriptedProvider, user: users.User
) -> None:
    for provider in (first, second):
        provider.answers.append(InvalidRequest("no such size"))
    failed = await advance(await order(), times=4)
    assert (failed.status, failed.error_code) == (Status.ERROR, "invalid_request")
    assert (len(first.jobs), len(second.jobs)) == (1, 1)
    assert await balance(user) == "50.00"
    await assert_books_agree()


async def test_an_edit_of_the_routes_does_not_lead_back_to_the_one_that_failed(
    order: Ordering, first: ScriptedProvider, second: ScriptedProvider
) -> None:
    first.answers.append(QuotaExhausted())
    generation = await advance(await order())
    assert generation.stage is Stage.QUEUED
    await set_routes('[{"provider": "second", "model": "two"}, {"provider": "first", "model": "one"}]')
    made = await advance(generation)
    assert made.provider == "second"
    assert len(first.jobs) == 1


async def test_a_route_that_was_taken_away_does_not_shift_the_others(
    order: Ordering, first: ScriptedProvider, second: ScriptedProvider
) -> None:
    first.answers.append(QuotaExhausted())
    generation = await advance(await order())
    await set_routes('[{"provider": "second", "model": "two"}]')
    assert (await advance(generation)).provider == "second"


async def test_a_route_that_cannot_carry_the_options_is_not_tried(
    order: Ordering, first: ScriptedProvider, second: ScriptedProvider
) -> None:
    await set_routes(
        '[{"provider": "first", "model": "one", "requires": {"quantity": [1]}}, {"provider": "second", "model": "two"}]'
    )
    made = await advance(await order(params={"quantity": 2}))
    assert made.provider == "second"
    assert first.jobs == []


async def test_without_any_route_left_the_last_reason_counts(
    order: Ordering, first: ScriptedProvider, user: users.User
) -> None:
    first.answers.append(QuotaExhausted())
    generation = await advance(await order())
    await set_routes('[{"provider": "first", "model": "one"}]')
    failed = await advance(generation)
    assert (failed.status, failed.error_code) == (Status.ERROR, "quota_exhausted")
    assert await balance(user) == "50.00"


async def test_a_parked_provider_is_passed_over(
    order: Ordering, first: ScriptedProvider, second: ScriptedProvider
) -> None:
    await park("first")
    made = await advance(await order())
    assert made.provider == "second"
    assert made.route == 0
    assert first.jobs == []


async def test_a_provider_that_is_switched_off_is_passed_over(
    order: Ordering, first: ScriptedProvider, second: ScriptedProvider
) -> None:
    await provider_health.switch("first", is_enabled=False)
    assert (await advance(await order())).provider == "second"
    assert first.jobs == []


async def test_when_all_are_parked_the_job_waits_in_the_queue_and_goes_on_later(
    order: Ordering, first: ScriptedProvider, second: ScriptedProvider
) -> None:
    await park("first", span=2 * MINUTE)
    await park("second")
    waiting = await advance(await order())
    assert (waiting.status, waiting.stage, waiting.provider) == (Status.QUEUED, Stage.QUEUED, "second")
    assert await events(waiting, "waiting") == [{"provider": "second", "reason": "parked"}]
    due = await db.fetch_value("SELECT extract(epoch FROM next_action_at - now())::float FROM botapp_genrequest")
    assert 55 < due <= 60
    await provider_health.unpark("first")
    made = await advance(waiting)
    assert (made.stage, made.provider) == (Stage.DELIVERING, "first")


async def test_waiting_is_told_once(order: Ordering) -> None:
    await park("first")
    await park("second", span=2 * MINUTE)
    waiting = await advance(await order(), times=3)
    assert len(await events(waiting, "waiting")) == 1


async def test_a_job_does_not_wait_for_a_provider_that_comes_back_after_its_deadline(
    order: Ordering, user: users.User
) -> None:
    for name in ("first", "second"):
        await park(name, span=timedelta(days=1))
    failed = await advance(await order())
    assert (failed.status, failed.error_code) == (Status.ERROR, "provider_unavailable")
    assert await balance(user) == "50.00"


@pytest.mark.parametrize("error", [AuthFailed(), QuotaExhausted()])
async def test_a_job_does_not_wait_for_what_only_an_operator_cures(
    order: Ordering, first: ScriptedProvider, user: users.User, error: AuthFailed
) -> None:
    await set_routes('[{"provider": "first", "model": "one"}]')
    first.answers.append(error)
    await advance(await order())
    second_job = await advance(await order())
    assert (second_job.status, second_job.error_code) == (Status.ERROR, error.code)
    assert len(first.jobs) == 1
    assert await balance(user) == "50.00"
    await assert_books_agree()


async def test_a_provider_that_fails_jobs_in_a_row_is_left_alone_by_the_next_job(
    order: Ordering, first: ScriptedProvider, second: ScriptedProvider
) -> None:
    first.answers.extend([ProviderUnavailable("502")] * 20)
    # Four tries of one job, then one of another: the fifth opens the breaker.
    assert (await advance(await order(), times=6)).provider == "second"
    assert (await advance(await order(), times=3)).provider == "second"
    assert (await provider_health.of("first")).breaker() is Breaker.OPEN
    assert len(first.jobs) == FAILURES_THAT_OPEN
    assert (await advance(await order())).provider == "second"
    assert len(first.jobs) == FAILURES_THAT_OPEN


async def test_a_probe_that_works_opens_the_road_for_those_who_wait(order: Ordering, first: ScriptedProvider) -> None:
    await set_routes('[{"provider": "first", "model": "one"}]')
    await park("first")
    waiting = await advance(await order())
    await db.execute("UPDATE botapp_provider SET parked_until = now() - interval '1 second'")
    provider_health.forget()
    probe = await order()
    assert (await advance(probe)).stage is Stage.DELIVERING
    assert (await events(probe, "submitting"))[0]["probe"] is True
    assert (await provider_health.of("first")).breaker() is Breaker.CLOSED
    due = await db.fetch_value("SELECT next_action_at <= now() FROM botapp_genrequest WHERE id = $1", waiting.id)
    assert due is True


async def test_while_one_probes_the_others_wait(order: Ordering, first: ScriptedProvider) -> None:
    await set_routes('[{"provider": "first", "model": "one"}]')
    await park("first")
    await db.execute("UPDATE botapp_provider SET parked_until = now() - interval '1 second'")
    provider_health.forget()
    assert await provider_health.begin_probe("first")
    assert (await advance(await order())).status is Status.QUEUED
    assert first.jobs == []


async def test_a_long_rate_limit_is_not_waited_for_where_another_way_is_free(
    order: Ordering, first: ScriptedProvider, second: ScriptedProvider
) -> None:
    first.answers.append(RateLimited(retry_after=timedelta(seconds=30)))
    made = await advance(await order(), times=2)
    assert made.provider == "second"


async def test_a_long_rate_limit_is_waited_for_where_the_other_way_is_closed(
    order: Ordering, first: ScriptedProvider, second: ScriptedProvider
) -> None:
    await provider_health.switch("second", is_enabled=False)
    first.answers.append(RateLimited(retry_after=timedelta(seconds=30)))
    made = await advance(await order(), times=2)
    assert (made.provider, len(first.jobs), second.jobs) == ("first", 2, [])


async def test_refused_words_are_remembered_against_their_user(
    order: Ordering, first: ScriptedProvider, user: users.User
) -> None:
    first.answers.append(ContentBlocked("vendor words"))
    await advance(await order())
    rows = await db.fetch("SELECT user_id, source, category FROM botapp_refusal")
    assert [(row["user_id"], row["source"], row["category"]) for row in rows] == [
        (user.id, "provider", "content_blocked")
    ]


async def test_a_job_that_never_ends_speaks_against_its_provider(order: Ordering, first: ScriptedProvider) -> None:
    first.answers.append(Submitted("ext-1", NOW))
    generation = await advance(await order())
    await db.execute("UPDATE botapp_genrequest SET deadline_at = now() - interval '1 second'")
    await advance(generation)
    health = await provider_health.of("first")
    assert (health.failures, health.reason.partition(":")[0]) == (1, TimedOut.code)


async def test_a_job_that_never_left_the_queue_speaks_against_nobody(order: Ordering) -> None:
    await park("first")
    await park("second")
    generation = await advance(await order())
    await db.execute("UPDATE botapp_genrequest SET deadline_at = now() - interval '1 second'")
    failed = await advance(generation)
    assert failed.error_code == "timed_out"
    assert (await provider_health.of("second")).failures == 0


async def test_a_model_that_was_removed_is_refunded(order: Ordering, user: users.User) -> None:
    generation = await order()
    await db.execute("UPDATE botapp_aimodel SET slug = 'renamed' WHERE slug = 'nano-banana'")
    catalog.configure({"first", "second"})
    await db.execute("UPDATE botapp_aimodel SET routes = '[]' WHERE slug = 'renamed'")
    failed = await advance(generation)
    assert (failed.status, failed.error_code) == (Status.ERROR, "model_retired")
    assert await balance(user) == "50.00"


async def test_the_story_names_every_try(order: Ordering, first: ScriptedProvider, second: ScriptedProvider) -> None:
    first.answers.extend([ProviderUnavailable()] * 4)
    second.answers.append(Finished((picture(),)))
    made = await advance(await order(), times=6)
    tries = [(step["provider"], step["model"], step["attempt"]) for step in await events(made, "submitting")]
    assert tries == [("first", "one", n) for n in (1, 2, 3, 4)] + [("second", "two", 1)]
    assert [str(posting.amount) for posting in await ledger.statement(made.user_id)][-1:] != []
    assert (await generations.get(made.run_code)).attempts == 1

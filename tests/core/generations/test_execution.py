"""Jobs from the queue to the delivered result: every failure class, every stage in which a worker may die."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from core import db, generations, ledger, users
from core.generations import Generation, Stage, Status, claims, delivery, execution, story
from core.generations.failures import POLICIES, BadResult
from core.storage import StoredFile, storage
from providers.base import Failed, Finished, LookupUnsupported, Media, Running, Submitted
from providers.errors import (
    FAILURE_CLASSES,
    Ambiguous,
    AuthFailed,
    ContentBlocked,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    TimedOut,
)
from tests.core.generations.conftest import (
    Ordering,
    advance,
    assert_books_agree,
    balance,
    make_due,
    tasks_waiting,
)
from tests.core.generations.scripted import NOW, ScriptedProvider, picture

pytestmark = pytest.mark.integration


async def deliver(generation: Generation) -> Generation:
    """Hand a result over as the bot does."""
    claimed = await generations.claim_delivery(generation.run_code)
    assert claimed is not None
    await generations.record_delivery(generation.run_code, [7])
    return await generations.get(generation.run_code)


async def events(generation: Generation) -> list[str]:
    """The steps of a generation's story."""
    return [step.event for step in await story(generation.run_code)]


async def test_a_job_finished_at_once_is_stored_delivered_and_paid(order: Ordering, user: users.User) -> None:
    made = await advance(await order())
    assert made.stage is Stage.DELIVERING
    assert (made.results[0].mime, made.results[0].width, made.results[0].height) == ("image/png", 32, 24)
    assert (await storage().read(made.results[0].key)).startswith(b"\x89PNG")
    done = await deliver(made)
    assert (done.status, done.stage, done.result_message_ids) == (Status.DONE, Stage.FINISHED, (7,))
    assert await balance(user) == "49.20"
    assert await events(done) == ["ordered", "submitting", "made", "stored", "delivered"]
    await assert_books_agree()


async def test_a_polled_job_shows_its_progress_and_finishes(
    order: Ordering, first: ScriptedProvider, user: users.User
) -> None:
    first.answers.append(Submitted("ext-1", NOW))
    first.polls.extend([Running(0.5, NOW), Running(0.55, NOW), Finished((picture(),))])
    accepted = await advance(await order())
    assert (accepted.stage, accepted.external_id, accepted.provider) == (Stage.SUBMITTED, "ext-1", "first")
    half = await advance(accepted)
    assert half.progress == 50
    # A step of five points is not worth another edit of the message.
    assert (await tasks_waiting()).count("bot.show_status") == 3
    await advance(half)
    assert (await tasks_waiting()).count("bot.show_status") == 3
    made = await advance(half)
    assert made.stage is Stage.DELIVERING
    assert first.polled == ["ext-1"] * 3
    assert len(first.jobs) == 1


async def test_an_accepted_job_is_shown_at_once_since_it_can_be_cancelled_now(
    order: Ordering, first: ScriptedProvider
) -> None:
    first.answers.append(Submitted("ext-1", NOW))
    await advance(await order())
    assert (await tasks_waiting()).count("bot.show_status") == 2


@pytest.mark.parametrize(("running_for", "is_shown"), [(4, False), (11, True), (15, False), (20.5, True)])
async def test_without_progress_the_elapsed_time_is_shown_every_ten_seconds(
    order: Ordering, first: ScriptedProvider, running_for: float, is_shown: bool
) -> None:
    first.answers.append(Submitted("ext-1", NOW))
    first.polls.append(Running(None, timedelta(seconds=3)))
    accepted = await advance(await order())
    before = (await tasks_waiting()).count("bot.show_status")
    await db.execute(
        "UPDATE botapp_genrequest SET started_at = now() - make_interval(secs => $2) WHERE id = $1",
        accepted.id,
        float(running_for),
    )
    await advance(accepted)
    assert (await tasks_waiting()).count("bot.show_status") == before + is_shown


async def test_what_is_sent_to_the_provider_is_what_was_priced(order: Ordering, first: ScriptedProvider) -> None:
    await storage().put("uploads/in.jpg", b"jpeg bytes", mime="image/jpeg")
    generation = await order(
        params={"quantity": 2, "aspect_ratio": "16:9"}, images=(StoredFile("uploads/in.jpg", "image/jpeg", 10),)
    )
    await advance(generation)
    job = first.jobs[0]
    assert (job.client_id, job.model, job.prompt) == (generation.run_code, "one", "a red fox in the snow")
    assert dict(job.params) == {"quantity": 2, "aspect_ratio": "16:9"}
    assert job.images[0].data == b"jpeg bytes"


FINAL = [ContentBlocked, TimedOut]


@pytest.mark.parametrize("kind", FINAL)
async def test_a_final_refusal_gives_every_token_back_once(
    order: Ordering, first: ScriptedProvider, second: ScriptedProvider, user: users.User, kind: type[ProviderError]
) -> None:
    first.answers.append(kind("vendor words"))
    failed = await advance(await order())
    assert (failed.status, failed.error_code) == (Status.ERROR, kind.code)
    assert await balance(user) == "50.00"
    assert second.jobs == []
    assert (await tasks_waiting())[-1] == "bot.tell_failure"
    await advance(failed, times=3)
    refunds = [posting for posting in await ledger.statement(user.id) if posting.kind is ledger.PostingKind.REFUND]
    assert [str(refund.amount) for refund in refunds] == ["0.80"]
    assert len(first.jobs) == 1
    await assert_books_agree()


def test_every_failure_class_has_a_policy() -> None:
    assert {*FAILURE_CLASSES, BadResult} <= set(POLICIES)


@pytest.mark.parametrize("kind", [kind for kind in FAILURE_CLASSES if POLICIES[kind].next_route])
async def test_a_route_that_fails_before_accepting_hands_over_to_the_next(
    order: Ordering, first: ScriptedProvider, second: ScriptedProvider, user: users.User, kind: type[ProviderError]
) -> None:
    first.answers.extend([kind("vendor words")] * 10)
    made = await advance(await order(), times=POLICIES[kind].retries + 2)
    assert made.stage is Stage.DELIVERING
    assert made.provider == "second"
    assert second.jobs[0].model == "two"
    assert await balance(user) == "49.20"


async def test_when_no_route_accepts_the_tokens_go_back(
    order: Ordering, first: ScriptedProvider, second: ScriptedProvider, user: users.User
) -> None:
    first.answers.append(AuthFailed())
    second.answers.append(AuthFailed())
    failed = await advance(await order(), times=2)
    assert (failed.status, failed.error_code) == (Status.ERROR, "auth_failed")
    assert await balance(user) == "50.00"


async def test_an_unavailable_provider_is_tried_again_after_a_growing_pause(
    order: Ordering, first: ScriptedProvider
) -> None:
    first.answers.extend([ProviderUnavailable(), ProviderUnavailable()])
    generation = await order()
    pauses = []
    for _ in range(2):
        await advance(generation)
        pauses.append(await _pause(generation))
    assert 0.5 < pauses[0] < 1.5 < pauses[1] < 3
    made = await advance(generation)
    assert made.stage is Stage.DELIVERING
    assert len(first.jobs) == 3


async def test_a_rate_limit_is_waited_for_as_long_as_the_provider_asks(
    order: Ordering, first: ScriptedProvider
) -> None:
    first.answers.append(RateLimited(retry_after=timedelta(seconds=3)))
    generation = await order()
    waiting = await advance(generation)
    assert waiting.stage is Stage.QUEUED
    assert 2.5 < await _pause(generation) < 4


async def test_a_lost_answer_is_looked_up_and_never_submitted_again(
    order: Ordering, first: ScriptedProvider, user: users.User
) -> None:
    first.answers.append(Ambiguous())
    first.found = "ext-9"
    generation = await order()
    lost = await advance(generation)
    assert lost.stage is Stage.SUBMITTING
    found = await advance(generation)
    assert (found.stage, found.external_id) == (Stage.SUBMITTED, "ext-9")
    made = await advance(generation)
    assert made.stage is Stage.DELIVERING
    assert len(first.jobs) == 1
    assert first.looked_up == [generation.run_code]


async def test_a_submission_that_the_provider_never_saw_is_made_again(order: Ordering, first: ScriptedProvider) -> None:
    first.answers.append(Ambiguous())
    made = await advance(await order(), times=3)
    assert made.stage is Stage.DELIVERING
    assert len(first.jobs) == 2


async def test_a_provider_that_loses_every_answer_is_not_asked_for_ever(
    order: Ordering, first: ScriptedProvider, user: users.User
) -> None:
    first.answers.extend([Ambiguous()] * 9)
    failed = await advance(await order(), times=9)
    assert (failed.status, failed.error_code) == (Status.ERROR, "ambiguous")
    assert await balance(user) == "50.00"
    assert len(first.jobs) == 3


async def test_a_lost_answer_that_cannot_be_looked_up_is_refunded(
    order: Ordering, first: ScriptedProvider, user: users.User
) -> None:
    first.answers.append(Ambiguous())
    first.found = LookupUnsupported
    failed = await advance(await order(), times=2)
    assert (failed.status, failed.error_code) == (Status.ERROR, "ambiguous")
    assert await balance(user) == "50.00"
    assert len(first.jobs) == 1


async def test_a_job_that_failed_at_the_provider_is_refunded(
    order: Ordering, first: ScriptedProvider, second: ScriptedProvider, user: users.User
) -> None:
    first.answers.append(Submitted("ext-1", NOW))
    first.polls.append(Failed(ContentBlocked("late refusal")))
    failed = await advance(await order(), times=2)
    assert (failed.status, failed.error_code) == (Status.ERROR, "content_blocked")
    assert await balance(user) == "50.00"
    assert second.jobs == []


async def test_a_poll_without_an_answer_says_nothing_of_the_job(order: Ordering, first: ScriptedProvider) -> None:
    first.answers.append(Submitted("ext-1", NOW))
    first.polls.extend([ProviderUnavailable(), RateLimited(), AuthFailed()])
    made = await advance(await order(), times=5)
    assert made.stage is Stage.DELIVERING


@pytest.mark.parametrize(
    "media", [(), (Media("image/png", data=b"<html>not a picture</html>"),), (Media("video/mp4", data=b""),)]
)
async def test_a_result_that_is_no_picture_is_refunded(
    order: Ordering, first: ScriptedProvider, user: users.User, media: tuple[Media, ...]
) -> None:
    first.answers.append(Finished(media))
    failed = await advance(await order())
    assert (failed.status, failed.error_code) == (Status.ERROR, "bad_result")
    assert await balance(user) == "50.00"
    await assert_books_agree()


async def test_pictures_that_were_not_made_are_refunded(
    order: Ordering, first: ScriptedProvider, user: users.User
) -> None:
    first.answers.append(Finished((picture(), Media("image/png", data=b"garbage"), picture("blue"))))
    made = await advance(await order(params={"quantity": 4}))
    assert (len(made.results), str(made.refunded)) == (2, "1.60")
    done = await deliver(made)
    assert done.status is Status.DONE
    assert await balance(user) == "48.40"
    await assert_books_agree()


async def test_a_job_past_its_deadline_is_given_up_and_refunded(
    order: Ordering, first: ScriptedProvider, user: users.User
) -> None:
    first.answers.append(Submitted("ext-1", NOW))
    first.polls.extend([Running(None, NOW)] * 5)
    generation = await advance(await order())
    await db.execute("UPDATE botapp_genrequest SET deadline_at = now() - interval '1 second'")
    failed = await advance(generation)
    assert (failed.status, failed.error_code) == (Status.ERROR, "timed_out")
    assert first.cancelled == ["ext-1"]
    assert await balance(user) == "50.00"


async def test_two_workers_do_not_take_the_same_job(order: Ordering, first: ScriptedProvider) -> None:
    generation = await order()
    await asyncio.gather(*(execution.advance(generation.run_code) for _ in range(10)))
    assert len(first.jobs) == 1


async def test_a_worker_that_lost_its_lease_changes_nothing(order: Ordering, first: ScriptedProvider) -> None:
    generation = await order()
    late = await claims.claim(generation.run_code)
    assert late is not None
    await make_due(generation)
    owner = await claims.claim(generation.run_code)
    assert owner is not None
    with pytest.raises(claims.LeaseLost):
        await late.change(stage=Stage.STORING.value)
    await owner.release(due=NOW)


async def test_a_defect_of_an_adapter_leaves_the_job_to_be_looked_up(order: Ordering, first: ScriptedProvider) -> None:
    first.answers.append(ZeroDivisionError("a defect"))
    generation = await order()
    with pytest.raises(ZeroDivisionError):
        await advance(generation)
    assert (await generations.get(generation.run_code)).stage is Stage.SUBMITTING
    made = await advance(generation, times=2)
    assert made.stage is Stage.DELIVERING


class Killed(BaseException):
    """Stands for SIGKILL: nothing of the worker runs after it."""


@pytest.mark.parametrize("accepted", [True, False], ids=["accepted", "never seen"])
async def test_a_worker_killed_while_it_submits_is_followed_by_one_that_looks(
    order: Ordering, first: ScriptedProvider, user: users.User, accepted: bool
) -> None:
    generation = await order()
    taken = await claims.claim(generation.run_code)
    assert taken is not None
    await taken.change(stage=Stage.SUBMITTING.value, provider="first", attempts=1)
    first.found = "ext-5" if accepted else None
    made = await advance(generation, times=3)
    assert made.stage is Stage.DELIVERING
    assert len(first.jobs) == (0 if accepted else 1)
    assert await balance(user) == "49.20"


async def test_a_worker_killed_while_it_stores_is_followed_by_one_that_polls(
    order: Ordering, first: ScriptedProvider, user: users.User
) -> None:
    first.answers.append(Submitted("ext-1", NOW))
    generation = await advance(await order())
    taken = await claims.claim(generation.run_code)
    assert taken is not None
    await taken.change(stage=Stage.STORING.value)
    made = await advance(generation)
    assert made.stage is Stage.DELIVERING
    assert len(first.jobs) == 1
    assert await balance(user) == "49.20"


async def test_a_lease_in_force_keeps_everybody_else_away(order: Ordering, first: ScriptedProvider) -> None:
    generation = await order()
    assert await claims.claim(generation.run_code) is not None
    await execution.advance(generation.run_code)
    assert await claims.publish_due(10) == 0
    assert first.jobs == []


async def test_a_delivery_is_claimed_once_and_lost_ones_are_published_again(order: Ordering) -> None:
    made = await advance(await order())
    claimed = await asyncio.gather(*(generations.claim_delivery(made.run_code) for _ in range(5)))
    assert len([one for one in claimed if one is not None]) == 1
    assert await delivery.publish_due(10) == 0
    await make_due(made)
    assert await delivery.publish_due(10) == 1
    assert (await tasks_waiting()).count("bot.deliver") == 2


async def test_a_delivery_recorded_twice_settles_once(order: Ordering, user: users.User) -> None:
    done = await deliver(await advance(await order()))
    await generations.record_delivery(done.run_code, [8])
    assert (await generations.get(done.run_code)).result_message_ids == (7,)
    assert await generations.claim_delivery(done.run_code) is None
    await assert_books_agree()


async def test_a_postponed_delivery_waits_and_an_abandoned_one_stands(order: Ordering, user: users.User) -> None:
    made = await advance(await order())
    assert await generations.claim_delivery(made.run_code) is not None
    await generations.postpone_delivery(made.run_code, after=timedelta(seconds=9), reason="flood")
    assert 8 < await _pause(made) < 10
    await generations.abandon_delivery(made.run_code, "the user blocked the bot")
    assert (await generations.get(made.run_code)).status is Status.DONE
    assert (await events(made))[-1] == "undeliverable"
    await assert_books_agree()


async def test_a_job_that_was_made_cannot_be_cancelled(order: Ordering, user: users.User) -> None:
    made = await advance(await order())
    with pytest.raises(generations.CannotCancel):
        await generations.cancel(made.run_code, user.id)
    assert (await generations.get(made.run_code)).status is Status.PROCESSING


async def test_a_waiting_job_is_cancelled_with_a_full_refund(order: Ordering, user: users.User) -> None:
    generation = await order()
    cancelled = await generations.cancel(generation.run_code, user.id)
    assert cancelled.status is Status.CANCELLED
    assert await balance(user) == "50.00"
    assert await generations.cancel(generation.run_code, user.id) == cancelled
    await advance(generation)
    assert (await generations.get(generation.run_code)).status is Status.CANCELLED
    await assert_books_agree()


async def test_a_running_job_is_cancelled_at_the_provider_too(
    order: Ordering, first: ScriptedProvider, user: users.User
) -> None:
    first.answers.append(Submitted("ext-1", NOW))
    generation = await advance(await order())
    await generations.cancel(generation.run_code, user.id)
    assert first.cancelled == ["ext-1"]
    assert await balance(user) == "50.00"


async def test_a_job_cancelled_while_it_is_polled_stays_cancelled(
    order: Ordering, first: ScriptedProvider, user: users.User
) -> None:
    first.answers.append(Submitted("ext-1", NOW))
    generation = await advance(await order())
    poller = await claims.claim(generation.run_code)
    assert poller is not None
    await generations.cancel(generation.run_code, user.id)
    with pytest.raises(claims.LeaseLost):
        await poller.release(due=NOW, progress=50)
    assert (await generations.get(generation.run_code)).status is Status.CANCELLED


async def test_somebody_elses_job_cannot_be_cancelled(order: Ordering, user: users.User) -> None:
    generation = await order()
    other = await users.upsert(users.Profile(1, "other"))
    with pytest.raises(generations.GenerationNotFound):
        await generations.cancel(generation.run_code, other.id)
    assert await balance(user) == "49.20"


async def test_pages_follow_each_other_without_gaps(order: Ordering, user: users.User) -> None:
    codes = []
    for _ in range(3):
        generation = await order()
        await advance(generation)
        codes.append(generation.run_code)
    seen: list[str] = []
    cursor = None
    while True:
        part = await generations.page(generations.Filter(chat_id=user.chat_id), limit=2, cursor=cursor)
        seen += [generation.run_code for generation in part.items]
        cursor = part.next_cursor
        if cursor is None:
            break
    assert seen == codes[::-1]


async def test_the_place_in_the_queue_counts_those_ahead(order: Ordering) -> None:
    first_one, second_one = await order(), await order()
    assert await generations.queue_place(first_one) == 1
    assert await generations.queue_place(second_one) == 2
    made = await advance(first_one)
    assert await generations.queue_place(made) is None
    assert await generations.queue_place(second_one) == 1


async def _pause(generation: Generation) -> float:
    """Seconds until somebody looks at the generation again."""
    seconds = await db.fetch_value(
        "SELECT extract(epoch FROM next_action_at - now())::float FROM botapp_genrequest WHERE id = $1", generation.id
    )
    return float(seconds)


async def test_a_result_that_nobody_takes_is_refunded(order: Ordering, user: users.User) -> None:
    made = await advance(await order())
    assert await generations.claim_delivery(made.run_code) is not None
    await generations.refuse_delivery(made.run_code, "the file is gone")
    await generations.refuse_delivery(made.run_code, "the file is gone")
    refused = await generations.get(made.run_code)
    assert (refused.status, refused.error_code) == (Status.ERROR, "undeliverable")
    assert await balance(user) == "50.00"
    await assert_books_agree()


async def test_a_failure_is_told_again_until_somebody_has_heard_it(
    order: Ordering, first: ScriptedProvider, user: users.User
) -> None:
    first.answers.append(ContentBlocked())
    failed = await advance(await order())
    assert await delivery.publish_due(10) == 0
    await make_due(failed)
    assert await delivery.publish_due(10) == 1
    assert (await tasks_waiting()).count("bot.tell_failure") == 2
    await generations.record_told(failed.run_code)
    await make_nothing_wait()
    assert await delivery.publish_due(10) == 0


async def test_a_failure_that_cannot_be_told_for_a_day_is_left_alone(
    order: Ordering, first: ScriptedProvider, user: users.User
) -> None:
    first.answers.append(ContentBlocked())
    failed = await advance(await order())
    await db.execute("UPDATE botapp_genrequest SET completed_at = now() - interval '2 days'")
    await make_due(failed)
    await delivery.publish_due(10)
    await make_nothing_wait()
    assert await delivery.publish_due(10) == 0


async def make_nothing_wait() -> None:
    """Let every pause that is still set be over."""
    await db.execute(
        "UPDATE botapp_genrequest SET next_action_at = now() - interval '1 s' WHERE next_action_at IS NOT NULL"
    )

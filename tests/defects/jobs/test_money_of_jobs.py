"""The predecessor's defects that lost, minted or took tokens for generations."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator

import pytest

from core import catalog, db, ledger, users
from core.generations import ImageRequired, ModelUnavailable, Status, execution
from core.ledger import AlreadyResolved
from core.pricing import InvalidParams
from core.queue import celery, configure
from core.queue.outbox import flush
from core.settings import Settings
from core.types import IdempotencyKey
from providers.base import Failed, Submitted
from providers.errors import FAILURE_CLASSES, ContentBlocked, ProviderError, TimedOut
from tests.core.generations.conftest import Ordering, advance, assert_books_agree, balance
from tests.core.generations.scripted import NOW, ScriptedProvider

pytestmark = pytest.mark.integration

ONE_IMAGE = """'[{"role": "image", "most": 1, "least": 1}]'"""


async def refunds_of(user: users.User) -> list[str]:
    """Amounts of all refunds."""
    return [str(line.amount) for line in await ledger.statement(user.id) if line.kind.value == "refund"]


async def test_a01_a_job_that_fails_four_times_is_refunded_once(
    order: Ordering, first: ScriptedProvider, user: users.User
) -> None:
    """A1: a failing video refunded at each of four retries: 100 became 125.20."""
    generation = await order()
    first.answers.extend([ContentBlocked("no")] * 4)
    for _ in range(4):
        await advance(generation)
    await asyncio.gather(*(execution.advance(generation.run_code) for _ in range(4)))
    assert await balance(user) == "50.00"
    assert await refunds_of(user) == ["0.80"]
    assert len(first.jobs) == 1
    with pytest.raises(AlreadyResolved):
        await ledger.refund(generation.transaction_id, key=IdempotencyKey("a retry that refunds"))
    await assert_books_agree()


async def test_a02_what_a_provider_cannot_do_is_refused_before_it_is_charged(order: Ordering, user: users.User) -> None:
    """A2: extending a video always failed after the charge, and each failure minted tokens: 84 became 132."""
    parent = await order()
    await db.execute('UPDATE botapp_aimodel SET routes = \'[{"provider": "nobody", "model": "extend"}]\'')
    catalog.configure({"first", "second"})
    for _ in range(4):
        with pytest.raises(ModelUnavailable):
            await order(parent=parent.run_code)
        with pytest.raises((InvalidParams, ModelUnavailable)):
            await order(parent=parent.run_code, params={"extend": True})
    assert await balance(user) == "49.20"
    assert await refunds_of(user) == []


@pytest.mark.parametrize("kind", FAILURE_CLASSES)
async def test_a03_a_picture_that_fails_gives_its_tokens_back_once(
    order: Ordering, first: ScriptedProvider, second: ScriptedProvider, user: users.User, kind: type[ProviderError]
) -> None:
    """A3: failed and blocked pictures were never refunded: 100 became 98.40."""
    generation = await order()
    first.answers.append(Submitted("ext-1", NOW))
    first.polls.append(Failed(kind("vendor words")))
    ended = await advance(generation, 4)
    assert ended.status is Status.ERROR
    assert await refunds_of(user) == ["0.80"]
    assert await balance(user) == "50.00"
    await assert_books_agree()


async def test_a08_a_double_tap_is_one_job_and_one_charge(order: Ordering, user: users.User) -> None:
    """A8: two taps or a network retry charged twice; a submission had no key."""
    key = IdempotencyKey("one tap")
    jobs = await asyncio.gather(*(order(key=key) for _ in range(8)))
    assert len({job.run_code for job in jobs}) == 1
    assert await balance(user) == "49.20"


@pytest.fixture
def broker_is_away(settings: Settings) -> Iterator[None]:
    """Celery looks for Redis where there is none."""
    configure(settings.model_copy(update={"redis_url": type(settings.redis_url)("redis://127.0.0.1:1/0")}))
    celery._after_fork()  # type: ignore[attr-defined]  # forgets the open connections
    yield
    configure(settings)
    celery._after_fork()  # type: ignore[attr-defined]


async def test_a09_a_job_ordered_while_redis_is_away_is_done_when_it_is_back(
    order: Ordering, settings: Settings, broker_is_away: None, user: users.User
) -> None:
    """A9: with Redis down people were charged, the job was lost, and nothing was refunded."""
    generation = await order()
    assert await flush() == 0
    assert await db.fetch_value("SELECT count(*) FROM botapp_outbox WHERE task = 'generations.advance'") == 1
    configure(settings)
    celery._after_fork()  # type: ignore[attr-defined]  # Redis is back
    assert await flush() >= 1
    # Even a message that is lost for good ends in a refund: the row has a deadline.
    await db.execute("UPDATE botapp_genrequest SET deadline_at = now() - interval '1 second'")
    assert (await advance(generation)).status is Status.ERROR
    assert await balance(user) == "50.00"


async def test_a21_two_clicks_at_once_pay_once(order: Ordering, first: ScriptedProvider, user: users.User) -> None:
    """A21: a prompt made from a reference was charged at every click and every redelivery."""
    key = IdempotencyKey("callback:4711")
    first_job, again = await asyncio.gather(order(key=key), order(key=key))
    await advance(first_job)
    assert await order(key=key) == again or (await order(key=key)).run_code == first_job.run_code
    assert (len(first.jobs), await balance(user)) == (1, "49.20")


async def test_w01_a_blocked_picture_gives_its_tokens_back(
    order: Ordering, first: ScriptedProvider, user: users.User
) -> None:
    """W1: a picture that failed or was blocked for safety kept the tokens: 500, 494, 488."""
    for _ in range(2):
        first.answers.append(ContentBlocked("unsafe"))
        await advance(await order())
    assert await balance(user) == "50.00"


async def test_w02_a_crashed_video_is_refunded_and_told_once(
    order: Ordering, first: ScriptedProvider, user: users.User
) -> None:
    """W2: a video that crashed apologised four times and refunded four times: 488 became 536."""
    generation = await order()
    first.answers.append(TimedOut("crash"))
    for _ in range(4):
        await advance(generation)
    told = await db.fetch_value("SELECT count(*) FROM botapp_outbox WHERE task = 'bot.tell_failure'")
    assert (told, await refunds_of(user), await balance(user)) == (1, ["0.80"], "50.00")


async def test_w14_a_retry_after_a_time_out_is_the_same_job(order: Ordering, first: ScriptedProvider) -> None:
    """W14: after a time-out of 30 s the job still ran, and trying again was a second charge."""
    key = IdempotencyKey("the form that timed out")
    running = await order(key=key)
    first.answers.append(Submitted("ext-1", NOW))
    await advance(running)
    assert (await order(key=key)).run_code == running.run_code
    done = await advance(running, 3)
    assert (await order(key=key)).run_code == done.run_code
    assert len(first.jobs) == 1


async def test_w15_a_video_made_from_a_picture_is_not_sold_without_one(order: Ordering, user: users.User) -> None:
    """W15: Midjourney video took the tokens, dropped the picture, and could not succeed."""
    await db.execute(f"UPDATE botapp_aimodel SET inputs = {ONE_IMAGE}, type = 'video'")
    catalog.configure({"first", "second"})
    for number in itertools.repeat(None, 2):
        with pytest.raises(ImageRequired):
            await order(prompt=f"a fox {number}")
    assert await balance(user) == "50.00"

"""A worker is killed while it holds jobs in every stage: nothing lost, nothing charged twice, nothing made twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from decimal import Decimal

import pytest
import pytest_asyncio

from tests.end_to_end.crashes.killing import kill, restarted
from tests.end_to_end.people import WELCOME, Person, Sandbox
from tests.end_to_end.records import submissions
from tests.end_to_end.waiting import until
from tests.fixtures.product import Product

PRICE = Decimal("0.80")
BALANCE = (
    "SELECT 1 FROM botapp_userbalance WHERE user_id = (SELECT id FROM botapp_tguser WHERE chat_id = $1) FOR UPDATE"
)
CHARGE = """
    SELECT 1 FROM botapp_charge WHERE transaction_id = (SELECT transaction_id FROM botapp_genrequest WHERE chat_id = $1)
    FOR UPDATE
"""

Hold = Callable[[Person, AsyncExitStack], Awaitable[None]]


async def ordering(person: Person, held: AsyncExitStack) -> None:
    """The update is being handled: the transaction that charges waits for the balance."""
    await held.enter_async_context(person.sandbox.records.locked(BALANCE, person.id))
    await person.say("a red fox")

    async def is_taken() -> bool:
        rows = await person.sandbox.records.fetch(
            "SELECT 1 FROM botapp_inbox WHERE subject = $1 AND handled_at IS NULL AND attempts = 1", str(person.id)
        )
        return bool(rows)

    await until(is_taken, "a worker takes the update")


async def queued(person: Person, held: AsyncExitStack) -> None:
    """The provider asked for patience; the job waits for its next try."""
    await person.say("[limit 8] a red fox")
    await person.job_in(lambda job: job["stage"] == "queued" and job["attempts"] == 1, "waiting for a retry")


async def submitting(person: Person, held: AsyncExitStack) -> None:
    """The provider has accepted and does not answer."""
    await person.say("[hang 25] a red fox")
    await person.job_in(
        lambda job: job["stage"] == "submitting" and bool(submissions(person.sandbox.product, job)), "accepted"
    )


async def submitted(person: Person, held: AsyncExitStack) -> None:
    """The provider is at work and polled."""
    await person.say("[slow 12] a red fox")
    await person.job_in(lambda job: job["stage"] == "submitted", "with the provider")


async def storing(person: Person, held: AsyncExitStack) -> None:
    """Three of four pictures are stored; the transaction that says so and refunds the fourth waits for the balance."""
    await person.choose_option(await person.choose_model("nano-banana"), "4 ")
    await person.say("[slow 6] [partial] a red fox")
    await person.job_in(lambda job: job["stage"] == "submitted", "with the provider")
    await held.enter_async_context(person.sandbox.records.locked(BALANCE, person.id))
    await person.job_in(lambda job: job["stage"] == "storing", "being stored")


async def delivering(person: Person, held: AsyncExitStack) -> None:
    """Telegram did not take the video; the next try is planned."""
    await person.choose_model("demo-video")
    await person.say("waves")
    await person.job_in(lambda job: job["stage"] == "delivering" and job["delivery_attempts"] == 1, "being delivered")


async def sent(person: Person, held: AsyncExitStack) -> None:
    """The person has the picture; the transaction that writes it down waits for the charge."""
    await person.say("[slow 6] a red fox")
    await person.job_in(lambda job: job["stage"] == "submitted", "with the provider")
    await held.enter_async_context(person.sandbox.records.locked(CHARGE, person.id))
    await person.answer(lambda one: "photo" in one)
    assert (await person.jobs())[0]["status"] == "processing"


STAGES: Mapping[str, Hold] = {
    hold.__name__: hold for hold in (ordering, queued, submitting, submitted, storing, delivering, sent)
}


@pytest_asyncio.fixture(scope="module")
async def survivors(product: Product, sandbox: Sandbox) -> AsyncIterator[Mapping[str, Person]]:
    """One person for each stage, whose job was there when the worker was killed."""
    people = {stage: await sandbox.somebody() for stage in STAGES}
    await sandbox.fail("sendVideo", 502, times=1)
    async with AsyncExitStack() as held:
        await asyncio.gather(*(hold(people[stage], held) for stage, hold in STAGES.items()))
        killed = kill(product, "worker")
    await restarted(sandbox, "worker", killed)
    yield people


@pytest.mark.parametrize("stage", STAGES)
async def test_a_job_survives_its_worker(
    product: Product, sandbox: Sandbox, survivors: Mapping[str, Person], stage: str
) -> None:
    person = survivors[stage]
    jobs = await person.settled(limit=60)

    assert [job["status"] for job in jobs] == ["done"]
    assert len(submissions(product, jobs[0])) == 1
    kind, wanted = ("video", 1) if stage == "delivering" else ("photo", 3 if stage == "storing" else 1)
    shown = [one for one in await person.messages(after=0) if one["from"]["is_bot"] and kind in one]
    assert len(shown) == wanted
    price = jobs[0]["cost"]
    refunds = [PRICE] if stage == "storing" else []
    assert await person.statement() == [WELCOME, -price, *refunds]


async def test_the_worker_that_took_over_takes_new_orders(survivors: Mapping[str, Person], sandbox: Sandbox) -> None:
    person = await sandbox.somebody()
    await person.say("a red fox afterwards")
    await person.result()
    assert await person.balance() == WELCOME - PRICE

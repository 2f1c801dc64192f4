"""Any process of the product is killed while jobs run: it is started again and every job ends as it should."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from decimal import Decimal
from itertools import count

import pytest

from tests.end_to_end.crashes.killing import held, kill, restarted
from tests.end_to_end.people import WELCOME, Person, Sandbox
from tests.end_to_end.records import submissions
from tests.end_to_end.waiting import PATIENCE, until
from tests.fixtures.product import Product

PRICE = Decimal("0.80")


async def came_out_well(product: Product, person: Person) -> None:
    """Make sure that somebody's one job was made once, delivered once and paid once."""
    jobs = await person.settled(limit=60)
    assert [job["status"] for job in jobs] == ["done"]
    assert len(submissions(product, jobs[0])) == 1
    assert sum("photo" in one and one["from"]["is_bot"] for one in await person.messages(after=0)) == 1
    assert await person.statement() == [WELCOME, -PRICE]


@pytest.mark.parametrize("service", ["beat", "web", "redis", "postgres", "sandbox"])
async def test_jobs_survive_the_death_of_any_process(product: Product, sandbox: Sandbox, service: str) -> None:
    running, fresh, late = [await sandbox.somebody() for _ in range(3)]
    await running.say("[slow 6] a red fox")
    await running.job_in(lambda job: job["stage"] == "submitted", "with the provider")
    await fresh.say("a red fox")
    killed = kill(product, service)
    await late.say("a red fox a moment later")
    await restarted(sandbox, service, killed)
    for person in (running, fresh, late):
        await came_out_well(product, person)


async def test_an_update_that_comes_while_the_database_is_away_is_handled_once(
    product: Product, sandbox: Sandbox
) -> None:
    person = await sandbox.somebody()
    update = {
        "update_id": 990_000_000 + person.id,
        "message": {
            "message_id": 77,
            "date": 1_700_000_000,
            "chat": {"id": person.id, "type": "private", "first_name": "P"},
            "from": {"id": person.id, "is_bot": False, "first_name": "P", "language_code": "en"},
            "text": "a red fox",
        },
    }
    numbers = count(995_000_000)

    async def is_away() -> bool:
        # Sessions outlive the server that was killed by a moment.
        return (await sandbox.push({"update_id": next(numbers)})).status_code == 503

    with held(product):
        # Nobody starts the server again meanwhile, however long the questions take.
        killed = kill(product, "postgres")
        await until(is_away, "the database is away")
        refused = await sandbox.push(update)
    assert refused.status_code == 503
    assert refused.json()["code"]
    assert int(refused.headers["Retry-After"]) > 0

    async def is_taken() -> bool:
        return (await sandbox.push(update)).status_code == 200

    await until(is_taken, "the update is taken", limit=30)
    await restarted(sandbox, "postgres", killed)
    assert (await sandbox.push(update)).status_code == 200
    await came_out_well(product, person)


async def test_everything_at_once_is_killed_and_comes_back(product: Product, sandbox: Sandbox) -> None:
    people = [await sandbox.somebody() for _ in range(4)]
    for number, person in enumerate(people):
        await person.say(f"[slow {number + 6}] a red fox")
        await person.job_in(lambda job: job["stage"] == "submitted", "with the provider")
    services = ("beat", "worker", "web", "sandbox", "redis", "postgres")
    killed = {service: kill(product, service) for service in services}
    for service, pid in killed.items():
        await restarted(sandbox, service, pid)
    for person in people:
        await came_out_well(product, person)


async def test_a_worker_that_is_killed_again_and_again_neither_repeats_nor_forgets(
    product: Product, sandbox: Sandbox
) -> None:
    people = [await sandbox.somebody() for _ in range(9)]
    orders = ("", "[slow 1] ", "[slow 4] ")
    for wave in range(3):
        part = people[wave * 3 : wave * 3 + 3]
        await asyncio.gather(*(person.say(f"{orders[n]}a red fox") for n, person in enumerate(part)))
        # No waiting here: the kill meets these jobs wherever they happen to be.
        killed = kill(product, "worker")
        await restarted(sandbox, "worker", killed)
    for person in people:
        jobs = await person.settled(limit=90)
        assert [job["status"] for job in jobs] == ["done"]
        assert len(submissions(product, jobs[0])) == 1
        assert await person.statement() == [WELCOME, -PRICE]
        calls = await sandbox.calls("sendPhoto", person.id)
        assert len(calls) <= 1


async def test_a_redis_that_hangs_makes_the_product_unready_and_holds_no_update_up(
    product: Product, sandbox: Sandbox
) -> None:
    person = await sandbox.somebody()

    async def is_ready() -> bool:
        return (await sandbox.http.get(f"{product.web}/api/ready")).status_code == 200

    async def is_unready() -> bool:
        return not await is_ready()

    pid = product.pid("redis")
    os.kill(pid, signal.SIGSTOP)
    try:
        await until(is_unready, "the product says that it is not ready", limit=10)
        began = time.monotonic()
        await person.say("a red fox")
        # Whatever Redis does, what Telegram sends is kept and answered.
        assert (await sandbox.push({"update_id": 996_000_000})).status_code == 200
        assert time.monotonic() - began < 5 * PATIENCE
        assert (await sandbox.http.get(f"{product.web}/api/health")).status_code == 200
    finally:
        os.kill(pid, signal.SIGCONT)
    await until(is_ready, "the product is ready again", limit=20)
    await came_out_well(product, person)

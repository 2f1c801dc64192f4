"""The product is stopped with jobs at work and started again, this time fetching its updates."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal

from tests.end_to_end.people import WELCOME, Sandbox
from tests.end_to_end.records import submissions
from tests.fixtures.product import Product, run_nb

PRICE = Decimal("0.80")


async def test_jobs_go_on_after_a_stop_and_updates_may_be_fetched(product: Product, sandbox: Sandbox) -> None:
    people = [await sandbox.somebody() for _ in range(3)]
    for person, orders in zip(people, ("[slow 3]", "[slow 15]", "[limit 9]"), strict=True):
        await person.say(f"{orders} a red fox")
        await person.job_in(lambda job: job["attempts"] == 1, "begun")

    stopped = await asyncio.to_thread(run_nb, product.home, "down", "--json")
    assert stopped.returncode == 0, stopped.stdout
    started = await asyncio.to_thread(run_nb, product.home, "up", "--detach", "--json", TELEGRAM_UPDATES="polling")
    assert json.loads(started.stdout)["ok"], started.stdout
    assert json.loads(started.stdout)["data"]["web"] == product.web

    late = await sandbox.somebody()
    await late.say("a red fox, fetched")
    for person in (*people, late):
        jobs = await person.settled(limit=60)
        assert [job["status"] for job in jobs] == ["done"]
        assert len(submissions(product, jobs[0])) == 1
        assert sum("photo" in one and one["from"]["is_bot"] for one in await person.messages(after=0)) == 1
        assert await person.statement() == [WELCOME, -PRICE]
    assert product.pid("poller") > 0

"""The worker dies while money comes in: everybody gets what they paid for, once."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from tests.end_to_end.crashes.killing import kill
from tests.end_to_end.people import Sandbox
from tests.end_to_end.test_payments import invoice, pay

PEOPLE = 4


async def test_a_worker_that_is_killed_while_people_pay_loses_nothing(sandbox: Sandbox) -> None:
    people = [await sandbox.somebody() for _ in range(PEOPLE)]
    invoices = [await invoice(person) for person in people]
    # Late enough for the worker to have answered every question, and early enough to meet it dying.
    await sandbox.post("faults", json={"update": "successful_payment", "times": PEOPLE, "delay": 0.3})
    answers = await asyncio.gather(*(pay(*pair) for pair in zip(people, invoices, strict=True)))
    assert all(answer["ok"] for answer in answers)
    kill(sandbox.product, "worker")
    for person in people:
        await person.says("added 100 ⚡", limit=60)
        assert await person.balance() == Decimal("170.00")

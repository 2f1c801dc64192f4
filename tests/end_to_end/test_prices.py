"""One edit of a price reaches every process within two seconds, and touches nothing that was agreed before."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from tests.end_to_end.people import WELCOME, Person, Sandbox, buttons_of, text_of
from tests.end_to_end.waiting import until
from tests.fixtures.product import Product

SEEN_WITHIN = 2.0
OLD, NEW = "0.80", "1.00"


@pytest.fixture
async def put_back(product: Product, sandbox: Sandbox) -> AsyncIterator[None]:
    """Undo what the test edited, since others share the product, and wait until every process knows it."""
    yield
    for revision in product.nb("pricing", "history", "nano-banana")["data"]["items"]:
        if revision["after"].get("base_cost_usd") == "0.025":
            product.nb("pricing", "revert", str(revision["id"]), "--reason", "end of the test", check=False)
    person = await sandbox.somebody()

    async def all_is_as_before() -> bool:
        return await web_asks(sandbox) == OLD and "0.80 ⚡" in await bot_asks(person)

    await until(all_is_as_before, "web and worker know the old price again", limit=10)


def make_dearer(product: Product) -> float:
    """Edit the price as an operator does; return when that was committed at the latest."""
    edited = product.nb("pricing", "set", "nano-banana", "--base-cost", "0.025", "--reason", "a test")
    assert edited["data"]["changed"] is True
    return time.monotonic()


async def web_asks(sandbox: Sandbox) -> str:
    """The price as the web process tells it."""
    product = sandbox.product
    answer = await sandbox.http.post(
        f"{product.web}/api/ops/v1/pricing/quote",
        json={"model": "nano-banana"},
        headers={"Authorization": f"Bearer {product.token}"},
    )
    return str(answer.json()["tokens"])


async def bot_asks(person: Person) -> str:
    """The list of models with prices as the worker writes it."""
    await person.say("/models")
    return text_of(await person.says("Models and prices"))


async def test_web_and_worker_ask_the_new_price_within_two_seconds(
    product: Product, sandbox: Sandbox, put_back: None
) -> None:
    person = await sandbox.somebody()
    assert await web_asks(sandbox) == OLD
    assert "0.80 ⚡" in await bot_asks(person)
    committed = make_dearer(product)

    asked_in_vain = committed

    async def both() -> bool:
        nonlocal asked_in_vain
        asked = time.monotonic()
        if await web_asks(sandbox) == NEW and "1 ⚡" in await bot_asks(person):
            return True
        asked_in_vain = asked
        return False

    await until(both, "web and worker know the new price")
    # What counts is when somebody asked: how long the answer takes is another matter.
    assert asked_in_vain - committed < SEEN_WITHIN

    await person.say("a red fox in the snow")
    await person.result()
    assert await person.balance() == WELCOME - Decimal(NEW)


async def test_what_was_agreed_before_the_edit_stays(product: Product, sandbox: Sandbox, put_back: None) -> None:
    person, other = await sandbox.somebody(), await sandbox.somebody()
    await other.say("a fox at night")
    shown = await other.result()
    assert any("0.80 ⚡" in button for button in buttons_of(shown))

    await person.say("a red fox in the snow")
    ordered = await person.job_in(lambda job: True, "the order is taken")
    make_dearer(product)
    await until(lambda: _is(sandbox, NEW), "web knows the new price")

    await person.result()
    assert await person.balance() == WELCOME - Decimal(OLD)
    kept = product.nb("gen", "show", ordered["run_code"])["data"]
    assert (kept["charge"]["tokens"], kept["quote"]["usd"]) == (OLD, "0.0200")

    async def the_bot_knows() -> bool:
        return "1 ⚡" in await bot_asks(other)

    await until(the_bot_knows, "the worker knows the new price")
    # A button with a price is a promise: the person is asked again before they pay another one.
    toast = await other.press(shown, "a")
    assert "Nothing was charged" in str(toast and toast.get("text"))
    assert await other.balance() == WELCOME - Decimal(OLD)


async def _is(sandbox: Sandbox, price: str) -> bool:
    return await web_asks(sandbox) == price

"""An order that comes twice: the first generation is returned, whatever has changed in between."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from core import catalog, db, generations, ledger, users
from core.generations import Generation, Order, orders, submit
from core.ledger import KeyReused, PostingKind
from core.queue import outbox
from core.settings import Settings
from core.types import IdempotencyKey, TraceId
from tests.core.conftest import PROVIDERS

pytestmark = pytest.mark.integration

KEY = IdempotencyKey("update 1")
Ordering = Callable[..., Awaitable[Generation]]


@pytest.fixture
def order(service: Settings, user: users.User, monkeypatch: pytest.MonkeyPatch) -> Ordering:
    """Order a picture of 0.80 with the key; keywords are fields of `Order`. Nothing is sent to a worker."""

    async def publish_nothing(**_: float) -> int:
        return 0

    monkeypatch.setattr(outbox, "flush", publish_nothing)

    async def place(**fields: Any) -> Generation:
        values: dict[str, Any] = {
            "user": user,
            "model": "nano-banana",
            "prompt": "a red fox in the snow",
            "key": KEY,
            "language": "en",
            "trace_id": TraceId("0" * 32),
        }
        return await submit(Order(**{**values, **fields}))

    return place


async def edit(sql: str) -> None:
    """Do what an operator does, and let it be seen at once."""
    await db.execute(sql)
    catalog.configure(PROVIDERS)


async def assert_charged_once(user: users.User, first: Generation, again: Generation) -> None:
    assert again.run_code == first.run_code
    assert str(await ledger.balance_of(user.id)) == "49.20"
    assert await db.fetch_value("SELECT count(*) FROM botapp_genrequest") == 1
    assert await db.fetch_value("SELECT count(*) FROM botapp_genevent") == 1
    assert await db.fetch_value("SELECT count(*) FROM botapp_outbox") == 1
    assert (await ledger.verify()).ok


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE botapp_aimodel SET base_cost_usd = 0.5",
        "UPDATE botapp_aimodel SET is_active = false",
        "UPDATE botapp_aimodel SET routes = '[]'",
        "UPDATE botapp_aimodel SET max_prompt_length = 3",
        "UPDATE botapp_aimodel SET daily_limit = 1",
        "UPDATE botapp_aimodel SET cooldown_seconds = 3600",
        "UPDATE botapp_aimodel SET retires_at = now()",
        'UPDATE botapp_aimodel SET params_schema = \'{"type": "object", "required": ["mood"]}\'',
        "UPDATE pricing_settings SET markup_multiplier = 3",
    ],
)
async def test_an_edit_in_between_changes_nothing_for_it(order: Ordering, user: users.User, change: str) -> None:
    first = await order()
    await edit(change)
    await assert_charged_once(user, first, await order())


async def test_it_is_not_refused_by_a_limit_that_it_reached_itself(
    order: Ordering, user: users.User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "MAX_RUNNING", 1)
    first = await order()
    with pytest.raises(generations.TooManyRunning):
        await order(key=IdempotencyKey("update 2"))
    await assert_charged_once(user, first, await order())


async def test_it_is_not_refused_when_the_tokens_are_spent_by_now(order: Ordering, user: users.User) -> None:
    first = await order()
    spent = -(await ledger.balance_of(user.id))
    await ledger.post(user.id, spent, PostingKind.ADMIN, key=IdempotencyKey("all of it"), reason="a test")
    assert (await order()).run_code == first.run_code
    assert await ledger.balance_of(user.id) == 0


async def test_it_is_not_refused_when_the_user_was_blocked_by_now(order: Ordering, user: users.User) -> None:
    first = await order()
    await db.execute("UPDATE botapp_tguser SET is_blocked = true")
    blocked = await users.get(user.chat_id)
    assert (await order(user=blocked)).run_code == first.run_code


async def test_with_other_words_it_is_still_the_first(order: Ordering, user: users.User) -> None:
    first = await order()
    await assert_charged_once(user, first, await order(prompt="a blue fox", params={"quantity": 4}))


async def test_at_the_same_moment_all_get_the_first(order: Ordering, user: users.User) -> None:
    placed = await asyncio.gather(*(order() for _ in range(12)))
    assert len({generation.run_code for generation in placed}) == 1
    await assert_charged_once(user, placed[0], placed[-1])


async def test_another_user_does_not_get_it(order: Ordering, user: users.User) -> None:
    first = await order()
    other = await users.upsert(users.Profile(4343, "wolf", "Wolf"))
    await ledger.give_welcome_bonus(other.id)
    with pytest.raises(KeyReused):
        await order(user=other)
    assert str(await ledger.balance_of(other.id)) == "50.00"
    await assert_charged_once(user, first, await order())


async def test_orders_at_once_do_not_pass_the_limit(order: Ordering, user: users.User) -> None:
    outcomes = await asyncio.gather(
        *(order(key=IdempotencyKey(f"update {number}")) for number in range(12)), return_exceptions=True
    )
    placed = [outcome for outcome in outcomes if isinstance(outcome, Generation)]
    refused = [type(outcome) for outcome in outcomes if isinstance(outcome, BaseException)]
    assert len(placed) == orders.MAX_RUNNING
    assert set(refused) == {generations.TooManyRunning}
    assert await ledger.balance_of(user.id) == 50 - sum(generation.tokens for generation in placed)
    assert (await ledger.verify()).ok


async def test_a_daily_limit_holds_for_orders_at_once(order: Ordering, user: users.User) -> None:
    await edit("UPDATE botapp_aimodel SET daily_limit = 2")
    outcomes = await asyncio.gather(
        *(order(key=IdempotencyKey(f"update {number}")) for number in range(8)), return_exceptions=True
    )
    assert len([outcome for outcome in outcomes if isinstance(outcome, Generation)]) == 2
    assert str(await ledger.balance_of(user.id)) == "48.40"


async def test_a_refused_order_leaves_nothing_behind(order: Ordering, user: users.User) -> None:
    await edit("UPDATE botapp_aimodel SET cooldown_seconds = 3600")
    await order()
    with pytest.raises(generations.CooldownActive):
        await order(key=IdempotencyKey("update 2"))
    assert await db.fetch_value("SELECT count(*) FROM botapp_outbox") == 1
    assert str(await ledger.balance_of(user.id)) == "49.20"
    assert (await ledger.verify()).ok

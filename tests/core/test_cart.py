"""What waits for tokens: one order per person, kept as it was wanted, offered once, forgotten in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core import cart, catalog, db, generations, ledger, storage, users
from core.cart import Cart
from core.catalog import FollowUpKind
from core.generations import Continuation, Order
from core.ledger import PostingKind
from core.queue import outbox
from core.settings import Settings
from core.storage import StoredFile
from core.types import IdempotencyKey, TraceId
from core.users import User

pytestmark = pytest.mark.integration

PRICE = Decimal("0.80")
PHOTO = StoredFile("uploads/1/a.jpg", "image/jpeg", 10, 4, 4)


@pytest.fixture(autouse=True)
async def catalogue(service: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """The shipped models; tasks stay in the outbox."""

    async def publish_nothing(**_: Any) -> int:
        return 0

    monkeypatch.setattr(outbox, "flush", publish_nothing)
    yield


def wanted(user: User, **fields: Any) -> Order:
    values: dict[str, Any] = {
        "user": user,
        "model": "nano-banana",
        "prompt": "a red fox",
        "key": IdempotencyKey("order"),
        "language": "en",
        "trace_id": TraceId("0" * 32),
    }
    return Order(**{**values, **fields})


async def kept(user: User, **fields: Any) -> Cart:
    return await cart.keep(wanted(user, **fields), PRICE)


async def bring_to(user: User, balance: str) -> None:
    """Bring a balance to an amount, as an operator would."""
    difference = Decimal(balance) - await ledger.balance_of(user.id)
    if difference:
        key = IdempotencyKey(f"test:{len(await ledger.statement(user.id))}")
        await ledger.post(user.id, difference, PostingKind.ADMIN, key=key, reason="a test")


async def offered() -> list[str]:
    """Look at what can be paid; return whom the bot is to tell, by the outbox."""
    await cart.offer_due(quiet=0)
    rows = await db.fetch(
        "DELETE FROM botapp_outbox WHERE task = 'bot.offer_cart' RETURNING arguments ->> 'chat_id' AS id"
    )
    return [row["id"] for row in rows]


async def start(user: User, waiting: Cart) -> generations.Generation:
    """Start what waits, as its button does."""
    return await generations.submit(
        wanted(user, prompt=waiting.prompt, key=waiting.order_key, params=waiting.params, agreed=waiting.price)
    )


async def test_an_order_is_kept_as_it_was_wanted(user: User) -> None:
    params = {"quantity": 2, "aspect_ratio": "16:9"}
    before = await kept(user, prompt="  a red fox ", params=params, images=(PHOTO,), parent="abc")

    found = await cart.of_user(user.id)

    assert found == before
    assert (found.model, found.prompt, found.params) == ("nano-banana", "a red fox", params)
    assert (found.images, found.parent, found.price) == ((PHOTO,), "abc", PRICE)


async def test_what_is_done_with_a_result_is_kept_with_the_order(user: User) -> None:
    extend = Continuation(FollowUpKind.EXTEND, 2)
    before = await kept(user, prompt="", parent="abc", continuation=extend)

    found = await cart.of_user(user.id)
    assert found == before
    assert (found.parent, found.continuation) == ("abc", extend)
    for other in (None, Continuation(FollowUpKind.EXTEND, 1)):
        await cart.drop_alike(wanted(user, prompt="", parent="abc", continuation=other))
    await cart.drop_alike(wanted(user, prompt="", parent="another", continuation=extend))
    assert await cart.of_user(user.id) == before
    await cart.drop_alike(wanted(user, prompt="", parent="abc", continuation=extend))
    assert await cart.of_user(user.id) is None


async def test_the_latest_takes_the_place_of_the_one_before(user: User) -> None:
    first = await kept(user)
    second = await kept(user, prompt="a blue whale")

    assert first.code != second.code
    assert await cart.of_user(user.id) == second
    assert await db.fetch_value("SELECT count(*) FROM botapp_cart") == 1


async def test_orders_at_the_same_moment_leave_one(user: User) -> None:
    await asyncio.gather(*(kept(user, prompt=f"fox {number}") for number in range(10)))

    assert await db.fetch_value("SELECT count(*) FROM botapp_cart") == 1


async def test_it_is_offered_once_the_balance_pays_for_it(user: User) -> None:
    await bring_to(user, "0.79")
    waiting = await kept(user)
    assert await cart.offer_for(user) is None
    assert await offered() == []

    await bring_to(user, "0.80")
    offer = await cart.offer_for(user)
    assert offer is not None
    assert (offer.cart, offer.price, offer.has_new_price) == (waiting, PRICE, False)
    assert await offered() == [str(user.chat_id)]
    assert await offered() == []


async def test_a_new_order_is_offered_anew(user: User) -> None:
    await kept(user)
    assert await offered() == [str(user.chat_id)]
    await kept(user, prompt="a blue whale")
    assert await offered() == [str(user.chat_id)]


async def test_several_looks_at_the_same_moment_offer_once(user: User) -> None:
    await kept(user)

    await asyncio.gather(*(cart.offer_due(quiet=0) for _ in range(8)))

    assert await db.fetch_value("SELECT count(*) FROM botapp_outbox WHERE task = 'bot.offer_cart'") == 1


async def test_who_moved_tokens_just_now_is_left_to_the_message_about_that(user: User) -> None:
    await kept(user)

    await cart.offer_due()

    assert await db.fetch_value("SELECT count(*) FROM botapp_outbox") == 0


async def test_what_was_told_or_was_not_told_after_all_is_noted(user: User) -> None:
    waiting = await kept(user)
    await cart.mark_offered(waiting.code)
    assert await offered() == []
    await cart.offer_again(user.id)
    assert await offered() == [str(user.chat_id)]


async def test_the_offer_has_the_price_of_now(user: User) -> None:
    await kept(user)
    await db.execute("UPDATE botapp_aimodel SET base_cost_usd = 0.05 WHERE slug = 'nano-banana'")
    catalog.configure({"demo"})

    offer = await cart.offer_for(user)

    assert offer is not None
    assert (offer.price, offer.has_new_price) == (Decimal("2.00"), True)
    await cart.agree(offer.cart.code, offer.price)
    agreed = await cart.of_user(user.id)
    assert agreed is not None
    assert agreed.price == Decimal("2.00")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE botapp_aimodel SET is_active = false",
        "UPDATE botapp_cart SET model = 'bygone'",
        """UPDATE botapp_cart SET params = '{"smell": "roses"}'""",
        "UPDATE botapp_cart SET created_at = now() - interval '8 days'",
        "UPDATE botapp_aimodel SET base_cost_usd = 5",
    ],
)
async def test_what_cannot_be_started_is_not_offered(user: User, change: str) -> None:
    await kept(user)
    await db.execute(change)
    catalog.configure({"demo"})

    assert await cart.offer_for(user) is None
    assert await offered() == []


async def test_who_was_shut_out_or_left_is_told_nothing(user: User) -> None:
    await kept(user)
    assert await cart.offer_for(replace(user, is_blocked=True)) is None
    await db.execute("UPDATE botapp_tguser SET unreachable_since = now()")
    assert await offered() == []
    await db.execute("UPDATE botapp_tguser SET unreachable_since = NULL, is_blocked = true")
    assert await offered() == []


async def test_what_has_started_is_not_offered_even_where_forgetting_it_failed(user: User) -> None:
    waiting = await kept(user)
    await start(user, waiting)

    assert await cart.offer_for(user) is None
    assert await offered() == []


async def test_however_often_it_is_started_it_starts_once(user: User) -> None:
    waiting = await kept(user)

    started = await asyncio.gather(*(start(user, waiting) for _ in range(8)))

    assert len({generation.run_code for generation in started}) == 1
    assert await ledger.balance_of(user.id) == Decimal("49.20")
    assert (await ledger.verify()).ok


async def test_the_very_same_order_empties_the_cart_and_no_other_does(user: User) -> None:
    waiting = await kept(user, params={"quantity": 2}, images=(PHOTO,))
    for other in (
        {"prompt": "a blue whale"},
        {"model": "another"},
        {"params": {"quantity": 3}},
        {"images": (replace(PHOTO, key="uploads/1/b.jpg"),)},
    ):
        await cart.drop_alike(wanted(user, **{"params": {"quantity": 2}, "images": (PHOTO,), **other}))
        assert await cart.of_user(user.id) == waiting

    somebody = await users.upsert(users.Profile(77))
    await cart.drop_alike(wanted(somebody, params={"quantity": 2}, images=(PHOTO,)))
    assert await cart.of_user(user.id) == waiting

    await cart.drop_alike(wanted(user, prompt="a red fox ", params={"quantity": 2}, images=(PHOTO,), parent="x"))
    assert await cart.of_user(user.id) is None


async def test_after_a_week_it_is_forgotten(user: User) -> None:
    await kept(user)
    await db.execute("UPDATE botapp_cart SET created_at = now() - $1::interval", cart.KEPT_FOR - timedelta(minutes=1))
    await cart.forget_old()
    assert await cart.of_user(user.id) is not None

    await db.execute("UPDATE botapp_cart SET created_at = now() - $1::interval", cart.KEPT_FOR + timedelta(minutes=1))
    assert await cart.of_user(user.id) is None
    await cart.forget_old()
    assert await db.fetch_value("SELECT count(*) FROM botapp_cart") == 0


async def test_dropping_what_is_gone_is_no_error(user: User) -> None:
    waiting = await kept(user)
    await cart.drop(waiting.code)
    await cart.drop(waiting.code)
    assert await cart.of_user(user.id) is None


async def test_its_photos_stay_while_other_things_are_thrown_away(user: User) -> None:
    await storage.storage().put(PHOTO.key, b"0123456789", mime=PHOTO.mime)
    await kept(user, images=(PHOTO,))

    await cart.forget_old()

    assert await storage.storage().read(PHOTO.key) == b"0123456789"

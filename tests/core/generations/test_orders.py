"""What an order costs, what is refused, and that nothing is charged for a refusal."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable
from decimal import Decimal
from typing import Any

import pytest

from core import catalog, db, generations, ledger, users
from core.generations import Stage, Status
from core.pricing import InvalidParams
from core.storage import StoredFile
from core.types import IdempotencyKey
from tests.core.generations.conftest import (
    Ordering,
    advance,
    assert_books_agree,
    balance,
    tasks_waiting,
)
from tests.core.generations.scripted import ScriptedProvider

pytestmark = pytest.mark.integration

PHOTO = StoredFile("uploads/a.jpg", "image/jpeg", 10, 4, 4)

ONE_IMAGE = """'[{"role": "image", "most": 1, "least": 1}]'"""


async def test_an_order_charges_the_quoted_price_and_queues_the_job(order: Ordering, user: users.User) -> None:
    generation = await order()
    assert (generation.status, generation.stage) == (Status.QUEUED, Stage.QUEUED)
    assert str(generation.tokens) == "0.80"
    assert await balance(user) == "49.20"
    assert await tasks_waiting() == ["generations.advance"]
    charge = (await ledger.statement(user.id))[0]
    assert charge.quote is not None
    assert charge.quote["tokens"] == "0.80"
    await assert_books_agree()


async def test_every_picture_ordered_is_paid(order: Ordering, user: users.User) -> None:
    generation = await order(params={"quantity": 3})
    assert str(generation.tokens) == "2.40"
    assert await balance(user) == "47.60"


async def test_nothing_but_the_agreed_price_is_charged(order: Ordering, user: users.User) -> None:
    key = IdempotencyKey("agreed")
    first = await order(key=key, agreed=Decimal("0.80"))
    for agreed in ("0.79", "0.81", "0"):
        with pytest.raises(generations.PriceDiffers) as refusal:
            await order(agreed=Decimal(agreed))
        assert refusal.value.price == Decimal("0.80")
    assert (await order(key=key, agreed=Decimal("0.10"))).run_code == first.run_code, "what was ordered stands"
    assert await balance(user) == "49.20"


async def test_an_order_repeated_with_its_key_charges_once(order: Ordering, user: users.User) -> None:
    key = IdempotencyKey("the same update")
    first = await order(key=key)
    again = await order(key=key)
    assert again.run_code == first.run_code
    assert await balance(user) == "49.20"
    assert await tasks_waiting() == ["generations.advance"]


async def test_an_order_repeated_at_the_same_moment_charges_once(order: Ordering, user: users.User) -> None:
    key = IdempotencyKey("the same update, many times")
    orders = await asyncio.gather(*(order(key=key) for _ in range(12)))
    assert len({generation.run_code for generation in orders}) == 1
    assert await balance(user) == "49.20"
    await assert_books_agree()


async def test_an_order_repeated_while_its_job_ends_does_not_wait_for_the_end(
    order: Ordering, user: users.User
) -> None:
    key = IdempotencyKey("the same update, while the job is cancelled")
    first = await order(key=key)
    is_ending, may_end = asyncio.Event(), asyncio.Event()

    async def end() -> None:
        async with db.transaction():
            await db.execute("UPDATE botapp_genrequest SET stage = 'finished', status = 'cancelled'")
            is_ending.set()
            await may_end.wait()
            await ledger.refund(first.transaction_id, key=IdempotencyKey("end"))

    ending = asyncio.create_task(end())
    await is_ending.wait()
    again = await asyncio.wait_for(order(key=key), 20)
    may_end.set()
    await ending
    assert again.run_code == first.run_code
    assert await balance(user) == "50.00"


async def test_a_price_edit_does_not_change_a_job_in_flight(order: Ordering, user: users.User) -> None:
    generation = await order()
    await db.execute("UPDATE botapp_aimodel SET base_cost_usd = 1 WHERE slug = 'nano-banana'")
    done = await advance(generation)
    assert str(done.tokens) == "0.80"
    assert await balance(user) == "49.20"


async def test_more_jobs_than_one_may_have_are_refused_even_at_the_same_moment(
    order: Ordering, user: users.User
) -> None:
    outcomes = await asyncio.gather(*(order() for _ in range(8)), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, generations.TooManyRunning)]
    assert len(refused) == 8 - 3
    assert await balance(user) == "47.60"
    await assert_books_agree()


async def test_a_balance_below_the_price_is_told_with_both_numbers(order: Ordering, user: users.User) -> None:
    await db.execute("UPDATE botapp_aimodel SET base_cost_usd = 2 WHERE slug = 'nano-banana'")
    catalog.configure({"first", "second"})
    with pytest.raises(ledger.InsufficientTokens) as refusal:
        await order()
    assert (str(refusal.value.balance), str(refusal.value.needed), str(refusal.value.missing)) == (
        "50.00",
        "80.00",
        "30.00",
    )
    assert await balance(user) == "50.00"
    assert await tasks_waiting() == []
    await assert_books_agree()


@pytest.mark.parametrize(
    ("fields", "refusal", "told"),
    [
        ({"prompt": ""}, generations.EmptyPrompt, {}),
        ({"prompt": " \n\t "}, generations.EmptyPrompt, {}),
        ({"prompt": "x" * 4001}, generations.PromptTooLong, {"limit": 4000, "length": 4001}),
        ({"images": (PHOTO,) * 6}, generations.TooManyImages, {"limit": 5}),
    ],
)
async def test_an_order_that_does_not_fit_the_model_is_refused(
    order: Ordering, user: users.User, fields: dict[str, Any], refusal: type[Exception], told: dict[str, int]
) -> None:
    with pytest.raises(refusal) as caught:
        await order(**fields)
    assert {name: getattr(caught.value, name) for name in told} == told
    assert await balance(user) == "50.00"


async def test_an_option_outside_the_schema_is_refused_by_name(order: Ordering, user: users.User) -> None:
    with pytest.raises(InvalidParams) as caught:
        await order(params={"quantity": 5, "colour": "red"})
    assert {problem.param for problem in caught.value.problems} == {"quantity", "colour"}
    assert await balance(user) == "50.00"


async def test_an_unknown_model_is_answered_with_the_nearest_names(order: Ordering) -> None:
    with pytest.raises(catalog.UnknownModel) as caught:
        await order(model="nano-bananna")
    assert "nano-banana" in caught.value.near


@pytest.mark.parametrize("edit", ["is_active = false", "routes = '[]'", "retires_at = now() - interval '1 day'"])
async def test_a_model_that_cannot_be_ordered_names_its_successor(order: Ordering, edit: str) -> None:
    await db.execute(f"UPDATE botapp_aimodel SET {edit}, successor = 'nano-banana-pro' WHERE slug = 'nano-banana'")
    catalog.configure({"first", "second"})
    with pytest.raises(generations.ModelUnavailable) as caught:
        await order()
    assert caught.value.successor == "nano-banana-pro"


async def test_a_model_without_pictures_takes_none_and_one_that_needs_some_gets_some(order: Ordering) -> None:
    await db.execute("UPDATE botapp_aimodel SET inputs = '[]' WHERE slug = 'nano-banana'")
    catalog.configure({"first", "second"})
    with pytest.raises(generations.ImagesNotSupported):
        await order(images=(PHOTO,))
    await db.execute(f"UPDATE botapp_aimodel SET inputs = {ONE_IMAGE}")
    catalog.configure({"first", "second"})
    with pytest.raises(generations.ImageRequired):
        await order()


async def test_a_cooldown_tells_how_long_and_a_daily_limit_how_many(order: Ordering, first: ScriptedProvider) -> None:
    await db.execute("UPDATE botapp_aimodel SET cooldown_seconds = 60 WHERE slug = 'nano-banana'")
    catalog.configure({"first", "second"})
    await advance(await order())
    with pytest.raises(generations.CooldownActive) as cooldown:
        await order()
    assert 50 <= cooldown.value.seconds <= 60
    await db.execute("UPDATE botapp_aimodel SET cooldown_seconds = 0, daily_limit = 1 WHERE slug = 'nano-banana'")
    catalog.configure({"first", "second"})
    with pytest.raises(generations.DailyLimitReached) as limit:
        await order()
    assert limit.value.limit == 1


async def test_a_user_whom_an_operator_shut_out_cannot_order(order: Ordering, user: users.User) -> None:
    await db.execute("UPDATE botapp_tguser SET is_blocked = true WHERE id = $1", user.id)
    blocked = await users.get(user.chat_id)
    with pytest.raises(generations.UserBlocked):
        await order(user=blocked)
    assert await balance(user) == "50.00"


async def shelf(**columns: str) -> None:
    """Edit the model as an operator may."""
    for name, value in columns.items():
        await db.execute(f"UPDATE botapp_aimodel SET {name} = {value} WHERE slug = 'nano-banana'")
    catalog.configure({"first", "second"})


async def test_checks_come_in_an_order_that_tells_the_reason_that_matters(order: Ordering, user: users.User) -> None:
    """Each order has everything wrong that a later check would say; the first that applies is told."""
    await db.execute("UPDATE botapp_tguser SET is_blocked = true WHERE id = $1", user.id)
    blocked = await users.get(user.chat_id)
    wrong: dict[str, Any] = {"prompt": "", "images": (PHOTO,) * 9, "params": {"x": 1}, "agreed": Decimal("0.01")}
    await shelf(retires_at="now() - interval '1 day'")
    with pytest.raises(generations.UserBlocked):
        await order(**wrong, user=blocked)
    with pytest.raises(generations.ModelUnavailable):
        await order(**wrong)
    await shelf(retires_at="NULL")
    with pytest.raises(generations.EmptyPrompt):
        await order(**wrong)
    wrong["prompt"] = "child porn"
    with pytest.raises(InvalidParams):
        await order(**wrong)
    wrong["params"] = {}
    with pytest.raises(generations.TooManyImages):
        await order(**wrong)
    wrong["images"] = ()
    with pytest.raises(generations.PriceDiffers):
        await order(**wrong)
    wrong["agreed"] = None
    with pytest.raises(generations.ContentRefused):
        await order(**wrong)
    assert await balance(user) == "50.00"
    assert await tasks_waiting() == []


async def test_what_is_refused_for_its_content_locks_no_balance_and_is_remembered(
    order: Ordering, user: users.User
) -> None:
    async with db.transaction():
        await db.execute("SELECT 1 FROM botapp_userbalance WHERE user_id = $1 FOR UPDATE", user.id)
        refusal = asyncio.create_task(_outside(order(prompt="child porn")))
        assert isinstance(await asyncio.wait_for(refusal, 20), generations.ContentRefused)
    assert await db.fetch_value("SELECT count(*) FROM botapp_refusal WHERE user_id = $1", user.id) == 1


async def _outside(ordering: Awaitable[object]) -> object:
    """Run in a context without the test's transaction; return what was raised."""
    try:
        return await contextvars.Context().run(asyncio.ensure_future, ordering)
    except generations.OrderRefused as refusal:
        return refusal


async def test_who_is_refused_often_waits_and_a_repeated_order_stands(order: Ordering, user: users.User) -> None:
    first = await order(key=IdempotencyKey("before"))
    for number in range(3):
        with pytest.raises(generations.ContentRefused):
            await order(prompt=f"child porn {number}")
    with pytest.raises(generations.TooManyRefusals) as pause:
        await order()
    assert 0 < pause.value.seconds <= 3600
    assert (await order(key=IdempotencyKey("before"))).run_code == first.run_code
    assert await balance(user) == "49.20"


async def test_words_are_made_without_words_but_not_from_nothing(order: Ordering) -> None:
    inputs = """'[{"role": "image", "most": 1}, {"role": "video", "most": 1}]'"""
    await shelf(type="'text'", inputs=inputs)
    made = await order(prompt="", images=(PHOTO,))
    assert (made.prompt, made.kind.value, made.images[0].role) == ("", "text", "image")
    with pytest.raises(generations.ImageRequired):
        await order(prompt="describe it")


async def test_a_link_takes_the_place_of_the_input(order: Ordering, user: users.User) -> None:
    await shelf(type="'text'", inputs="""'[{"role": "image", "most": 1}, {"role": "video", "most": 1}]'""")
    made = await order(prompt="", source_url="https://www.instagram.com/reel/abc/")
    assert (made.source_url, made.images) == ("https://www.instagram.com/reel/abc/", ())
    for link in ("ftp://example.com/x", "http://user@example.com/", "https://", "javascript:alert(1)"):
        with pytest.raises(generations.LinkUnusable):
            await order(prompt="", source_url=link)
    with pytest.raises(generations.TooManyImages):
        await order(source_url="https://example.com/a.jpg", images=(PHOTO,))
    await shelf(inputs="'[]'")
    with pytest.raises(generations.ImagesNotSupported):
        await order(source_url="https://example.com/a.jpg")
    assert (await ledger.statement(user.id))[0].amount == -made.tokens


async def test_a_model_whose_routes_carry_no_pictures_is_not_charged_for_one(order: Ordering, user: users.User) -> None:
    await shelf(routes="""'[{"provider": "first", "model": "one", "takes": []}]'""")
    with pytest.raises(generations.ModelUnavailable):
        await order(images=(PHOTO,))
    assert await balance(user) == "50.00"
    await order()


async def test_a_repetition_names_a_generation_of_the_same_user(order: Ordering, user: users.User) -> None:
    first = await order()
    assert (await order(parent=first.run_code)).parent == first.run_code
    stranger = await users.upsert(users.Profile(777, "wolf", "Wolf", "", "en"))
    await ledger.give_welcome_bonus(stranger.id)
    with pytest.raises(generations.ParentUnusable):
        await order(user=stranger, parent=first.run_code)
    assert await balance(stranger) == "50.00"

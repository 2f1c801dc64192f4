"""The predecessor's defects in which the price, the options and what was sent to the provider went separate ways."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from core import catalog, db, ledger, providers, users
from core.catalog import CatalogModel
from core.generations import CooldownActive, DailyLimitReached, ImageRequired, ModelUnavailable, TooManyImages
from core.pricing import InvalidParams, quote
from core.pricing.options import values_of
from core.pricing.quotes import name_of
from core.storage import StoredFile, storage
from providers.base import Job
from tests.core.generations.conftest import Ordering, advance, balance
from tests.core.generations.scripted import ScriptedProvider

pytestmark = pytest.mark.integration

PHOTO = StoredFile("uploads/fox.png", "image/png", 10)
FILM = StoredFile("uploads/fox.mp4", "video/mp4", 10, seconds=5)

ONE_IMAGE = """'[{"role": "image", "most": 1, "least": 1}]'"""


@pytest.fixture(autouse=True)
async def every_model_works(first: ScriptedProvider, user: users.User) -> None:
    """Every model of the catalogue is made by the scripted provider, and the user can pay for it."""
    routes = '[{"provider": "first", "model": "one"}]'
    await db.execute("UPDATE botapp_aimodel SET routes = $1, cooldown_seconds = 0", routes)
    catalog.configure(providers.names())
    await storage().put(PHOTO.key, b"a fox", mime="image/png")
    await storage().put(FILM.key, b"a fox runs", mime="video/mp4")
    await ledger.post(user.id, Decimal(1000), ledger.PostingKind.DEPOSIT, key=f"rich:{user.id}")  # type: ignore[arg-type]


async def sent(order: Ordering, first: ScriptedProvider, **fields: Any) -> tuple[Decimal, Job]:
    """Order something; return what it cost and the job that the provider got."""
    generation = await order(**fields)
    await advance(generation)
    return generation.tokens, first.jobs[-1]


async def models() -> list[CatalogModel]:
    """Everything that is on sale."""
    return await catalog.models()


def images_for(model: CatalogModel) -> tuple[StoredFile, ...]:
    """A picture for a model that takes one, a video for a model that works from one only."""
    if model.needs_input_video:
        return (FILM,)
    return (PHOTO,) if model.max_input_images else ()


async def test_d01_every_model_on_sale_reaches_its_provider_as_it_was_ordered(
    order: Ordering, first: ScriptedProvider
) -> None:
    """D1: Midjourney video was sent as text without its picture, which its provider never accepted."""
    for model in await models():
        _, job = await sent(order, first, model=model.slug, images=images_for(model))
        assert job.kind is model.kind
        assert len(job.images) == len(images_for(model))
        assert dict(job.params) == dict(quote(model).params)


async def test_d01_a_model_that_needs_a_picture_is_not_charged_without_one(order: Ordering, user: users.User) -> None:
    """D1: the same, for a model that works from a picture only."""
    await db.execute(f"UPDATE botapp_aimodel SET inputs = {ONE_IMAGE} WHERE slug = 'demo-video'")
    catalog.configure(providers.names())
    before = await balance(user)
    with pytest.raises(ImageRequired):
        await order(model="demo-video")
    assert await balance(user) == before


@pytest.mark.parametrize("seconds", [3, 4])
async def test_d02_the_seconds_that_are_paid_are_the_seconds_that_are_made(
    order: Ordering, first: ScriptedProvider, seconds: int
) -> None:
    """D2: Runway charged 10 s and made 5, since a default won over the choice."""
    cost, job = await sent(order, first, model="demo-video", params={"duration": seconds})
    assert job.params["duration"] == seconds
    assert cost == Decimal("0.80") * seconds


async def test_d03_a_dearer_mode_is_sent_to_the_provider(order: Ordering, first: ScriptedProvider) -> None:
    """D3: Kling 2.5 Pro cost 67 % more and sent the very same request as the cheap mode."""
    cheap, plain = await sent(order, first, model="nano-banana-pro", params={"image_size": "1K"})
    dear, large = await sent(order, first, model="nano-banana-pro", params={"image_size": "4K"})
    assert dear > cheap
    assert (plain.params["image_size"], large.params["image_size"]) == ("1K", "4K")


async def test_d05_the_daily_limit_and_the_cooldown_hold(order: Ordering) -> None:
    """D5: a daily limit of 1 let three jobs through, and nobody read the cooldown."""
    await db.execute("UPDATE botapp_aimodel SET daily_limit = 1 WHERE slug = 'nano-banana'")
    await db.execute("UPDATE botapp_aimodel SET cooldown_seconds = 60 WHERE slug = 'nano-banana-pro'")
    catalog.configure(providers.names())
    await order()
    with pytest.raises(DailyLimitReached):
        await order()
    await order(model="nano-banana-pro")
    with pytest.raises(CooldownActive):
        await order(model="nano-banana-pro")


async def test_d08_a_duration_that_cannot_be_made_is_not_sold(
    order: Ordering, first: ScriptedProvider, user: users.User
) -> None:
    """D8: Veo billed any duration and sent none: 5 s cost less than the 8 s that were made."""
    before = await balance(user)
    for duration in (0, 5, 3.5, "3", None):
        with pytest.raises(InvalidParams):
            await order(model="demo-video", params={"duration": duration})
    assert (await balance(user), first.jobs) == (before, [])


async def test_d09_a_quality_that_costs_more_is_charged_more_and_unknown_ones_are_refused(order: Ordering) -> None:
    """D9: high cost as much as low and 4K as much as 1K; version 99 and turbo were taken unread."""
    sizes = {size: (await order(model="nano-banana-pro", params={"image_size": size})).tokens for size in ("1K", "4K")}
    assert sizes["4K"] == sizes["1K"] * Decimal("1.8")
    for unknown in ({"image_size": "8K"}, {"speed": "turbo"}, {"version": 99}):
        with pytest.raises(InvalidParams):
            await order(model="nano-banana-pro", params=unknown)


async def test_d10_four_pictures_cost_four_times_as_much_as_one() -> None:
    """D10: four pictures of nano-banana-pro cost as much as one: 6.00."""
    counted = 0
    for model in await models():
        if "quantity" not in model.options:
            with pytest.raises(InvalidParams):
                quote(model, {"quantity": 4})
            continue
        most = model.options["quantity"]["maximum"]
        assert quote(model, {"quantity": most}).tokens == quote(model, {"quantity": 1}).tokens * most
        counted += 1
    assert counted


async def test_d11_a_model_that_is_switched_off_is_not_sold_by_anybody(order: Ordering, user: users.User) -> None:
    """D11: the service never looked whether a model was active; Kling could be ordered when it was off."""
    before = await balance(user)
    for model in await models():
        await db.execute("UPDATE botapp_aimodel SET is_active = false WHERE slug = $1", model.slug)
        catalog.configure(providers.names())
        with pytest.raises(ModelUnavailable):
            await order(model=model.slug, images=images_for(model))
    assert await balance(user) == before


async def test_d12_nothing_that_comes_after_the_price_changes_what_is_made(
    order: Ordering, first: ScriptedProvider
) -> None:
    """D12: a tail frame that came after pricing ran the dear mode at the price of the cheap one."""
    generation = await order(model="nano-banana-pro", params={"image_size": "1K"}, images=(PHOTO,))
    await db.execute(
        """UPDATE botapp_aimodel SET base_cost_usd = 9,
        params_schema = jsonb_set(params_schema, '{properties,image_size,default}', '"4K"')"""
    )
    catalog.configure(providers.names())
    ended = await advance(generation)
    assert first.jobs[0].params["image_size"] == "1K"
    assert (str(ended.tokens), len(first.jobs[0].images)) == ("6.00", 1)


async def test_d13_a_price_is_worked_out_and_stored_nowhere(order: Ordering) -> None:
    """D13: a column `price` was wrong on a fresh install and allowed_params contradicted what the code took."""
    columns = await db.fetch("SELECT column_name FROM information_schema.columns WHERE table_name = 'botapp_aimodel'")
    assert {"price", "allowed_params"} & {row["column_name"] for row in columns} == set()
    for model in await models():
        for option in model.options:
            with pytest.raises(InvalidParams):
                await order(model=model.slug, params={option: "what nobody offers"}, images=images_for(model))


@pytest.mark.parametrize("slug", ["nano-banana", "nano-banana-pro"])
async def test_d15_a_picture_too_many_is_refused_and_none_is_dropped(
    order: Ordering, first: ScriptedProvider, slug: str
) -> None:
    """D15: a page took eight pictures and the server silently kept six."""
    most = (await catalog.get(slug)).max_input_images
    _, job = await sent(order, first, model=slug, images=(PHOTO,) * most)
    assert len(job.images) == most
    with pytest.raises(TooManyImages):
        await order(model=slug, images=(PHOTO,) * (most + 1))


async def test_w09_quality_can_be_traded_for_price_and_is_delivered(order: Ordering, first: ScriptedProvider) -> None:
    """W9: 4K cost as much as 1K and 1080p as 720p, which was then not even made."""
    for model in await models():
        for option, factors in model.option_factors.items():
            values = {name_of(value): value for value in values_of(model.options[option])}
            for name, factor in factors.items():
                if factor == 1:
                    continue
                value = values[name]
                base, _ = await sent(order, first, model=model.slug, images=images_for(model))
                cost, job = await sent(order, first, model=model.slug, params={option: value}, images=images_for(model))
                assert (cost != base, job.params[option]) == (True, value)

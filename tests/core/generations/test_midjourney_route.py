"""Midjourney over UseAPI: four pictures, one of them enlarged, varied and animated, over the real wire."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core import catalog, ledger, providers, users
from core.catalog import FollowUpKind
from core.generations import Continuation, Generation, ParentUnusable, Stage, claim_delivery, get, record_delivery
from core.types import IdempotencyKey
from providers.useapi import UseApiMidjourneyProvider
from tests.core.generations.conftest import Ordering, advance, balance
from tests.core.generations.scripted import ScriptedProvider
from tests.emulators.service import serve
from tests.emulators.useapi import UseApiEmulator

pytestmark = pytest.mark.integration


@pytest.fixture
async def useapi(first: ScriptedProvider, user: users.User) -> AsyncIterator[UseApiEmulator]:
    emulator = UseApiEmulator(key="token")
    async with serve(emulator) as address:
        providers.use("useapi-midjourney", UseApiMidjourneyProvider("token", base_url=address))
        catalog.configure(providers.names())
        key = IdempotencyKey("a lot")
        await ledger.post(
            user.id, (await ledger.balance_of(user.id)) * 9, ledger.PostingKind.ADMIN, key=key, reason="a test"
        )
        yield emulator


async def delivered(generation: Generation, times: int = 2) -> Generation:
    """Have a job made and handed over."""
    ready = await advance(generation, times)
    assert ready.stage is Stage.DELIVERING, ready.error_message
    await claim_delivery(ready.run_code)
    await record_delivery(ready.run_code, [1])
    return await get(ready.run_code)


@pytest.fixture
async def grid(useapi: UseApiEmulator, order: Ordering) -> Generation:
    """Four pictures of one order."""
    return await delivered(await order(model="midjourney-v7-fast", prompt="a red fox"))


async def test_four_pictures_come_of_one_order(grid: Generation) -> None:
    assert len(grid.results) == 4
    assert grid.refunded == 0


@pytest.mark.parametrize(
    ("kind", "model", "button", "count"),
    [
        (FollowUpKind.UPSCALE, "midjourney-upscale", "U3", 1),
        (FollowUpKind.VARY, "midjourney-vary", "V3", 4),
    ],
)
async def test_the_button_of_the_chosen_picture_is_pressed(
    useapi: UseApiEmulator, order: Ordering, grid: Generation, kind: FollowUpKind, model: str, button: str, count: int
) -> None:
    child = await order(model=model, prompt="", parent=grid.run_code, continuation=Continuation(kind, 3))
    made = await delivered(child)
    pressed = next(call for call in useapi.calls if call.path.endswith("/jobs/button"))
    assert (pressed.body["button"], pressed.body["jobid"]) == (button, grid.external_id)
    assert len(made.results) == count


async def test_a_picture_becomes_a_film_by_its_link(useapi: UseApiEmulator, order: Ordering, grid: Generation) -> None:
    continuation = Continuation(FollowUpKind.ANIMATE, 2)
    child = await order(model="midjourney-video", prompt="wind", parent=grid.run_code, continuation=continuation)
    made = await delivered(child)
    assert {file.mime for file in made.results} == {"video/mp4"}
    asked = [call for call in useapi.calls if call.path.endswith("/jobs/imagine")][-1]
    assert asked.body["prompt"].startswith("http")
    assert grid.results[1].key in asked.body["prompt"]


async def test_a_varied_grid_is_varied_again_and_an_enlarged_picture_is_not(
    order: Ordering, grid: Generation, user: users.User
) -> None:
    vary = Continuation(FollowUpKind.VARY)
    varied = await delivered(await order(model="midjourney-vary", prompt="", parent=grid.run_code, continuation=vary))
    await delivered(await order(model="midjourney-vary", prompt="", parent=varied.run_code, continuation=vary))
    upscale = Continuation(FollowUpKind.UPSCALE)
    large = await delivered(
        await order(model="midjourney-upscale", prompt="", parent=varied.run_code, continuation=upscale)
    )
    before = await balance(user)
    with pytest.raises(ParentUnusable):
        await order(model="midjourney-upscale", prompt="", parent=large.run_code, continuation=upscale)
    assert await balance(user) == before

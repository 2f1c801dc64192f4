"""A video over Kling and, where Kling cannot, over UseAPI: from the order to the stored film, over the real wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from core import catalog, db, providers, users
from core.generations import Stage, Status
from providers.kling import KlingProvider
from providers.useapi import UseApiKlingProvider
from tests.core.generations.conftest import Ordering, advance, assert_books_agree, balance
from tests.core.generations.scripted import ScriptedProvider
from tests.emulators.kling import KlingEmulator
from tests.emulators.service import serve
from tests.emulators.useapi import UseApiEmulator

pytestmark = pytest.mark.integration
ROUTES = '[{"provider": "kling", "model": "kling-v3"}, {"provider": "useapi-kling", "model": "kling-v3-0"}]'


@pytest.fixture
async def useapi(first: ScriptedProvider) -> AsyncIterator[UseApiEmulator]:
    emulator = UseApiEmulator(key="token")
    async with serve(emulator) as address:
        providers.use("useapi-kling", UseApiKlingProvider("token", base_url=address))
        yield emulator


@pytest.fixture
async def kling(useapi: UseApiEmulator) -> AsyncIterator[KlingEmulator]:
    emulator = KlingEmulator(key="access", secret="secret")
    async with serve(emulator) as address:
        providers.use("kling", KlingProvider("access", "secret", base_url=address))
        await db.execute(f"UPDATE botapp_aimodel SET routes = '{ROUTES}' WHERE slug = 'demo-video'")
        catalog.configure(providers.names())
        yield emulator


async def test_words_become_a_film(kling: KlingEmulator, order: Ordering, user: users.User) -> None:
    made = await advance(await order(model="demo-video", prompt="a fox runs"), times=2)
    assert (made.stage, made.provider) == (Stage.DELIVERING, "kling")
    assert made.results[0].mime == "video/mp4"
    assert made.cost_usd == Decimal("0.49")
    assert kling.calls[0].body["duration"] == "3"


async def test_a_lost_answer_is_found_and_never_repeated(
    kling: KlingEmulator, order: Ordering, user: users.User
) -> None:
    made = await advance(await order(model="demo-video", prompt="a fox runs #lose"), times=3)
    assert made.stage is Stage.DELIVERING
    assert len(kling.jobs) == 1
    assert [call.method for call in kling.calls].count("POST") == 1


@pytest.mark.parametrize("marker", ["#arrears", "#slots", "#permission", "#whitelist"])
async def test_what_kling_cannot_take_goes_over_useapi(
    kling: KlingEmulator, useapi: UseApiEmulator, order: Ordering, marker: str
) -> None:
    kling.script(marker)
    made = await advance(await order(model="demo-video", prompt="a fox runs"), times=3)
    assert (made.stage, made.provider) == (Stage.DELIVERING, "useapi-kling")
    assert kling.jobs == {}
    assert useapi.calls[0].body["replyRef"] == made.run_code


@pytest.mark.parametrize(
    ("marker", "code"),
    [
        ("#block", "content_blocked"),
        ("#blocked", "content_blocked"),
        ("#fail", "provider_unavailable"),
        ("#none", "provider_unavailable"),
        ("#gone", "provider_unavailable"),
    ],
)
async def test_a_video_that_does_not_come_is_refunded(
    kling: KlingEmulator, order: Ordering, user: users.User, marker: str, code: str
) -> None:
    failed = await advance(await order(model="demo-video", prompt=f"a fox runs {marker}"), times=2)
    assert (failed.status, failed.error_code) == (Status.ERROR, code)
    assert await balance(user) == "50.00"
    await assert_books_agree()


async def test_a_dead_link_is_replaced_by_a_fresh_one(kling: KlingEmulator, order: Ordering) -> None:
    made = await advance(await order(model="demo-video", prompt="a fox runs #expired"), times=3)
    assert made.stage is Stage.DELIVERING
    assert len(kling.jobs) == 1

"""A film over Veo and a prompt over Gemini on Vertex: from the order to what is stored, over the real wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from core import catalog, providers, users
from core.generations import Stage, Status
from core.storage import storage
from providers.gemini import VertexProvider
from providers.google.account import ServiceAccount
from providers.veo import VeoProvider
from tests.core.generations.conftest import Ordering, advance, assert_books_agree, balance
from tests.core.generations.scripted import ScriptedProvider
from tests.emulators.service import serve
from tests.emulators.vertex import BUCKET, VertexEmulator

pytestmark = pytest.mark.integration


@pytest.fixture
async def vertex(first: ScriptedProvider) -> AsyncIterator[VertexEmulator]:
    """Google Cloud, with the catalogue's routes as they ship."""
    emulator = VertexEmulator()
    async with serve(emulator) as address:
        account = ServiceAccount.parse(emulator.account())
        providers.use("veo", VeoProvider(account, f"gs://{BUCKET}/veo", base_url=address, storage_url=address))
        providers.use("vertex", VertexProvider(account, base_url=address))
        catalog.configure(providers.names())
        yield emulator


async def test_words_become_a_film_that_came_from_the_bucket(
    vertex: VertexEmulator, order: Ordering, user: users.User
) -> None:
    made = await advance(await order(model="veo3-fast", prompt="a fox runs", params={"duration": 4}), times=2)
    assert (made.stage, made.provider) == (Stage.DELIVERING, "veo")
    assert made.results[0].mime == "video/mp4"
    assert (await storage().read(made.results[0].key))[4:8] == b"ftyp"
    assert made.cost_usd == Decimal("0.6")
    assert made.external_id is not None
    assert made.external_id.endswith(f"@{made.run_code}")


async def test_a_lost_answer_is_waited_for_and_never_repeated(vertex: VertexEmulator, order: Ordering) -> None:
    made = await advance(await order(model="veo3-fast", prompt="a fox runs #lose", params={"duration": 4}), times=3)
    assert made.stage is Stage.DELIVERING
    assert made.external_id is not None
    assert made.external_id.startswith("lost/")
    assert len(vertex.jobs) == 1


@pytest.mark.parametrize(
    ("marker", "code"),
    [
        ("#block", "content_blocked"),
        ("#blocked", "content_blocked"),
        ("#rai", "content_blocked"),
        ("#fail=13", "provider_unavailable"),
        ("#none", "provider_unavailable"),
    ],
)
async def test_a_film_that_does_not_come_is_refunded(
    vertex: VertexEmulator, order: Ordering, user: users.User, marker: str, code: str
) -> None:
    asked = await order(model="veo3-fast", prompt=f"a fox runs {marker}", params={"duration": 4})
    failed = await advance(asked, times=2)
    assert (failed.status, failed.error_code) == (Status.ERROR, code)
    assert await balance(user) == "50.00"
    await assert_books_agree()


async def test_a_link_whose_token_was_refused_is_replaced_by_a_fresh_one(
    vertex: VertexEmulator, order: Ordering
) -> None:
    asked = await order(model="veo3-fast", prompt="a fox runs #expired", params={"duration": 4})
    made = await advance(asked, times=3)
    assert made.stage is Stage.DELIVERING
    assert len(vertex.jobs) == 1


async def test_a_link_becomes_a_prompt(vertex: VertexEmulator, order: Ordering) -> None:
    asked = await order(model="gemini-2.5-pro", prompt="at night", source_url="https://youtu.be/dQw4w9WgXcQ")
    made = await advance(asked, times=2)
    assert (made.stage, made.provider) == (Stage.DELIVERING, "vertex")
    text = (await storage().read(made.results[0].key)).decode()
    assert text.startswith("A wide scene")
    assert text.endswith("at night")
    assert made.cost_usd is not None
    assert made.cost_usd > 0

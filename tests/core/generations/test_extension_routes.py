"""Films are extended over the real wire: Veo and SnapGen go on with jobs of their own, Kling with the last frame."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core import catalog, films, ledger, providers, users
from core.catalog import FollowUpKind
from core.generations import Continuation, Generation, Stage, claim_delivery, continuations, get, record_delivery, story
from core.storage import storage
from core.types import IdempotencyKey
from providers.kling import KlingProvider
from providers.snapgen import SnapGenProvider
from providers.veo import VeoProvider
from tests.core.generations.conftest import Ordering, advance
from tests.core.generations.scripted import ScriptedProvider
from tests.emulators.kling import KlingEmulator
from tests.emulators.service import serve
from tests.emulators.snapgen import SnapGenEmulator
from tests.emulators.vertex import VertexEmulator
from tests.providers.veo.conftest import KEY, OUTPUT, account

pytestmark = pytest.mark.integration
EXTEND = Continuation(FollowUpKind.EXTEND)


@pytest.fixture
async def rich(first: ScriptedProvider, user: users.User) -> None:
    """Somebody who can pay for films."""
    key = IdempotencyKey("a lot")
    await ledger.post(
        user.id, await ledger.balance_of(user.id) * 99, ledger.PostingKind.ADMIN, key=key, reason="a test"
    )


@pytest.fixture
async def veo(rich: None) -> AsyncIterator[VertexEmulator]:
    emulator = VertexEmulator(key=KEY)
    async with serve(emulator) as address:
        providers.use("veo", VeoProvider(account(emulator), OUTPUT, base_url=address, storage_url=address))
        catalog.configure(providers.names())
        yield emulator


@pytest.fixture
async def snapgen(rich: None) -> AsyncIterator[SnapGenEmulator]:
    emulator = SnapGenEmulator(key="key")
    async with serve(emulator) as address:
        providers.use("snapgen", SnapGenProvider("key", base_url=address))
        catalog.configure(providers.names())
        yield emulator


@pytest.fixture
async def kling(rich: None) -> AsyncIterator[KlingEmulator]:
    emulator = KlingEmulator(key="access", secret="secret")
    async with serve(emulator) as address:
        providers.use("kling", KlingProvider("access", "secret", base_url=address))
        catalog.configure(providers.names())
        yield emulator


async def delivered(generation: Generation) -> Generation:
    """Have a job made and handed over."""
    for _ in range(6):
        ready = await advance(generation)
        if ready.stage is Stage.DELIVERING:
            break
    assert ready.stage is Stage.DELIVERING, (ready.error_message, await story(ready.run_code))
    await claim_delivery(ready.run_code)
    await record_delivery(ready.run_code, [1])
    return await get(ready.run_code)


async def extended(order: Ordering, parent: Generation) -> Generation:
    """Order what is offered under a film, and have it made."""
    (offer,) = [one for one in await continuations.offers(parent) if one.kind is FollowUpKind.EXTEND]
    child = await order(
        model=offer.model.slug,
        prompt="it runs on",
        params=offer.params,
        parent=parent.run_code,
        continuation=EXTEND,
        agreed=offer.price,
    )
    return await delivered(child)


async def length(generation: Generation, folder: Path) -> float:
    """Seconds of a generation's film."""
    path = folder / "film.mp4"
    await storage().fetch_to(generation.results[0].key, path)
    return (await films.look(path)).seconds


async def test_veo_goes_on_with_the_film_in_its_bucket(veo: VertexEmulator, order: Ordering, tmp_path: Path) -> None:
    parent = await delivered(await order(model="veo3-fast", prompt="a fox runs"))
    child = await extended(order, parent)
    assert child.provider == "veo"
    (asked,) = [call for call in veo.calls if "video" in str(call.body.get("instances", [{}])[0])]
    assert asked.body["instances"][0]["video"]["gcsUri"].startswith("gs://")
    assert child.continuation == EXTEND
    assert await length(child, tmp_path) > await length(parent, tmp_path)


async def test_snapgen_goes_on_with_its_own_history(snapgen: SnapGenEmulator, order: Ordering, tmp_path: Path) -> None:
    parent = await delivered(await order(model="veo3-fast", prompt="a fox runs", params={"duration": 8}))
    child = await extended(order, parent)
    (asked,) = [call for call in snapgen.calls if call.path.endswith("/video-extend/veo")]
    assert asked.body["ref_history"] == parent.external_id
    assert child.continuation == EXTEND
    assert await length(child, tmp_path) > await length(parent, tmp_path)


async def test_kling_animates_the_last_frame_and_both_films_come_as_one(
    kling: KlingEmulator, order: Ordering, tmp_path: Path
) -> None:
    parent = await delivered(await order(model="kling-v2-5-turbo", prompt="a fox runs"))
    child = await extended(order, parent)
    (asked,) = [call for call in kling.calls if call.method == "POST" and call.path.endswith("image2video")]
    assert asked.body["image"]
    assert child.continuation == Continuation(FollowUpKind.EXTEND, 1, from_frame=True)
    assert "joined" in [step.event for step in await story(child.run_code)]
    assert await length(child, tmp_path) > await length(parent, tmp_path) * 1.5
    again = await extended(order, child)
    assert await length(again, tmp_path) > await length(child, tmp_path)


async def test_snapgen_goes_on_from_the_last_frame_of_a_film_that_veo_made(
    veo: VertexEmulator, snapgen: SnapGenEmulator, order: Ordering, tmp_path: Path
) -> None:
    parent = await delivered(await order(model="veo3-fast", prompt="a fox runs"))
    assert parent.provider == "veo"
    await providers.get("veo").close()
    providers.use("veo", ScriptedProvider())
    catalog.configure({"snapgen"})
    child = await extended(order, parent)
    assert child.provider == "snapgen"
    (asked,) = [call for call in snapgen.calls if call.path.endswith("/video-gen/veo")]
    assert asked.body["mode_image"] == "frame"
    assert await length(child, tmp_path) > await length(parent, tmp_path)

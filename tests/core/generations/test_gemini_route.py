"""The catalogue's Gemini route, from the order to the stored picture, over Gemini's own wire protocol."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator

import pytest
from PIL import Image

from core import catalog, db, providers, users
from core.generations import Stage, Status
from core.storage import StoredFile, storage
from providers.gemini import GeminiProvider
from tests.core.generations.conftest import Ordering, advance, assert_books_agree, balance
from tests.core.generations.scripted import ScriptedProvider
from tests.emulators.gemini import GeminiEmulator, serve

pytestmark = pytest.mark.integration


@pytest.fixture
async def gemini(first: ScriptedProvider) -> AsyncIterator[GeminiEmulator]:
    """Google, with the catalogue's routes as they ship."""
    emulator = GeminiEmulator(api_key="key-of-the-tests")
    async with serve(emulator) as address:
        providers.use("gemini", GeminiProvider("key-of-the-tests", base_url=address))
        await db.execute("""UPDATE botapp_aimodel SET routes =
            '[{"provider": "gemini", "model": "gemini-nano-banana-2.1"}]' WHERE slug = 'nano-banana'""")
        catalog.configure(providers.names())
        yield emulator


async def test_words_become_a_picture(gemini: GeminiEmulator, order: Ordering, user: users.User) -> None:
    made = await advance(await order(params={"aspect_ratio": "16:9"}))
    assert (made.stage, made.provider) == (Stage.DELIVERING, "gemini")
    assert made.results[0].width > made.results[0].height
    assert made.cost_usd is not None
    assert made.cost_usd > 0
    assert await balance(user) == "49.20"


async def test_a_photo_comes_back_edited(gemini: GeminiEmulator, order: Ordering) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), "green").save(buffer, "JPEG")
    await storage().put("uploads/photo.jpg", buffer.getvalue(), mime="image/jpeg")
    photo = StoredFile("uploads/photo.jpg", "image/jpeg", buffer.tell(), 64, 48)
    made = await advance(await order(prompt="make it red", images=(photo,)))
    assert made.stage is Stage.DELIVERING
    assert len(gemini.calls) == 1


@pytest.mark.parametrize(
    ("markers", "code"),
    [
        ("#block=SAFETY", "content_blocked"),
        ("#finish=PROHIBITED_CONTENT", "content_blocked"),
        ("#refuse", "content_blocked"),
        ("#status=400", "invalid_request"),
        ("#status=403", "auth_failed"),
        ("#status=404", "model_retired"),
        ("#quota", "quota_exhausted"),
    ],
)
async def test_a_refusal_is_refunded(
    gemini: GeminiEmulator, order: Ordering, user: users.User, markers: str, code: str
) -> None:
    failed = await advance(await order(prompt=f"a fox {markers}"))
    assert (failed.status, failed.error_code) == (Status.ERROR, code)
    assert await balance(user) == "50.00"
    await assert_books_agree()


async def test_a_connection_lost_after_the_request_is_refunded_and_not_repeated(
    gemini: GeminiEmulator, order: Ordering, user: users.User
) -> None:
    failed = await advance(await order(prompt="a fox #close"), times=3)
    assert (failed.status, failed.error_code) == (Status.ERROR, "ambiguous")
    assert await balance(user) == "50.00"
    assert len(gemini.calls) == 1


async def test_an_overloaded_service_is_asked_again(gemini: GeminiEmulator, order: Ordering) -> None:
    made = await advance(await order(prompt="a fox #status=503 #first=2"), times=3)
    assert made.stage is Stage.DELIVERING
    assert len(gemini.calls) == 3


async def test_one_picture_of_two_is_paid_for_and_the_other_refunded(
    gemini: GeminiEmulator, order: Ordering, user: users.User
) -> None:
    made = await advance(await order(prompt="a fox #status=503 #first=1", params={"quantity": 2}))
    assert len(made.results) == 1
    assert await balance(user) == "49.20"
    await assert_books_agree()

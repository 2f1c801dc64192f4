"""Drafts: kept for a while, forgotten when asked, and never in the way when Redis or an older program is."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot import drafts
from bot.drafts import Draft
from core import redis
from core.settings import Settings
from core.storage import StoredFile

pytestmark = pytest.mark.integration

PHOTO = StoredFile("uploads/1/a.jpg", "image/jpeg", 900, 64, 48)
WHOLE = Draft("nano-banana", {"quantity": 2, "aspect_ratio": "1:1"}, (PHOTO,), "ab" * 16)


@pytest.fixture(autouse=True)
async def opened(settings: Settings) -> AsyncIterator[None]:
    await redis.connect(settings)
    yield
    await redis.disconnect()


async def test_a_draft_comes_back_as_it_was() -> None:
    assert await drafts.keep(7, WHOLE) is True
    assert await drafts.read(7) == WHOLE
    assert await drafts.read(8) is None


async def test_a_draft_is_forgotten_once() -> None:
    await drafts.keep(7, Draft())
    assert [await drafts.drop(7), await drafts.drop(7)] == [True, False]
    assert await drafts.read(7) is None


async def test_drafts_do_not_live_for_ever() -> None:
    await drafts.keep(7, WHOLE)
    await drafts.keep_photos(7, 1, (PHOTO,))
    assert 0 < await redis.client().ttl(f"{drafts.PREFIX}7") <= 3600
    assert 0 < await redis.client().ttl(f"{drafts.QUESTIONS}7:1") <= 2 * 86400


@pytest.mark.parametrize(
    "content", ["", "not json", "[]", "{}", '{"images": [{}]}', '{"images": [], "colour": 1}', '{"images": 7}']
)
async def test_a_draft_of_another_version_is_none(content: str) -> None:
    await redis.client().set(f"{drafts.PREFIX}7", content)
    assert await drafts.read(7) is None


async def test_only_a_chosen_model_or_a_change_is_a_dialogue() -> None:
    assert WHOLE.is_dialogue and Draft(parent="x").is_dialogue
    assert not Draft(images=(PHOTO,)).is_dialogue


async def test_without_redis_there_are_no_drafts(settings: Settings) -> None:
    nowhere = type(settings.redis_url)("redis://127.0.0.1:9/0")
    await redis.connect(settings.model_copy(update={"redis_url": nowhere}))
    assert await drafts.keep(7, WHOLE) is False
    assert await drafts.read(7) is None and await drafts.drop(7) is False
    await drafts.keep_photos(7, 1, (PHOTO,))
    assert await drafts.photos_of(7, 1) == ()

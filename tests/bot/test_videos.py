"""Giving a video: it is asked about with prices, changed by a model that takes videos, or described."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core import catalog, db, providers
from core.generations.inputs import is_video
from providers.base import Finished, Media
from tests.bot.people import Person, World
from tests.bot.telegram import FakeTelegram, buttons
from tests.core.generations.scripted import ScriptedProvider
from tests.core.media.films import film

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A film of a second."""
    return film(tmp_path_factory.mktemp("clip") / "clip.mp4").read_bytes()


@pytest.fixture(autouse=True)
async def an_editor(provider: ScriptedProvider) -> None:
    """Demo Video changes videos in these tests."""
    slots = json.dumps([{"role": "video", "most": 1, "least": 1, "longest": 5}])
    await db.execute("UPDATE botapp_aimodel SET inputs = $1 WHERE slug = 'demo-video'", slots)
    catalog.configure(providers.names())


def video(mia: Person, content: bytes, **fields: Any) -> dict[str, Any]:
    """A message with a video."""
    about = {"file_id": f"video{len(content)}", "file_unique_id": "v", "width": 64, "height": 48, "duration": 1}
    mia.telegram.files[about["file_id"]] = content  # type: ignore[index]
    return mia.message(video={**about, "file_size": len(content), "mime_type": "video/mp4"}, **fields)


async def test_a_video_out_of_the_blue_is_asked_about_with_prices(mia: Person, clip: bytes) -> None:
    [question] = await mia.send(message=video(mia, clip))
    assert "What shall I do with this video" in question["text"]
    assert "✏️ 🎬 Demo Video · 2.40 ⚡" in buttons(question)
    assert await mia.balance() == "50.00"


async def test_it_is_changed_in_the_words_that_follow(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram, clip: bytes
) -> None:
    await mia.send(message=video(mia, clip))
    await mia.press("Demo Video")
    assert "The video is added" in telegram.last["text"]
    [status] = await mia.send("make it winter")
    assert "Demo Video" in status["text"]
    await world.work()
    [job] = provider.jobs
    assert job.prompt == "make it winter" and [image.mime for image in job.images] == ["video/mp4"]
    [ordered] = await mia.jobs()
    assert is_video(ordered.images[0]) and ordered.images[0].seconds == pytest.approx(1, abs=0.2)


async def test_a_changed_video_is_changed_anew_from_the_same_one(
    mia: Person, world: World, provider: ScriptedProvider, clip: bytes
) -> None:
    provider.answers.extend([Finished((Media("video/mp4", data=clip),))] * 2)
    await mia.send("🎬 Create video")
    await mia.send(message=video(mia, clip, caption="make it winter"))
    await world.work()
    [question] = await mia.press("Change")
    assert "Demo Video" in question["text"]
    await mia.send("make it autumn")
    await world.work()
    assert [(job.prompt, len(job.images)) for job in provider.jobs] == [("make it winter", 1), ("make it autumn", 1)]


async def test_a_model_that_needs_a_photo_beside_it_is_not_offered_for_a_video(mia: Person, clip: bytes) -> None:
    slots = json.dumps([{"role": "video", "most": 1}, {"role": "reference", "most": 4, "least": 1}])
    await db.execute("UPDATE botapp_aimodel SET inputs = $1 WHERE slug = 'demo-video'", slots)
    catalog.configure(providers.names())
    [question] = await mia.send(message=video(mia, clip))
    assert not any("Demo Video" in label for label in buttons(question))


async def test_a_chosen_model_takes_a_video_with_its_caption(mia: Person, clip: bytes) -> None:
    await mia.send("🎬 Create video")
    [status] = await mia.send(message=video(mia, clip, caption="make it winter"))
    assert "Demo Video" in status["text"] and "2.40 ⚡" in status["text"]


async def test_a_chosen_model_waits_for_words_about_a_video(mia: Person, clip: bytes) -> None:
    await mia.send("🎬 Create video")
    [answer] = await mia.send(message=video(mia, clip))
    assert "Got the video" in answer["text"] and "2.40 ⚡" in answer["text"]
    [status] = await mia.send("make it winter")
    assert "Demo Video" in status["text"]


async def test_a_model_for_pictures_takes_no_video(mia: Person, clip: bytes) -> None:
    await mia.send("/models")
    await mia.press("Nano Banana ·")
    [answer] = await mia.send(message=video(mia, clip, caption="make it winter"))
    assert "does not work with videos" in answer["text"] and await mia.jobs() == []


async def test_words_without_the_video_are_not_charged(mia: Person) -> None:
    await mia.send("🎬 Create video")
    [answer] = await mia.send("make it winter")
    assert "needs a video" in answer["text"]
    assert await mia.balance() == "50.00"


async def test_a_longer_video_than_the_model_takes_is_refused(mia: Person, tmp_path: Path) -> None:
    long = film(tmp_path / "long.mp4", seconds=8).read_bytes()
    await mia.send("🎬 Create video")
    [answer] = await mia.send(message=video(mia, long, caption="make it winter"))
    assert "too long" in answer["text"] and "5 s" in answer["text"]
    assert await mia.balance() == "50.00"


@pytest.mark.parametrize("content", [b"", b"not a film", b"\0\0\0\x18ftypisom\0\0\2\0isomiso2"])
async def test_what_only_says_that_it_is_a_video_is_refused(mia: Person, content: bytes) -> None:
    [answer] = await mia.send(message=video(mia, content))
    assert "could not open this as a video" in answer["text"]


async def test_a_video_larger_than_telegram_hands_over_is_refused(mia: Person, clip: bytes) -> None:
    message = video(mia, clip)
    message["video"]["file_size"] = 21 * 1024 * 1024
    [answer] = await mia.send(message=message)
    assert "larger than 20 MB" in answer["text"]


async def test_without_a_model_for_videos_none_is_fetched(mia: Person, telegram: FakeTelegram, clip: bytes) -> None:
    await db.execute('UPDATE botapp_aimodel SET is_active = false WHERE inputs @> \'[{"role": "video"}]\'')
    catalog.configure(providers.names())
    [answer] = await mia.send(message=video(mia, clip))
    assert "do not work with videos" in answer["text"] and telegram.named("getFile") == []

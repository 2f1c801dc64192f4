"""Giving photos: captions, questions, ready-made edits, albums, and files that are no photos."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core import media, redis, storage
from core.inbox import MAX_ATTEMPTS
from core.settings import Settings
from tests.bot.people import Person, World, picture
from tests.bot.telegram import FakeTelegram, buttons
from tests.core.generations.scripted import ScriptedProvider

pytestmark = pytest.mark.integration


async def test_a_photo_with_a_caption_is_edited_at_once(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    [status] = await mia.send(message=mia.photo(caption="make it winter"))
    assert "0.80 ⚡ charged" in status["text"]
    await world.work()
    [job] = provider.jobs
    assert job.prompt == "make it winter" and len(job.images) == 1 and job.images[0].mime == "image/jpeg"
    assert telegram.last["photo"]


async def test_the_largest_size_of_a_photo_is_taken(mia: Person, telegram: FakeTelegram) -> None:
    await mia.send(message=mia.photo(caption="make it winter"))
    [call] = telegram.named("getFile")
    assert call.file_id.endswith("x64")


async def test_a_photo_without_words_is_asked_about_and_the_next_words_edit_it(
    mia: Person, world: World, provider: ScriptedProvider
) -> None:
    message = mia.photo()
    [question] = await mia.send(message=message)
    assert "What shall I do with the photo?" in question["text"] and "0.80 ⚡" in question["text"]
    assert question["reply_to"] == message["message_id"]
    assert list(buttons(question)) == [
        "✨ Enhance", "🏖 Beach background", "🎨 Watercolour", "🧸 Cartoon", "🎬 Animate · 2.40 ⚡",
    ]  # fmt: skip
    assert await mia.balance() == "50.00"
    await mia.send("give it a hat")
    await world.work()
    [job] = provider.jobs
    assert job.prompt == "give it a hat" and len(job.images) == 1
    await mia.send("a red fox")
    await world.work()
    assert provider.jobs[1].images == ()


async def test_a_command_in_a_caption_is_no_wish(mia: Person) -> None:
    [question] = await mia.send(message=mia.photo(caption="/balanse"))
    assert "What shall I do with the photo?" in question["text"]
    assert await mia.balance() == "50.00" and not await mia.jobs()


async def test_a_ready_made_edit_is_one_press(
    mia: Person, masha: Person, world: World, provider: ScriptedProvider
) -> None:
    for person, label, words in ((mia, "Watercolour", "watercolour"), (masha, "Акварель", "акварели")):
        await person.send(message=person.photo())
        [status] = await person.press(label)
        assert "⚡" in status["text"]
        await world.work()
        assert words in provider.jobs[-1].prompt and len(provider.jobs[-1].images) == 1


async def test_animating_a_photo_orders_a_video(mia: Person, world: World, provider: ScriptedProvider) -> None:
    await mia.send(message=mia.photo())
    [status] = await mia.press("Animate")
    assert "Demo Video" in status["text"] and "2.40 ⚡" in status["text"]
    await world.work()
    assert provider.jobs[0].kind == "video" and len(provider.jobs[0].images) == 1


async def test_another_ready_made_edit_of_the_same_photo_works_later(
    mia: Person, world: World, provider: ScriptedProvider
) -> None:
    [question] = await mia.send(message=mia.photo())
    await mia.press("Cartoon", question)
    await world.work()
    await mia.press("Enhance", question)
    await world.work()
    assert len(provider.jobs) == 2 and len(provider.jobs[1].images) == 1


async def test_ready_made_edits_work_without_redis_from_the_photo_that_was_asked_about(
    mia: Person, world: World, provider: ScriptedProvider, settings: Settings
) -> None:
    message = mia.photo()
    await _lose_redis(settings)
    [question] = await mia.send(message=message)
    assert "send it again with the words in its caption" in question["text"]
    await mia.press("Cartoon", {**question, "reply_to_message": message})
    assert len(await mia.jobs()) == 1


async def test_without_redis_plain_prompts_start_and_balance_work(mia: Person, settings: Settings) -> None:
    await _lose_redis(settings)
    [greeting] = await mia.send("/start")
    assert "Hi, Mia" in greeting["text"]
    [balance] = await mia.send("/balance")
    assert "50 ⚡" in balance["text"]
    [status] = await mia.send("a red fox")
    assert "0.80 ⚡ charged" in status["text"]
    [answer] = await mia.send("/cancel")
    assert "1 generation is running" in answer["text"]


async def test_a_photo_that_nobody_remembers_is_asked_for_again(mia: Person, telegram: FakeTelegram) -> None:
    [question] = await mia.send(message=mia.photo())
    await redis.client().flushdb()
    [answer] = await mia.press("Cartoon", question)
    assert "cannot find that photo" in answer["text"]
    assert await mia.balance() == "50.00"


async def test_a_forwarded_photo_is_asked_about_although_it_has_a_caption(mia: Person) -> None:
    origin = {"type": "hidden_user", "date": 1, "sender_user_name": "Somebody"}
    [question] = await mia.send(message=mia.photo(caption="Big sale today!", forward_origin=origin))
    assert "What shall I do" in question["text"]
    assert await mia.jobs() == []


async def test_a_photo_joins_the_chosen_video_model(mia: Person, world: World, provider: ScriptedProvider) -> None:
    await mia.send("🎬 Create video")
    [answer] = await mia.send(message=mia.photo())
    assert "Got the photo" in answer["text"] and "Demo Video" in answer["text"] and "2.40 ⚡" in answer["text"]
    await mia.send("it walks away")
    await world.work()
    [job] = provider.jobs
    assert job.kind == "video" and len(job.images) == 1 and job.prompt == "it walks away"


async def test_a_captioned_photo_goes_to_the_chosen_video_model(mia: Person, world: World) -> None:
    await mia.send("🎬 Create video")
    [status] = await mia.send(message=mia.photo(caption="it walks away"))
    assert "Demo Video" in status["text"]


async def test_a_waiting_photo_goes_along_to_the_model_picked_next(mia: Person, telegram: FakeTelegram) -> None:
    await mia.send(message=mia.photo())
    await mia.send("/models")
    await mia.press("Demo Video")
    assert "1 photo added" in telegram.last["text"]


async def test_a_second_photo_replaces_the_one_that_waits(
    mia: Person, world: World, provider: ScriptedProvider
) -> None:
    await mia.send(message=mia.photo(picture("red")))
    await mia.send(message=mia.photo(picture("blue")))
    await mia.send("a hat")
    await world.work()
    assert len(provider.jobs[0].images) == 1


async def test_a_picture_sent_as_a_file_is_taken_by_its_bytes(
    mia: Person, world: World, provider: ScriptedProvider
) -> None:
    for mime in ("image/png", "application/octet-stream", "text/plain"):
        await mia.send(message=mia.document(picture(kind="PNG"), mime, caption="a hat"))
        await world.work()
    assert len(provider.jobs) == 3


async def test_the_answer_to_a_picture_changes_that_picture(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    await mia.send("a red fox")
    await world.work()
    await mia.send("now in winter", reply_to_message=telegram.last)
    await world.work()
    assert provider.jobs[1].prompt == "now in winter" and len(provider.jobs[1].images) == 1


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7 and so on", b"\xff\xd8\xff\xe0 torn", b"GIF89a"])
async def test_what_is_no_picture_gets_a_clear_answer(mia: Person, content: bytes) -> None:
    [answer] = await mia.send(message=mia.document(content, "image/jpeg", caption="a hat"))
    assert "could not open this as a picture" in answer["text"]


async def test_a_heic_is_told_how_to_become_a_jpeg(mia: Person) -> None:
    [answer] = await mia.send(message=mia.document(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "image/heic"))
    assert "HEIC" in answer["text"] and "simply as a photo" in answer["text"]
    assert await mia.jobs() == [] and await mia.balance() == "50.00"


async def test_a_file_over_20_mb_is_not_even_asked_for(mia: Person, telegram: FakeTelegram) -> None:
    message = mia.document(b"x", "image/png", file_size=25 * 1024 * 1024, caption="a hat")
    [answer] = await mia.send(message=message)
    assert "over 20 MB" in answer["text"]
    assert telegram.named("getFile") == []


async def test_a_file_that_turns_out_too_big_is_not_read_to_its_end(mia: Person) -> None:
    message = mia.document(b"x" * (21 * 1024 * 1024), "image/png", file_size=1000, caption="a hat")
    [answer] = await mia.send(message=message)
    assert "over 20 MB" in answer["text"]


async def test_a_picture_of_too_many_pixels_gets_a_clear_answer(mia: Person) -> None:
    message = mia.document(picture(size=(20000, 6000), kind="PNG"), caption="a hat")
    [answer] = await mia.send(message=message)
    assert f"{media.MAX_PIXELS // 1_000_000} megapixels at most" in answer["text"]


async def test_sound_files_are_not_fetched(mia: Person, telegram: FakeTelegram) -> None:
    [audio] = await mia.send(message=mia.document(b"x", "audio/mpeg"))
    assert "do not work with music" in audio["text"]
    assert telegram.named("getFile") == []


async def test_a_caption_of_spaces_is_no_caption(mia: Person) -> None:
    [question] = await mia.send(message=mia.photo(caption="   "))
    assert "What shall I do" in question["text"]


async def test_a_caption_that_is_too_long_is_refused_before_the_photo_is_fetched(
    mia: Person, telegram: FakeTelegram
) -> None:
    [answer] = await mia.send(message=mia.photo(caption="x" * 4001))
    assert "4,001 characters, and 4,000 is the limit" in answer["text"]
    assert telegram.named("getFile") == []


async def test_an_uploaded_photo_is_kept_once(mia: Person, world: World) -> None:
    for _ in range(2):
        await mia.send(message=mia.photo(picture("red"), caption="a hat"))
        await world.work()
    first, second = await mia.jobs()
    assert first.images == second.images
    assert await storage.storage().size(first.images[0].key) == first.images[0].size


async def test_an_album_becomes_one_order_with_all_its_photos(
    mia: Person, world: World, provider: ScriptedProvider
) -> None:
    parts = album(mia, 3, caption="put them together")
    posted = await together(mia, parts)
    assert len(posted) == 1 and "0.80 ⚡ charged" in posted[0]["text"]
    await world.work()
    [job] = provider.jobs
    assert job.prompt == "put them together" and len(job.images) == 3
    assert await mia.balance() == "49.20"


async def test_an_album_is_in_the_order_in_which_it_was_sent(
    mia: Person, world: World, provider: ScriptedProvider
) -> None:
    parts = album(mia, 2, caption="put them together")
    sizes = [len(picture(colour)) for colour in ("red", "blue")]
    await together(mia, list(reversed(parts)))
    await world.work()
    assert len(provider.jobs[0].images) == 2 and sizes
    [job] = await mia.jobs()
    keys = [image.key for image in job.images]
    await mia.send(message=mia.photo(picture("red"), caption="alone"))
    assert (await mia.jobs())[1].images[0].key == keys[0]


async def test_an_album_without_words_is_asked_about_once(
    mia: Person, world: World, provider: ScriptedProvider
) -> None:
    [question] = await together(mia, album(mia, 2))
    assert "these photos" in question["text"] and "🧩 Combine into one picture" in buttons(question)
    await mia.press("Combine", question)
    await world.work()
    assert len(provider.jobs[0].images) == 2


async def test_a_crash_while_an_album_is_gathered_charges_once(mia: Person, world: World) -> None:
    parts = album(mia, 2, caption="put them together")
    events = [await world.store({"update_id": 900_000 + n, "message": part}, mia.id) for n, part in enumerate(parts)]
    await world.runtime.handle(events[0])
    await world.runtime.handle(events[0])
    await world.handle(events[1])
    await world.handle(events[1])
    assert len(await mia.jobs()) == 1 and await mia.balance() == "49.20"


async def test_a_part_that_comes_late_is_told(mia: Person, world: World) -> None:
    first, second = album(mia, 2, caption="put them together")
    [_] = await mia.send(message=first)
    [late] = await mia.send(message=second)
    assert "came too late" in late["text"]
    assert len(await mia.jobs()) == 1


async def test_more_photos_than_the_model_takes_are_refused_before_they_are_fetched(
    mia: Person, telegram: FakeTelegram
) -> None:
    [answer] = await together(mia, album(mia, 7, caption="put them together"))
    assert "You sent 7 photos" in answer["text"] and "takes at most 6" in answer["text"]
    assert telegram.named("getFile") == [] and await mia.jobs() == []


async def test_an_album_of_six_goes_to_the_model_that_takes_six(mia: Person) -> None:
    [status] = await together(mia, album(mia, 6, caption="put them together"))
    assert "Nano Banana Pro" in status["text"]


def album(person: Person, count: int, **fields: Any) -> list[dict[str, Any]]:
    """An album whose first photo carries the fields."""
    colours = ["red", "blue", "green", "white", "black", "grey", "pink"]
    return [
        person.photo(picture(colours[n]), media_group_id=f"album{person.id}", **(fields if n == 0 else {}))
        for n in range(count)
    ]


async def together(person: Person, parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Send an album as Telegram does: all parts are stored before the first one is handled to its end."""
    before = set(person.telegram.posted)
    events = [
        await person.world.store({"update_id": 100_000 + part["message_id"], "message": part}, person.id)
        for part in parts
    ]
    for event in events:
        await person.world.handle(event)
    return [message for key, message in sorted(person.telegram.posted.items()) if key not in before]


async def _lose_redis(settings: Settings) -> None:
    """Let Redis be away: nobody listens on the port."""
    await redis.connect(settings.model_copy(update={"redis_url": type(settings.redis_url)("redis://127.0.0.1:9/0")}))
    await asyncio.sleep(0)


async def test_a_photo_waits_for_a_storage_that_is_away_and_the_last_repetition_says_so(
    mia: Person, world: World, settings: Settings
) -> None:
    event = await world.store({"update_id": 700_101, "message": mia.photo(caption="make it winter")}, mia.id)
    shown = len(mia.telegram.now_shown)
    with away(settings.media_path):
        with pytest.raises(storage.StorageUnavailable):
            await world.runtime.handle(event)
        assert len(mia.telegram.now_shown) == shown
        with pytest.raises(storage.StorageUnavailable):
            await world.runtime.handle(replace(event, attempts=MAX_ATTEMPTS))
    assert "storage does not answer" in mia.telegram.last["text"] and await mia.balance() == "50.00"
    await world.handle(event)
    assert len(await mia.jobs()) == 1


@contextmanager
def away(folder: Path) -> Iterator[None]:
    """Have a file in the place of a folder."""
    aside = folder.with_name("aside")
    if folder.exists():
        folder.rename(aside)
    folder.write_text("no folder")
    try:
        yield
    finally:
        folder.unlink()
        if aside.exists():
            aside.rename(folder)

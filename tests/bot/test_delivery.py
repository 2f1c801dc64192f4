"""Handing results over: once as far as Telegram lets us know, never by making them again."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
)
from aiohttp import ClientConnectorError
from aiohttp.client_reqrep import ConnectionKey
from PIL import Image

from bot import delivery, files
from bot.delivery import LONGEST_PAUSE, pause_after
from core import db, storage
from core.generations import Generation, Status
from providers.base import Finished, Media
from tests.bot.people import Person, World, picture
from tests.bot.telegram import FakeTelegram, buttons
from tests.core.generations.conftest import assert_books_agree
from tests.core.generations.scripted import ScriptedProvider

pytestmark = pytest.mark.integration


async def make_due(job: Generation) -> None:
    """Let the pause before the next try be over, and the lease of a killed worker."""
    await db.execute("UPDATE botapp_genrequest SET lease_until = NULL WHERE id = $1", job.id)


def png(width: int, height: int) -> Media:
    return Media("image/png", data=picture(size=(width, height), kind="PNG"))


async def test_a_delivery_that_is_asked_for_twice_happens_once(
    mia: Person, world: World, telegram: FakeTelegram
) -> None:
    await mia.send("a red fox")
    await world.work()
    [job] = await mia.jobs()
    await world.runtime.deliver(job.run_code)
    assert len(telegram.named("sendPhoto")) == 1


async def test_a_long_wait_is_postponed_and_delivered_once(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    telegram.fail("sendPhoto", lambda method: TelegramRetryAfter(method, "slow down", 60))
    await mia.send("a red fox")
    await world.work()
    [job] = await mia.jobs()
    assert job.status is Status.PROCESSING and telegram.posted[job.status_message_id or 0]
    due = await db.fetch_value("SELECT next_action_at - now() FROM botapp_genrequest WHERE id = $1", job.id)
    assert timedelta(seconds=50) < due <= timedelta(seconds=60)
    await world.runtime.deliver(job.run_code)
    assert telegram.last["photo"] and len(provider.jobs) == 1
    assert (await mia.jobs())[0].status is Status.DONE


async def test_a_photo_whose_answer_was_lost_replaces_the_status_message_instead_of_being_sent_again(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    telegram.fail("sendPhoto", lambda method: TelegramNetworkError(method, "lost"))
    [status] = await mia.send("a red fox")
    await world.work()
    [job] = await mia.jobs()
    assert job.status is Status.PROCESSING
    await world.runtime.deliver(job.run_code)
    assert len(telegram.named("sendPhoto")) == 1 and len(telegram.named("editMessageMedia")) == 1
    shown = telegram.posted[status["message_id"]]
    assert shown["photo"] and "a red fox" in shown["caption"] and "✏️ Change" in buttons(shown)
    [job] = await mia.jobs()
    assert job.status is Status.DONE and job.result_message_ids == (status["message_id"],)
    assert len(provider.jobs) == 1 and await mia.balance() == "49.20"
    await assert_books_agree()


async def test_a_worker_killed_while_sending_leaves_the_same_trace(
    mia: Person, world: World, telegram: FakeTelegram
) -> None:
    class Killed(BaseException):
        pass

    telegram.fail("sendPhoto", lambda _: Killed())  # type: ignore[arg-type, return-value]  # not an Exception: nobody catches it
    await mia.send("a red fox")
    with pytest.raises(Killed):
        await world.work()
    [job] = await mia.jobs()
    await make_due(job)
    await world.runtime.deliver(job.run_code)
    assert telegram.posted[job.status_message_id or 0]["photo"]
    assert (await mia.jobs())[0].status is Status.DONE


async def test_without_a_status_message_a_lost_photo_is_sent_again(
    mia: Person, world: World, telegram: FakeTelegram
) -> None:
    telegram.fail("sendPhoto", lambda method: TelegramNetworkError(method, "lost"))
    [status] = await mia.send("a red fox")
    await world.work()
    del telegram.posted[status["message_id"]]
    [job] = await mia.jobs()
    await world.runtime.deliver(job.run_code)
    assert telegram.last["photo"]


async def test_a_photo_that_never_left_is_sent_by_the_next_try(
    mia: Person, world: World, telegram: FakeTelegram
) -> None:
    def refused(method: object) -> Exception:
        failure = TelegramNetworkError(method, "no connection")  # type: ignore[arg-type]
        failure.__cause__ = ClientConnectorError(ConnectionKey("t", 443, True, True, None, None, None), OSError())
        return failure

    telegram.fail("sendPhoto", *[refused] * 2)
    await mia.send("a red fox")
    await world.work()
    assert telegram.last["photo"] and telegram.named("editMessageMedia") == []


async def test_somebody_who_blocked_the_bot_keeps_the_result_for_later(
    mia: Person, world: World, telegram: FakeTelegram
) -> None:
    telegram.fail("sendPhoto", lambda method: TelegramForbiddenError(method, "Forbidden: bot was blocked by the user"))
    await mia.send("a red fox")
    await world.work()
    [job] = await mia.jobs()
    assert job.status is Status.DONE and job.result_message_ids == ()
    assert await storage.storage().size(job.results[0].key) > 0
    since = await db.fetch_value("SELECT unreachable_since FROM botapp_tguser WHERE chat_id = $1", mia.id)
    assert since is not None


async def test_what_telegram_does_not_take_as_a_photo_goes_as_a_file(
    mia: Person, world: World, telegram: FakeTelegram
) -> None:
    telegram.fail("sendPhoto", lambda method: TelegramBadRequest(method, "Bad Request: PHOTO_INVALID_DIMENSIONS"))
    await mia.send("a red fox")
    await world.work()
    assert telegram.last["document"] and "a red fox" in telegram.last["caption"]


async def test_what_telegram_refuses_altogether_is_given_up_and_not_made_again(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    for name in ("sendPhoto", "sendDocument"):
        telegram.fail(name, lambda method: TelegramBadRequest(method, "Bad Request: chat not found"))
    await mia.send("a red fox")
    await world.work()
    [job] = await mia.jobs()
    assert job.status is Status.ERROR and len(provider.jobs) == 1
    assert "Telegram would not take the result" in telegram.last["text"]
    assert await mia.balance() == "50.00"
    await assert_books_agree()


async def test_endless_failures_are_given_up(
    mia: Person, world: World, telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "ATTEMPTS", 2)
    telegram.fail("sendPhoto", lambda method: TelegramNetworkError(method, "lost"))
    telegram.fail("editMessageMedia", *[lambda method: TelegramNetworkError(method, "lost")] * 10)
    monkeypatch.setattr("bot.client.ATTEMPTS", 1)
    await mia.send("a red fox")
    await world.work()
    [job] = await mia.jobs()
    await world.runtime.deliver(job.run_code)
    assert (await mia.jobs())[0].status is Status.ERROR
    assert await mia.balance() == "50.00"


async def test_a_result_that_vanished_from_storage_is_given_up(
    mia: Person, world: World, telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(key: str) -> bytes:
        raise storage.FileNotStored(key)

    monkeypatch.setattr(type(storage.storage()), "read", lambda _self, key: gone(key))
    await mia.send("a red fox")
    await world.work()
    assert (await mia.jobs())[0].status is Status.ERROR and await mia.balance() == "50.00"


async def test_a_picture_too_large_for_a_photo_is_shown_smaller_and_kept_whole(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    provider.answers.append(Finished((png(9000, 3000),)))
    await mia.send("a wide castle")
    await world.work()
    with Image.open(io.BytesIO(telegram.uploads[telegram.last["message_id"]])) as shown:
        assert shown.format == "JPEG" and shown.width == files.SHOWN_SIDE
    [document] = await mia.press("Original")
    with Image.open(io.BytesIO(telegram.uploads[document["message_id"]])) as original:
        assert original.size == (9000, 3000)


async def test_a_strip_that_is_no_photo_becomes_a_link(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    provider.answers.append(Finished((png(2100, 100),)))
    await mia.send("a rope")
    await world.work()
    text = telegram.last["text"]
    assert "too large for Telegram" in text and "Download 1 (1 MB)" in text and "a rope" in text
    markup = telegram.named("sendMessage")[-1].text
    assert "/media/" in markup and "signature=" in markup and "7 days" in markup


async def test_a_video_too_large_becomes_a_link(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LARGEST_FILE", 10)
    monkeypatch.setattr(delivery, "LARGEST_FILE", 10)
    provider.answers.append(Finished((Media("video/mp4", data=b"\0\0\0\x18ftypisom" + bytes(100)),)))
    await mia.send("🎬 Create video")
    await mia.send("a fox runs")
    await world.work()
    assert "too large for Telegram" in telegram.last["text"]
    [links] = await mia.press("Original")
    assert "Download 1" in links["text"]


async def test_a_video_is_playable(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    provider.answers.append(Finished((Media("video/mp4", data=b"\0\0\0\x18ftypisom" + bytes(100)),)))
    await mia.send("🎬 Create video")
    await mia.send("a fox runs")
    await world.work()
    [call] = telegram.named("sendVideo")
    assert call.supports_streaming is True
    assert "Demo Video · 3 s" in telegram.last["caption"]


async def order_two(person: Person, provider: ScriptedProvider) -> None:
    """Order two pictures, which are delivered as an album."""
    provider.answers.append(Finished((png(20, 20), png(20, 30))))
    await person.send("/models")
    await person.press("Nano Banana ·")
    await person.press("2 · 1.60")
    await person.send("two foxes")


async def test_an_album_that_telegram_does_not_take_as_photos_goes_as_files(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    await order_two(mia, provider)
    telegram.fail("sendMediaGroup", lambda method: TelegramBadRequest(method, "Bad Request: PHOTO_INVALID_DIMENSIONS"))
    await world.work()
    [job] = await mia.jobs()
    assert job.status is Status.DONE and len(job.result_message_ids) == 3
    first, second = (telegram.posted[number] for number in job.result_message_ids[:2])
    assert first["document"] and second["document"] and "two foxes" in first["caption"] and "caption" not in second
    assert "What next?" in telegram.last["text"] and await mia.balance() == "48.40"


async def test_an_album_whose_buttons_could_not_be_sent_is_delivered(
    mia: Person, world: World, provider: ScriptedProvider, telegram: FakeTelegram
) -> None:
    await order_two(mia, provider)
    telegram.fail("sendMessage", lambda method: TelegramNetworkError(method, "lost"))
    await world.work()
    [job] = await mia.jobs()
    assert job.status is Status.DONE and len(job.result_message_ids) == 2


async def test_a_status_message_that_telegram_keeps_becomes_one_line(
    mia: Person, world: World, telegram: FakeTelegram
) -> None:
    telegram.fail("deleteMessage", lambda method: TelegramBadRequest(method, "message can't be deleted for everyone"))
    [status] = await mia.send("a red fox")
    await world.work()
    assert telegram.posted[status["message_id"]]["text"] == "✅ 🍌 Nano Banana: done"


def test_pauses_grow_to_a_limit() -> None:
    pauses = [pause_after(attempt) for attempt in (1, 2, 3, 50)]
    assert pauses == [timedelta(seconds=5), timedelta(seconds=10), timedelta(seconds=20), LONGEST_PAUSE]

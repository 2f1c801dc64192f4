"""Files in both directions, through the real aiogram bot."""

from __future__ import annotations

import io

import httpx
import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramEntityTooLarge
from aiogram.types import (
    BufferedInputFile,
    FSInputFile,
    InputMediaAudio,
    InputMediaDocument,
    InputMediaPhoto,
    InputMediaVideo,
    Message,
)
from PIL import Image
from pytest import MonkeyPatch

from bot.sandbox import limits
from tests.bot.sandbox.conftest import TOKEN, Running, image

pytestmark = pytest.mark.integration


def upload(body: bytes, name: str = "a.png") -> BufferedInputFile:
    return BufferedInputFile(body, name)


async def downloaded(bot: Bot, file_id: str) -> bytes:
    file = await bot.get_file(file_id)
    assert file.file_path is not None
    received = await bot.download_file(file.file_path)
    assert received is not None
    return received.read()


async def test_a_photo_comes_back_as_jpeg_in_several_sizes(bot: Bot, user: int) -> None:
    sent = await bot.send_photo(user, upload(image(2000, 1000)), caption="<b>hi</b>", parse_mode="HTML")
    assert sent.photo is not None
    assert [(size.width, size.height) for size in sent.photo] == [(90, 45), (320, 160), (1280, 640)]
    assert sent.caption == "hi"
    body = await downloaded(bot, sent.photo[-1].file_id)
    with Image.open(io.BytesIO(body)) as opened:
        assert (opened.format, opened.size) == ("JPEG", (1280, 640))
    assert len(body) == sent.photo[-1].file_size


async def test_a_small_photo_is_not_enlarged(bot: Bot, user: int) -> None:
    sent = await bot.send_photo(user, upload(image(60, 40)))
    assert [(size.width, size.height) for size in sent.photo or []] == [(60, 40)]


async def test_a_transparent_photo_gets_a_background(bot: Bot, user: int) -> None:
    output = io.BytesIO()
    Image.new("RGBA", (50, 50), (0, 0, 0, 0)).save(output, "PNG")
    sent = await bot.send_photo(user, upload(output.getvalue()))
    assert sent.photo is not None
    with Image.open(io.BytesIO(await downloaded(bot, sent.photo[-1].file_id))) as opened:
        assert opened.getpixel((25, 25)) == (255, 255, 255)


async def test_a_document_keeps_its_bytes_and_name(bot: Bot, user: int) -> None:
    sent = await bot.send_document(user, upload(b"\x00original", "Отчёт 1.pdf"))
    assert sent.document is not None
    assert (sent.document.file_name, sent.document.mime_type) == ("Отчёт 1.pdf", "application/pdf")
    assert await downloaded(bot, sent.document.file_id) == b"\x00original"


async def test_a_video_takes_its_size_from_the_parameters(bot: Bot, user: int) -> None:
    sent = await bot.send_video(
        user,
        upload(b"mp4", "v.mp4"),
        duration=8,
        width=1280,
        height=720,
        thumbnail=upload(image(), "t.jpg"),
        cover=upload(image(900, 600)),
    )
    assert sent.video is not None
    assert (sent.video.duration, sent.video.width, sent.video.height) == (8, 1280, 720)
    assert sent.video.mime_type == "video/mp4"
    assert sent.video.thumbnail is not None
    assert sent.video.thumbnail.width == 320
    assert sent.video.cover
    assert sent.video.cover[-1].width == 900


async def test_every_kind_of_file_is_sent(bot: Bot, user: int) -> None:
    animation = await bot.send_animation(user, upload(b"gif", "a.gif"), width=10, height=10, duration=1)
    assert animation.animation is not None
    assert animation.document is not None
    assert (await bot.send_voice(user, upload(b"ogg", "a.ogg"), duration=3)).voice is not None
    audio = await bot.send_audio(user, upload(b"mp3", "a.mp3"), performer="P", title="T", duration=3)
    assert audio.audio is not None
    assert audio.audio.performer == "P"
    assert (await bot.send_sticker(user, upload(b"webp", "a.webp"))).sticker is not None


async def test_a_file_id_is_sent_again_and_stays_the_same_file(bot: Bot, user: int) -> None:
    first = await bot.send_photo(user, upload(image(400, 300)))
    assert first.photo is not None
    again = await bot.send_photo(user, first.photo[0].file_id)
    assert again.photo == first.photo
    same_bytes = await bot.send_photo(user, upload(image(400, 300)))
    assert same_bytes.photo is not None
    assert same_bytes.photo[-1].file_unique_id == first.photo[-1].file_unique_id
    assert same_bytes.photo[-1].file_id != first.photo[-1].file_id


async def test_a_file_id_of_another_kind_is_refused(bot: Bot, user: int) -> None:
    sent = await bot.send_document(user, upload(b"x", "a.txt"))
    assert sent.document is not None
    with pytest.raises(TelegramBadRequest, match="can't use file of type Document as Photo"):
        await bot.send_photo(user, sent.document.file_id)


async def test_a_wrong_file_id_is_refused(bot: Bot, user: int) -> None:
    with pytest.raises(TelegramBadRequest, match="wrong file identifier/HTTP URL specified"):
        await bot.send_photo(user, "AgACnonsense")
    with pytest.raises(TelegramBadRequest, match="invalid file_id"):
        await bot.get_file("nonsense")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"not an image", "IMAGE_PROCESS_FAILED"),
        (b"", "file must be non-empty"),
        (image(2100, 100), "PHOTO_INVALID_DIMENSIONS"),
        (image(9000, 1001, colour="red"), "PHOTO_INVALID_DIMENSIONS"),
        (
            b"x" * (limits.PHOTO_BYTES + 1),
            "file of size 10485761 bytes is too big for a photo; the maximum size is 10485760 bytes",
        ),
    ],
    ids=["not an image", "empty", "too long", "too large", "too heavy"],
)
async def test_a_photo_that_telegram_refuses_is_refused(bot: Bot, user: int, body: bytes, words: str) -> None:
    with pytest.raises(TelegramBadRequest) as refused:
        await bot.send_photo(user, upload(body))
    assert refused.value.message == f"Bad Request: {words}"


async def test_an_upload_over_50_mb_is_too_large(bot: Bot, user: int) -> None:
    with pytest.raises(TelegramEntityTooLarge):
        await bot.send_document(user, upload(bytes(limits.UPLOAD_BYTES + 1), "big.bin"))


async def test_a_file_over_20_mb_cannot_be_fetched(bot: Bot, user: int, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DOWNLOAD_BYTES", 10)
    sent = await bot.send_document(user, upload(b"x" * 11, "big.bin"))
    assert sent.document is not None
    with pytest.raises(TelegramBadRequest, match="file is too big"):
        await bot.get_file(sent.document.file_id)


async def test_a_caption_that_is_too_long_is_refused(bot: Bot, user: int) -> None:
    with pytest.raises(TelegramBadRequest, match="message caption is too long"):
        await bot.send_photo(user, upload(image()), caption="x" * 1025)


async def test_a_missing_file_is_named(sandbox: Running, user: int) -> None:
    async with httpx.AsyncClient(verify=False) as client:
        answer = await client.post(f"{sandbox.address}/bot{TOKEN}/sendPhoto", json={"chat_id": user})
    assert answer.json()["description"] == "Bad Request: there is no photo in the request"


async def test_a_file_is_read_from_an_address(bot: Bot, user: int, sandbox: Running) -> None:
    first = await bot.send_photo(user, upload(image(120, 90)))
    assert first.photo is not None
    address = f"{sandbox.address}/sandbox/v1/files/{first.photo[-1].file_id}"
    again = await bot.send_photo(user, address)
    assert again.photo is not None
    assert again.photo[-1].width == 120
    with pytest.raises(TelegramBadRequest, match="failed to get HTTP URL content"):
        await bot.send_photo(user, f"{sandbox.address}/nothing-here.png")
    with pytest.raises(TelegramBadRequest, match="wrong type of the web page content"):
        await bot.send_photo(user, f"{sandbox.address}/")


async def test_a_file_cannot_be_fetched_without_the_token(bot: Bot, user: int, sandbox: Running) -> None:
    sent = await bot.send_document(user, upload(b"secret", "a.txt"))
    assert sent.document is not None
    path = (await bot.get_file(sent.document.file_id)).file_path
    async with httpx.AsyncClient(verify=False) as client:
        assert (await client.get(f"{sandbox.address}/file/bot42:wrong/{path}")).status_code == 404
        assert (await client.get(f"{sandbox.address}/file/bot{TOKEN}/{path}")).content == b"secret"
        outside = f"{sandbox.address}/file/bot{TOKEN}/%2e%2e/sandbox.sqlite3"
        assert (await client.get(outside)).status_code == 404


def items(count: int) -> list[InputMediaPhoto]:
    return [InputMediaPhoto(media=upload(image(40 + n, 40), f"{n}.png"), caption=f"{n}") for n in range(count)]


async def test_an_album_shares_a_media_group_id(bot: Bot, user: int) -> None:
    sent: list[Message] = await bot.send_media_group(user, [*items(2), InputMediaVideo(media=upload(b"v", "v.mp4"))])
    assert len({message.media_group_id for message in sent}) == 1
    assert [bool(message.photo) for message in sent] == [True, True, False]
    assert [message.caption for message in sent] == ["0", "1", None]
    other = await bot.send_media_group(user, [*items(1), *items(1)])
    assert other[0].media_group_id != sent[0].media_group_id


@pytest.mark.parametrize("count", [1, 11])
async def test_an_album_of_a_wrong_size_is_refused(bot: Bot, user: int, count: int) -> None:
    with pytest.raises(TelegramBadRequest, match="messages to send as an album"):
        await bot.send_media_group(user, [*items(count - 1), InputMediaVideo(media=upload(b"v", "v.mp4"))])


async def test_documents_and_audio_are_not_mixed_with_other_kinds(bot: Bot, user: int) -> None:
    document = InputMediaDocument(media=upload(b"x", "a.txt"))
    with pytest.raises(TelegramBadRequest, match="Document can't be mixed with other media types"):
        await bot.send_media_group(user, [document, *items(1)])
    audio = InputMediaAudio(media=upload(b"x", "a.mp3"))
    with pytest.raises(TelegramBadRequest, match="Audio can't be mixed with other media types"):
        await bot.send_media_group(user, [audio, *items(1)])
    assert len(await bot.send_media_group(user, [document, InputMediaDocument(media=upload(b"y", "b.txt"))])) == 2


async def test_a_broken_item_sends_nothing_of_the_album(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    broken = InputMediaPhoto(media=upload(b"no image", "x.png"))
    with pytest.raises(TelegramBadRequest, match="IMAGE_PROCESS_FAILED"):
        await bot.send_media_group(user, [*items(1), broken])
    assert (await http.get(f"/chats/{user}/messages")).json()["messages"] == []


async def test_a_file_from_the_disk_is_streamed(bot: Bot, user: int) -> None:
    sent = await bot.send_document(user, FSInputFile(__file__))
    assert sent.document is not None
    assert sent.document.file_name == "test_media.py"


async def test_the_page_gets_files_without_the_token(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    video = await bot.send_video(user, upload(b"0123456789", "v.mp4"))
    assert video.video is not None
    whole = await http.get(f"/files/{video.video.file_id}")
    assert (whole.content, whole.headers["content-type"]) == (b"0123456789", "video/mp4")
    part = await http.get(f"/files/{video.video.file_id}", headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.content) == (206, b"234")
    page = await bot.send_document(user, upload(b"<script>alert(1)</script>", "x.html"))
    assert page.document is not None
    shown = await http.get(f"/files/{page.document.file_id}")
    assert shown.headers["content-disposition"].startswith("attachment")
    assert (await http.get("/files/nothing")).status_code == 404

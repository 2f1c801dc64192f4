"""Stored files as Telegram shows them: pictures that fit, videos with their size and length."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest
from PIL import Image

from bot.files import SHOWN_SIDE, preview
from bot.mp4 import VideoFacts, probe
from providers.base import Failed, Finished, Job, MediaKind, Running, Submitted
from providers.demo import DemoProvider
from tests.bot.people import picture


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def mvhd(seconds: float) -> bytes:
    return box(b"mvhd", bytes(12) + struct.pack(">II", 1000, int(seconds * 1000)) + bytes(80))


def tkhd(width: int, height: int) -> bytes:
    return box(b"tkhd", bytes(76) + struct.pack(">II", width << 16, height << 16))


NO_MP4 = [b"", b"RIFF", bytes(64), box(b"moov", b"torn"), box(b"moov", box(b"mvhd", b"")), b"\0\0\0\7abcd"]


def test_size_and_length_are_read_from_an_mp4() -> None:
    moov = box(b"moov", mvhd(3.2) + box(b"trak", tkhd(640, 360)) + box(b"trak", tkhd(0, 0)))
    data = box(b"ftyp", b"isom") + box(b"mdat", bytes(100)) + moov
    assert probe(data) == VideoFacts(640, 360, 3)


def test_a_sound_track_in_front_does_not_hide_the_picture() -> None:
    moov = box(b"moov", mvhd(5) + box(b"trak", tkhd(0, 0)) + box(b"trak", tkhd(1280, 720)))
    assert probe(moov) == VideoFacts(1280, 720, 5)


def test_long_boxes_and_boxes_to_the_end_are_read() -> None:
    version_1 = b"\x01" + bytes(19) + struct.pack(">IQ", 600, 1200) + bytes(80)
    content = box(b"mvhd", version_1) + box(b"trak", tkhd(16, 9))
    long = struct.pack(">I4sQ", 1, b"moov", 16 + len(content)) + content
    assert probe(long) == VideoFacts(16, 9, 2)
    assert probe(struct.pack(">I4s", 0, b"moov") + content) == VideoFacts(16, 9, 2)


@pytest.mark.parametrize("data", NO_MP4)
def test_what_is_no_mp4_tells_nothing(data: bytes) -> None:
    assert probe(data) == VideoFacts()


def test_a_preview_is_a_jpeg_that_is_not_too_wide() -> None:
    with Image.open(io.BytesIO(preview(picture(size=(6000, 3000), kind="PNG")))) as shown:
        assert (shown.format, shown.size) == ("JPEG", (SHOWN_SIDE, SHOWN_SIDE // 2))


def test_a_preview_puts_transparency_on_white() -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (10, 10), (255, 0, 0, 0)).save(buffer, "WEBP")
    with Image.open(io.BytesIO(preview(buffer.getvalue()))) as shown:
        pixel = shown.convert("RGB").getpixel((5, 5))
    assert isinstance(pixel, tuple) and min(pixel) > 250


async def test_a_video_of_the_demonstration_provider_is_read(tmp_path: Path) -> None:
    job = Job("x" * 32, "demo-video", MediaKind.VIDEO, "a fox", (), {"duration": 1, "aspect_ratio": "16:9"})
    provider = DemoProvider(tmp_path)
    submitted = await provider.submit(job)
    answer: Submitted | Running | Finished | Failed = submitted
    while not isinstance(answer, Finished):
        assert isinstance(submitted, Submitted) and not isinstance(answer, Failed)
        answer = await provider.poll(submitted.external_id)
    [media] = answer.media
    assert media.data is not None
    facts = probe(media.data)
    assert facts.seconds >= 1 and facts.width > facts.height > 100

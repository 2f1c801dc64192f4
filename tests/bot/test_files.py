"""Stored files as Telegram shows them: pictures that fit, videos with their size and length."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from bot.files import SHOWN_SIDE, preview
from core import media
from providers.base import Failed, Finished, Job, MediaKind, Running, Submitted
from providers.demo import DemoProvider
from tests.bot.people import picture


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
    [made] = answer.media
    assert made.data is not None
    facts = await media.inspect(made.data)
    assert facts.seconds >= 1 and facts.width > facts.height > 100

"""The demonstration describes a reference plainly, in the language that is asked for, and adds the wishes."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from providers.base import Finished, InputMedia, Job, MediaKind, MediaRole
from providers.demo import DemoProvider
from providers.errors import ContentBlocked, InvalidRequest


def reference(*images: InputMedia, prompt: str = "", **params: str) -> Job:
    """A job that asks for words."""
    return Job("job-1", "demo-describe", MediaKind.TEXT, prompt, images=images, params=params)


def picture(colour: str, size: tuple[int, int]) -> InputMedia:
    """A picture of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return InputMedia(buffer.getvalue(), "image/png")


async def described(provider: DemoProvider, job: Job) -> str:
    """The words."""
    result = await provider.submit(job)
    assert isinstance(result, Finished)
    [media] = result.media
    assert media.mime == "text/plain; charset=utf-8" and media.data is not None
    return media.data.decode()


@pytest.fixture
def provider(tmp_path: Path) -> DemoProvider:
    """The demonstration."""
    return DemoProvider(tmp_path)


@pytest.mark.parametrize(
    ("colour", "size", "english", "russian"),
    [
        (
            "red",
            (40, 20),
            "a wide picture, soft light, mainly red",
            "горизонтальный кадр, мягкий свет, главный цвет красный",
        ),
        ("white", (20, 20), "a square picture, bright, mainly white", "квадратный кадр, светлый, главный цвет белый"),
        ("black", (20, 40), "a vertical picture, dark, mainly black", "вертикальный кадр, тёмный, главный цвет чёрный"),
    ],
)
async def test_a_picture_is_told_by_shape_light_and_colour(
    provider: DemoProvider, colour: str, size: tuple[int, int], english: str, russian: str
) -> None:
    assert await described(provider, reference(picture(colour, size), language="en")) == english
    assert await described(provider, reference(picture(colour, size), language="ru")) == russian


async def test_videos_and_links_are_told_by_what_they_are(provider: DemoProvider) -> None:
    film = InputMedia(b"film", "video/mp4", role=MediaRole.VIDEO)
    assert await described(provider, reference(film, language="en")) == "a short clip, smooth camera"
    link = reference(source_url="https://www.youtube.com/watch?v=abcdefghijk", language="en")
    assert await described(provider, link) == "a short clip like one on www.youtube.com"


async def test_wishes_are_added_and_orders_obeyed(provider: DemoProvider) -> None:
    job = reference(picture("red", (20, 20)), prompt="as a watercolour", language="en")
    assert (await described(provider, job)).endswith("mainly red, as a watercolour")
    with pytest.raises(ContentBlocked):
        await provider.submit(reference(picture("red", (20, 20)), prompt="[fail content_blocked]"))


async def test_nothing_and_nonsense_are_refused(provider: DemoProvider) -> None:
    with pytest.raises(InvalidRequest, match="nor a link"):
        await provider.submit(reference(prompt="words only"))
    with pytest.raises(InvalidRequest, match="cannot be read"):
        await provider.submit(reference(InputMedia(b"nonsense", "image/png")))

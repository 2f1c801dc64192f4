"""Small pictures and jobs for the tests of providers."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageDraw

from providers.base import InputMedia, Job, Json, MediaKind


def photo(
    size: tuple[int, int] = (320, 240), color: tuple[int, int, int] = (40, 120, 60), *, orientation: int | None = None
) -> InputMedia:
    """Return a JPEG with a white square in its upper left corner, so that turning and mirroring can be seen."""
    image = Image.new("RGB", size, color)
    ImageDraw.Draw(image).rectangle((0, 0, size[0] // 4, size[1] // 4), fill=(255, 255, 255))
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
        exif[0x010F] = "A camera"
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=95, exif=exif)
    return InputMedia(buffer.getvalue(), "image/jpeg")


def image_job(
    prompt: str, *images: InputMedia, client_id: str = "job-1", model: str = "demo-image", **params: Json
) -> Job:
    """Return a job for pictures."""
    return Job(client_id, model, MediaKind.IMAGE, prompt, images, params)


def video_job(prompt: str, *images: InputMedia, client_id: str = "job-1", **params: Json) -> Job:
    """Return a job for a video."""
    return Job(client_id, "demo-video", MediaKind.VIDEO, prompt, images, params)


def opened(data: bytes | None) -> Image.Image:
    """Return the decoded picture."""
    assert data is not None
    image = Image.open(BytesIO(data))
    image.load()
    return image

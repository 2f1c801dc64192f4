"""From a job to its media: sizes and formats from the parameters, then a drawing, an edited photo or a film."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageOps

from providers.base import Job, Json, Media, MediaKind
from providers.demo import edit, film, lettering, paint
from providers.errors import InvalidRequest

LONG_SIDES = {"512": 512, "1K": 1024, "2K": 2048, "4K": 4096}
VIDEO_SHORT_SIDES = {"480p": 480, "720p": 720, "1080p": 720}
FORMATS = {"jpeg": "JPEG", "jpg": "JPEG", "png": "PNG", "webp": "WEBP"}
MOST_PICTURES = 4
SMALLEST_LOOK = 64
# A drawing larger than this is drawn smaller and enlarged: its shapes are soft, and the time grows with the pixels.
LARGEST_DRAWING = 2048


@dataclass(frozen=True, slots=True)
class Options:
    """The parameters that the demonstration understands, checked. Unknown parameters are ignored, as vendors do."""

    ratio: float | None
    long_side: int
    quantity: int
    seconds: float
    video_short_side: int
    file_format: str

    @classmethod
    def of(cls, job: Job) -> Options:
        """Read the parameters of a job.

        Raises:
            InvalidRequest: a value is impossible.
        """
        params = job.params
        return cls(
            ratio=_ratio(params.get("aspect_ratio")),
            long_side=LONG_SIDES[_one_of("image_size", params.get("image_size", "1K"), LONG_SIDES)],
            quantity=int(_number("quantity", params.get("quantity", 1), 1, MOST_PICTURES)),
            seconds=_number("duration", params.get("duration", 4), 0.5, 600),
            video_short_side=VIDEO_SHORT_SIDES.get(str(params.get("resolution", "720p")), 720),
            file_format=FORMATS[_one_of("output_format", params.get("output_format", "jpeg"), FORMATS)],
        )

    def size(self, ratio: float) -> tuple[int, int]:
        """Return width and height of a picture of this shape."""
        long, short = self.long_side, max(64, round(self.long_side * min(ratio, 1 / ratio)))
        return (long, short) if ratio >= 1 else (short, long)


def picture(job: Job, caption: str, variant: int) -> Media:
    """Return one picture: the photos given, edited as the caption says, or a drawing of it."""
    options = Options.of(job)
    image = _edited(job, caption, options, variant) if job.images else _drawn(caption, options, variant)
    buffer = BytesIO()
    settings = {
        "JPEG": {"quality": 90, "optimize": False},
        "PNG": {"compress_level": 3},
        "WEBP": {"quality": 90, "method": 2},
    }
    lettering.write(image, caption, strength=0.9 if job.images else 0.65).save(
        buffer, options.file_format, **settings[options.file_format]
    )
    return Media(f"image/{options.file_format.lower()}", buffer.getvalue())


async def video(job: Job, caption: str) -> Media:
    """Return a short film that moves over the photo given or over a drawing of the caption."""
    options = Options.of(job)
    still, overlay = await asyncio.to_thread(_still, job, caption, options)
    return Media("video/mp4", await film.shoot(still, overlay, options.seconds))


def check(job: Job) -> None:
    """Look at the parameters and at the photos before the job is accepted.

    Raises:
        InvalidRequest: a parameter is impossible, or a photo cannot be read.
    """
    Options.of(job)
    for image in job.images:
        edit.open_photo(image.data, SMALLEST_LOOK)


def media_count(job: Job) -> int:
    """Return how many media the job asks for."""
    return 1 if job.kind is MediaKind.VIDEO else Options.of(job).quantity


def _drawn(caption: str, options: Options, variant: int) -> Image.Image:
    size = options.size(options.ratio or 1.0)
    scale = min(1.0, LARGEST_DRAWING / max(size))
    image = paint.draw(caption, (round(size[0] * scale), round(size[1] * scale)), variant=variant)
    return image if image.size == size else image.resize(size, Image.Resampling.BICUBIC)


def _edited(job: Job, caption: str, options: Options, variant: int) -> Image.Image:
    photos = [edit.open_photo(image.data, options.long_side) for image in job.images]
    photo = photos[0] if len(photos) == 1 else edit.collage(photos, options.long_side)
    if options.ratio is not None:
        photo = ImageOps.fit(photo, options.size(options.ratio), Image.Resampling.LANCZOS)
    elif max(photo.size) < 512:
        photo = ImageOps.contain(photo, (512, 512), Image.Resampling.BICUBIC)
    return edit.apply(photo, caption, variant=variant)


def _still(job: Job, caption: str, options: Options) -> tuple[Image.Image, Image.Image]:
    """Return the still, a little larger than the video so that the move stays sharp, and the overlay in its size."""
    photo = edit.open_photo(job.images[0].data, 2048) if job.images else None
    ratio = options.ratio or (photo.width / photo.height if photo else 16 / 9)
    short, long = options.video_short_side, options.video_short_side * min(max(ratio, 1 / ratio), 2.4)
    even = (round((long if ratio >= 1 else short) / 2) * 2, round((short if ratio >= 1 else long) / 2) * 2)
    large = (round(even[0] * 1.2), round(even[1] * 1.2))
    still = ImageOps.fit(photo, large, Image.Resampling.LANCZOS) if photo else paint.draw(caption, large)
    return still, lettering.overlay(even, caption)


def _ratio(value: Json) -> float | None:
    if value in {None, "", "auto"}:
        return None
    width, _, height = str(value).partition(":")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise InvalidRequest(f"aspect_ratio {value!r} is not of the form 16:9")
    ratio = int(width) / int(height)
    if not 1 / 8 <= ratio <= 8:
        raise InvalidRequest(f"aspect_ratio {value} is beyond 8:1")
    return ratio


def _one_of(name: str, value: Json, known: dict[str, object] | dict[str, int] | dict[str, str]) -> str:
    if not isinstance(value, str) or value not in known:
        raise InvalidRequest(f"{name} {value!r} is not one of {', '.join(known)}")
    return value


def _number(name: str, value: Json, least: float, most: float) -> float:
    try:
        number = float(str(value).removesuffix("s"))
    except ValueError:
        number = float("nan")
    if not least <= number <= most:
        raise InvalidRequest(f"{name} {value!r} is not a number from {least} to {most}")
    return number

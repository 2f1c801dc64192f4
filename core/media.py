"""Looks at files by their bytes: what users send is cleaned, what providers return is checked."""

from __future__ import annotations

import asyncio
import io
import re
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

MAX_IMAGE_BYTES: Final = 20 * 1024 * 1024
"""What a bot may download from Telegram."""

MAX_PIXELS: Final = 100_000_000
"""A picture with more is refused before it is decoded."""

WORKING_PIXELS: Final = 4_194_304
"""Inputs are scaled down to four megapixels: no provider looks at more."""

JPEG_QUALITY: Final = 92

_FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif", "BMP": "image/bmp"}
_EXTENSIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/gif": "gif",
    "video/mp4": "mp4",
    "video/webm": "webm",
}


class UnusableMedia(Exception):
    """The file cannot be used."""


class NotAnImage(UnusableMedia):
    """The bytes are not a picture in a format that we read: JPEG, PNG, WebP, GIF or BMP."""


class ImageTooLarge(UnusableMedia):
    """The picture has more bytes or pixels than we take."""


@dataclass(frozen=True, slots=True)
class AcceptedImage:
    """A picture that is safe to keep and to pass on: upright, without EXIF, at most four megapixels."""

    data: bytes
    mime: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Inspected:
    """What the bytes of a result turned out to be."""

    mime: str
    width: int = 0
    height: int = 0


async def accept_image(data: bytes) -> AcceptedImage:
    """Check and clean a picture that somebody sent.

    Raises:
        NotAnImage: by its bytes; its name and declared type are not looked at.
        ImageTooLarge: above 20 MB or 100 megapixels.
    """
    if len(data) > MAX_IMAGE_BYTES:
        raise ImageTooLarge(f"{len(data)} bytes")
    return await asyncio.to_thread(_clean, data)


async def inspect(data: bytes) -> Inspected:
    """Say what a provider's result is.

    Raises:
        UnusableMedia: neither a picture that can be decoded nor an MP4 or WebM video.
    """
    video = _video_type(data[:64])
    if video is not None:
        return Inspected(video)
    return await asyncio.to_thread(_inspect_image, data)


def extension(mime: str) -> str:
    """Return the file extension for a type that `inspect` or `accept_image` returned."""
    return _EXTENSIONS.get(mime, "bin")


def _clean(data: bytes) -> AcceptedImage:
    with _opened(data) as image:
        has_alpha = image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info
        upright = ImageOps.exif_transpose(image).convert("RGBA" if has_alpha else "RGB")
    if upright.width * upright.height > WORKING_PIXELS:
        scale = (WORKING_PIXELS / (upright.width * upright.height)) ** 0.5
        size = (max(1, int(upright.width * scale)), max(1, int(upright.height * scale)))
        upright = upright.resize(size, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    if has_alpha:
        upright.save(buffer, "PNG")
    else:
        upright.save(buffer, "JPEG", quality=JPEG_QUALITY)
    mime = "image/png" if has_alpha else "image/jpeg"
    return AcceptedImage(buffer.getvalue(), mime, upright.width, upright.height)


def _inspect_image(data: bytes) -> Inspected:
    with _opened(data) as image:
        return Inspected(_FORMATS[str(image.format)], image.width, image.height)


def _opened(data: bytes) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data), formats=list(_FORMATS))
        if image.width * image.height > MAX_PIXELS:
            raise ImageTooLarge(f"{image.width} x {image.height} pixels")
        image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageTooLarge(type(error).__name__) from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise NotAnImage(type(error).__name__) from None
    return image


def _video_type(head: bytes) -> str | None:
    if head[4:8] == b"ftyp":
        return "video/mp4"
    if head.startswith(b"\x1a\x45\xdf\xa3") and re.search(rb"webm", head):
        return "video/webm"
    return None

"""Looks at files by their bytes: what users send is cleaned, what providers return is checked."""

from __future__ import annotations

import asyncio
import io
import struct
import threading
import zlib
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

MAX_IMAGE_BYTES: Final = 20 * 1024 * 1024
"""What a bot may download from Telegram."""

MAX_PIXELS: Final = 64_000_000
"""A picture with more is refused before it is decoded: its pixels alone would fill a quarter of a gigabyte."""

WORKING_PIXELS: Final = 4_194_304
"""Inputs are scaled down to four megapixels: no provider looks at more."""

LONGEST_SIDE: Final = 16_384
"""A side of more cannot be written as JPEG or is not shown by anybody."""

JPEG_QUALITY: Final = 92

_FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif", "BMP": "image/bmp"}
_BRANDS_OF_PICTURES = {b"heic", b"heix", b"heif", b"hevc", b"mif1", b"msf1", b"avif", b"avis"}
"""HEIC and AVIF come in the container of MP4."""

_BROKEN = (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, IndexError)
"""What Pillow raises for broken files, depending on where they are broken."""

_decoding = threading.BoundedSemaphore(2)
"""Large pictures fill memory while they are decoded; more than two at once might fill all of it."""

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
        ImageTooLarge: above 20 MB or 64 megapixels.
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
    with _decoding:
        image = _opened(data, as_small_as_useful=True)
        has_alpha = image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info
        mode = "RGBA" if has_alpha else "RGB"
        ImageOps.exif_transpose(image, in_place=True)
        upright = image if image.mode == mode else image.convert(mode)
        if _working_size(upright) != upright.size:
            upright = upright.resize(_working_size(upright), Image.Resampling.LANCZOS)
        upright.info.clear()
        buffer = io.BytesIO()
        if has_alpha:
            upright.save(buffer, "PNG")
        else:
            upright.save(buffer, "JPEG", quality=JPEG_QUALITY)
    mime = "image/png" if has_alpha else "image/jpeg"
    return AcceptedImage(buffer.getvalue(), mime, upright.width, upright.height)


def _inspect_image(data: bytes) -> Inspected:
    with _decoding:
        image = _opened(data)
    return Inspected(_FORMATS[str(image.format)], image.width, image.height)


def _opened(data: bytes, *, as_small_as_useful: bool = False) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data), formats=list(_FORMATS))
        if image.width * image.height > MAX_PIXELS:
            raise ImageTooLarge(f"{image.width} x {image.height} pixels")
        if as_small_as_useful:
            # JPEG can be decoded at a half, a quarter or an eighth of its size, which saves most time and memory.
            image.draft(None, _working_size(image))
        image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageTooLarge(type(error).__name__) from None
    except _BROKEN as error:
        raise NotAnImage(type(error).__name__) from None
    return image


def _working_size(image: Image.Image) -> tuple[int, int]:
    scale = min(1.0, (WORKING_PIXELS / (image.width * image.height)) ** 0.5, LONGEST_SIDE / max(image.size))
    return max(1, int(image.width * scale)), max(1, int(image.height * scale))


def _video_type(head: bytes) -> str | None:
    if head[4:8] == b"ftyp":
        length = min(int.from_bytes(head[:4], "big"), len(head))
        brands = {head[8:12], *(head[start : start + 4] for start in range(16, length, 4))}
        return None if brands & _BRANDS_OF_PICTURES else "video/mp4"
    if head.startswith(b"\x1a\x45\xdf\xa3") and b"webm" in head:
        return "video/webm"
    return None

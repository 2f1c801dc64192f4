"""Pictures: what users send is made anew, which cleans it; what providers return is decoded to see that it can be."""

from __future__ import annotations

import asyncio
import io
import struct
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from core.media.errors import HeicImage, ImageTooLarge, NotAnImage
from core.media.kinds import HEAD, is_heic

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

_BROKEN = (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, IndexError)
"""What Pillow raises for broken files, depending on where they are broken."""

_decoding = threading.BoundedSemaphore(2)
"""Large pictures fill memory while they are decoded; more than two at once might fill all of it."""


@dataclass(frozen=True, slots=True)
class AcceptedImage:
    """A picture that is safe to keep and to pass on: upright, without EXIF, at most four megapixels."""

    data: bytes
    mime: str
    width: int
    height: int


async def accept_image(data: bytes) -> AcceptedImage:
    """Check and clean a picture that somebody sent. Of one that moves, the first frame is taken.

    Raises:
        HeicImage: a picture of a telephone that we do not read.
        NotAnImage: by its bytes; its name and declared type are not looked at.
        ImageTooLarge: above 20 MB or 64 megapixels.
    """
    if len(data) > MAX_IMAGE_BYTES:
        raise ImageTooLarge(f"{len(data)} bytes")
    return await asyncio.to_thread(_clean, data)


def measure(source: bytes | Path) -> tuple[str, int, int]:
    """Return type, width and height of a picture that can be decoded. Works for a while: to be called in a thread.

    Raises:
        UnusableMedia: it cannot be used; the subclass says why.
    """
    with _decoding:
        image = _opened(source)
    return _FORMATS[str(image.format)], image.width, image.height


def _clean(data: bytes) -> AcceptedImage:
    with _decoding:
        image = _opened(data, _working_size)
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


def opened(source: bytes | Path, at_least: tuple[int, int]) -> Image.Image:
    """Decode a picture, upright and no larger than needed for so many pixels. Works for a while: call it in a thread.

    Raises:
        UnusableMedia: it cannot be used; the subclass says why.
    """
    with _decoding:
        image = _opened(source, lambda _: at_least)
    return ImageOps.exif_transpose(image)


def _opened(source: bytes | Path, useful: Callable[[Image.Image], tuple[int, int]] | None = None) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=list(_FORMATS))
        if image.width * image.height > MAX_PIXELS:
            raise ImageTooLarge(f"{image.width} x {image.height} pixels")
        # JPEG can be decoded at a half, a quarter or an eighth of its size, which saves most time and memory.
        if useful is not None:
            image.draft(None, useful(image))
        image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageTooLarge(type(error).__name__) from None
    except _BROKEN as error:
        if is_heic(_head(source)):
            raise HeicImage("HEIC or AVIF") from None
        raise NotAnImage(type(error).__name__) from None
    return image


def _working_size(image: Image.Image) -> tuple[int, int]:
    scale = min(1.0, (WORKING_PIXELS / (image.width * image.height)) ** 0.5, LONGEST_SIDE / max(image.size))
    return max(1, int(image.width * scale)), max(1, int(image.height * scale))


def _head(source: bytes | Path) -> bytes:
    if isinstance(source, bytes):
        return source[:HEAD]
    with source.open("rb") as file:
        return file.read(HEAD)

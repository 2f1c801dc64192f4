"""Pictures and films that emulated services hand over: small, real, and drawn from the words of the order.

The demonstration's painter draws them; a corner says which model was asked. What was drawn is kept, for the same few
words are ordered again and again.
"""

from __future__ import annotations

import asyncio
import re
from functools import lru_cache
from io import BytesIO

from PIL import Image, ImageDraw

from providers.demo import film as demo_film
from providers.demo import lettering, paint

SIZES = {"16:9": (640, 360), "9:16": (360, 640), "1:1": (480, 480), "4:3": (640, 480), "3:4": (480, 640)}
LARGEST_DRAWING = 320
"""The longer side that is really drawn; the rest is enlarged, for the time grows with the pixels."""
LONGEST_FILM = 3.0
KEPT = 128
_ORDERS = re.compile(r"#[a-z]+(?:=\S+)?|\s--[a-z].*")
_films: dict[tuple[str, str, tuple[int, int], float], bytes] = {}


async def picture(words: str, ratio: str = "1:1", number: int = 0, label: str = "") -> bytes:
    """Return a PNG; other words or another number make another one."""
    return await asyncio.to_thread(_png, plain(words), SIZES.get(ratio, SIZES["1:1"]), number, label)


async def film(words: str = "a film", ratio: str = "16:9", seconds: float = 1.0, label: str = "") -> bytes:
    """Return an MP4 that moves over the picture of the words, as long as ordered but at most `LONGEST_FILM`."""
    size, seconds = SIZES.get(ratio, SIZES["16:9"]), max(0.5, min(seconds, LONGEST_FILM))
    key = (plain(words), label, size, seconds)
    if key not in _films:
        overlay = Image.new("RGBA", size)
        _sign(overlay, label)
        still = await asyncio.to_thread(drawing, key[0], size)
        made = await demo_film.shoot(still, overlay, seconds)
        if len(_films) >= KEPT:
            _films.pop(next(iter(_films)))
        _films[key] = made
    return _films[key]


def drawing(words: str, size: tuple[int, int], number: int = 0, label: str = "") -> Image.Image:
    """Return the picture of the words in any size, signed with the model's name."""
    scale = min(1.0, LARGEST_DRAWING / max(size))
    small = _drawn(plain(words), (max(64, round(size[0] * scale)), max(64, round(size[1] * scale))), number)
    image = small.resize(size, Image.Resampling.BICUBIC)
    _sign(image, label)
    return image


def plain(words: str) -> str:
    """Return the words without the orders that are for the emulator or for the service."""
    return " ".join(_ORDERS.sub("", words).split()) or "mountains"


@lru_cache(maxsize=KEPT)
def _drawn(words: str, size: tuple[int, int], number: int) -> Image.Image:
    return paint.draw(words, size, variant=number)


@lru_cache(maxsize=KEPT)
def _png(words: str, size: tuple[int, int], number: int, label: str) -> bytes:
    buffer = BytesIO()
    drawing(words, size, number, label).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _sign(image: Image.Image, label: str) -> None:
    """Write the model's name into the lower right corner."""
    text = lettering.legible(label)
    if not text:
        return
    face = lettering.font(max(10, round(min(image.size) * 0.03)))
    place = (image.width - face.size * 0.6, image.height - face.size * 0.5)
    ImageDraw.Draw(image).text(
        place, text, font=face, anchor="rs", fill=(255, 255, 255), stroke_width=1, stroke_fill=(10, 12, 24)
    )

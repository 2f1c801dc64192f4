"""Pictures and films that emulated services hand over: small, real, and coloured by the words of the order."""

from __future__ import annotations

from hashlib import sha256
from io import BytesIO

from PIL import Image, ImageDraw

from providers.demo import film as demo_film

SIZES = {"16:9": (640, 360), "9:16": (360, 640), "1:1": (480, 480), "4:3": (640, 480), "3:4": (480, 640)}
_films: dict[tuple[int, int], bytes] = {}


def picture(words: str, ratio: str = "1:1", number: int = 0) -> bytes:
    """Return a PNG; other words or another number make another one."""
    color = sha256(f"{words} {number}".encode()).digest()
    width, height = SIZES.get(ratio, SIZES["1:1"])
    image = Image.new("RGB", (width, height), (color[0], color[1], color[2]))
    ImageDraw.Draw(image).ellipse(
        (width // 4, height // 4, width * 3 // 4, height * 3 // 4), fill=(color[3], color[4], color[5])
    )
    buffer = BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


async def film(ratio: str = "16:9") -> bytes:
    """Return an MP4 of a second. One per shape is made and kept: nobody looks at more than its being a film."""
    size = SIZES.get(ratio, SIZES["16:9"])
    if size not in _films:
        still = Image.open(BytesIO(picture("a film", ratio)))
        _films[size] = await demo_film.shoot(still, Image.new("RGBA", size), 1.0)
    return _films[size]

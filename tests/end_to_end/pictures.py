"""Pictures to send, made without a file."""

from __future__ import annotations

import io
import random

from PIL import Image, ImageDraw

LARGEST_PHOTO = 10 * 1024 * 1024


def photograph(width: int = 640, height: int = 400, *, seed: int = 1, orientation: int | None = None) -> bytes:
    """Return a JPEG of coloured shapes; with `orientation` as a camera writes it that was held differently."""
    chance = random.Random(seed)
    image = Image.new("RGB", (width, height), (120, 160, 200))
    draw = ImageDraw.Draw(image)
    for _ in range(40):
        x, y, size = chance.randrange(width), chance.randrange(height), chance.randrange(20, 120)
        draw.ellipse((x, y, x + size, y + size), fill=tuple(chance.randrange(256) for _ in range(3)))
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    written = io.BytesIO()
    image.save(written, "JPEG", quality=90, exif=exif)
    return written.getvalue()


def size_of(data: bytes) -> tuple[int, int]:
    """Return width and height of a picture's bytes."""
    with Image.open(io.BytesIO(data)) as image:
        image.verify()
        return image.size


def distance(one: bytes, other: bytes) -> float:
    """Return how different two pictures look: 0 for the same, 255 for black and white."""
    small: list[bytes] = []
    for data in (one, other):
        with Image.open(io.BytesIO(data)) as image:
            small.append(image.convert("RGB").resize((32, 32)).tobytes())
    total = sum(abs(a - b) for a, b in zip(small[0], small[1], strict=True))
    return total / len(small[0])

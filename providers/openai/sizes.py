"""Which pixels a shape means: the three standard sizes, or on later models the largest that fits a budget."""

from __future__ import annotations

import re
from math import gcd

from providers.errors import InvalidRequest
from providers.openai.models import Traits

STEP = 16
LONGEST_SIDE = 3840
WIDEST = 3
LEAST_PIXELS = 655_360
TOLERANCE = 0.02
STANDARD = {"1:1": "1024x1024", "3:2": "1536x1024", "2:3": "1024x1536"}
SHAPES = (*STANDARD, "4:3", "3:4", "5:4", "4:5", "16:9", "9:16", "21:9", "9:21", "2:1", "1:2", "3:1", "1:3")
PIXELS = {"1K": 1536 * 1024, "2K": 2560 * 1440, "4K": 3840 * 2160}
"""Above 2560×1440 OpenAI calls sizes experimental; 3840×2160 is the most."""

_SIZE = re.compile(r"([1-9]\d{1,4})x([1-9]\d{1,4})")


def of_shape(traits: Traits, shape: str, scale: str) -> str:
    """Return the size of a shape, all of whose sides are multiples of 16 and in exactly that proportion."""
    if scale == "1K" and shape in STANDARD:
        return STANDARD[shape]
    if not traits.is_free or shape not in SHAPES or scale not in PIXELS:
        raise InvalidRequest(f"the model makes no {shape} of {scale}")
    width, height = (int(side) for side in shape.split(":"))
    divisor = gcd(width, height)
    width, height = width // divisor * STEP, height // divisor * STEP
    times = 1
    while _fits(width * (times + 1), height * (times + 1), PIXELS[scale]):
        times += 1
    return f"{width * times}x{height * times}"


def checked(traits: Traits, size: str) -> str:
    """Return a size that the model makes.

    Raises:
        InvalidRequest: it does not.
    """
    if size == "auto" or size in STANDARD.values():
        return size
    match = _SIZE.fullmatch(size)
    if match is None or not traits.is_free:
        raise InvalidRequest(f"the model makes no pictures of {size[:20]}")
    width, height = int(match[1]), int(match[2])
    is_odd = width % STEP or height % STEP or max(width, height) > WIDEST * min(width, height)
    if is_odd or width * height < LEAST_PIXELS or not _fits(width, height, PIXELS["4K"]):
        raise InvalidRequest(
            f"{size} is not of multiples of {STEP}, from 1:3 to 3:1, and at most {LONGEST_SIDE} a side"
        )
    return size


def nearest(traits: Traits, width: int, height: int) -> str:
    """Return the size next to the shape of a picture that is edited: left to the model, odd shapes are lost."""
    shape = width / height
    standard = min(STANDARD.values(), key=lambda size: abs(_ratio(size) - shape))
    if not traits.is_free or abs(_ratio(standard) - shape) < TOLERANCE:
        return standard
    shape = min(max(shape, 1 / WIDEST), WIDEST)
    across, down = (PIXELS["1K"] * shape) ** 0.5, (PIXELS["1K"] / shape) ** 0.5
    return f"{int(across) // STEP * STEP}x{int(down) // STEP * STEP}"


def _ratio(size: str) -> float:
    width, _, height = size.partition("x")
    return int(width) / int(height)


def _fits(width: int, height: int, pixels: int) -> bool:
    return width * height <= pixels and max(width, height) <= LONGEST_SIDE

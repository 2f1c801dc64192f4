"""Makes the mask that OpenAI wants of the mask that a user gave: a PNG with alpha, as large as the first picture."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from providers.base import InputMedia
from providers.errors import InvalidRequest

if TYPE_CHECKING:
    from PIL import Image

MOST_BYTES = 4 * 1024 * 1024
TOLERANCE = 0.02
"""By how much a mask may be of another shape than the picture: a pixel or two lost in scaling."""


def measured(picture: InputMedia) -> tuple[int, int]:
    """Return width and height of a picture.

    Raises:
        InvalidRequest: it cannot be opened.
    """
    return _open(picture).size


def prepared(mask: InputMedia, size: tuple[int, int]) -> bytes:
    """Return the mask of this size. What is transparent, or black where nothing is, is painted anew.

    Raises:
        InvalidRequest: it marks nothing or is of another shape than the picture.
    """
    from PIL import Image

    alpha = _alpha(_open(mask))
    if alpha.size != size:
        if abs(alpha.width / alpha.height / (size[0] / size[1]) - 1) > TOLERANCE:
            raise InvalidRequest(
                f"a mask of {alpha.width}x{alpha.height} does not fit a picture of {size[0]}x{size[1]}"
            )
        alpha = alpha.resize(size, Image.Resampling.NEAREST)
    lowest, _ = alpha.getextrema()
    if lowest != 0:
        raise InvalidRequest("the mask marks nothing that could be painted anew")
    made = Image.new("RGBA", size, (0, 0, 0, 0))
    made.putalpha(alpha)
    buffer = BytesIO()
    made.save(buffer, "PNG", optimize=True)
    if buffer.tell() >= MOST_BYTES:
        raise InvalidRequest(f"the mask has {buffer.tell()} bytes, {MOST_BYTES} are too many")
    return buffer.getvalue()


def _alpha(mask: Image.Image) -> Image.Image:
    """Return where the picture stays: only fully transparent places are painted, so half-tones go either way."""
    has_alpha = "A" in mask.getbands() or "transparency" in mask.info
    plane = mask.convert("RGBA").getchannel("A") if has_alpha else mask.convert("L")
    return plane.point(lambda value: 255 if value >= 128 else 0)


def _open(media: InputMedia) -> Image.Image:
    from PIL import Image, UnidentifiedImageError

    try:
        image = Image.open(BytesIO(media.data))
        image.load()
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError):
        raise InvalidRequest("a picture cannot be opened") from None
    return image

"""Edits of photos, chosen by the words of the prompt: black and white, blur, night, snow, a colour, a collage."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from hashlib import sha256
from io import BytesIO
from random import Random

from PIL import Image, ImageChops, ImageEnhance, ImageFilter, ImageOps, UnidentifiedImageError

from providers.demo import brush, words
from providers.demo.words import Color
from providers.errors import InvalidRequest

# Pillow warns of larger pictures, and refuses those of twice the size.
MOST_PIXELS = 89_478_485
Edit = Callable[[Image.Image], Image.Image]


def open_photo(data: bytes, longest: int) -> Image.Image:
    """Return the picture upright, without metadata, scaled down to at most `longest` pixels a side.

    Raises:
        InvalidRequest: the bytes are not a picture, or one too large to decode.
    """
    try:
        image: Image.Image = Image.open(BytesIO(data))
        if image.width * image.height > MOST_PIXELS:
            raise InvalidRequest(f"the input has {image.width}×{image.height} pixels, more than {MOST_PIXELS}")
        image.draft("RGB", (longest, longest))
        image = ImageOps.exif_transpose(image)
    except (
        UnidentifiedImageError,
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
        raise InvalidRequest(f"the input is not a picture that can be read: {error}") from error
    if image.mode in {"RGBA", "LA", "PA", "P"}:
        layer = image.convert("RGBA")
        image = Image.new("RGB", layer.size, (255, 255, 255))
        image.paste(layer, (0, 0), layer)
    clean = Image.new("RGB", image.size)
    clean.paste(image.convert("RGB"))
    if max(clean.size) > longest:
        clean.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return clean


def collage(photos: Sequence[Image.Image], longest: int) -> Image.Image:
    """Return the photos side by side in a grid with thin white gaps."""
    columns = 2 if len(photos) in {2, 3, 4} else 3
    rows = -(-len(photos) // columns)
    gap = max(2, longest // 128)
    side = (longest - gap * (columns + 1)) // columns
    sheet = Image.new("RGB", (longest, rows * side + gap * (rows + 1)), (250, 250, 248))
    for number, photo in enumerate(photos):
        row, column = divmod(number, columns)
        in_row = min(columns, len(photos) - row * columns)
        wide = (longest - gap * (in_row + 1)) // in_row
        sheet.paste(
            ImageOps.fit(photo, (wide, side), Image.Resampling.LANCZOS),
            (gap + column * (wide + gap), gap + row * (side + gap)),
        )
    return sheet


def apply(image: Image.Image, prompt: str, *, variant: int = 0) -> Image.Image:
    """Return the photo with every edit that the words ask for; without a known word it becomes a painting."""
    found = re.findall(r"[\w/]+(?:-\w+)?", prompt.lower())
    chosen = [edit for stems, edit in EDITS if words.mentions(found, stems)]
    tint = words.first_color(found)
    if tint is not None:
        chosen.append(lambda photo: tinted(photo, tint))
    rng = Random(sha256(f"{variant}\n{prompt}".encode(errors="surrogatepass")).digest())
    if words.mentions(found, words.WINTER):
        chosen.append(lambda photo: snowed(photo, rng))
    if not chosen:
        chosen.append(lambda photo: painted(photo, rng))
    for edit in chosen:
        image = edit(image)
    if variant:
        image = ImageEnhance.Brightness(image).enhance((1.14, 0.86, 1.28)[(variant - 1) % 3])
    return image


def black_and_white(photo: Image.Image) -> Image.Image:
    """Take the colours away."""
    return ImageOps.autocontrast(photo.convert("L"), cutoff=1).convert("RGB")


def sepia(photo: Image.Image) -> Image.Image:
    """Give the browns of an old print."""
    return ImageOps.colorize(
        ImageOps.autocontrast(photo.convert("L"), cutoff=1), (38, 24, 14), (255, 240, 208), mid=(164, 122, 82)
    )


def blurred(photo: Image.Image) -> Image.Image:
    """Lose the focus."""
    return photo.filter(ImageFilter.GaussianBlur(max(2, max(photo.size) / 90)))


def night(photo: Image.Image) -> Image.Image:
    """Turn day into moonlight."""
    dim = ImageEnhance.Brightness(ImageEnhance.Color(photo).enhance(0.55)).enhance(0.62)
    return ImageChops.soft_light(Image.blend(dim, Image.new("RGB", photo.size, (30, 48, 120)), 0.34), dim)


def brightened(photo: Image.Image) -> Image.Image:
    """Let more light in."""
    return ImageEnhance.Color(ImageEnhance.Brightness(photo).enhance(1.35)).enhance(1.2)


def tinted(photo: Image.Image, color: Color) -> Image.Image:
    """Lay a colour over the photo and keep its light and shade."""
    duotone = ImageOps.colorize(
        photo.convert("L"), brush.mix((6, 6, 14), color, 0.18), brush.mix(color, (255, 255, 255), 0.86), mid=color
    )
    return Image.blend(photo, duotone, 0.68)


def snowed(photo: Image.Image, rng: Random) -> Image.Image:
    """Let it snow on a colder photo."""
    cold = Image.blend(ImageEnhance.Color(photo).enhance(0.7), Image.new("RGB", photo.size, (206, 222, 242)), 0.22)
    brush.snowfall(cold, rng)
    return cold


def painted(photo: Image.Image, rng: Random) -> Image.Image:
    """Make a painting: flat patches of colour, drawn contours, a warm or a cool light."""
    small = photo.reduce(2) if min(photo.size) >= 128 else photo
    patches = small.filter(ImageFilter.MedianFilter(5)).quantize(
        20, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
    )
    flat = patches.convert("RGB").filter(ImageFilter.ModeFilter(5)).resize(photo.size, Image.Resampling.BICUBIC)
    flat = ImageEnhance.Color(Image.blend(flat, photo, 0.3)).enhance(1.4)
    edges = photo.convert("L").filter(ImageFilter.GaussianBlur(1.2)).filter(ImageFilter.FIND_EDGES)
    lines = edges.point([max(90, 255 - max(0, v - 14) * 5) for v in range(256)])
    inked = ImageChops.multiply(flat, Image.merge("RGB", (lines, lines, lines)))
    light = rng.choice(((255, 206, 150), (150, 200, 255), (255, 176, 196)))
    return Image.blend(inked, ImageChops.soft_light(inked, Image.new("RGB", photo.size, light)), 0.6)


EDITS: tuple[tuple[tuple[str, ...], Edit], ...] = (
    (("mirror", "flip", "зеркал", "отраз"), ImageOps.mirror),
    (
        ("rotate", "rotated", "turn", "поверн", "повёрн", "вращ"),
        lambda photo: photo.transpose(Image.Transpose.ROTATE_270),
    ),
    (
        (
            "black",
            "monochrome",
            "grayscale",
            "greyscale",
            "b/w",
            "bw",
            "чб",
            "ч/б",
            "ч-б",
            "чёрно",
            "черно",
            "монохром",
        ),
        black_and_white,
    ),
    (("sepia", "vintage", "retro", "сепи", "винтаж", "ретро", "старин"), sepia),
    (("invert", "negative", "инверт", "негатив"), ImageOps.invert),
    (("blur", "размы", "размой", "размаз", "расфокус"), blurred),
    (("night", "dark", "midnight", "ноч", "ночн", "тёмн", "темн", "темнее", "затемн"), night),
    (("bright", "lighter", "sunny", "ярк", "ярч", "светл", "солн"), brightened),
)

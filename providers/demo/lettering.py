"""Words on pictures: the prompt below, and above it the banner that says that no AI model made this.

The font is Roboto (Apache License 2.0, `fonts/LICENSE.txt`): it has Cyrillic, which Pillow's own font has not.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

FONT = Path(__file__).parent / "fonts" / "Roboto-Medium.ttf"
BANNER = ("DEMO · not made by an AI model", "ДЕМО · нарисовано без нейросети")
LONGEST_CAPTION = 600
LARGEST, SMALLEST = 0.052, 0.026
MOST_LINES = 7


@lru_cache(maxsize=64)
def font(size: int) -> ImageFont.FreeTypeFont:
    """Return the font at a size in pixels."""
    return ImageFont.truetype(FONT, size)


@lru_cache(maxsize=4096)
def _is_drawable(character: str) -> bool:
    probe = font(24)
    return character.isspace() or bytes(probe.getmask(character)) != bytes(probe.getmask("\U0010fffd"))


def legible(text: str) -> str:
    """Return the text on one line, without what the font cannot draw, such as emoji and control characters."""
    kept = "".join(
        character for character in text[: LONGEST_CAPTION * 4] if character.isspace() or character.isprintable()
    )
    drawable = " ".join("".join(character for character in kept if _is_drawable(character)).split())
    return re.sub(r"\s+([,.;:!?…])", r"\1", drawable)


def overlay(size: tuple[int, int], caption: str, *, strength: float = 0.65) -> Image.Image:
    """Return a transparent layer with the banner and the caption, to be laid over a picture of this size.

    `strength` is how dark the ground of the caption is.
    """
    layer = Image.new("RGBA", size)
    banner_height = _draw_banner(layer)
    text = legible(caption)
    if text:
        _draw_caption(layer, text, room=size[1] - banner_height, strength=strength)
    return layer


def write(image: Image.Image, caption: str, *, strength: float = 0.65) -> Image.Image:
    """Return the picture with the caption and the banner on it."""
    result = image.convert("RGB")
    layer = overlay(result.size, caption, strength=strength)
    result.paste(layer, (0, 0), layer)
    return result


def wrap(text: str, face: ImageFont.FreeTypeFont, width: float, most: int) -> list[str]:
    """Break the text into at most `most` lines; the last one ends with an ellipsis if something is left over."""
    lines: list[str] = []
    rest = text
    while rest:
        if len(lines) == most:
            lines[-1] = _ellipsis(lines[-1], face, width)
            break
        line, rest = _take_line(rest, face, width)
        lines.append(line)
    return lines


def _take_line(text: str, face: ImageFont.FreeTypeFont, width: float) -> tuple[str, str]:
    """Take as much as fits: whole words where possible, else part of the first word."""
    low, high = 1, min(len(text), 400)
    while low < high:
        middle = (low + high + 1) // 2
        if face.getlength(text[:middle]) <= width:
            low = middle
        else:
            high = middle - 1
    if low == len(text):
        return text, ""
    space = text.rfind(" ", 0, low + 1)
    end = space if space > 0 else low
    return text[:end].rstrip(), text[end:].lstrip()


def _ellipsis(line: str, face: ImageFont.FreeTypeFont, width: float) -> str:
    while line and face.getlength(line + "…") > width:
        line = line[:-1]
    return line.rstrip(" ,.;:—-") + "…"


def _draw_caption(layer: Image.Image, text: str, *, room: int, strength: float) -> None:
    width, height = layer.size
    unit = min(width * 1.15, height * 1.3, max(width, height))
    margin = round(width * 0.05)
    share = LARGEST
    while True:
        face = font(max(9, round(unit * share)))
        leading = face.size * 1.28
        most = max(1, min(MOST_LINES, int(room * 0.55 / leading)))
        lines = wrap(text[:LONGEST_CAPTION], face, width - 2 * margin, most + 1)
        if len(lines) <= (3 if share > SMALLEST * 1.3 else most) or share <= SMALLEST:
            break
        share *= 0.88
    lines = wrap(text, face, width - 2 * margin, most)
    top = height - margin * 0.8 - leading * len(lines)
    _shade(layer, top=max(0, round(top - leading * 1.5)), ramp=round(leading * 2), strength=strength)
    canvas = ImageDraw.Draw(layer)
    for number, line in enumerate(lines):
        canvas.text(
            (width / 2, top + leading * (number + 0.5)),
            line,
            font=face,
            anchor="mm",
            fill=(255, 255, 255, 255),
            stroke_width=max(1, round(face.size / 18)),
            stroke_fill=(10, 12, 24, 215),
        )


def _shade(layer: Image.Image, *, top: int, ramp: int, strength: float) -> None:
    """Darken the picture below `top`, softly over `ramp` pixels, so that the caption reads on any picture."""
    darkness = Image.new("L", (layer.width, layer.height - top), round(255 * strength))
    fall = Image.linear_gradient("L").point([round(v * strength) for v in range(256)])
    darkness.paste(fall.resize((layer.width, ramp)), (0, 0))
    dark = Image.new("RGBA", darkness.size, (8, 10, 22, 255))
    dark.putalpha(darkness)
    layer.paste(dark, (0, top))


def _draw_banner(layer: Image.Image) -> int:
    """Draw the banner at the top left; return the height that it takes."""
    width, height = layer.size
    sizes = (max(9, round(min(width * 0.03, height * 0.034))), max(8, round(min(width * 0.0235, height * 0.0266))))
    faces = [font(size) for size in sizes]
    pad, gap = sizes[0] * 0.75, sizes[0] * 0.32
    corner = sizes[0] * 0.8
    wide = max(face.getlength(text) for face, text in zip(faces, BANNER, strict=True)) + 2 * pad
    tall = sizes[0] + sizes[1] + gap + pad * 1.45
    pill = Image.new("RGBA", (round(wide * 2), round(tall * 2)))
    ImageDraw.Draw(pill).rounded_rectangle(
        (0, 0, pill.width - 1, pill.height - 1),
        radius=sizes[0] * 1.2,
        fill=(12, 14, 28, 172),
        outline=(255, 255, 255, 70),
        width=2,
    )
    pill = pill.reduce(2)
    layer.paste(pill, (round(corner), round(corner)))
    canvas = ImageDraw.Draw(layer)
    first = corner + pad * 0.72 + sizes[0] / 2
    canvas.text((corner + pad, first), BANNER[0], font=faces[0], anchor="lm", fill=(255, 255, 255, 255))
    canvas.text(
        (corner + pad, first + sizes[0] / 2 + gap + sizes[1] / 2),
        BANNER[1],
        font=faces[1],
        anchor="lm",
        fill=(214, 220, 236, 255),
    )
    return round(corner + tall)

"""Pictures of space."""

from __future__ import annotations

from random import Random

from PIL import Image, ImageDraw, ImageEnhance

from providers.demo import brush, subjects
from providers.demo.brush import Point, mix
from providers.demo.palette import Palette
from providers.demo.words import Color, Wish

WHITE: Color = (255, 255, 255)


def space(image: Image.Image, rng: Random, wish: Wish, palette: Palette) -> None:
    """Paint a planet with a ring before a nebula."""
    image.paste(brush.gradient(image.size, ((4, 5, 16), (10, 10, 30), (6, 6, 20))))
    first = wish.tint or rng.choice(((92, 60, 190), (30, 110, 190), (190, 60, 120)))
    for color in (first, mix(palette.sky[2], first, 0.35)):
        haze = brush.noise(rng, image.size, cells=(2, 2), octaves=5).point(
            [round(max(0, v - 118) * 1.5) for v in range(256)]
        )
        image.paste(color, None, haze)
    brush.stars(image, rng, 620, lowest=1.0)
    for _ in range(5):
        brush.glow(image, (rng.random(), rng.random()), rng.uniform(0.02, 0.05), WHITE, 0.9)
    _planet(
        image,
        rng,
        (rng.uniform(0.36, 0.64), rng.uniform(0.36, 0.5)),
        rng.uniform(0.2, 0.27),
        mix(palette.sky[1], first, 0.5),
    )
    subjects.paint(image, wish, palette, (0.5, 0.86), afloat=True)


def _planet(image: Image.Image, rng: Random, center: Point, radius: float, color: Color) -> None:
    brush.glow(image, center, radius * 1.8, color, 0.5)
    reach = round(radius * min(image.size))
    bands = brush.noise(rng, (reach * 2, reach * 2), cells=(1, 9), octaves=4)
    ball = Image.merge(
        "RGB", [bands.point([min(255, round(part * (0.55 + v / 190))) for v in range(256)]) for part in color]
    )
    shade = (
        Image.radial_gradient("L")
        .resize((reach * 4, reach * 4))
        .crop((reach * 1 + reach // 2, reach + reach // 2, reach * 3 + reach // 2, reach * 3 + reach // 2))
    )
    ball.paste((2, 2, 10), None, shade.point([min(255, round(max(0, v - 30) * 1.9)) for v in range(256)]))
    x, y = round(center[0] * image.width) - reach, round(center[1] * image.height) - reach
    disc = brush.mask((reach * 2, reach * 2), lambda canvas, w, h: canvas.ellipse((1, 1, w - 2, h - 2), fill=255))
    band = Image.new("RGB", image.size, mix(color, WHITE, 0.45))
    _ring(image, band, center, reach, behind=True)
    image.paste(ImageEnhance.Color(ball).enhance(1.2), (x, y), disc)
    _ring(image, band, center, reach, behind=False)


def _ring(image: Image.Image, band: Image.Image, center: Point, reach: int, *, behind: bool) -> None:
    """Paint the half of a planet's ring that is behind it, or the half before it."""
    x, y = center[0] * image.width, center[1] * image.height

    def half(canvas: ImageDraw.ImageDraw, width: int, _height: int) -> None:
        scale = width / image.width
        start, end = (180, 360) if behind else (0, 180)
        for stretch, value, thick in ((1.95, 90, 0.1), (1.72, 170, 0.12), (1.5, 110, 0.05)):
            box = (
                (x - reach * stretch) * scale,
                (y - reach * stretch * 0.26) * scale,
                (x + reach * stretch) * scale,
                (y + reach * stretch * 0.26) * scale,
            )
            canvas.arc(box, start, end, fill=value, width=max(1, round(reach * thick * scale)))

    tilted = brush.mask(image.size, half).rotate(14, Image.Resampling.BICUBIC, center=(x, y))
    image.paste(band, None, tilted)

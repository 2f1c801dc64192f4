"""Pictures of a city."""

from __future__ import annotations

from random import Random

from PIL import Image, ImageDraw

from providers.demo import brush, sky, subjects
from providers.demo.brush import Point, mix
from providers.demo.palette import Palette
from providers.demo.words import Color, Hour, Wish

WHITE: Color = (255, 255, 255)


def city(image: Image.Image, rng: Random, wish: Wish, palette: Palette) -> None:
    """Paint towers, their windows lit when it is dark."""
    sky.paint(image, rng, wish, palette, 0.7)
    for layer in range(4):
        depth = layer / 3
        color = mix(mix(palette.far, palette.sky[2], 0.35), mix(palette.near, (12, 14, 26), 0.5), depth)
        lit = {Hour.DAY: 0.0, Hour.DUSK: 0.35, Hour.NIGHT: 0.55}[wish.hour] * (0.35 + 0.65 * depth)
        x = -0.03
        while x < 1.0:
            wide = rng.uniform(0.05, 0.1) * (1 + 0.35 * layer)
            tall = rng.uniform(0.14, 0.42) * (1 - 0.16 * layer) + 0.1
            _tower(image, rng, (x, 0.86 + 0.05 * layer - tall), wide, color, lit)
            x += wide * rng.uniform(0.85, 1.15)
        brush.glow(image, (rng.random(), 0.86), 0.5, mix(palette.sky[2], palette.light, 0.3), 0.22)
    brush.fill(
        image,
        [(0.0, 0.93), (1.0, 0.93), (1.0, 1.01), (0.0, 1.01)],
        (mix(palette.near, palette.sky[2], 0.25), palette.near),
    )
    subjects.paint(image, wish, palette, (rng.uniform(0.4, 0.6), 0.86))


def _tower(image: Image.Image, rng: Random, corner: Point, wide: float, color: Color, lit: float) -> None:
    x, y = corner
    brush.fill(image, [(x, y), (x + wide, y), (x + wide, 1.01), (x, 1.01)], (color, mix(color, (0, 0, 0), 0.25)))
    if rng.random() < 0.4:
        mast = x + wide * rng.uniform(0.3, 0.7)
        brush.fill(image, [(mast, y - 0.05), (mast + 0.004, y - 0.05), (mast + 0.004, y), (mast, y)], (color,))
    canvas = ImageDraw.Draw(image)
    columns, step = rng.randint(3, 6), 0.026
    pane = wide / (columns * 1.7 + 0.7)
    warm = rng.choice(((255, 214, 132), (255, 190, 98), (206, 228, 255)))
    for row in range(int((1.0 - y) / step)):
        for column in range(columns):
            left, top = x + pane * (0.7 + 1.7 * column), y + step * (row + 0.5)
            shade = (
                mix(color, warm, rng.uniform(0.6, 1))
                if rng.random() < lit
                else mix(color, (150, 190, 220) if lit == 0 else (0, 0, 0), 0.18)
            )
            canvas.rectangle(
                (
                    left * image.width,
                    top * image.height,
                    (left + pane) * image.width,
                    (top + step * 0.55) * image.height,
                ),
                fill=shade,
            )

"""Pictures of the sea."""

from __future__ import annotations

from random import Random

from PIL import Image, ImageDraw, ImageFilter

from providers.demo import brush, sky, subjects
from providers.demo.brush import Point, mix
from providers.demo.palette import Palette
from providers.demo.words import Color, Wish

WHITE: Color = (255, 255, 255)


def sea(image: Image.Image, rng: Random, wish: Wish, palette: Palette) -> None:
    """Paint open water that reflects the sky."""
    horizon = rng.uniform(0.52, 0.6)
    light = sky.paint(image, rng, wish, palette, horizon)
    if rng.random() < 0.7:
        ridge = brush.jagged_ridge(rng, horizon + 0.01, 0.14)
        brush.fill(
            image, brush.ground(ridge), (mix(palette.far, palette.sky[1], 0.3), mix(palette.far, palette.sky[2], 0.5))
        )
    line = round(horizon * image.height)
    above = image.crop((0, max(0, 2 * line - image.height), image.width, line)).transpose(
        Image.Transpose.FLIP_TOP_BOTTOM
    )
    water = above.resize((image.width, image.height - line)).filter(ImageFilter.GaussianBlur(image.width / 160))
    depth = brush.gradient(
        water.size,
        (
            mix(palette.sky[1], palette.sky[2], 0.4),
            mix(palette.sky[0], (10, 70, 110), 0.45),
            mix(palette.near, (4, 40, 70), 0.6),
        ),
    )
    image.paste(Image.blend(water, depth, 0.62), (0, line))
    _waves(image, rng, palette, light, line)
    subjects.paint(image, wish, palette, (rng.uniform(0.35, 0.65), horizon + 0.13), afloat=True)


def _waves(image: Image.Image, rng: Random, palette: Palette, light: Point, line: int) -> None:
    """Lay streaks of reflected light on the water: long and thick near, short and thin at the horizon."""
    layer = Image.new("L", image.size)
    canvas = ImageDraw.Draw(layer)
    depth, unit = image.height - line, min(image.size) / 1024
    for i in range(420):
        near = (i / 420) ** 1.6
        y = line + 2 + near * depth * rng.uniform(0.9, 1.1)
        glitter = rng.random() < 0.45
        x = (
            light[0] * image.width + rng.gauss(0, (0.03 + 0.09 * near) * image.width)
            if glitter
            else rng.random() * image.width
        )
        half, thick = (
            unit * (6 + 70 * near) * rng.uniform(0.3, 1),
            max(0.6, unit * (0.7 + 4.5 * near) * rng.uniform(0.4, 1)),
        )
        canvas.ellipse(
            (x - half, y - thick, x + half, y + thick), fill=rng.randint(120, 220) if glitter else rng.randint(18, 60)
        )
    image.paste(mix(palette.light, WHITE, 0.3), None, layer.filter(ImageFilter.GaussianBlur(0.8 * unit)))

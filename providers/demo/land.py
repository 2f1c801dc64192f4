"""Pictures of land: mountains, forest and desert."""

from __future__ import annotations

from functools import lru_cache
from math import exp, pi, sin
from random import Random

from PIL import Image, ImageDraw

from providers.demo import brush, sky, subjects
from providers.demo.brush import Point, mix
from providers.demo.palette import Palette
from providers.demo.words import Color, Wish

WHITE: Color = (255, 255, 255)
# The height in which a fir is drawn before it is scaled: larger than any that is planted in a picture of 1K.
SPRITE = 512


def mountains(image: Image.Image, rng: Random, wish: Wish, palette: Palette) -> None:
    """Paint peaks with snow on them, hills before them, and firs."""
    sky.paint(image, rng, wish, palette, 0.6)
    haze = mix(palette.sky[2], palette.light, 0.25)
    far = mix(palette.far, haze, 0.45)
    brush.fill(image, brush.ground(brush.jagged_ridge(rng, 0.64, 0.2)), (far, haze))
    for layer, count in enumerate((2, 3)):
        rock = mix(
            mix(palette.far, palette.sky[0], 0.35), palette.near if not wish.is_winter else palette.sky[0], 0.25 * layer
        )
        for number in range(count):
            place = (number + rng.uniform(0.25, 0.75)) / count
            height = rng.uniform(0.3, 0.44) - 0.12 * layer
            _peak(
                image,
                rng,
                (place, 0.7 + 0.05 * layer - height),
                height + 0.15,
                rock,
                palette,
                snow=0.5 if wish.is_winter else 0.3,
            )
        mist = (
            Image.linear_gradient("L")
            .point([round(v * 0.8) for v in range(256)])
            .resize((image.width, round(0.26 * image.height)))
        )
        image.paste(haze, (0, round((0.52 + 0.05 * layer) * image.height)), mist)
        hill = mix(palette.far, palette.near, 0.35 + 0.3 * layer)
        brush.fill(
            image, brush.ground(brush.smooth_ridge(rng, 0.72 + 0.05 * layer, 0.06)), (hill, mix(hill, haze, 0.5))
        )
    _foreground(image, rng, wish, palette)


def _peak(
    image: Image.Image, rng: Random, top: Point, height: float, rock: Color, palette: Palette, *, snow: float
) -> None:
    """Paint one mountain: a lit side, a side in the shade, and snow that ends in teeth."""
    ratio = image.height / image.width
    left, right = (height * rng.uniform(0.62, 0.95) * ratio for _ in range(2))

    def flank(reach: float) -> list[Point]:
        steps = [i / 14 for i in range(1, 14)]
        torn = [
            (top[0] + reach * (at + rng.uniform(-0.025, 0.025)), top[1] + height * (at + rng.uniform(-0.02, 0.02)))
            for at in steps
        ]
        return [top, *torn, (top[0] + reach, top[1] + height)]

    lit, shaded = flank(-left), flank(right)
    spine = [
        (top[0] + (rng.uniform(-0.2, 0.24) * height * ratio if at else 0) * (0.3 + at), top[1] + height * at)
        for at in (0, 0.16, 0.3, 0.48, 0.7, 1)
    ]
    bright, dark = mix(rock, palette.light, 0.28), mix(rock, palette.sky[0], 0.35)
    brush.fill(image, [*lit, *reversed(spine)], (bright, mix(rock, palette.sky[2], 0.2)))
    brush.fill(image, [*shaded, *reversed(spine)], (dark, mix(rock, palette.sky[2], 0.1)))
    white = mix((252, 253, 255), palette.sky[2], 0.14)
    for side, color in ((lit, mix(white, palette.light, 0.3)), (shaded, mix(white, palette.sky[1], 0.42))):
        count = max(2, round(len(side) * snow))
        edge = side[count - 1]
        teeth = [
            (
                top[0] + (edge[0] - top[0]) * (1 - i / 5),
                edge[1] + height * (rng.uniform(0.03, 0.1) if i % 2 else rng.uniform(-0.06, -0.02)),
            )
            for i in range(1, 6)
        ]
        brush.fill(image, [*side[:count], *teeth], (color,))


def _foreground(image: Image.Image, rng: Random, wish: Wish, palette: Palette) -> None:
    """Paint the near hill, firs on it, and the subject."""
    ridge = brush.smooth_ridge(rng, 0.82, 0.08, waves=0.8)
    color = palette.near
    brush.fill(image, brush.ground(ridge), (mix(color, palette.light, 0.16), mix(color, palette.sky[0], 0.3)))
    dark = mix(palette.near, (10, 22, 26), 0.72) if wish.is_winter else mix(palette.near, (4, 10, 12), 0.35)
    fir = _fir(dark, snowy=wish.is_winter)
    for _ in range(rng.randint(7, 11)):
        x = rng.choice((rng.uniform(-0.02, 0.24), rng.uniform(0.76, 1.02)))
        _plant(image, fir, (x, brush.height_at(ridge, x) + rng.uniform(0, 0.05)), rng.uniform(0.12, 0.27))
    subjects.paint(image, wish, palette, (rng.uniform(0.4, 0.6), 0.83))


def forest(image: Image.Image, rng: Random, wish: Wish, palette: Palette) -> None:
    """Paint three rows of firs with mist between them."""
    sky.paint(image, rng, wish, palette, 0.6)
    brush.fill(
        image, brush.ground(brush.jagged_ridge(rng, 0.6, 0.2)), (mix(palette.far, palette.sky[2], 0.4), palette.sky[2])
    )
    deep = mix(palette.near, (12, 30, 32), 0.75) if wish.is_winter else mix(palette.near, (8, 34, 26), 0.5)
    for layer in range(3):
        base, count = 0.7 + 0.09 * layer, 22 - 6 * layer
        color = mix(mix(palette.far, deep, 0.25), deep, layer / 2)
        fir = _fir(color, snowy=wish.is_winter and layer > 0)
        for i in range(count):
            x = (i + rng.uniform(0.1, 0.9)) / count
            _plant(image, fir, (x, base + rng.uniform(0, 0.04)), rng.uniform(0.16, 0.26) * (1 + layer * 0.28))
        mist = Image.linear_gradient("L").point([round(v * (0.7 - 0.25 * layer)) for v in range(256)])
        box = (0, round((base - 0.15) * image.height), image.width, round((base + 0.05) * image.height))
        image.paste(mix(palette.sky[2], palette.light, 0.2), box, mist.resize((box[2] - box[0], box[3] - box[1])))
        brush.fill(
            image,
            brush.ground(brush.smooth_ridge(rng, base + 0.06, 0.03)),
            (mix(palette.sky[2], palette.near, 0.3 + 0.3 * layer), palette.near),
        )
    subjects.paint(image, wish, palette, (rng.uniform(0.42, 0.58), 0.84))


@lru_cache(maxsize=16)
def _fir(color: Color, *, snowy: bool) -> Image.Image:
    """Return a fir on a transparent ground, to be scaled and pasted, which is much faster than drawing each."""
    tree = Image.new("RGBA", (SPRITE * 3 // 5, SPRITE))
    canvas = ImageDraw.Draw(tree)

    def shape(points: list[Point], shade: Color) -> None:
        canvas.polygon([((0.5 + x / 0.6) * tree.width, (1 - y) * tree.height) for x, y in points], fill=(*shade, 255))

    shape([(-0.02, 0.1), (0.02, 0.1), (0.02, 0.0), (-0.02, 0.0)], mix(color, (40, 26, 20), 0.6))
    for tier in range(5):
        top, bottom, half = 1 - tier * 0.16, 0.66 - tier * 0.15, 0.1 + tier * 0.048
        side, middle = top - (top - bottom) * 0.66, top - (top - bottom) * 0.5
        shape([(0.0, top), (half, bottom), (half * 0.3, bottom + 0.02), (0.0, bottom + 0.02)], color)
        shape([(0.0, top), (0.0, bottom + 0.02), (-half, bottom)], mix(color, WHITE, 0.1))
        if snowy:
            shape([(0.0, top), (half * 0.62, side), (0.0, middle), (-half * 0.62, side)], (244, 248, 252))
    return tree


def _plant(image: Image.Image, fir: Image.Image, foot: Point, height: float) -> None:
    """Put a fir on its foot; the height is a share of the picture's."""
    tall = max(4, round(height * image.height))
    tree = fir.resize((max(3, tall * 3 // 5), tall), Image.Resampling.BOX, reducing_gap=2.0)
    place = (round(foot[0] * image.width - tree.width / 2), round(foot[1] * image.height - tall))
    image.paste(tree, place, tree)


def desert(image: Image.Image, rng: Random, wish: Wish, palette: Palette) -> None:
    """Paint dunes."""
    sky.paint(image, rng, wish, palette, 0.56)
    for layer in range(4):
        depth = layer / 3
        color = mix(mix(palette.far, palette.sky[2], 0.4), mix(palette.far, palette.near, 0.3), depth)
        top = (rng.uniform(0.12, 0.38) + (0.45 if layer % 2 else 0.0), 0.52 + 0.085 * layer)
        _dune(image, rng, top, 0.09 + 0.06 * depth, color, palette)
    subjects.paint(image, wish, palette, (rng.uniform(0.4, 0.6), 0.82))


def _dune(image: Image.Image, rng: Random, top: Point, height: float, color: Color, palette: Palette) -> None:
    """Paint a dune across the picture: a lit side, and right of a winding crest a side in the shade."""
    wide, lean = rng.uniform(0.34, 0.46), rng.uniform(0.22, 0.3)
    steps = [i / 64 for i in range(65)]
    ridge = [(x, top[1] + height * (1 - exp(-(((x - top[0]) / (wide if x < top[0] else lean)) ** 2)))) for x in steps]
    ripple = [(x, y + 0.006 * sin(x * 9 + top[0] * 20)) for x, y in ridge]
    lit = mix(color, palette.light, 0.34)
    brush.fill(image, brush.ground(ripple), (lit, mix(lit, color, 0.6), mix(color, palette.near, 0.2)))
    peak = min(range(len(ripple)), key=lambda i: ripple[i][1])
    x, y = ripple[peak]
    crest = [(x + 0.1 * sin(at * pi * 1.7) - 0.3 * at * at, y + at * 0.5) for at in steps]
    shade = mix(color, palette.near, 0.55)
    brush.fill(
        image,
        [*ripple[peak:], (1.0, y + 0.5), *reversed(crest)],
        (shade, mix(shade, lit, 0.25), mix(color, palette.near, 0.25)),
    )

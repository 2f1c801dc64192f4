"""Drawing primitives that the scenes share: gradients, noise, ridges, smooth masks, by Pillow alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import cos, pi, sin
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from providers.demo.words import Color

Point = tuple[float, float]
Size = tuple[int, int]


def mix(first: Color, second: Color, share: float) -> Color:
    """Return `first` moved towards `second` by `share`."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def gradient(size: Size, colors: Sequence[Color]) -> Image.Image:
    """Return a picture that goes through `colors` from top to bottom."""
    rows = bytearray()
    for row in range(256):
        at = row / 255 * (len(colors) - 1)
        lower = min(int(at), len(colors) - 2)
        rows += bytes(mix(colors[lower], colors[lower + 1], at - lower))
    strip = Image.frombytes("RGB", (1, 256), bytes(rows))
    return strip.resize(size, Image.Resampling.BILINEAR)


def glow(image: Image.Image, center: Point, radius: float, color: Color, strength: float) -> None:
    """Add light around a point given in shares of the size."""
    width, height = image.size
    reach = max(2, round(radius * min(width, height)))
    falloff = [round(max(0.0, 1 - value / 180) ** 2 * 255 * strength) for value in range(256)]
    mask = Image.radial_gradient("L").point(falloff).resize((reach * 2, reach * 2), Image.Resampling.BILINEAR)
    corner = (round(center[0] * width) - reach, round(center[1] * height) - reach)
    image.paste(color, (*corner, corner[0] + reach * 2, corner[1] + reach * 2), mask)


def noise(rng: Random, size: Size, *, cells: Size = (6, 4), octaves: int = 4) -> Image.Image:
    """Return cloudy grey noise, 128 on average."""
    small = (max(2, size[0] // 4), max(2, size[1] // 4))
    field = Image.new("L", small, 128)
    for octave in range(octaves):
        grid = (cells[0] << octave, cells[1] << octave)
        layer = Image.frombytes("L", grid, rng.randbytes(grid[0] * grid[1])).resize(small, Image.Resampling.BICUBIC)
        field = ImageChops.add(field, layer.point([round((v - 128) * 0.5**octave) + 128 for v in range(256)]), 1, -128)
    return field.resize(size, Image.Resampling.BICUBIC)


def mask(size: Size, draw: Callable[[ImageDraw.ImageDraw, int, int], None]) -> Image.Image:
    """Return a mask with smooth edges; `draw` is given a canvas and its width and height."""
    scale = 2 if max(size) <= 1536 else 1
    canvas = Image.new("L", (size[0] * scale, size[1] * scale))
    draw(ImageDraw.Draw(canvas), *canvas.size)
    return canvas.reduce(scale) if scale > 1 else canvas


def polygon_mask(size: Size, points: Sequence[Point]) -> Image.Image:
    """Return the mask of a polygon whose points are shares of the size."""
    return mask(
        size, lambda canvas, width, height: canvas.polygon([(x * width, y * height) for x, y in points], fill=255)
    )


def fill(image: Image.Image, points: Sequence[Point], colors: Sequence[Color]) -> None:
    """Fill a polygon, given in shares of the size, with colours that run from its highest point to its lowest."""
    width, height = image.size
    left, right = max(0.0, min(x for x, _ in points)), min(1.0, max(x for x, _ in points))
    top, bottom = max(0.0, min(y for _, y in points)), min(1.0, max(y for _, y in points))
    box = (int(left * width), int(top * height), round(right * width + 0.5), round(bottom * height + 0.5))
    size = (max(1, box[2] - box[0]), max(1, box[3] - box[1]))
    local = [((x * width - box[0]) / size[0], (y * height - box[1]) / size[1]) for x, y in points]
    image.paste(
        gradient(size, colors) if len(colors) > 1 else colors[0],
        (box[0], box[1], box[0] + size[0], box[1] + size[1]),
        polygon_mask(size, local),
    )


def disc(image: Image.Image, center: Point, radius: float, color: Color) -> None:
    """Paint a smooth disc; the radius is a share of the shorter side."""
    width, height = image.size
    reach = max(2, round(radius * min(width, height)))
    corner = (round(center[0] * width) - reach, round(center[1] * height) - reach)
    shape = mask((reach * 2, reach * 2), lambda canvas, w, h: canvas.ellipse((1, 1, w - 2, h - 2), fill=255))
    image.paste(color, (*corner, corner[0] + reach * 2, corner[1] + reach * 2), shape)


def jagged_ridge(rng: Random, base: float, height: float, *, roughness: float = 0.52, depth: int = 7) -> list[Point]:
    """Return a mountain skyline as points from left to right, by midpoint displacement."""
    heights = [rng.random(), rng.random() * 0.6 + 0.4, rng.random()]
    reach = 0.5
    for _ in range(depth):
        halves = [(a + b) / 2 + rng.uniform(-reach, reach) for a, b in pairwise(heights)]
        heights = [value for pair in zip(heights, halves, strict=False) for value in pair] + [heights[-1]]
        reach *= roughness
    low, high = min(heights), max(heights)
    step = 1 / (len(heights) - 1)
    return [(i * step, base - height * (v - low) / (high - low or 1)) for i, v in enumerate(heights)]


def smooth_ridge(rng: Random, base: float, height: float, *, waves: float = 1.5) -> list[Point]:
    """Return a skyline of rolling hills as points from left to right."""
    parts = [(waves * (1 + i * 0.9) * rng.uniform(0.8, 1.2), rng.uniform(0, 2 * pi), 0.55**i) for i in range(3)]
    total = sum(weight for _, _, weight in parts)

    def at(x: float) -> float:
        return sum(weight * sin(2 * pi * frequency * x + phase) for frequency, phase, weight in parts) / total

    return [(i / 128, base - height * (0.5 + 0.5 * at(i / 128))) for i in range(129)]


def ground(ridge: Sequence[Point]) -> list[Point]:
    """Return the polygon between a skyline and the lower edge."""
    return [*ridge, (1.0, 1.01), (0.0, 1.01)]


def height_at(ridge: Sequence[Point], x: float) -> float:
    """Return the height of the skyline at `x`."""
    return ridge[min(len(ridge) - 1, max(0, round(x * (len(ridge) - 1))))][1]


def stars(image: Image.Image, rng: Random, count: int, *, lowest: float = 0.7) -> None:
    """Sprinkle stars over the upper part of the picture."""
    canvas = ImageDraw.Draw(image)
    width, height = image.size
    unit = min(width, height) / 1024
    for _ in range(count):
        x, y = rng.random() * width, rng.random() ** 1.4 * lowest * height
        radius = unit * rng.choice((0.7, 0.7, 0.9, 1.2, 1.9))
        shade = rng.randint(150, 255)
        canvas.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(shade, shade, min(255, shade + 12)))


def snowfall(image: Image.Image, rng: Random) -> None:
    """Let it snow: small sharp flakes far away, large soft ones near."""
    width, height = image.size
    unit = min(width, height) / 1024
    for count, smallest, largest, blur, strength in (
        (260, 1.2, 2.6, 0.6, 230),
        (60, 3.5, 6.5, 1.6, 210),
        (14, 10, 17, 6, 150),
    ):
        layer = Image.new("L", (max(1, width // 2), max(1, height // 2)))
        canvas = ImageDraw.Draw(layer)
        for _ in range(count):
            x, y, radius = (
                rng.random() * width / 2,
                rng.random() * height / 2,
                unit * rng.uniform(smallest, largest) / 2,
            )
            canvas.ellipse((x - radius, y - radius, x + radius, y + radius), fill=strength)
        layer = layer.filter(ImageFilter.GaussianBlur(blur * unit / 2)).resize(image.size, Image.Resampling.BILINEAR)
        image.paste((255, 255, 255), None, layer)


def finish(image: Image.Image, rng: Random) -> Image.Image:
    """Darken the corners a little and add film grain, so that large even areas do not show bands."""
    vignette = Image.radial_gradient("L").point([round(max(0, v - 120) * 0.62) for v in range(256)])
    image.paste((8, 8, 20), None, vignette.resize(image.size, Image.Resampling.BILINEAR))
    tile = Image.frombytes("L", (128, 128), bytes(118 + (v * 20 >> 8) for v in rng.randbytes(128 * 128)))
    grain = Image.new("L", image.size)
    for x in range(0, image.width, 128):
        for y in range(0, image.height, 128):
            grain.paste(tile, (x, y))
    return ImageChops.overlay(image, Image.merge("RGB", (grain, grain, grain)))


def ring(center: Point, radius: Point, turns: int = 48) -> list[Point]:
    """Return the points of an ellipse."""
    return [
        (center[0] + radius[0] * cos(2 * pi * i / turns), center[1] + radius[1] * sin(2 * pi * i / turns))
        for i in range(turns)
    ]

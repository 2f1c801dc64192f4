"""Pictures drawn from words: mountains, sea, city, forest, desert or space, the same for the same prompt always."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from math import pi, sin
from random import Random

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from providers.demo import brush, subjects, words
from providers.demo.brush import Point, Size, mix
from providers.demo.palette import Palette, choose
from providers.demo.words import Color, Hour, Scene, Wish

WHITE: Color = (255, 255, 255)


def draw(prompt: str, size: Size, *, variant: int = 0) -> Image.Image:
    """Return the picture of a prompt; each variant is another picture of the same words."""
    rng = Random(sha256(f"{variant}\n{prompt}".encode()).digest())
    wish = words.read(prompt, rng)
    palette = choose(wish, rng)
    image = brush.gradient(size, palette.sky)
    SCENES[wish.scene](image, rng, wish, palette)
    if wish.is_winter and wish.scene is not Scene.SPACE:
        brush.snowfall(image, rng)
    return brush.finish(image, rng)


def _sky(image: Image.Image, rng: Random, wish: Wish, palette: Palette, horizon: float) -> Point:
    """Paint stars, sun or moon, and clouds; return where the light stands."""
    if wish.hour is Hour.NIGHT:
        brush.stars(image, rng, 260, lowest=horizon)
    height = {Hour.DAY: 0.2, Hour.DUSK: horizon - rng.uniform(0.06, 0.16), Hour.NIGHT: rng.uniform(0.18, 0.28)}[
        wish.hour
    ]
    light = (rng.choice((rng.uniform(0.2, 0.34), rng.uniform(0.66, 0.8))), height)
    brush.glow(image, light, 0.75, palette.light, 0.55)
    brush.glow(image, light, 0.28, palette.light, 0.7)
    if wish.hour is not Hour.DAY:
        brush.disc(image, light, rng.uniform(0.05, 0.085), mix(palette.light, WHITE, 0.35))
    if wish.hour is Hour.NIGHT:
        _craters(image, light)
    _clouds(image, rng, palette, horizon, strength=0.35 if wish.hour is Hour.NIGHT else 0.75)
    if wish.hour is not Hour.NIGHT and wish.scene is not Scene.CITY:
        _birds(image, rng, palette, horizon)
    return light


def _craters(image: Image.Image, light: Point) -> None:
    unit = min(image.size)
    for dx, dy, radius in ((-0.014, -0.01, 0.012), (0.016, 0.012, 0.009), (0.006, -0.022, 0.007)):
        place = (light[0] + dx * unit / image.width, light[1] + dy * unit / image.height)
        brush.disc(image, place, radius, (206, 206, 200))


def _clouds(image: Image.Image, rng: Random, palette: Palette, horizon: float, *, strength: float) -> None:
    width, height = image.size[0], round(image.size[1] * horizon)
    field = brush.noise(rng, (width, height), cells=(3, 5), octaves=5)
    cover = field.point([round(min(1.0, max(0, v - 132) / 62) * 255 * strength) for v in range(256)])
    fade = (
        Image.linear_gradient("L").point([round(255 * sin(pi * v / 255)) for v in range(256)]).resize((width, height))
    )
    cloud = brush.gradient((width, height), (mix(palette.sky[1], WHITE, 0.5), mix(palette.light, palette.sky[2], 0.4)))
    image.paste(cloud, (0, 0), Image.composite(cover, Image.new("L", cover.size), fade))


def _birds(image: Image.Image, rng: Random, palette: Palette, horizon: float) -> None:
    canvas = ImageDraw.Draw(image)
    unit = min(image.size) / 1024
    x, y = rng.uniform(0.3, 0.6) * image.width, rng.uniform(0.35, 0.6) * horizon * image.height
    for _ in range(rng.randint(3, 7)):
        span, px, py = unit * rng.uniform(7, 15), x + unit * rng.uniform(-90, 90), y + unit * rng.uniform(-50, 50)
        wing = [
            (px - span, py - span * 0.35),
            (px - span * 0.4, py - span * 0.3),
            (px, py),
            (px + span * 0.4, py - span * 0.3),
            (px + span, py - span * 0.35),
        ]
        canvas.line(wing, fill=mix(palette.near, palette.sky[0], 0.3), width=max(1, round(2.2 * unit)), joint="curve")


def _mountains(image: Image.Image, rng: Random, wish: Wish, palette: Palette) -> None:
    _sky(image, rng, wish, palette, 0.62)
    layers = 4
    for layer in range(layers):
        depth = layer / layers
        ridge = brush.jagged_ridge(rng, 0.62 + 0.12 * layer, 0.36 - 0.07 * layer, roughness=0.5 - 0.02 * layer)
        color = mix(palette.far, palette.near, depth * 0.55 if wish.is_winter else depth)
        rock = mix(color, palette.sky[0], 0.45) if wish.is_winter else color
        brush.fill(image, brush.ground(ridge), (rock, mix(color, palette.sky[2], 0.5 - 0.4 * depth)))
        if layer < 2:
            _snow_caps(image, rng, ridge, palette, reach=0.36 if wish.is_winter else 0.2)
    _foreground(image, rng, wish, palette)


def _snow_caps(image: Image.Image, rng: Random, ridge: list[Point], palette: Palette, *, reach: float) -> None:
    """Whiten the peaks: from the skyline down, deeper on the higher parts, with a torn lower edge."""
    top = min(y for _, y in ridge)
    limit = top + reach * 0.55
    lower = [(x, y + max(0.0, limit - y) * rng.uniform(0.25, 0.75)) for x, y in ridge]
    color = mix((250, 252, 255), palette.sky[2], 0.35)
    brush.fill(image, [*ridge, *reversed(lower)], (mix(color, palette.light, 0.4), mix(color, palette.sky[1], 0.35)))


def _foreground(image: Image.Image, rng: Random, wish: Wish, palette: Palette) -> None:
    """Paint the near hill, firs on it, and the subject."""
    ridge = brush.smooth_ridge(rng, 0.9, 0.1, waves=0.8)
    color = palette.near
    brush.fill(image, brush.ground(ridge), (mix(color, palette.light, 0.16), mix(color, palette.sky[0], 0.3)))
    dark = mix(palette.near, (10, 22, 26), 0.72) if wish.is_winter else mix(palette.near, (4, 10, 12), 0.35)
    for _ in range(rng.randint(7, 11)):
        x = rng.choice((rng.uniform(-0.02, 0.24), rng.uniform(0.76, 1.02)))
        _fir(
            image,
            (x, brush.height_at(ridge, x) + rng.uniform(0, 0.05)),
            rng.uniform(0.12, 0.27),
            dark,
            snowy=wish.is_winter,
        )
    subjects.paint(image, wish, palette, (rng.uniform(0.4, 0.6), brush.height_at(ridge, 0.5) + 0.03))


def _fir(image: Image.Image, foot: Point, height: float, color: Color, *, snowy: bool) -> None:
    x, y = foot
    ratio = image.height / image.width
    for tier in range(5):
        top, bottom = y - height * (1 - tier * 0.16), y - height * (0.66 - tier * 0.15)
        half = height * (0.1 + tier * 0.048) * ratio
        brush.fill(
            image,
            [(x, top), (x + half, bottom), (x + half * 0.3, bottom - height * 0.02), (x - half, bottom)],
            (mix(color, WHITE, 0.1), color),
        )
        if snowy:
            brush.fill(
                image,
                [
                    (x, top),
                    (x + half * 0.62, top + (bottom - top) * 0.66),
                    (x, top + (bottom - top) * 0.5),
                    (x - half * 0.62, top + (bottom - top) * 0.66),
                ],
                ((244, 248, 252),),
            )
    brush.fill(
        image,
        [
            (x - height * 0.02 * ratio, y - height * 0.08),
            (x + height * 0.02 * ratio, y - height * 0.08),
            (x + height * 0.02 * ratio, y),
            (x - height * 0.02 * ratio, y),
        ],
        (mix(color, (40, 26, 20), 0.6),),
    )


def _forest(image: Image.Image, rng: Random, wish: Wish, palette: Palette) -> None:
    _sky(image, rng, wish, palette, 0.6)
    brush.fill(
        image, brush.ground(brush.jagged_ridge(rng, 0.6, 0.2)), (mix(palette.far, palette.sky[2], 0.4), palette.sky[2])
    )
    deep = mix(palette.near, (12, 30, 32), 0.75) if wish.is_winter else mix(palette.near, (8, 34, 26), 0.5)
    for layer in range(3):
        base, count = 0.7 + 0.09 * layer, 22 - 6 * layer
        color = mix(mix(palette.far, deep, 0.25), deep, layer / 2)
        for i in range(count):
            x = (i + rng.uniform(0.1, 0.9)) / count
            _fir(
                image,
                (x, base + rng.uniform(0, 0.04)),
                rng.uniform(0.16, 0.26) * (1 + layer * 0.28),
                color,
                snowy=wish.is_winter and layer > 0,
            )
        mist = Image.linear_gradient("L").point([round(v * (0.7 - 0.25 * layer)) for v in range(256)])
        box = (0, round((base - 0.15) * image.height), image.width, round((base + 0.05) * image.height))
        image.paste(mix(palette.sky[2], palette.light, 0.2), box, mist.resize((box[2] - box[0], box[3] - box[1])))
        brush.fill(
            image,
            brush.ground(brush.smooth_ridge(rng, base + 0.06, 0.03)),
            (mix(palette.sky[2], palette.near, 0.3 + 0.3 * layer), palette.near),
        )
    subjects.paint(image, wish, palette, (rng.uniform(0.42, 0.58), 0.93))


def _sea(image: Image.Image, rng: Random, wish: Wish, palette: Palette) -> None:
    horizon = rng.uniform(0.52, 0.6)
    light = _sky(image, rng, wish, palette, horizon)
    if rng.random() < 0.7:
        ridge = brush.jagged_ridge(rng, horizon + 0.01, 0.14)
        brush.fill(
            image, brush.ground(ridge), (mix(palette.far, palette.sky[1], 0.3), mix(palette.far, palette.sky[2], 0.5))
        )
    line = round(horizon * image.height)
    sky = image.crop((0, max(0, 2 * line - image.height), image.width, line)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    water = sky.resize((image.width, image.height - line)).filter(ImageFilter.GaussianBlur(image.width / 160))
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


def _city(image: Image.Image, rng: Random, wish: Wish, palette: Palette) -> None:
    _sky(image, rng, wish, palette, 0.7)
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
    subjects.paint(image, wish, palette, (rng.uniform(0.4, 0.6), 0.955))


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


def _desert(image: Image.Image, rng: Random, wish: Wish, palette: Palette) -> None:
    _sky(image, rng, wish, palette, 0.56)
    for layer in range(4):
        depth = layer / 3
        ridge = brush.smooth_ridge(rng, 0.58 + 0.11 * layer, 0.06 + 0.035 * layer, waves=1.6 - 0.3 * layer)
        color = mix(palette.far, palette.near, depth * 0.7)
        brush.fill(
            image, brush.ground(ridge), (mix(color, palette.light, 0.4 - 0.2 * depth), mix(color, palette.near, 0.35))
        )
        _dune_shadows(image, ridge, mix(color, palette.near, 0.6))
    subjects.paint(image, wish, palette, (rng.uniform(0.4, 0.6), 0.9))


def _dune_shadows(image: Image.Image, ridge: list[Point], color: Color) -> None:
    """Shade the lee side of every crest."""
    for i in range(1, len(ridge) - 1):
        if ridge[i - 1][1] > ridge[i][1] <= ridge[i + 1][1]:
            end = min(len(ridge) - 1, i + 30)
            while end > i + 1 and ridge[end][1] < ridge[end - 1][1]:
                end -= 1
            lee = ridge[i : end + 1]
            foot = (ridge[i][0] - 0.03, ridge[i][1] + 0.2)
            mask = brush.polygon_mask(image.size, [*lee, foot]).filter(ImageFilter.GaussianBlur(image.width / 400))
            image.paste(color, None, mask.point([round(v * 0.62) for v in range(256)]))


def _space(image: Image.Image, rng: Random, wish: Wish, palette: Palette) -> None:
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


SCENES: dict[Scene, Callable[[Image.Image, Random, Wish, Palette], None]] = {
    Scene.MOUNTAINS: _mountains,
    Scene.SEA: _sea,
    Scene.CITY: _city,
    Scene.FOREST: _forest,
    Scene.SPACE: _space,
    Scene.DESERT: _desert,
}

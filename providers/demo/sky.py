"""The sky of a picture: stars, sun or moon, clouds and birds."""

from __future__ import annotations

from math import pi, sin
from random import Random

from PIL import Image, ImageDraw

from providers.demo import brush
from providers.demo.brush import Point, mix
from providers.demo.palette import Palette
from providers.demo.words import Color, Hour, Scene, Wish

WHITE: Color = (255, 255, 255)


def paint(image: Image.Image, rng: Random, wish: Wish, palette: Palette, horizon: float) -> Point:
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

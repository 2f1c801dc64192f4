"""The colours of a picture: what the hour, the season and a colour word make of sky, light and land."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from providers.demo.brush import mix
from providers.demo.words import Color, Hour, Scene, Wish


@dataclass(frozen=True, slots=True)
class Palette:
    """Sky from the zenith to the horizon, the light of sun or moon, and land from far to near."""

    sky: tuple[Color, Color, Color]
    light: Color
    far: Color
    near: Color


SKIES: dict[Hour, tuple[Palette, ...]] = {
    Hour.DAY: (
        Palette(((46, 112, 190), (120, 180, 226), (222, 238, 240)), (255, 250, 226), (132, 166, 190), (34, 74, 66)),
        Palette(((28, 134, 168), (118, 204, 206), (250, 240, 214)), (255, 248, 214), (142, 180, 176), (22, 78, 78)),
        Palette(((88, 130, 190), (176, 200, 224), (252, 232, 214)), (255, 244, 222), (150, 164, 188), (50, 72, 84)),
    ),
    Hour.DUSK: (
        Palette(((48, 38, 92), (190, 84, 118), (255, 190, 124)), (255, 232, 178), (170, 100, 130), (38, 26, 58)),
        Palette(((32, 54, 110), (136, 108, 168), (252, 176, 148)), (255, 222, 190), (132, 108, 158), (28, 30, 66)),
        Palette(((76, 34, 74), (226, 96, 74), (255, 206, 116)), (255, 240, 180), (184, 98, 88), (48, 22, 44)),
    ),
    Hour.NIGHT: (
        Palette(((6, 10, 34), (20, 34, 86), (70, 92, 150)), (238, 240, 226), (52, 70, 122), (8, 12, 32)),
        Palette(((8, 8, 30), (38, 26, 84), (116, 76, 138)), (250, 236, 216), (66, 52, 108), (12, 8, 30)),
        Palette(((4, 16, 32), (8, 58, 78), (64, 138, 134)), (232, 246, 232), (30, 84, 98), (4, 16, 28)),
    ),
}
SNOW_FAR: Color = (196, 212, 232)
SNOW_NEAR: Color = (246, 249, 253)


def choose(wish: Wish, rng: Random) -> Palette:
    """Return the palette of a wish."""
    palette = rng.choice(SKIES[wish.hour])
    if wish.scene is Scene.DESERT:
        palette = Palette(
            palette.sky, palette.light, mix(palette.far, (226, 160, 108), 0.7), mix(palette.near, (150, 74, 40), 0.6)
        )
    if wish.is_winter:
        shade = {Hour.DAY: 0.0, Hour.DUSK: 0.22, Hour.NIGHT: 0.55}[wish.hour]
        palette = Palette(
            (palette.sky[0], mix(palette.sky[1], (190, 206, 228), 0.3), mix(palette.sky[2], (232, 234, 244), 0.3)),
            palette.light,
            mix(SNOW_FAR, palette.sky[1], 0.3 + shade * 0.8),
            mix(SNOW_NEAR, palette.sky[1], shade),
        )
    if wish.tint is not None:
        palette = _tinted(palette, wish.tint)
    return palette


def _tinted(palette: Palette, tint: Color) -> Palette:
    """Let one colour rule the picture without flattening its light and shade."""

    def towards(color: Color, share: float) -> Color:
        brightness = sum(color) / 765
        target = (
            mix((0, 0, 0), tint, min(1.0, brightness * 2))
            if brightness < 0.5
            else mix(tint, (255, 255, 255), brightness * 2 - 1)
        )
        return mix(color, target, share)

    top, middle, horizon = palette.sky
    return Palette(
        (towards(top, 0.7), towards(middle, 0.75), towards(horizon, 0.5)),
        towards(palette.light, 0.2),
        towards(palette.far, 0.6),
        towards(palette.near, 0.4),
    )

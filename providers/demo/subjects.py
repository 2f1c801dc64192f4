"""What stands in the foreground of a picture: a fox, a cat, a boat, a house or a balloon, cut like paper."""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image

from providers.demo import brush
from providers.demo.brush import Point, mix
from providers.demo.palette import Palette
from providers.demo.words import Color, Hour, Subject, Wish

WHITE: Color = (250, 250, 246)
DARK: Color = (34, 26, 30)


class Stencil:
    """Places polygons, given on a square from -1 to 1 with y upwards, on the picture."""

    def __init__(self, image: Image.Image, foot: Point, scale: float) -> None:
        self.image = image
        self._foot = foot
        side = min(image.size) * scale
        self._step = (side / image.width, side / image.height)

    def cut(self, points: list[Point], *colors: Color) -> None:
        """Fill a polygon."""
        brush.fill(self.image, [self.at(point) for point in points], colors)

    def mirrored(self, points: list[Point], *colors: Color) -> None:
        """Fill a polygon and its mirror image."""
        self.cut(points, *colors)
        self.cut([(-x, y) for x, y in points], *colors)

    def oval(self, center: Point, radius: Point, *colors: Color) -> None:
        """Fill an ellipse."""
        self.cut(brush.ring(center, radius), *colors)

    def at(self, point: Point) -> Point:
        """Return a point of the stencil in shares of the picture."""
        return self._foot[0] + point[0] * self._step[0], self._foot[1] - point[1] * self._step[1]


def paint(image: Image.Image, wish: Wish, palette: Palette, foot: Point, *, afloat: bool = False) -> None:
    """Paint the subject of the wish, if it has one, standing on `foot`."""
    if wish.subject is None:
        return
    if afloat and wish.subject in {Subject.FOX, Subject.CAT, Subject.HOUSE}:
        foot = (foot[0], 0.86)
    SUBJECTS[wish.subject](Stencil(image, foot, 0.3), wish, palette)


def _fox(stencil: Stencil, wish: Wish, palette: Palette) -> None:
    fur: Color = wish.tint if wish.tint and wish.tint[0] > wish.tint[2] + 60 else (222, 104, 38)
    fur = mix(fur, (226, 112, 40), 0.5)
    _sitting(stencil, mix(fur, palette.sky[0], 0.12), WHITE, bushy=True)


def _cat(stencil: Stencil, wish: Wish, palette: Palette) -> None:
    fur = wish.tint or (92, 88, 98)
    _sitting(stencil, mix(fur, palette.sky[0], 0.15), mix(fur, WHITE, 0.75), bushy=False)


def _sitting(stencil: Stencil, fur: Color, belly: Color, *, bushy: bool) -> None:
    """Cut a sitting animal that looks at the viewer: tail, body, ears, face."""
    shade, bright = mix(fur, DARK, 0.3), mix(fur, WHITE, 0.12)
    stencil.oval((0.05, 0.0), (0.5, 0.06), mix(shade, palette_shadow(fur), 0.6))
    if bushy:
        tail: list[Point] = [
            (0.2, 0.02),
            (0.48, 0.0),
            (0.68, 0.12),
            (0.72, 0.36),
            (0.6, 0.58),
            (0.5, 0.34),
            (0.36, 0.22),
        ]
        stencil.cut(tail, bright, shade)
        stencil.cut([(0.6, 0.58), (0.72, 0.36), (0.69, 0.28), (0.53, 0.4)], belly)
    else:
        stencil.cut(
            [(0.18, 0.02), (0.5, 0.0), (0.6, 0.14), (0.62, 0.48), (0.54, 0.5), (0.5, 0.2), (0.4, 0.12)], bright, shade
        )
    stencil.cut(
        [(-0.3, 0.0), (-0.34, 0.18), (-0.22, 0.52), (0.0, 0.72), (0.22, 0.52), (0.34, 0.18), (0.3, 0.0)], bright, shade
    )
    stencil.cut([(-0.13, 0.06), (-0.15, 0.34), (0.0, 0.62), (0.15, 0.34), (0.13, 0.06)], belly, mix(belly, shade, 0.25))
    stencil.mirrored([(0.02, 0.0), (0.04, 0.26), (0.13, 0.26), (0.15, 0.0)], shade, mix(shade, DARK, 0.55))
    stencil.mirrored([(0.12, 0.92), (0.3, 1.22), (0.36, 0.84)], fur, shade)
    stencil.mirrored([(0.19, 0.94), (0.28, 1.11), (0.31, 0.88)], mix(DARK, fur, 0.25))
    chin = 0.52 if bushy else 0.57
    stencil.cut(
        [
            (0.0, 0.98),
            (0.2, 0.95),
            (0.38, 0.8),
            (0.31 if bushy else 0.36, 0.68),
            (0.0, chin),
            (-0.31 if bushy else -0.36, 0.68),
            (-0.38, 0.8),
            (-0.2, 0.95),
        ],
        bright,
        fur,
    )
    stencil.mirrored(
        [(0.38, 0.8), (0.31 if bushy else 0.34, 0.68), (0.0, chin), (0.06, 0.66), (0.2, 0.76)],
        belly,
        mix(belly, fur, 0.12),
    )
    if not bushy:
        stencil.cut([(0.0, 0.74), (0.1, 0.66), (0.0, 0.57), (-0.1, 0.66)], belly)
    stencil.mirrored(brush.ring((0.16, 0.79), (0.042, 0.05)), DARK)
    stencil.mirrored(brush.ring((0.172, 0.806), (0.013, 0.015)), WHITE)
    nose = chin + (0.03 if bushy else 0.1)
    stencil.cut([(-0.05, nose + 0.045), (0.05, nose + 0.045), (0.0, nose - 0.02)], DARK)


def palette_shadow(color: Color) -> Color:
    """Return the colour of the shadow that lies under something of this colour."""
    return mix(color, (20, 24, 44), 0.75)


def _boat(stencil: Stencil, wish: Wish, palette: Palette) -> None:
    sail = mix(wish.tint, WHITE, 0.25) if wish.tint else mix(WHITE, palette.light, 0.4)
    stencil.oval((0.0, -0.07), (0.5, 0.05), mix(palette.near, palette.sky[0], 0.4))
    stencil.cut([(-0.46, 0.12), (0.5, 0.12), (0.34, -0.06), (-0.32, -0.06)], (142, 82, 52), (74, 40, 34))
    stencil.cut([(-0.02, 0.12), (0.02, 0.12), (0.02, 1.1), (-0.02, 1.1)], (84, 56, 44))
    stencil.cut([(0.05, 0.2), (0.46, 0.22), (0.3, 0.55), (0.05, 1.04)], sail, mix(sail, palette.sky[1], 0.3))
    stencil.cut([(-0.05, 0.22), (-0.38, 0.24), (-0.05, 0.86)], mix(sail, WHITE, 0.3), mix(sail, palette.sky[1], 0.45))


def _house(stencil: Stencil, wish: Wish, palette: Palette) -> None:
    wall = mix(wish.tint or (150, 96, 66), palette.near, 0.15)
    roof: Color = (244, 248, 252) if wish.is_winter else (112, 52, 44)
    glass: Color = (255, 214, 120) if wish.hour is not Hour.DAY else (196, 226, 240)
    stencil.cut([(0.24, 0.7), (0.38, 0.7), (0.38, 1.02), (0.24, 1.02)], mix(wall, DARK, 0.4))
    stencil.cut([(-0.5, 0.0), (0.5, 0.0), (0.5, 0.52), (-0.5, 0.52)], wall, mix(wall, DARK, 0.3))
    stencil.cut([(-0.62, 0.5), (0.62, 0.5), (0.36, 0.94), (-0.36, 0.94)], roof, mix(roof, palette.sky[1], 0.4))
    for x in (-0.3, 0.3):
        stencil.cut(
            [(x - 0.11, 0.18), (x + 0.11, 0.18), (x + 0.11, 0.4), (x - 0.11, 0.4)],
            glass,
            mix(glass, (255, 160, 70), 0.3),
        )
    stencil.cut([(-0.09, 0.0), (0.09, 0.0), (0.09, 0.36), (-0.09, 0.36)], mix(wall, DARK, 0.6))


def _balloon(stencil: Stencil, wish: Wish, palette: Palette) -> None:
    color = wish.tint or (226, 74, 66)
    pale = mix(color, WHITE, 0.7)
    for radius, shade in ((0.52, color), (0.34, pale), (0.15, color)):
        stencil.oval((0.0, 1.55), (radius, 0.58), mix(shade, WHITE, 0.15), mix(shade, palette.sky[0], 0.4))
    stencil.cut([(-0.36, 1.14), (0.36, 1.14), (0.12, 0.88), (-0.12, 0.88)], mix(color, palette.sky[0], 0.35))
    stencil.mirrored([(0.11, 0.9), (0.125, 0.9), (0.1, 0.7), (0.085, 0.7)], DARK)
    stencil.cut([(-0.12, 0.72), (0.12, 0.72), (0.1, 0.52), (-0.1, 0.52)], (150, 100, 60), (90, 58, 40))


SUBJECTS: dict[Subject, Callable[[Stencil, Wish, Palette], None]] = {
    Subject.FOX: _fox,
    Subject.CAT: _cat,
    Subject.BOAT: _boat,
    Subject.HOUSE: _house,
    Subject.BALLOON: _balloon,
}

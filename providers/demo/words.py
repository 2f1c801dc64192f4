"""What the words of a prompt ask a picture to show: scene, season, hour, colours, subject. Russian and English."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import TypeVar

Color = tuple[int, int, int]
Choice = TypeVar("Choice", bound=StrEnum)


class Scene(StrEnum):
    """The kinds of picture that the demonstration can draw."""

    MOUNTAINS = "mountains"
    SEA = "sea"
    CITY = "city"
    FOREST = "forest"
    SPACE = "space"
    DESERT = "desert"


class Hour(StrEnum):
    """The light of the picture."""

    DAY = "day"
    DUSK = "dusk"
    NIGHT = "night"


class Subject(StrEnum):
    """What stands in the foreground."""

    FOX = "fox"
    CAT = "cat"
    BOAT = "boat"
    HOUSE = "house"
    BALLOON = "balloon"


SCENES: Mapping[Scene, tuple[str, ...]] = {
    Scene.CITY: (
        "city",
        "street",
        "town",
        "building",
        "skyscraper",
        "cyberpunk",
        "neon",
        "город",
        "улиц",
        "небоскр",
        "неон",
    ),
    Scene.SEA: (
        *("sea", "ocean", "beach", "wave", "water", "lake", "river", "island", "ship", "boat", "sail"),
        *(
            "море",
            "моря",
            "морск",
            "океан",
            "пляж",
            "волн",
            "вод",
            "озер",
            "озёр",
            "рек",
            "остров",
            "корабл",
            "лодк",
            "парус",
        ),
    ),
    Scene.SPACE: (
        *("space", "planet", "galax", "cosmos", "rocket", "astronaut", "nebula", "mars"),
        *("космо", "планет", "галакт", "ракет", "астронавт", "туманност", "марс"),
    ),
    Scene.DESERT: (
        "desert",
        "dune",
        "sand",
        "sahara",
        "camel",
        "пустын",
        "дюн",
        "песок",
        "песк",
        "песч",
        "сахар",
        "верблюд",
    ),
    Scene.FOREST: (
        "forest",
        "tree",
        "wood",
        "pine",
        "jungle",
        "лес",
        "лесн",
        "дерев",
        "ёлк",
        "елк",
        "сосн",
        "тайг",
        "джунгл",
    ),
    Scene.MOUNTAINS: (
        "mountain",
        "hill",
        "alps",
        "peak",
        "valley",
        "гора",
        "горы",
        "горн",
        "горах",
        "холм",
        "вершин",
        "долин",
    ),
}
HOURS: Mapping[Hour, tuple[str, ...]] = {
    Hour.NIGHT: (
        "night",
        "midnight",
        "dark",
        "moon",
        "ноч",
        "ночн",
        "ночью",
        "тёмн",
        "темн",
        "полноч",
        "лун",
        "лунн",
        "cyberpunk",
        "neon",
        "неон",
    ),
    Hour.DUSK: ("sunset", "sunrise", "dawn", "dusk", "evening", "golden", "закат", "рассвет", "вечер", "сумер", "утр"),
    Hour.DAY: ("day", "noon", "sunny", "bright", "день", "днём", "днем", "солн", "ярк", "полдень"),
}
SUBJECTS: Mapping[Subject, tuple[str, ...]] = {
    Subject.FOX: ("fox", "лис", "лисиц", "лисич", "лисён", "лисен"),
    Subject.CAT: ("cat", "kitten", "kitty", "кот", "кошк", "котён", "котен", "котик"),
    Subject.BOAT: ("boat", "ship", "sail", "yacht", "лодк", "корабл", "парус", "яхт"),
    Subject.HOUSE: ("house", "home", "cabin", "hut", "cottage", "дом", "домик", "изб", "хижин"),
    Subject.BALLOON: ("balloon", "шар", "воздушн"),
}
WINTER = (
    "snow",
    "winter",
    "ice",
    "icy",
    "frost",
    "arctic",
    "christmas",
    "снег",
    "снеж",
    "зим",
    "зимн",
    "лёд",
    "ледян",
    "лед",
    "льд",
    "мороз",
    "арктик",
    "новогод",
)
COLORS: tuple[tuple[tuple[str, ...], Color], ...] = (
    (("red", "scarlet", "crimson", "красн", "алый", "алая", "алое", "багров"), (206, 48, 44)),
    (("orange", "ginger", "оранж", "рыж"), (236, 126, 40)),
    (("yellow", "gold", "golden", "жёлт", "желт", "золот"), (244, 196, 62)),
    (("green", "emerald", "зелён", "зелен", "изумруд"), (58, 158, 88)),
    (("teal", "turquoise", "cyan", "бирюз", "голуб"), (64, 178, 196)),
    (("blue", "navy", "azure", "син", "синег", "синем", "синим", "лазур"), (46, 96, 204)),
    (("purple", "violet", "lilac", "фиолет", "сирен", "лилов", "пурпур"), (128, 72, 190)),
    (("pink", "magenta", "rose", "розов", "малинов"), (236, 108, 160)),
    (("brown", "chocolate", "коричн", "шоколад"), (132, 88, 56)),
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a picture is to show.

    Attributes:
        tint: the colour that the prompt names first, if it names one.
        subject: what stands in the foreground, if the prompt names something that can be drawn.
    """

    scene: Scene
    hour: Hour
    is_winter: bool
    tint: Color | None
    subject: Subject | None


def read(prompt: str, rng: Random) -> Wish:
    """Find the wish in the words; what they leave open is decided by `rng`."""
    # Watercolour is a manner of painting, not water.
    words = [word for word in re.findall(r"\w+", prompt.lower()) if not word.startswith("watercol")]
    is_winter = mentions(words, WINTER)
    scene = _first(words, SCENES)
    if scene is None:
        scene = rng.choice((Scene.MOUNTAINS, Scene.FOREST) if is_winter else tuple(Scene))
    hour = _first(words, HOURS) or rng.choice((Hour.DAY, Hour.DUSK, Hour.DUSK, Hour.NIGHT))
    return Wish(scene, hour, is_winter, first_color(words), _first(words, SUBJECTS))


def first_color(words: list[str]) -> Color | None:
    """Return the colour that is named first."""
    return next((color for word in words for stems, color in COLORS if mentions([word], stems)), None)


def mentions(words: list[str], stems: tuple[str, ...]) -> bool:
    """Tell whether a word begins with one of the stems; stems of up to three letters allow two letters more."""
    return any(
        word.startswith(stem) and (len(stem) > 3 or len(word) <= len(stem) + 2) for word in words for stem in stems
    )


def _first(words: list[str], table: Mapping[Choice, tuple[str, ...]]) -> Choice | None:
    return next((choice for choice, stems in table.items() if mentions(words, stems)), None)

"""Drawings are the same for the same words, differ for others, and show what the words say."""

from __future__ import annotations

import pytest
from PIL import Image, ImageChops, ImageStat

from providers.demo import paint
from providers.demo.words import Scene

SIZE = (256, 256)


def mean(image: Image.Image) -> tuple[float, float, float]:
    red, green, blue = ImageStat.Stat(image).mean
    return red, green, blue


def differ(first: Image.Image, second: Image.Image) -> float:
    return sum(ImageStat.Stat(ImageChops.difference(first, second)).mean)


@pytest.mark.parametrize("prompt", ["a red fox in the snow", "ночной город", "космос", "море", "desert", ""])
def test_the_same_words_give_the_same_picture(prompt: str) -> None:
    assert paint.draw(prompt, SIZE).tobytes() == paint.draw(prompt, SIZE).tobytes()


def test_other_words_and_other_variants_give_other_pictures() -> None:
    pictures = [paint.draw("a fox", SIZE, variant=variant) for variant in range(4)] + [paint.draw("a fox!", SIZE)]
    assert len({picture.tobytes() for picture in pictures}) == 5


@pytest.mark.parametrize(
    "prompt",
    [
        *("sea", "city", "forest", "space", "desert", "mountains", "snowy forest", "night sea boat", "space fox"),
        *("city house", "desert cat", "mountain balloon", "snowy mountains"),
    ],
)
@pytest.mark.parametrize("size", [(256, 144), (144, 256), (300, 129), (65, 64)])
def test_every_scene_can_be_drawn_in_every_shape(prompt: str, size: tuple[int, int]) -> None:
    picture = paint.draw(prompt, size)
    assert (picture.size, picture.mode) == (size, "RGB")
    assert max(ImageStat.Stat(picture.convert("L")).stddev) > 8  # it is no even plane


def test_every_kind_of_scene_has_its_painter() -> None:
    assert set(paint.SCENES) == set(Scene)


@pytest.mark.parametrize("scene", ["mountains", "sea", "city", "forest"])
def test_night_is_darker_than_day(scene: str) -> None:
    night, day = paint.draw(f"{scene} at night", SIZE), paint.draw(f"{scene} on a sunny day", SIZE)
    assert sum(mean(night)) < sum(mean(day)) * 0.8


@pytest.mark.parametrize("scene", ["mountains", "forest", "sea"])
@pytest.mark.parametrize(
    ("color", "channel"), [("red", 0), ("красные", 0), ("green", 1), ("зелёные", 1), ("blue", 2), ("синие", 2)]
)
def test_a_colour_word_colours_the_picture(scene: str, color: str, channel: int) -> None:
    share = {
        name: mean(paint.draw(f"{name} {scene} sunset", SIZE))[channel]
        / sum(mean(paint.draw(f"{name} {scene} sunset", SIZE)))
        for name in (color, "plain")
    }
    other = {0: "blue", 1: "red", 2: "orange"}[channel]
    against = mean(paint.draw(f"{other} {scene} sunset", SIZE))
    assert share[color] > against[channel] / sum(against)


def test_snow_makes_the_ground_white() -> None:
    lower = paint.draw("forest with snow on a sunny day", SIZE).crop((0, 225, 256, 256))
    assert min(mean(lower)) > 140


def test_a_subject_stands_in_the_foreground() -> None:
    with_fox = paint.draw("fox in mountains", SIZE).crop((90, 120, 170, 220))
    red, _, blue = with_fox.split()
    orange = ImageChops.subtract(red, blue).point([0] * 70 + [1] * 186).histogram()[1]
    assert orange > 150

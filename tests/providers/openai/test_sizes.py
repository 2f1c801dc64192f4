"""Shapes become pixels that OpenAI's rules allow."""

from __future__ import annotations

import pytest

from providers.errors import InvalidRequest
from providers.openai import models, sizes
from tests.emulators import openai_rules as rules

FREE, FIXED = models.traits("gpt-image-2"), models.traits("gpt-image-1.5")


def pixels(size: str) -> tuple[int, int]:
    width, _, height = size.partition("x")
    return int(width), int(height)


@pytest.mark.parametrize("scale", sizes.PIXELS)
@pytest.mark.parametrize("shape", sizes.SHAPES)
def test_a_shape_is_kept_exactly_and_is_as_large_as_may_be(shape: str, scale: str) -> None:
    width, height = pixels(sizes.of_shape(FREE, shape, scale))
    across, down = (int(part) for part in shape.split(":"))
    assert width * down == height * across
    assert width * height <= sizes.PIXELS[scale]
    rules.check_size(f"{width}x{height}", "gpt-image-2")


@pytest.mark.parametrize(
    ("shape", "scale", "size"),
    [
        ("1:1", "2K", "1920x1920"),
        ("1:1", "4K", "2880x2880"),
        ("16:9", "4K", "3840x2160"),
        ("21:9", "1K", "1904x816"),
        ("4:3", "1K", "1408x1056"),
    ],
)
def test_known_sizes(shape: str, scale: str, size: str) -> None:
    assert sizes.of_shape(FREE, shape, scale) == size


def test_larger_scales_have_more_pixels() -> None:
    for shape in sizes.SHAPES:
        areas = [width * height for width, height in (pixels(sizes.of_shape(FREE, shape, s)) for s in sizes.PIXELS)]
        assert areas == sorted(set(areas))


@pytest.mark.parametrize("width", [1, 100, 256, 720, 1000, 1023, 1080, 1500, 1536, 1920, 3000, 9000])
@pytest.mark.parametrize("height", [1, 100, 256, 720, 1000, 1023, 1080, 1500, 1536, 1920, 3000, 9000])
def test_the_nearest_size_of_any_picture_is_legal_and_of_its_shape(width: int, height: int) -> None:
    across, down = pixels(sizes.nearest(FREE, width, height))
    rules.check_size(f"{across}x{down}", "gpt-image-2")
    wanted = min(max(width / height, 1 / 3), 3)
    assert abs(across / down / wanted - 1) < 0.03
    rules.check_size(sizes.nearest(FIXED, width, height), "gpt-image-1.5")


@pytest.mark.parametrize(
    ("picture", "size"), [((3000, 2000), "1536x1024"), ((1023, 1000), "1024x1024"), ((700, 1000), "1024x1536")]
)
def test_a_model_of_three_sizes_takes_the_nearest_of_them(picture: tuple[int, int], size: str) -> None:
    assert sizes.nearest(FIXED, *picture) == size


@pytest.mark.parametrize(
    "size",
    [
        "512x512",
        "1000x1000",
        "3856x1024",
        "3072x512",
        "3840x3840",
        "640x480",
        "0x0",
        "1024",
        "1024x1024x1",
        "x",
        "-16x16",
    ],
)
def test_a_size_that_is_refused_there_is_refused_here(size: str) -> None:
    with pytest.raises(InvalidRequest):
        sizes.checked(FREE, size)


@pytest.mark.parametrize("size", ["auto", "1024x1024", "3840x2160", "2880x2880", "1280x768", "2160x720"])
def test_a_size_that_is_made_there_is_let_through(size: str) -> None:
    assert sizes.checked(FREE, size) == size
    rules.check_size(size, "gpt-image-2")

"""Flags that people write into their words cost our account nothing; options become the flags that were paid for."""

from __future__ import annotations

import pytest

from providers import midjourney
from providers.base import Job, Json, MediaKind
from providers.errors import InvalidRequest


def job(**params: Json) -> Job:
    return Job("job-1", "midjourney-7", MediaKind.IMAGE, "a fox", (), params)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a fox in the snow", "a fox in the snow"),
        ("  a fox \n in the  snow ", "a fox in the snow"),
        ("a fox --turbo", "a fox"),
        ("a fox --repeat 40 --video --bs 4", "a fox"),
        ("a fox —turbo", "a fox"),
        ("a fox –v 5.2", "a fox"),
        ("a fox ——turbo", "a fox"),
        ("a fox--turbo", "a fox"),
        ("a fox --TURBO --No rain", "a fox --no rain"),
        ("a fox --no rain, snow --turbo --seed 7", "a fox --no rain, snow --seed 7"),
        ("a fox --tile", "a fox --tile"),
        ("лес — туман, тишина", "лес — туман, тишина"),
        ("лес —туман", "лес —туман"),
        ("well-known fox – red, 3--4 cubs", "well-known fox – red, 3--4 cubs"),
        ("fox—cub", "fox—cub"),
        ("--turbo", ""),
        ("", ""),
    ],
)
def test_words_keep_only_harmless_flags(prompt: str, expected: str) -> None:
    assert midjourney.plain_words(prompt) == expected


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, []),
        ({"aspect_ratio": "16:9"}, ["--ar 16:9"]),
        ({"version": "7"}, ["--v 7"]),
        ({"version": "niji6"}, ["--niji 6"]),
        ({"stylization": 0, "weirdness": 3000, "variety": 5}, ["--stylize 0", "--weird 3000", "--chaos 5"]),
        ({"speed": "relaxed"}, ["--relax"]),
        ({"negative_prompt": "rain --turbo", "speed": "fast"}, ["--no rain", "--fast"]),
    ],
)
def test_options_become_flags(params: dict[str, Json], expected: list[str]) -> None:
    assert midjourney.flags(Job("job-1", "midjourney-7", MediaKind.IMAGE, "a fox", (), params)) == expected


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"aspect_ratio": "16:9 --turbo"}, "aspect_ratio"),
        ({"aspect_ratio": "wide"}, "aspect_ratio"),
        ({"version": "99"}, "version"),
        ({"version": "7 --turbo"}, "version"),
        ({"speed": "ludicrous"}, "speed"),
        ({"stylization": 1001}, "from 0 to 1000"),
        ({"variety": -1}, "from 0 to 100"),
        ({"weirdness": "very"}, "not a number"),
    ],
)
def test_an_option_cannot_carry_a_flag(params: dict[str, Json], words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        midjourney.flags(Job("job-1", "midjourney-7", MediaKind.IMAGE, "a fox", (), params))


@pytest.mark.parametrize(
    ("params", "end", "expected"),
    [
        ({}, None, ["--video", "--motion low"]),
        ({"motion": "high", "raw": True, "loop": False}, None, ["--video", "--motion high", "--raw"]),
        (
            {"loop": True},
            "https://x.example/e.png",
            ["--video", "--motion low", "--loop", "--end https://x.example/e.png"],
        ),
    ],
)
def test_a_video_has_flags_of_its_own(params: dict[str, Json], end: str | None, expected: list[str]) -> None:
    made = midjourney.video_flags(Job("job-1", "video", MediaKind.VIDEO, "", (), params), end)
    assert made == expected


def test_a_motion_is_low_or_high() -> None:
    with pytest.raises(InvalidRequest, match="motion"):
        midjourney.motion(job(motion="wild"))

"""Scenes, hours, colours and subjects are found in Russian and English words."""

from __future__ import annotations

from random import Random

import pytest

from providers.demo import words
from providers.demo.words import Hour, Scene, Subject


def read(prompt: str) -> words.Wish:
    return words.read(prompt, Random(1))


@pytest.mark.parametrize(
    ("prompt", "scene"),
    [
        ("a city street", Scene.CITY),
        ("ночной город", Scene.CITY),
        ("the sea", Scene.SEA),
        ("берег моря", Scene.SEA),
        ("deep space", Scene.SPACE),
        ("космический корабль", Scene.SEA),  # a ship comes first
        ("галактика", Scene.SPACE),
        ("sand dunes", Scene.DESERT),
        ("пустыня", Scene.DESERT),
        ("a dark forest", Scene.FOREST),
        ("лесная поляна", Scene.FOREST),
        ("mountains", Scene.MOUNTAINS),
        ("высокие горы", Scene.MOUNTAINS),
    ],
)
def test_scenes_are_found(prompt: str, scene: Scene) -> None:
    assert read(prompt).scene is scene


@pytest.mark.parametrize(
    ("prompt", "hour"),
    [
        ("night", Hour.NIGHT),
        ("ночью", Hour.NIGHT),
        ("тёмный лес", Hour.NIGHT),
        ("at sunset", Hour.DUSK),
        ("на рассвете", Hour.DUSK),
        ("sunny", Hour.DAY),
        ("солнечно", Hour.DAY),
    ],
)
def test_hours_are_found(prompt: str, hour: Hour) -> None:
    assert read(prompt).hour is hour


@pytest.mark.parametrize(
    "prompt", ["snow", "fox in the snow", "лиса в снегу", "зимний лес", "ледяной дворец", "мороз", "frosty morning"]
)
def test_winter_is_found(prompt: str) -> None:
    assert read(prompt).is_winter


@pytest.mark.parametrize(
    ("prompt", "subject"),
    [
        ("a fox", Subject.FOX),
        ("рыжая лиса", Subject.FOX),
        ("лисичка", Subject.FOX),
        ("кот", Subject.CAT),
        ("котёнок", Subject.CAT),
        ("sailing boat", Subject.BOAT),
        ("домик", Subject.HOUSE),
        ("воздушный шар", Subject.BALLOON),
        ("a tree", None),
    ],
)
def test_subjects_are_found(prompt: str, subject: Subject | None) -> None:
    assert read(prompt).subject is subject


def test_the_colour_named_first_rules() -> None:
    assert read("blue cat in a green forest").tint == read("синий").tint != read("green").tint


@pytest.mark.parametrize("prompt", ["category theory", "который", "redundant", "iceberg lettuce", "watercolor"])
def test_short_stems_do_not_match_long_words(prompt: str) -> None:
    wish = read(prompt)
    assert (wish.subject, wish.tint, wish.is_winter) == (None, None, False)


def test_watercolour_is_not_water() -> None:
    scenes = {words.read("watercolor", Random(seed)).scene for seed in range(40)}
    assert len(scenes) > 2


def test_what_the_words_leave_open_is_decided_by_chance() -> None:
    assert len({words.read("hello", Random(seed)).scene for seed in range(60)}) == len(Scene)


def test_an_empty_prompt_is_a_wish_too() -> None:
    assert read("").scene in Scene

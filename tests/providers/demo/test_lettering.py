"""Captions are legible: wrapped, shortened, without characters that the font lacks, in Cyrillic too."""

from __future__ import annotations

import pytest
from PIL import Image, ImageChops

from providers.demo import lettering


def ink(layer: Image.Image) -> tuple[int, int, int, int] | None:
    """Return the box of the fully opaque, white parts: letters."""
    alpha = layer.getchannel("A").point([0] * 255 + [255])
    bright = layer.convert("L").point([0] * 250 + [255] * 6)
    return ImageChops.multiply(alpha, bright).getbbox()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a fox", "a fox"),
        ("рыжая лиса, ёж", "рыжая лиса, ёж"),
        ("fox 🦊, snow", "fox, snow"),
        ("🦊🦊", ""),
        ("漢字 fox", "fox"),
        ("a\x00b\u200bc\u202ed", "abcd"),
        ("line\none\ttab", "line one tab"),
        ("  many   spaces ", "many spaces"),
        ("«ёлки» — 5 €", "«ёлки» — 5 €"),
        ("\ud83d alone", "alone"),
        ("", ""),
    ],
)
def test_only_what_can_be_drawn_is_kept(text: str, kept: str) -> None:
    assert lettering.legible(text) == kept


def test_lines_are_broken_between_words() -> None:
    face = lettering.font(20)
    text = "the quick brown fox jumps over the lazy dog " * 3
    lines = lettering.wrap(text.strip(), face, 200, 99)
    assert " ".join(lines) == text.strip()
    assert all(face.getlength(line) <= 200 for line in lines)


def test_a_word_longer_than_a_line_is_broken() -> None:
    face = lettering.font(20)
    lines = lettering.wrap("щ" * 100, face, 200, 99)
    assert "".join(lines) == "щ" * 100
    assert all(face.getlength(line) <= 200 for line in lines)


def test_text_that_does_not_fit_ends_with_an_ellipsis() -> None:
    face = lettering.font(20)
    lines = lettering.wrap("слово " * 100, face, 200, 3)
    assert len(lines) == 3
    assert lines[-1].endswith("…")
    assert face.getlength(lines[-1]) <= 200


@pytest.mark.parametrize(
    "size", [(1024, 1024), (1024, 576), (576, 1024), (1024, 438), (256, 256), (64, 64), (4096, 2304)]
)
@pytest.mark.parametrize("caption", ["лиса", "лиса и снег " * 340, "x" * 4000, ""])
def test_letters_stay_inside_the_picture(size: tuple[int, int], caption: str) -> None:
    layer = lettering.overlay(size, caption)
    assert layer.size == size
    box = ink(layer)
    assert box is not None
    assert box[0] >= size[0] * 0.01
    if size[0] >= 256:
        assert box[2] <= size[0] * 0.98
        assert box[3] <= size[1] * 0.99


def test_a_longer_caption_takes_more_lines_but_never_half_the_picture() -> None:
    tall = lettering.overlay((1024, 1024), "слово " * 600)
    lower = ink(tall.crop((0, 300, 1024, 1024)))
    assert lower is not None
    assert lower[1] > 250


def test_the_banner_is_on_every_picture() -> None:
    plain = Image.new("RGB", (800, 600), (90, 120, 90))
    written = lettering.write(plain, "")
    changed = ImageChops.difference(plain, written).getbbox()
    assert changed is not None
    assert changed[3] < 150
    assert changed[2] - changed[0] > 200


def test_the_banner_says_it_in_both_languages() -> None:
    english, russian = lettering.BANNER
    assert "DEMO" in english
    assert "ДЕМО" in russian
    assert lettering.legible(russian) == russian


def test_a_caption_changes_the_lower_part_and_nothing_between() -> None:
    plain = Image.new("RGB", (800, 800), (200, 200, 200))
    difference = ImageChops.difference(lettering.write(plain, "fox"), lettering.write(plain, ""))
    box = difference.getbbox()
    assert box is not None
    assert box[1] > 560


def test_writing_leaves_the_given_picture_alone() -> None:
    plain = Image.new("RGB", (200, 200), (1, 2, 3))
    lettering.write(plain, "fox")
    assert plain.getcolors() == [(40000, (1, 2, 3))]


def test_the_licence_of_the_font_is_shipped_with_it() -> None:
    assert "Apache License" in (lettering.FONT.parent / "LICENSE.txt").read_text()

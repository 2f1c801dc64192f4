"""Captions fit Telegram's limit however they are written, and never end in half a character."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.captions import cut, visible_length, with_prompt
from bot.texts import Html
from tests.bot.telegram import visible

HEAD = Html("<b>Nano &amp; Banana</b>\n0.80 ⚡ charged")


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def test_a_short_prompt_is_quoted_whole() -> None:
    assert visible(with_prompt(HEAD, "a fox & a <hen>")).endswith("\na fox & a <hen>")


def test_an_empty_prompt_leaves_the_heading_alone() -> None:
    assert with_prompt(HEAD, "  \n ") == HEAD


def test_markup_does_not_count() -> None:
    assert visible_length(Html("<b>a</b>&amp;🦊")) == 4


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=1500), st.integers(60, 1024))
def test_a_caption_never_exceeds_its_limit(prompt: str, limit: int) -> None:
    caption = with_prompt(HEAD, prompt, limit=limit)
    assert units(visible(caption)) <= limit
    assert visible_length(caption) == units(visible(caption))


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), st.integers(2, 60))
def test_a_cut_text_says_that_it_is_cut(text: str, limit: int) -> None:
    short = cut(text, limit)
    assert units(short) <= limit
    assert short == text or (short.endswith("…") and text.startswith(short[:-1].rstrip()))


@pytest.mark.parametrize("limit", range(4, 12))
def test_a_character_of_two_units_is_kept_or_dropped_whole(limit: int) -> None:
    short = cut("🦊" * 10, limit)
    short.encode("utf-8")
    assert short == "🦊" * ((limit - 1) // 2) + "…"

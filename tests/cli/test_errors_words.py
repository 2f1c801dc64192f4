"""What a list says of a fault in few words."""

from __future__ import annotations

from typing import cast

from cli.commands.errors_view import MOST_LETTERS, what
from cli.wire_errors import ErrorItem
from tests.cli.answers_errors import error


def _said(message: str) -> str:
    return what(cast("ErrorItem", error("e_23456789ab", error_class="", message=message)))


def test_a_short_text_is_whole() -> None:
    assert _said("kling works again") == "kling works again"


def test_a_long_text_ends_with_a_whole_word_and_says_that_there_is_more() -> None:
    text = "vertex gets no jobs until 23:26:40 UTC: quota_exhausted. Its jobs take other routes or wait."

    said = _said(text)

    assert said == "vertex gets no jobs until 23:26:40 UTC: quota_exhausted.…"
    assert len(said) <= MOST_LETTERS + 1

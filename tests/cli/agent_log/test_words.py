"""Words on their way into the log: one line, nothing that opens a block, and back again as they were."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli import invocation
from cli.agent_log import words
from cli.errors import BlockedByRule, UsageMistake


@pytest.fixture(autouse=True)
def running() -> None:
    """A run of nb, whose warnings go nowhere."""
    invocation.begin(invocation.Invocation())


@given(st.text(max_size=200))
def test_any_text_becomes_one_line_and_stays_it(text: str) -> None:
    line = words.one_line(text)
    assert "\n" not in line
    assert line == line.strip()
    assert line.isprintable() or "\u200d" in line or not re.search(r"[\x00-\x1f\u202a-\u202e\u2066-\u2069]", line)
    assert words.one_line(line) == line


@given(st.text(max_size=200).map(words.one_line))
def test_what_is_escaped_is_read_back(line: str) -> None:
    assert words.plain(words.in_heading(line)) == line
    assert words.plain(words.in_line(line)) == line


@given(st.text(alphabet="#<>!-*_`~|=+ a1.", min_size=1, max_size=30).map(words.one_line).filter(bool))
def test_no_line_opens_a_heading_a_rule_a_quote_or_a_tag(line: str) -> None:
    escaped = words.in_line(line)
    assert not re.match(r"(#{1,6}\s|>|={3}|-{3}|```|~~~|\|)", escaped)
    assert not re.search(r"(?<!\\)<[A-Za-z/!?]", escaped)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("Новая цена", "Новая цена"),
        ("fix_kling_price и feature/a_b", "fix_kling_price и feature/a_b"),
        ("_курсив_", r"\_курсив\_"),
        ("a * b", r"a \* b"),
        ("`код`", r"\`код\`"),
        ("[x](y)", r"\[x\](y)"),
        ("a < b и <b>", r"a < b и \<b>"),
        ("AT&T &amp;", r"AT&T \&amp;"),
        ("C # и C #", r"C # и C \#"),
        ("🦊", "🦊"),
    ],
)
def test_only_what_would_be_markup_is_escaped(text: str, escaped: str) -> None:
    assert words.in_heading(text) == escaped


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("вынес `core.prices`", "вынес `core.prices`"),
        ("# заголовок", r"\# заголовок"),
        ("- пункт", r"\- пункт"),
        ("> цитата", r"\> цитата"),
        ("--- черта", r"\--- черта"),
        ("<!-- всё", r"\<!-- всё"),
        ("**важно**", "**важно**"),
        ("* пункт", r"\* пункт"),
        (r"путь C:\temp", r"путь C:\temp"),
    ],
)
def test_a_line_keeps_its_emphasis_and_code(text: str, escaped: str) -> None:
    assert words.in_line(text) == escaped


@pytest.mark.parametrize("text", ["✅", "готово ✔️", "☑ да", "🟢 работает", ":white_check_mark:", "&#x2705;", "&#9989;"])
def test_a_sign_of_success_is_seen_however_it_is_written(text: str) -> None:
    assert words.says_success(text)


@pytest.mark.parametrize("text", ["❌ нет", "⏳ ждём", "SUCCESS", "готово", "🦊"])
def test_other_signs_are_none(text: str) -> None:
    assert not words.says_success(text)


def test_letters_are_composed_so_that_the_same_word_is_the_same_bytes() -> None:
    assert words.one_line("И\u0306") == "Й"


def test_limits_are_told_with_the_figures() -> None:
    assert words.checked_title("я" * 200) == "я" * 200
    with pytest.raises(UsageMistake, match="201 characters, at most 200"):
        words.checked_title("я" * 201)
    with pytest.raises(UsageMistake, match="0 characters"):
        words.checked_line("\t", "--did")


def test_a_refused_secret_is_not_repeated() -> None:
    with pytest.raises(BlockedByRule) as caught:
        words.checked_line("ключ ghp_0123456789abcdef0123456789abcdef0123", "--did")
    assert "ghp_" not in str(caught.value)
    assert caught.value.rule == "2.5.5"

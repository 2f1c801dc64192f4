"""The catalogues: both languages say the same things, and the code asks for nothing that they do not have."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from fluent.syntax import FluentParser
from fluent.syntax import ast as fluent
from fluent.syntax.visitor import Visitor

import bot
from bot.texts import CATALOGUES, LANGUAGES, BrokenText, Html, Words, escape, join, lines
from core.generations.failures import POLICIES
from providers.errors import FAILURE_CLASSES
from tests.bot.telegram import visible

SOURCE = Path(bot.__file__).parent
LOCALES = SOURCE / "locales"
TOASTS = {"cancel-asked", "cancel-too-late", "unknown-button", "again-already", "again-started", "text-gone"}
BUILT_FROM_VALUES = re.compile(
    r"(button-follow|button-go|command|edit|follow|input|failure|refused|option|posting|money|checkout|payment|topup-by|topup-gateway|zone)-"
)


class _Placeholders(Visitor):
    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_VariableReference(self, node: fluent.VariableReference) -> None:  # noqa: N802  Fluent's own name.
        self.names.add(node.id.name)


def entries(language: str) -> dict[str, set[str]]:
    """Placeholders by key."""
    found: dict[str, set[str]] = {}
    for name in CATALOGUES:
        resource = FluentParser().parse((LOCALES / language / f"{name}.ftl").read_text(encoding="utf-8"))
        for entry in resource.body:
            assert not isinstance(entry, fluent.Junk), f"{language}/{name}.ftl: {str(entry.content)[:80]}"
            if isinstance(entry, fluent.Message):
                assert entry.id.name not in found, f"{entry.id.name} is defined twice in {language}"
                placeholders = _Placeholders()
                placeholders.visit(entry)
                found[entry.id.name] = placeholders.names
    return found


def test_every_file_is_a_catalogue() -> None:
    for language in LANGUAGES:
        assert {path.stem for path in (LOCALES / language).glob("*.ftl")} == set(CATALOGUES)


def test_both_languages_have_the_same_keys_with_the_same_placeholders() -> None:
    assert entries("ru") == entries("en")


def test_every_text_formats_in_every_language() -> None:
    for language in LANGUAGES:
        words = Words(language)
        for key, names in entries(language).items():
            for number in (0, 1, 2, 5, 21, 1234):
                text = words(key, **dict.fromkeys(names, number))
                assert text and "{" not in text, key
                visible(text)
            visible(words(key, **dict.fromkeys(names, "<script> & co")))


def test_what_telegram_limits_fits() -> None:
    for language in LANGUAGES:
        words = Words(language)
        assert len(words.plain("bot-description")) <= 512
        assert len(words.plain("bot-short-description")) <= 120
        for key in entries(language):
            if key.startswith("command-"):
                assert 1 <= len(words.plain(key)) <= 256
            if key in {
                "cancel-asked",
                "cancel-too-late",
                "unknown-button",
                "again-already",
                "again-started",
                "text-gone",
            }:
                assert len(words.plain(key)) <= 200, f"{key} does not fit a toast"


def test_the_code_asks_only_for_texts_that_exist_with_their_placeholders() -> None:
    known = entries("en")
    for key, arguments, where in calls():
        assert key in known, f"{where}: there is no text {key!r}"
        assert arguments == known[key], f"{where}: {key} takes {known[key]}, not {arguments}"


def test_no_text_is_left_over() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in sources())
    for key in entries("en"):
        assert f'"{key}"' in code or BUILT_FROM_VALUES.match(key), f"nobody says {key}"


def test_every_failure_has_words() -> None:
    for failure in (*FAILURE_CLASSES, *POLICIES):
        for language in LANGUAGES:
            assert Words(language).has(f"failure-{failure.code}"), failure.code


def test_no_russian_stands_outside_the_catalogues() -> None:
    for path in sources():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            assert not re.search("[А-яЁё]", line) or "Русский" in line, f"{path.name}:{number}: {line.strip()}"


def test_arguments_are_escaped_and_html_is_not() -> None:
    words = Words("en")
    assert words("start-hello", name="<i>&") == "Hi, <b>&lt;i&gt;&amp;</b>!"
    assert words("start-hello", name=Html("<i>x</i>")) == "Hi, <b><i>x</i></b>!"
    assert words.plain("start-hello", name="<i>&") == "Hi, <b><i>&</b>!"
    assert escape("a < b") == "a &lt; b"


@pytest.mark.parametrize(
    ("amount", "english", "russian"),
    [
        ("0.80", "0.80 ⚡", "0,80 ⚡"),
        ("50.00", "50 ⚡", "50 ⚡"),
        ("1234.50", "1,234.50 ⚡", "1 234,50 ⚡"),
        ("0.00", "0 ⚡", "0 ⚡"),
    ],
)
def test_amounts_are_written_as_the_language_writes_them(amount: str, english: str, russian: str) -> None:
    assert Words("en").plain("price-generation", price=Decimal(amount)) == english
    assert Words("ru").plain("price-generation", price=Decimal(amount)).replace("\u00a0", " ") == russian


@pytest.mark.parametrize(
    ("n", "russian"), [(1, "1 картинку"), (3, "3 картинки"), (11, "11 картинок"), (62, "62 картинки")]
)
def test_russian_plurals_are_right(n: int, russian: str) -> None:
    assert russian in Words("ru")("start-gift", bonus=Decimal(50), pictures=n)


def test_times_are_said_in_seconds_and_minutes() -> None:
    words = Words("en")
    assert [words.duration(seconds) for seconds in (0, 15.4, 89, 90, 600)] == ["1 s", "15 s", "89 s", "2 min", "10 min"]


def test_a_missing_text_or_argument_is_a_defect() -> None:
    with pytest.raises(BrokenText, match="no text 'nothing'"):
        Words("en")("nothing")
    with pytest.raises(BrokenText, match="start-hello"):
        Words("en")("start-hello")


def test_blocks_are_joined_without_the_empty_ones() -> None:
    assert join("a", "", "b") == "a\n\nb"
    assert lines("a", "", "b") == "a\nb"


def sources() -> list[Path]:
    """The bot's own modules, without the sandbox."""
    return [path for path in SOURCE.rglob("*.py") if "sandbox" not in path.parts]


def calls() -> Iterator[tuple[str, set[str], str]]:
    """Every `words("key", name=…)` in the code whose key is written out, with the names of its arguments."""
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = ast.unparse(node.func)
            if not re.search(r"(^|[.)])(words(\.plain)?|_words)$", name) or any(k.arg is None for k in node.keywords):
                continue
            for key in _literals(node.args[0]):
                yield key, {str(keyword.arg) for keyword in node.keywords}, f"{path.name}:{node.lineno}"


def _literals(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _literals(node.body)
        yield from _literals(node.orelse)

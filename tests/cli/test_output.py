"""What people read: words beside signs, tables that fit, nothing a terminal could be steered by."""

from __future__ import annotations

import io

import pytest

from cli.output import Column, Screen

COLUMNS = (Column("id", "id"), Column("what"), Column("tokens", "number"))
ROWS = [("g_000001", "a short text", "4.00"), ("g_000002", "another", None)]


class Terminal(io.TextIOWrapper):
    """A stream that says it is a terminal."""

    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding=encoding, newline="\n")

    def isatty(self) -> bool:
        return True

    def text(self) -> str:
        self.flush()
        self.seek(0)
        return self.read()


def screen(monkeypatch: pytest.MonkeyPatch, width: int = 80, encoding: str = "utf-8", color: bool = False) -> Screen:
    """A screen on a terminal of this width."""
    for name in ("NO_COLOR", "LC_ALL", "LC_CTYPE", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(width))
    return Screen(Terminal(encoding), color=color)


def said(target: Screen) -> str:
    assert isinstance(target.stream, Terminal)
    return target.stream.text()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_table_fits_the_screen(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    target = screen(monkeypatch, width)
    target.table(COLUMNS, [("g_000001", "word " * 60, "4.00")])
    lines = said(target).splitlines()
    assert max(map(len, lines)) <= width
    assert lines[0].split() == ["id", "what", "tokens"]


def test_a_narrow_screen_gets_one_block_per_row(monkeypatch: pytest.MonkeyPatch) -> None:
    target = screen(monkeypatch, 40)
    target.table(COLUMNS, ROWS)
    assert said(target) == (
        "id      g_000001\nwhat    a short text\ntokens  4.00\n\nid      g_000002\nwhat    another\ntokens  -\n"
    )


def test_ids_that_do_not_fit_are_never_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    target = screen(monkeypatch, 80)
    target.table((Column("a", "id"), Column("b", "id")), [("a" * 50, "b" * 50)])
    assert "a" * 50 in said(target)
    assert "b" * 50 in said(target)


def test_an_optional_column_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = (Column("id", "id"), Column("user", "id", optional=True), Column("at", "id"))
    narrow, wide = screen(monkeypatch, 75), screen(monkeypatch, 76)
    for target in (narrow, wide):
        target.table(columns, [("a" * 32, "b" * 20, "c" * 20)])
    assert "b" * 20 not in said(narrow)
    assert "b" * 20 in said(wide)


def test_a_table_leaves_no_space_at_the_end_of_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    target = screen(monkeypatch)
    target.table(COLUMNS, ROWS)
    assert all(line == line.rstrip() for line in said(target).splitlines())


def test_a_narrow_screen_leaves_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    target = screen(monkeypatch, 40)
    target.table((Column("id", "id"), Column("user", "id", optional=True)), [("a" * 32, "b" * 20)])
    assert "b" * 20 in said(target)


def test_square_brackets_are_text_and_not_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    target = screen(monkeypatch)
    target.table(COLUMNS, [("[bold]", "[/red]", "1")])
    assert "[bold]" in said(target)
    assert "[/red]" in said(target)


def test_colour_is_an_addition_to_sign_and_words(monkeypatch: pytest.MonkeyPatch) -> None:
    target = screen(monkeypatch, color=True)
    target.state("failed", "redis failed")
    assert said(target) == "\x1b[31m✗\x1b[0m redis failed\n"


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("NO_COLOR", ""), ("TERM", "dumb")])
def test_no_colour_where_it_is_not_wanted(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    screen(monkeypatch)
    monkeypatch.setenv(name, value)
    target = Screen(Terminal(), color=True)
    target.state("ok", "fine")
    target.line("heading", style="1")
    target.table(COLUMNS, ROWS)
    assert "\x1b" not in said(target)


def test_no_colour_off_a_terminal() -> None:
    stream = io.StringIO()
    Screen(stream).table(COLUMNS, ROWS)
    Screen(stream).line("x", style="1")
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize("state", ["ok", "failed", "unknown"])
def test_signs_have_a_plain_form(monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    target = screen(monkeypatch, encoding="ascii")
    target.state(state, "привет ⚡ — …")  # type: ignore[arg-type]
    assert said(target) == f"[{state}] ?????? tokens - ...\n"


def test_control_characters_do_not_reach_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    target = screen(monkeypatch)
    target.line("a\x1b[2Jb\x07c\x9bd\re")
    target.state("ok", "\x1b]0;title\x07")
    target.pairs({"name": "\x1b[31m"})
    assert not set(said(target)) & set("\x1b\x07\x9b\r")


def test_half_of_a_pair_can_be_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    target = screen(monkeypatch)
    target.line("\ud83d and \udcff")
    assert said(target) == "? and ?\n"


@pytest.mark.parametrize("width", [20, 40, 80])
def test_long_lines_fold_at_spaces(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    target = screen(monkeypatch, width)
    target.state("failed", "word " * 40, indent=2)
    target.wrapped("word " * 40, indent=4)
    target.pairs({"name": "word " * 40}, indent=2)
    assert max(map(len, said(target).splitlines())) <= width


def test_an_address_is_left_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    target = screen(monkeypatch, 40)
    target.pairs({"web": "http://127.0.0.1:8000/" + "x" * 60})
    assert "http://127.0.0.1:8000/" + "x" * 60 in said(target)


def test_off_a_terminal_lines_stay_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    stream = io.StringIO()
    Screen(stream).state("failed", "word " * 40)
    assert stream.getvalue().count("\n") == 1


def test_nothing_is_a_dash(monkeypatch: pytest.MonkeyPatch) -> None:
    target = screen(monkeypatch)
    target.pairs({"route": None, "zero": 0})
    assert said(target) == "route  -\nzero   0\n"


def test_a_prompt_of_several_lines_goes_under_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    target = screen(monkeypatch)
    target.pairs({"prompt": "one\ntwo"}, indent=2)
    assert said(target) == "  prompt\n    one\n    two\n"

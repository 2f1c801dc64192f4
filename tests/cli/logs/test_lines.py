"""Logs of all services are read in their own forms and shown in one."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from cli.logs.following import Follower, LogView
from cli.logs.lines import Line, parse
from cli.logs.rendering import render
from cli.output import Screen
from tests.cli.local.conftest import wait_until

AT = datetime(2026, 11, 22, 12, 0, 1, tzinfo=UTC)


class Terminal(io.StringIO):
    @property
    def encoding(self) -> str:  # type: ignore[override]  # StringIO has none
        return "utf-8"

    def isatty(self) -> bool:
        return True


def test_a_structured_line_is_read() -> None:
    line = parse(
        "web",
        '{"at":"2026-11-22T12:00:01Z","level":"info","service":"web","logger":"core","event":"charged","tokens":"0.80"}',
    )

    assert (line.service, line.level, line.event, line.at) == ("web", "info", "charged", AT)
    assert line.fields == {"tokens": "0.80"}


def test_a_line_of_the_supervisor_is_shown_under_the_service_it_is_about() -> None:
    assert parse("nb", '{"event":"was killed","level":"warning","service":"worker"}').service == "worker"


def test_a_line_of_postgres_is_read() -> None:
    line = parse("postgres", "2026-11-22 12:00:01.000 UTC [42] FATAL:  password authentication failed")

    assert (line.level, line.event, line.at) == ("error", "password authentication failed", AT)


@pytest.mark.parametrize(
    ("level", "shown"), [("LOG", "info"), ("WARNING", "warning"), ("ERROR", "error"), ("PANIC", "critical")]
)
def test_the_levels_of_postgres_become_ours(level: str, shown: str) -> None:
    assert parse("postgres", f"2026-11-22 12:00:01.000 UTC [42] {level}:  x").level == shown


def test_a_line_of_redis_is_read() -> None:
    line = parse("redis", "13808:M 22 Nov 2026 12:00:01.000 * Ready to accept connections")

    assert (line.level, line.event, line.at) == ("info", "Ready to accept connections", AT)


@pytest.mark.parametrize(
    ("event", "level"), [("Valkey is now ready to exit, bye bye...", "info"), ("WARNING Memory overcommit", "warning")]
)
def test_only_a_warning_of_redis_is_one(event: str, level: str) -> None:
    assert parse("redis", f"13808:M 22 Nov 2026 12:00:01.000 # {event}").level == level


@pytest.mark.parametrize("text", ["Traceback (most recent call last):", "{not json", "{}", '{"at":"yesterday"}'])
def test_what_is_not_understood_is_kept(text: str) -> None:
    line = parse("web", text)

    assert line.service == "web"
    assert line.at is None
    assert line.event in (text, "")


def test_a_line_is_shown_in_columns() -> None:
    line = Line("web", "charged", "info", AT, {"tokens": "0.80", "user": 7, "note": "two words"})

    assert list(render(line, Screen(io.StringIO()), UTC)) == [
        '12:00:01 web      info    charged tokens=0.80 user=7 note="two words"'
    ]


def test_times_are_those_of_the_reader() -> None:
    (text,) = render(Line("web", "x", at=AT), Screen(io.StringIO()), timezone(timedelta(hours=3)))

    assert text.startswith("15:00:01 ")


def test_a_traceback_stands_below_its_line() -> None:
    shown = list(render(Line("web", "broken", "error", AT, {}, "Traceback:\n  boom"), Screen(io.StringIO()), UTC))

    assert [text.strip() for text in shown[1:]] == ["Traceback:", "boom"]


def test_a_long_line_hangs_below_its_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    line = Line("web", "an event of several words that fill the line", "info", AT, {"key": "value " * 12, "id": 7})

    shown = [re.sub(r"\x1b\[[\d;]*m", "", text) for text in render(line, Screen(Terminal()), UTC)]

    assert len(shown) == 3
    assert all(len(text) <= 80 for text in shown)
    assert all(text.startswith(" " * 26) for text in shown[1:])


def test_colours_are_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    line = Line("web", "x", "error", AT, {"a": 1})

    (coloured,) = render(line, Screen(Terminal()), UTC)
    assert "\x1b[36mweb" in coloured
    assert "\x1b[31merror" in coloured
    monkeypatch.setenv("NO_COLOR", "1")
    (plain,) = render(line, Screen(Terminal()), UTC)
    assert plain == "12:00:01 web      error   x a=1"


def test_a_log_cannot_steer_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    (text,) = render(Line("web", "\x1b[2J\x07boo", "info", AT, {"key": "\x1b]0;title"}), Screen(io.StringIO()), UTC)

    assert "\x1b" not in text
    assert "\x07" not in text


def test_only_what_is_added_later_is_shown(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.write_text("before\n")
    follower = Follower({"web": log})

    assert follower.read() == []
    with log.open("a") as file:
        file.write("after\nhalf")
    assert [line.event for line in follower.read()] == ["after"]
    with log.open("a") as file:
        file.write(" and half\n")
    assert [line.event for line in follower.read()] == ["half and half"]
    follower.close()


def test_a_log_that_appears_later_or_is_replaced_is_followed(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    follower = Follower({"web": log})

    log.write_text("one\n")
    assert [line.event for line in follower.read()] == ["one"]
    log.rename(tmp_path / "web.log.1")
    log.write_text("two\n")
    assert [line.event for line in follower.read()] == ["two"]
    follower.close()


def test_lines_of_several_services_are_put_in_order(tmp_path: Path) -> None:
    paths = {name: tmp_path / f"{name}.log" for name in ("web", "worker")}
    follower = Follower(paths)
    paths["web"].write_text('{"at":"2026-11-22T12:00:03Z","event":"c"}\n')
    paths["worker"].write_text('{"at":"2026-11-22T12:00:01Z","event":"a"}\n{"at":"2026-11-22T12:00:02Z","event":"b"}\n')

    assert [line.event for line in follower.read()] == ["a", "b", "c"]
    follower.close()


def test_the_view_prints_until_it_is_stopped(tmp_path: Path) -> None:
    log, stream = tmp_path / "web.log", io.StringIO()
    view = LogView({"web": log}, Screen(stream), interval=0.01)
    view.start()

    log.write_text("first\n")
    wait_until(lambda: "first" in stream.getvalue())
    with log.open("a") as file:
        file.write("last\n")
    view.stop()

    assert "last" in stream.getvalue()


def test_everyday_lines_of_the_servers_stay_in_their_files(tmp_path: Path) -> None:
    log, stream = tmp_path / "postgres.log", io.StringIO()
    view = LogView({"postgres": log}, Screen(stream), interval=0.01)
    view.start()

    log.write_text(
        "2026-11-22 12:00:01.000 UTC [42] LOG:  checkpoint\n2026-11-22 12:00:01.000 UTC [42] ERROR:  broken\n"
    )
    wait_until(lambda: "broken" in stream.getvalue())
    view.stop()

    assert "checkpoint" not in stream.getvalue()


def test_an_id_is_whole_on_a_narrow_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    line = Line("web", "request", "info", AT, {"trace_id": "f782dd1a129614639a72c4050196fb90", "status": 200})

    assert list(render(line, Screen(io.StringIO()), UTC)) == [
        "12:00:01 web info",
        "  request trace_id=",
        "  f782dd1a129614639a72c4050196fb90",
        "  status=200",
    ]


def test_an_event_is_bright_to_its_end_wherever_it_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    line = Line("web", "x" * 70 + "\tend of the event", "info", AT, {"key": "value"})

    *_, last = render(line, Screen(Terminal()), UTC)

    assert last.strip() == "x" * 16 + " end of the event\x1b[2m key=value\x1b[0m"


def test_a_field_that_says_nothing_is_not_shown_to_people() -> None:
    fields: dict[str, object] = {"trace_id": "", "user": None, "status": 0, "is_paid": False, "items": []}
    (text,) = render(Line("web", "x", at=AT, fields=fields), Screen(io.StringIO()), UTC)
    assert text.endswith("x status=0 is_paid=false items=[]")

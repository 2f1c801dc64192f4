"""What belongs together is one line: stacks, chains of errors, what PostgreSQL adds; repetitions are counted."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from cli.logs.folding import counts, folded
from cli.logs.following import Follower
from cli.logs.lines import Line, grouped, parse, rank, structured
from cli.logs.masking import masker
from cli.logs.rendering import render
from cli.output import Screen
from tests.cli.logs.conftest import RUN, TRACE, entry, stack

AT = datetime(2026, 11, 22, 12, 0, 1, tzinfo=UTC)


def read(text: str) -> list[Line]:
    return grouped(parse("web", line) for line in text.splitlines() if line.strip())


def test_a_bare_traceback_is_an_error_named_by_its_last_words() -> None:
    (line,) = read(stack("ValueError: no"))
    assert (line.event, line.level, line.traceback) == ("ValueError: no", "error", stack("ValueError: no"))


@pytest.mark.parametrize(
    "between",
    [
        "During handling of the above exception, another exception occurred:",
        "The above exception was the direct cause of the following exception:",
    ],
)
def test_a_chain_of_errors_is_one(between: str) -> None:
    (line,) = read(f"{stack('KeyError: 1')}\n\n{between}\n\n{stack('ValueError: no')}")
    assert line.event == "ValueError: no"
    assert line.traceback.count("Traceback") == 2


def test_two_tracebacks_in_a_row_are_two() -> None:
    assert [line.event for line in read(f"{stack('KeyError: 1')}\n{stack('ValueError: no')}")] == [
        "KeyError: 1",
        "ValueError: no",
    ]


def test_an_indented_line_after_the_error_belongs_to_it() -> None:
    (line, other) = read(f"{stack('ValidationError: 1 problem')}\n  Input should be a number\nnext")
    assert line.traceback.endswith("Input should be a number")
    assert other.event == "next"


@pytest.mark.parametrize(
    ("head", "level", "event"),
    [
        ("ERROR:root:boom", "error", "root:boom"),
        ("2026-11-22 12:00:01,000 WARNING boom", "warning", "boom"),
        ("[2026-11-22 12:00:01,000: ERROR/MainProcess] boom", "error", "boom"),
        ("2026-11-22T12:00:01Z boom", "info", "boom"),
    ],
)
def test_a_plain_line_takes_its_traceback(head: str, level: str, event: str) -> None:
    (line,) = read(f"{head}\n{stack('ValueError: no')}")
    assert (line.level, line.event, line.traceback) == (level, event, stack("ValueError: no"))
    assert line.at in (AT, None)


def test_a_line_of_ours_takes_no_traceback_of_another() -> None:
    ours, other = read(f"{entry('12:00:01', 'request')}\n{stack('ValueError: no')}")
    assert (ours.traceback, other.level) == ("", "error")


def test_what_postgres_adds_is_of_the_error_above_and_of_no_other_line() -> None:
    text = (
        "2026-11-22 12:00:01.000 UTC [42] ERROR:  broken\n"
        "2026-11-22 12:00:01.000 UTC [42] DETAIL:  why\n"
        "2026-11-22 12:00:01.000 UTC [42] STATEMENT:  SELECT\n\t1\n"
        "2026-11-22 12:00:02.000 UTC [42] LOG:  fine\n"
    )
    broken, fine = read(text)
    assert broken.traceback == "DETAIL: why\nSTATEMENT: SELECT\n\t1"
    assert (fine.event, fine.traceback) == ("fine", "")


def test_a_moment_that_cannot_be_is_none() -> None:
    assert parse("web", "2026-13-45 12:00:01 boo").at is None
    assert parse("redis", "1:M 45 Nov 2026 12:00:01.000 * boo").at is None


def test_words_of_others_become_our_names() -> None:
    line = structured("web", {"message": "boo", "level": "WARN", "at": "2026-11-22T12:00:01", "stack": "here"})
    assert (line.event, line.level, line.at, line.traceback, line.fields) == ("boo", "warning", AT, "here", {})


def test_levels_are_in_order_and_an_unknown_one_is_mild() -> None:
    assert rank("debug") < rank("info") == rank("strange") < rank("warning") < rank("error") < rank("critical")


def test_the_same_traceback_is_counted_by_service_and_level() -> None:
    def fault(service: str, seconds: int, level: str = "error", text: str = "E: 1") -> Line:
        return Line(service, f"n{seconds}", level, AT + timedelta(seconds=seconds), traceback=stack(text))

    lines = [
        fault("web", 0),
        Line("web", "fine", at=AT),
        fault("web", 2),
        fault("worker", 3),
        fault("web", 4, text="E"),
    ]
    found = folded([*lines, fault("web", 5)])
    assert [(line.event, line.count) for line in found] == [("n0", 3), ("fine", 1), ("n3", 1), ("n4", 1)]
    assert found[0].last_at == AT + timedelta(seconds=5)
    assert counts(found) == {"error": 5, "info": 1}


@pytest.mark.parametrize(
    ("today", "begins"),
    [(date(2026, 11, 22), "12:00:01 web"), (date(2026, 11, 23), "2026-11-22 12:00:01 web"), (None, "12:00:01 web")],
)
def test_the_date_is_there_when_it_is_not_todays(today: date | None, begins: str) -> None:
    (text,) = render(Line("web", "x", at=AT), Screen(io.StringIO()), UTC, today=today)
    assert text.startswith(begins)


def test_a_count_says_the_day_when_it_is_another() -> None:
    last = AT + timedelta(days=1)
    *_, text = render(Line("web", "x", at=AT, count=14, last_at=last), Screen(io.StringIO()), UTC)
    assert text.strip() == "seen 14 times, last 2026-11-23 12:00:01"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Authorization", "Bearer abcdefghijklmnopqrstuv"),
        ("cookie", "session=1234567abcdefgh"),
        ("url", "postgresql://nb:abcdefgh@db/nb"),
        ("detail", "nbk_abcdefghijkl"),
    ],
)
def test_a_value_is_masked_by_its_form_or_by_its_name(name: str, value: str) -> None:
    line = masker()(Line("web", "x", fields={name: value, "list": [{name: value}]}))
    assert "abcdefgh" not in str(line.fields)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tokens", "0.80"),
        ("key", "provider:demo:auth_failed"),
        ("trace_id", TRACE),
        ("run_code", RUN),
        ("status", 500),
        ("nothing", None),
        ("task", "generations.advance"),
    ],
)
def test_what_is_no_secret_stays(name: str, value: object) -> None:
    assert masker()(Line("web", "x", fields={name: value})).fields == {name: value}


def test_a_home_that_cannot_be_read_masks_by_form(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text("{broken")
    (tmp_path / "credentials.json").write_text(
        '{"local": {"url": "http://127.0.0.1:1", "token": "fox-token-1"}, "x": 1}'
    )
    mask = masker(tmp_path)
    assert mask(Line("web", "fox-token-1 at http://127.0.0.1:1")).event == "[redacted] at http://127.0.0.1:1"


def test_a_follower_keeps_back_what_may_still_grow(tmp_path: Path) -> None:
    log = tmp_path / "postgres.log"
    log.touch()
    follower = Follower({"postgres": log})
    with log.open("a") as file:
        file.write("2026-11-22 12:00:01.000 UTC [42] ERROR:  broken\n")
    assert follower.read() == []
    with log.open("a") as file:
        file.write("2026-11-22 12:00:01.000 UTC [42] STATEMENT:  SELECT\n")
    assert follower.read() == []
    (line,) = follower.read()
    assert (line.event, line.traceback) == ("broken", "STATEMENT: SELECT")
    follower.close()


def test_a_follower_begins_at_the_start_of_an_unfinished_line(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.write_text("done\nhalf")
    follower = Follower({"web": log})
    assert follower.starts == {log: 5}
    with log.open("a") as file:
        file.write(" and half\n")
    assert [line.event for line in follower.read()] == ["half and half"]
    follower.close()

"""Small values: times, moments, shapes, outcomes, exit codes."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict

import pytest

from cli import schema_files
from cli.commands.ready import overall
from cli.durations import is_duration, parse_duration, say_duration
from cli.envelope import Outcome, Problem, encode
from cli.exit_codes import MEANINGS, ExitCode
from cli.moments import age_s, say_moment
from cli.paging import next_page
from cli.shapes import SHAPES
from cli.version import VERSION
from cli.wire import UnexpectedShape, parse

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("30s", 30), ("3m", 180), ("1h", 3600), ("500ms", 0.5), ("1.5m", 90), (" 2s ", 2)]
)
def test_a_time_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)
    assert is_duration(text)


@pytest.mark.parametrize("text", ["", "s", "-1", "0", "1d", "nan", "inf", "25h", "3 minutes", "1m30s", "٣x"])
def test_what_is_no_time_is_refused(text: str) -> None:
    assert not is_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.34, "340 ms"),
        (12, "12 s"),
        (59.6, "1 min"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
    ],
)
def test_a_time_is_said(seconds: float, text: str) -> None:
    assert say_duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "-"),
        ("2026-11-22T12:00:03Z", "2026-11-22 12:00:03"),
        ("2026-11-22T15:00:03.123+03:00", "2026-11-22 12:00:03"),
        ("2026-11-22T12:00:03", "2026-11-22 12:00:03"),
        ("soon", "soon"),
    ],
)
def test_a_moment_is_said_in_utc(text: str | None, said: str) -> None:
    assert say_moment(text) == said


def test_an_age_is_counted_and_unknown_where_a_moment_is_none() -> None:
    assert age_s("2026-11-22T12:00:00Z", "2026-11-22T15:00:05+03:00") == 5
    assert age_s("soon", "2026-11-22T12:00:00Z") is None


class Inner(TypedDict):
    n: int


class Outer(TypedDict):
    name: str
    inner: list[Inner]
    ratio: float
    state: Literal["a", "b"]
    note: str | None
    free: dict[str, Any]
    more: NotRequired[bool]


GOOD: dict[str, Any] = {"name": "x", "inner": [{"n": 1}], "ratio": 1, "state": "a", "note": None, "free": {"k": [1]}}


def test_an_answer_of_the_agreed_shape_is_taken_with_what_it_says_more() -> None:
    assert parse(Outer, {**GOOD, "extra": 1})["name"] == "x"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": 1}, "answer.name is int, not str"),
        ({"inner": [{"n": "1"}]}, r"answer.inner\[0\].n is str, not int"),
        ({"inner": [{}]}, r"answer.inner\[0\].n is missing"),
        ({"inner": None}, "answer.inner is NoneType, not list"),
        ({"ratio": True}, "answer.ratio is bool, not float"),
        ({"ratio": "1"}, "answer.ratio is str, not float"),
        ({"state": "c"}, "answer.state is none of a, b"),
        ({"note": 5}, "answer.note is int, not str"),
        ({"free": []}, "answer.free is list, not dict"),
        ({"more": 1}, "answer.more is int, not bool"),
    ],
)
def test_the_first_difference_in_shape_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UnexpectedShape, match=message):
        parse(Outer, {**GOOD, **change})


@pytest.mark.parametrize("value", [None, [], "text", 3])
def test_an_answer_that_is_no_object_is_refused(value: object) -> None:
    with pytest.raises(UnexpectedShape, match="answer is"):
        parse(Outer, value)


def test_the_schema_of_a_shape_says_the_same_as_the_parser() -> None:
    schema = schema_files.shape_schema(Outer)
    assert schema["required"] == ["name", "inner", "ratio", "state", "note", "free"]
    assert schema["properties"]["state"] == {"enum": ["a", "b"]}
    assert schema["properties"]["note"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}


def test_the_committed_schemas_are_made_from_the_shapes() -> None:
    made = {name: schema_files.text_of(schema) for name, schema in schema_files.schemas().items()}
    found = {path.name: path.read_text() for path in schema_files.FOLDER.glob("*.json")}
    assert found == made, "run: python -m cli.schema_files"
    assert {name.removesuffix(".json") for name in made} == {*SHAPES, "envelope"}


def test_writing_the_schemas_removes_those_of_commands_that_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema_files, "FOLDER", tmp_path / "schemas")
    schema_files.write()
    (tmp_path / "schemas" / "old.json").write_text("{}")
    schema_files.write()
    assert "old" not in schema_files.commands()
    assert "health" in schema_files.commands()


@pytest.mark.parametrize("name", ["../../pyproject", "nope", "", "/etc/passwd"])
def test_a_name_outside_the_folder_has_no_schema(name: str) -> None:
    assert schema_files.committed(name) is None


def test_a_problem_and_a_failing_exit_code_belong_together() -> None:
    with pytest.raises(ValueError, match="exactly when"):
        Outcome(data={}, show=lambda screen: None, exit_code=ExitCode.CHECK_FAILED)
    with pytest.raises(ValueError, match="exactly when"):
        Outcome(data={}, show=lambda screen: None, problem=Problem("code", "message"))


def test_json_is_utf8_and_takes_bytes_that_are_no_text() -> None:
    assert json.loads(encode({"prompt": "лиса ⚡", "argument": "\udcff"})) == {
        "prompt": "лиса ⚡",
        "argument": "\udcff",
    }
    assert "лиса".encode() in encode({"prompt": "лиса"})


def test_every_exit_code_has_a_meaning_and_the_agreed_number() -> None:
    assert [int(code) for code in MEANINGS] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 75, 130]
    assert set(MEANINGS) == set(ExitCode)


def test_the_version_is_the_projects() -> None:
    assert tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"] == VERSION


def test_the_manual_lists_every_exit_code_and_variable() -> None:
    manual = (REPOSITORY / "docs" / "cli.md").read_text()
    for code in ExitCode:
        assert re.search(rf"^\| {int(code)} \|", manual, re.MULTILINE), code
    for name in ("NB_ENV", "NB_HOME", "NB_JSON", "NB_TOKEN", "NB_TOKEN_STAGING", "NB_CONFIG", "NB_AGENT", "NO_COLOR"):
        assert f"`{name}`" in manual


@pytest.mark.parametrize(
    ("ok", "states", "expected"),
    [
        (True, ["ok"], "ok"),
        (True, [], "ok"),
        (False, [], "failed"),
        (True, ["ok", "unknown"], "unknown"),
        (False, ["ok", "unknown"], "unknown"),
        (False, ["failed", "unknown"], "failed"),
        (True, ["failed"], "failed"),
    ],
)
def test_unknown_is_never_ok(ok: bool, states: list[Any], expected: str) -> None:
    checks = [{"id": "x", "state": state, "detail": "", "duration_ms": 0.0, "fix": None} for state in states]
    assert overall(ok, checks) == expected  # type: ignore[arg-type]


def test_there_is_no_next_page_without_a_cursor() -> None:
    assert next_page("nb gen list", {"limit": 5}, None) == ()

"""Parameters are read as Telegram reads them, and shown without secrets."""

from __future__ import annotations

import pytest

from bot.sandbox.parameters import Parameters, Upload
from bot.sandbox.refusals import Refused


def test_numbers_and_flags_come_as_text_or_json() -> None:
    read = Parameters({"a": "7", "b": 7, "c": "x", "d": "7.0", "e": True, "f": "True", "g": "0", "h": None})
    assert [read.integer(name) for name in "abcd"] == [7, 7, 0, 7]
    assert [read.integer("missing"), read.integer("missing", 5)] == [0, 5]
    assert [read.flag(name) for name in "efgh"] == [True, True, False, False]
    assert [read.text(name) for name in "abeh"] == ["7", "7", "true", ""]


def test_objects_and_arrays_come_as_text_or_json() -> None:
    read = Parameters({"a": '{"x": 1}', "b": {"x": 1}, "c": "[1]", "d": "", "e": [{"x": 1}]})
    assert read.object("a") == read.object("b") == {"x": 1}
    assert read.array("c") == [1]
    assert read.object("d") is None
    assert read.array("missing") is None
    assert read.objects("e") == [{"x": 1}]
    assert read.objects("missing") == []


@pytest.mark.parametrize(("method", "value"), [("object", "{"), ("object", "[]"), ("array", "{}"), ("objects", "[1]")])
def test_what_is_something_else_is_refused(method: str, value: str) -> None:
    with pytest.raises(Refused, match="Bad Request"):
        getattr(Parameters({"x": value}), method)("x")


def test_the_log_shows_json_opened_and_files_described() -> None:
    read = Parameters(
        {"media": '[{"type": "photo"}]', "text": "{broken", "secret_token": "s"},
        {"photo": Upload("a.png", "image/png", b"12345")},
    )
    assert read.shown() == {
        "media": [{"type": "photo"}],
        "text": "{broken",
        "secret_token": "***",
        "photo": {"file_name": "a.png", "mime_type": "image/png", "bytes": 5},
    }

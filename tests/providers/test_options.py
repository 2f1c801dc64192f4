"""Options and inputs are read as they are meant, or refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from providers import errors, options
from providers.base import InputMedia, Job, Json, MediaKind, MediaRole
from providers.errors import InvalidRequest

PICTURE = InputMedia(b"\xff\xd8", "image/jpeg")


def job(value: Json = None, *images: InputMedia) -> Job:
    return Job("job-1", "model", MediaKind.VIDEO, "a fox", images, {"x": value})


@pytest.mark.parametrize(("value", "expected"), [("5", "5"), (5, "5"), (0.5, "0.5"), ("", None), (None, None)])
def test_text_is_what_the_vendor_reads(value: Json, expected: str | None) -> None:
    assert options.text(job(value), "x") == expected


@pytest.mark.parametrize("value", [True, [], {}, ["a"]])
def test_text_is_neither_a_list_nor_a_switch(value: Json) -> None:
    with pytest.raises(InvalidRequest, match="neither text nor a number"):
        options.text(job(value), "x")


@pytest.mark.parametrize(
    ("value", "expected"), [(True, True), (False, False), ("on", True), ("off", False), (None, None)]
)
def test_a_switch_is_read(value: Json, expected: bool | None) -> None:
    assert options.flag(job(value), "x") is expected


@pytest.mark.parametrize("value", [1, 0, "yes", [], {}])
def test_a_switch_is_on_or_off(value: Json) -> None:
    with pytest.raises(InvalidRequest, match="neither on nor off"):
        options.flag(job(value), "x")


@pytest.mark.parametrize(("value", "expected"), [(5, 5), ("5", 5), (5.0, 5), (None, 3)])
def test_a_whole_number_is_read(value: Json, expected: int) -> None:
    assert options.whole(job(value), "x", 3) == expected


@pytest.mark.parametrize("value", ["five", 5.5, "", True, [], "nan", "inf"])
def test_a_number_that_is_none_is_refused(value: Json) -> None:
    with pytest.raises(InvalidRequest):
        options.whole(job(value), "x")


def test_pictures_without_a_role_take_what_is_left() -> None:
    end = replace(PICTURE, role=MediaRole.END)
    assert options.start_and_end(job()) == (None, None)
    assert options.start_and_end(job(None, PICTURE)) == (PICTURE, None)
    assert options.start_and_end(job(None, end, PICTURE)) == (PICTURE, end)
    assert options.start_and_end(job(None, end)) == (None, end)


@pytest.mark.parametrize(
    ("words", "is_refusal"),
    [
        ("Failure to pass the risk control system", True),
        ("The prompt may contain sensitive words", True),
        ("SAFETY.INPUT.TEXT", True),
        ("Your request violates our content policy", True),
        ("Service busy, please try later", False),
        ("internal error", False),
        ("image too small", False),
    ],
)
def test_words_of_a_refusal_are_known(words: str, is_refusal: bool) -> None:
    expected = errors.ContentBlocked if is_refusal else errors.ProviderUnavailable
    assert type(options.given_up(words)) is expected
    assert options.given_up(words).detail == words


def test_an_input_is_not_shown_with_its_bytes_and_link() -> None:
    shown = repr(replace(PICTURE, url="https://media.example/?token=hush"))
    assert "hush" not in shown
    assert "xff" not in shown

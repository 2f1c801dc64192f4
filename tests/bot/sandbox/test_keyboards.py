"""Keyboards as Telegram checks them, where aiogram would not even send the wrong ones."""

from __future__ import annotations

import pytest

from bot.sandbox.documents import JsonObject
from bot.sandbox.keyboards import check_web_app, is_loopback, reply_markup
from bot.sandbox.parameters import Parameters
from bot.sandbox.refusals import Refused


def checked(markup: object, *, is_invoice: bool = False) -> JsonObject | None:
    return reply_markup(Parameters({"reply_markup": markup}), is_invoice=is_invoice)


def inline(*buttons: JsonObject) -> JsonObject:
    return {"inline_keyboard": [list(buttons)]}


PAY = {"text": "Pay", "pay": True}
GO = {"text": "Go", "callback_data": "go"}


def test_nothing_is_no_keyboard() -> None:
    assert checked("") is None
    assert checked({}) is None
    assert checked({"inline_keyboard": []}) is None
    assert checked({"inline_keyboard": [[]]}) is None


def test_empty_rows_are_left_out() -> None:
    assert checked({"inline_keyboard": [[], [GO]]}) == inline(GO)


def test_a_keyboard_may_come_as_a_json_string() -> None:
    assert checked('{"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}') == inline(GO)


def test_a_button_may_be_a_mere_text() -> None:
    assert checked({"keyboard": [["Menu"], []]}) == {"keyboard": [[{"text": "Menu"}]]}


def test_an_invoice_wants_its_pay_button_first() -> None:
    assert checked(inline(PAY, GO), is_invoice=True) == inline(PAY, GO)
    with pytest.raises(Refused, match="REPLY_MARKUP_BUY_EMPTY"):
        checked(inline(GO), is_invoice=True)
    with pytest.raises(Refused, match="BUTTON_TYPE_INVALID"):
        checked(inline(GO, PAY), is_invoice=True)


@pytest.mark.parametrize(
    ("markup", "words"),
    [
        ("{", "can't parse reply markup JSON object"),
        ("[]", "object expected as reply markup"),
        ({"inline_keyboard": "x"}, "an Array of Arrays of buttons expected"),
        ({"inline_keyboard": ["x"]}, "an Array of Arrays of buttons expected"),
        ({"inline_keyboard": [[1]]}, "can't parse keyboard button: object expected"),
        (inline({"text": "", "callback_data": "x"}), "text must be non-empty"),
        (inline({"text": "x", "callback_data": ""}), "BUTTON_DATA_INVALID"),
        (inline({"text": "x", "web_app": "https://a.example"}), 'field "web_app" must be an object'),
        (inline({"text": "x", "copy_text": {"text": "x" * 257}}), "BUTTON_COPY_TEXT_INVALID"),
        ({"keyboard": []}, "reply keyboard must be non-empty"),
        ({"keyboard": [[{"text": ""}]]}, "keyboard button text must be non-empty"),
        ({"keyboard": [[{"text": "x", "web_app": {"url": "http://a.example"}}]]}, "Only HTTPS links are allowed"),
    ],
)
def test_a_malformed_keyboard_is_a_bad_request(markup: object, words: str) -> None:
    with pytest.raises(Refused) as refused:
        checked(markup)
    assert refused.value.error_code == 400
    assert words in refused.value.description


@pytest.mark.parametrize(
    "url", ["https://a.example/x", "http://127.0.0.1:8000/", "http://localhost/", "http://[::1]:1/"]
)
def test_a_mini_app_lives_on_https_or_on_this_machine(url: str) -> None:
    check_web_app(url, "menu button")


@pytest.mark.parametrize(
    ("url", "is_local"),
    [
        ("http://localhost:1/", True),
        ("http://127.0.0.1.example.com/", False),
        ("http://localhost@example.com/", False),
        ("http://10.0.0.1/", False),
    ],
)
def test_only_this_machine_is_loopback(url: str, is_local: bool) -> None:
    assert is_loopback(url) is is_local

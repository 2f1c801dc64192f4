"""Checks keyboards as Telegram does and keeps of them what it would keep."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from bot.sandbox import limits
from bot.sandbox.documents import JsonObject
from bot.sandbox.parameters import Parameters
from bot.sandbox.refusals import bad_request

_ACTIONS = (
    "url",
    "callback_data",
    "web_app",
    "login_url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "copy_text",
    "callback_game",
    "pay",
)
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def is_loopback(url: str) -> bool:
    """Whether the address is on this machine, where the sandbox allows plain http."""
    return split_address(url).hostname in _LOOPBACK


def split_address(url: str) -> SplitResult:
    """The parts of an address; of one that is none, there are none."""
    try:
        parts = urlsplit(url)
        return parts if parts.port != 0 else urlsplit("")
    except ValueError:
        return urlsplit("")


def reply_markup(parameters: Parameters, *, is_invoice: bool = False) -> JsonObject | None:
    """The checked `reply_markup` of a call.

    Raises:
        Refused: a button that Telegram would not accept.
    """
    markup = parameters.object("reply_markup")
    if not markup:
        return None
    if "inline_keyboard" in markup:
        rows = [row for row in _rows(markup["inline_keyboard"]) if row]
        if not rows:
            return None
        for row in rows:
            for button in row:
                _check_inline(button)
        pays = [bool(button.get("pay")) for row in rows for button in row]
        if any(pays[1:]) or (any(pays) and not is_invoice):
            raise bad_request("BUTTON_TYPE_INVALID")
        if is_invoice and not pays[0]:
            raise bad_request("REPLY_MARKUP_BUY_EMPTY")
        return {"inline_keyboard": rows}
    if "keyboard" in markup:
        _check_reply(markup)
    return markup


def is_inline(markup: JsonObject | None) -> bool:
    """Whether the markup stays with the message."""
    return markup is not None and "inline_keyboard" in markup


def _check_inline(button: JsonObject) -> None:
    text = button.get("text")
    if not text:
        raise bad_request("inline keyboard button text must be non-empty")
    actions = [action for action in _ACTIONS if button.get(action) is not None and button.get(action) is not False]
    if not actions:
        raise bad_request("Text buttons are unallowed in the inline keyboard")
    data = button.get("callback_data")
    if data is not None and not 1 <= len(str(data).encode()) <= limits.CALLBACK_DATA_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")
    if "url" in button and not str(button["url"]).startswith(("http://", "https://", "tg://", "t.me/", "mailto:")):
        raise bad_request(f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL")
    if button.get("web_app") is not None:
        check_web_app(str(_object(button, "web_app").get("url", "")), "inline keyboard button")
    if button.get("copy_text") is not None and not 1 <= len(str(_object(button, "copy_text").get("text", ""))) <= 256:
        raise bad_request("BUTTON_COPY_TEXT_INVALID")


def _rows(written: object) -> list[list[JsonObject]]:
    """Rows of buttons; a reply keyboard may write a button as a mere text."""
    if not isinstance(written, list) or not all(isinstance(row, list) for row in written):
        raise bad_request("can't parse keyboard: an Array of Arrays of buttons expected")
    rows = [[{"text": button} if isinstance(button, str) else button for button in row] for row in written]
    if not all(isinstance(button, dict) for row in rows for button in row):
        raise bad_request("can't parse keyboard button: object expected")
    return rows


def _object(button: JsonObject, name: str) -> JsonObject:
    value = button.get(name)
    if not isinstance(value, dict):
        raise bad_request(f'can\'t parse keyboard button: field "{name}" must be an object')
    return value


def _check_reply(markup: JsonObject) -> None:
    rows = []
    for row in _rows(markup["keyboard"]):
        for button in row:
            if not button.get("text"):
                raise bad_request("keyboard button text must be non-empty")
            if button.get("web_app") is not None:
                check_web_app(str(_object(button, "web_app").get("url", "")), "keyboard button")
        if row:
            rows.append(row)
    if not rows:
        raise bad_request("reply keyboard must be non-empty")
    markup["keyboard"] = rows


def check_web_app(url: str, where: str) -> None:
    """Mini Apps live on https; on this machine also on http."""
    parts = split_address(url)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and is_loopback(url):
        return
    raise bad_request(f"{where} Web App URL '{url}' is invalid: Only HTTPS links are allowed")

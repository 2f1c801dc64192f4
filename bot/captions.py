"""Captions that fit: Telegram counts visible characters in UTF-16 units after the markup is taken away."""

from __future__ import annotations

import html
import re
from typing import Final

from bot.texts import Html, escape

LONGEST_CAPTION: Final = 1024
LONGEST_TEXT: Final = 4096
_TAG: Final = re.compile(r"<[^>]*>")

_OPEN: Final = "<blockquote expandable>"
_CLOSE: Final = "</blockquote>"


def visible_length(text: Html) -> int:
    """Return how long Telegram finds a piece of HTML."""
    return _units(html.unescape(_TAG.sub("", text)))


def with_prompt(head: Html, prompt: str, *, limit: int = LONGEST_CAPTION) -> Html:
    """Put a prompt below a heading as a quotation, cut so that the whole fits into `limit`."""
    prompt = prompt.strip()
    room = limit - visible_length(head) - 1
    if not prompt or room < 2:
        return head
    return Html(f"{head}\n{_OPEN}{escape(cut(prompt, room))}{_CLOSE}")


def cut(text: str, limit: int) -> str:
    """Cut plain text to so many UTF-16 units, with a sign that something is missing. No character is cut in two."""
    if _units(text) <= limit:
        return text
    kept, used = [], 1
    for character in text:
        used += _units(character)
        if used > limit:
            break
        kept.append(character)
    return "".join(kept).rstrip().rstrip("\u200d\ufe0f") + "…"


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2

"""Entities that Telegram finds by itself: commands, links, addresses, mentions, hashtags."""

from __future__ import annotations

import re

from bot.sandbox.documents import JsonObject
from bot.sandbox.entities.text import utf16_length

# Links and commands are found inside these, not inside code or other links.
_STYLES = {"bold", "italic", "underline", "strikethrough", "spoiler", "blockquote", "expandable_blockquote"}
_PATTERN = re.compile(
    r"(?P<url>(?:https?://|(?<![\w@./])(?=[\w\-]+\.(?:com|org|net|io|me|ru|app|ai|dev)\b))[^\s<>\"']*[^\s<>\"'.,:;!?)\]])"
    r"|(?P<email>(?<![\w.])[\w.+\-]+@[\w\-]+\.[\w.\-]*\w)"
    r"|(?P<bot_command>(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?:@\w{5,32})?(?![\w/]))"
    r"|(?P<mention>(?<!\w)@[A-Za-z]\w{3,31})"
    r"|(?P<hashtag>(?<!\w)#(?=\w*[^\W\d])\w+)"
)


def detect(text: str, entities: list[JsonObject]) -> list[JsonObject]:
    """The given entities and those found outside of links and code, in order."""
    result = list(entities)
    closed = [
        (entity["offset"], entity["offset"] + entity["length"]) for entity in entities if entity["type"] not in _STYLES
    ]
    for match in _PATTERN.finditer(text):
        start = utf16_length(text[: match.start()])
        stop = start + utf16_length(match[0])
        if all(stop <= begin or start >= end for begin, end in closed):
            result.append({"type": str(match.lastgroup), "offset": start, "length": stop - start})
    return sorted(result, key=lambda entity: (entity["offset"], -entity["length"]))

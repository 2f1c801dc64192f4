"""Telegram's HTML: the same tags, the same leniency and the same complaints as its server."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

from bot.sandbox.documents import JsonObject
from bot.sandbox.entities.text import FormattedText, utf16_length
from bot.sandbox.refusals import Refused, bad_request

TAGS = {
    "a": "text_link",
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "span": "spoiler",
    "tg-spoiler": "spoiler",
    "tg-emoji": "custom_emoji",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
}
# The four named references that Telegram knows; everything else stays as it is written.
_REFERENCE = re.compile(r"&(lt|gt|amp|quot|#\d+|#x[0-9a-fA-F]+);?")
_ATTRIBUTE = re.compile(r"""\s*([^\s=>]+)\s*(?:=\s*("[^"]*"|'[^']*'|[\w.\-]+))?""")


@dataclass
class _Open:
    """A start tag that waits for its end tag."""

    tag: str
    argument: str
    offset: int


@dataclass
class _Parser:
    markup: str
    position: int = 0
    offset: int = 0
    pieces: list[str] = field(default_factory=list)
    open: list[_Open] = field(default_factory=list)
    entities: list[JsonObject] = field(default_factory=list)

    def refuse(self, words: str, *, at: int | None = None) -> Refused:
        """A complaint with the byte offset that Telegram would name."""
        where = "" if at is None else f" at byte offset {len(self.markup[:at].encode())}"
        return bad_request(f"can't parse entities: {words}{where}")

    def parse(self) -> FormattedText:
        """Read the whole markup."""
        while self.position < len(self.markup):
            if self.markup[self.position] == "<":
                self.end_tag() if self.markup.startswith("</", self.position) else self.start_tag()
            else:
                self.plain()
        if self.open:
            raise self.refuse(f'Can\'t find end tag corresponding to start tag "{self.open[-1].tag}"')
        # Inner entities were closed first; the outer one of two that are equally long belongs before the inner one.
        self.entities.reverse()
        self.entities.sort(key=lambda entity: (entity["offset"], -entity["length"]))
        return FormattedText("".join(self.pieces), self.entities)

    def plain(self) -> None:
        """Text up to the next tag."""
        stop = self.markup.find("<", self.position)
        stop = len(self.markup) if stop < 0 else stop
        text = _unescape(self.markup[self.position : stop])
        self.pieces.append(text)
        self.offset += utf16_length(text)
        self.position = stop

    def start_tag(self) -> None:
        """`<tag attribute="value">`."""
        begin = self.position
        stop = _tag_end(self.markup, begin)
        if stop < 0:
            raise self.refuse("Unclosed start tag", at=begin)
        written = re.match(r"[^\s>]*", self.markup[begin + 1 : stop])
        tag = written[0].lower() if written else ""
        if tag not in TAGS:
            raise self.refuse(f'Unsupported start tag "{tag}"', at=begin)
        attributes = self.attributes(self.markup[begin + 1 + len(tag) : stop], tag, begin)
        if tag == "span" and attributes.get("class") != "tg-spoiler":
            raise self.refuse('Tag "span" must have class "tg-spoiler"', at=begin)
        self.open.append(_Open(tag, _argument(tag, attributes), self.offset))
        self.position = stop + 1

    def attributes(self, written: str, tag: str, begin: int) -> dict[str, str]:
        """Attributes by lower-case name."""
        found: dict[str, str] = {}
        while written.strip():
            match = _ATTRIBUTE.match(written)
            if match is None:
                raise self.refuse(f'Empty attribute name in the tag "{tag}"', at=begin)
            name, value = match[1].lower(), match[2]
            if value is None and name != "expandable":
                raise self.refuse(f'Expected equal sign in declaration of an attribute of the tag "{tag}"', at=begin)
            value = value or ""
            found[name] = _unescape(value[1:-1] if value[:1] in {'"', "'"} else value.lower())
            written = written[match.end() :]
        return found

    def end_tag(self) -> None:
        """`</tag>`."""
        begin = self.position
        if not self.open:
            raise self.refuse("Unexpected end tag", at=begin)
        stop = self.markup.find(">", begin)
        if stop < 0:
            raise self.refuse("Unclosed end tag", at=begin)
        tag = self.markup[begin + 2 : stop].strip().lower()
        opened = self.open.pop()
        if tag and tag != opened.tag:
            raise self.refuse(
                f'Unmatched end tag at byte offset {len(self.markup[:begin].encode())}, expected "</{opened.tag}>",'
                f' found "</{tag}>"'
            )
        self.position = stop + 1
        if self.offset > opened.offset:
            self.close(opened)

    def close(self, opened: _Open) -> None:
        """Turn a closed tag into an entity."""
        length = self.offset - opened.offset
        if opened.tag == "pre" and self.take_code_language(opened, length):
            return
        entity: JsonObject = {"type": TAGS[opened.tag], "offset": opened.offset, "length": length}
        if opened.tag == "a":
            written = "".join(self.pieces)[-length:] if not opened.argument else ""
            url = link(opened.argument or written)
            if url is None:
                return
            entity["url"] = url
        elif opened.tag == "tg-emoji":
            entity["custom_emoji_id"] = opened.argument
        elif opened.tag == "blockquote" and opened.argument:
            entity["type"] = "expandable_blockquote"
        elif opened.tag == "code" and opened.argument:
            entity["language"] = opened.argument
        self.entities.append(entity)

    def take_code_language(self, opened: _Open, length: int) -> bool:
        """`<pre><code class="language-x">` is one entity with a language."""
        last = self.entities[-1] if self.entities else None
        if last is None or (last["type"], last["offset"], last["length"]) != ("code", opened.offset, length):
            return False
        last["type"] = "pre"
        return True


def _tag_end(markup: str, begin: int) -> int:
    """Where the tag's `>` is, outside of quotes; -1 when it is missing."""
    quote = ""
    for index in range(begin + 1, len(markup)):
        character = markup[index]
        if quote:
            quote = "" if character == quote else quote
        elif character == ">":
            return index
        elif character in "\"'" and markup[index - 1] in "= ":
            quote = character
    return -1


def _argument(tag: str, attributes: dict[str, str]) -> str:
    match tag:
        case "a":
            return attributes.get("href", "")
        case "code":
            return attributes.get("class", "").removeprefix("language-")
        case "tg-emoji":
            return attributes.get("emoji-id", "")
        case "blockquote":
            return "1" if "expandable" in attributes else ""
    return ""


def _unescape(text: str) -> str:
    return _REFERENCE.sub(lambda match: html.unescape(f"&{match[1]};"), text)


def link(url: str) -> str | None:
    """The address of a text link as Telegram keeps it; None where it makes no link of it."""
    url = url.strip()
    if re.fullmatch(r"(https?|tg|ton|tonsite|mailto|tel):\S+", url, re.IGNORECASE):
        return url + "/" if re.fullmatch(r"https?://[^/?#]+", url, re.IGNORECASE) else url
    if re.fullmatch(r"[\w\-]+(\.[\w\-]+)+(:\d+)?([/?#]\S*)?", url):
        return link(f"http://{url}")
    return None


def parse_html(markup: str) -> FormattedText:
    """Text and entities of a message with parse_mode HTML."""
    parser = _Parser(markup)
    result = parser.parse()
    for entity in result.entities:
        if entity["type"] == "code":
            entity.pop("language", None)
    return result

"""Telegram's two Markdown dialects, in their usual parts: styles, code, links, quotations."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bot.sandbox.documents import JsonObject
from bot.sandbox.entities.html import link
from bot.sandbox.entities.text import FormattedText, utf16_length
from bot.sandbox.refusals import Refused, bad_request

# Longer marks first: `__` is not two italics.
_STYLES_V2 = {"__": "underline", "||": "spoiler", "*": "bold", "_": "italic", "~": "strikethrough"}
_STYLES_V1 = {"*": "bold", "_": "italic"}
_RESERVED = "_*[]()~`>#+-=|{}.!"


@dataclass
class _Parser:
    markup: str
    styles: dict[str, str]
    reserved: str
    position: int = 0
    text: str = ""
    open: list[tuple[str, int, int]] = field(default_factory=list)
    entities: list[JsonObject] = field(default_factory=list)

    @property
    def offset(self) -> int:
        """Where the next character lands, in UTF-16 units."""
        return utf16_length(self.text)

    def refuse(self, words: str) -> Refused:
        """A complaint in Telegram's words."""
        return bad_request(f"can't parse entities: {words}")

    def unclosed(self, what: str, position: int) -> Refused:
        """The complaint that something is never closed; the legacy dialect does not say what."""
        named = what if self.reserved else "the entity starting"
        return self.refuse(f"Can't find end of {named} at byte offset {len(self.markup[:position].encode())}")

    def parse(self) -> FormattedText:
        """Read the whole markup."""
        while self.position < len(self.markup):
            if not (self.escaped() or self.code() or self.quotation() or self.link() or self.style()):
                self.literal()
        if self.open:
            mark, _, position = self.open[-1]
            raise self.unclosed(f"{self.styles.get(mark, 'text link').capitalize()} entity", position)
        # Inner entities were closed first; the outer one of two that are equally long belongs before the inner one.
        self.entities.reverse()
        self.entities.sort(key=lambda entity: (entity["offset"], -entity["length"]))
        return FormattedText(self.text, self.entities)

    def add(self, kind: str, start: int, **details: str) -> None:
        """An entity from `start` to here, unless it is empty."""
        if self.offset > start:
            self.entities.append({"type": kind, "offset": start, "length": self.offset - start, **details})

    def escaped(self) -> bool:
        """A backslash before a character that could mean something."""
        pair = self.markup[self.position : self.position + 2]
        allowed = _RESERVED + "\\" if self.reserved else "_*`["
        if len(pair) < 2 or pair[0] != "\\" or pair[1] not in allowed:
            return False
        self.text += pair[1]
        self.position += 2
        return True

    def code(self) -> bool:
        """A code span, or a block with an optional language."""
        for mark, kind in (("```", "pre"), ("`", "code")):
            if not self.markup.startswith(mark, self.position):
                continue
            begin = self.position + len(mark)
            stop = self.markup.find(mark, begin)
            if stop < 0:
                raise self.unclosed(f"{kind.capitalize()} entity", self.position)
            body, details = self.markup[begin:stop], {}
            language = re.match(r"([\w+\-#]+)\n", body) if kind == "pre" else None
            if language:
                body, details = body[language.end() :], {"language": language[1]}
            start = self.offset
            self.text += re.sub(r"\\([`\\])", r"\1", body.removeprefix("\n") if kind == "pre" else body)
            self.position = stop + len(mark)
            self.add(kind, start, **details)
            return True
        return False

    def quotation(self) -> bool:
        """Lines that begin with `>`."""
        at_line_start = not self.text or self.text.endswith("\n")
        if not (self.reserved and at_line_start and self.markup.startswith(">", self.position)):
            return False
        lines = re.compile(r"(?:>[^\n]*(?:\n(?=>)|$|(?=\n)))+").match(self.markup, self.position)
        assert lines is not None
        inner = _Parser(re.sub(r"(?m)^>", "", lines[0]), self.styles, self.reserved).parse()
        start = self.offset
        self.text += inner.text
        self.entities += [{**entity, "offset": entity["offset"] + start} for entity in inner.entities]
        self.position = lines.end()
        self.add("blockquote", start)
        return True

    def link(self) -> bool:
        """`[text](address)`; the text may be styled."""
        if self.markup.startswith("[", self.position):
            self.open.append(("[", self.offset, self.position))
            self.position += 1
            return True
        if not (self.open and self.open[-1][0] == "[" and self.markup.startswith("](", self.position)):
            return False
        _, start, _ = self.open.pop()
        stop = self.markup.find(")", self.position)
        if stop < 0:
            raise self.unclosed("a URL", self.position + 1)
        url = link(re.sub(r"\\(.)", r"\1", self.markup[self.position + 2 : stop]))
        self.position = stop + 1
        if url:
            self.add("text_link", start, url=url)
        return True

    def style(self) -> bool:
        """A mark that opens or closes a style."""
        for mark, kind in self.styles.items():
            if not self.markup.startswith(mark, self.position):
                continue
            if self.open and self.open[-1][0] == mark:
                _, start, _ = self.open.pop()
                self.position += len(mark)
                self.add(kind, start)
            else:
                self.open.append((mark, self.offset, self.position))
                self.position += len(mark)
            return True
        return False

    def literal(self) -> None:
        """Any other character; MarkdownV2 wants the reserved ones escaped."""
        character = self.markup[self.position]
        if character in self.reserved:
            raise self.refuse(f"Character '{character}' is reserved and must be escaped with the preceding '\\'")
        self.text += character
        self.position += 1


def parse_markdown_v2(markup: str) -> FormattedText:
    """Text and entities of a message with parse_mode MarkdownV2."""
    return _Parser(markup, _STYLES_V2, _RESERVED).parse()


def parse_markdown(markup: str) -> FormattedText:
    """Text and entities of a message with the legacy parse_mode Markdown."""
    return _Parser(markup, _STYLES_V1, "").parse()

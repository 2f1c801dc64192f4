"""GraphQL documents that only read. Anything else cannot be made here, and so cannot be sent.

The document is read token by token, as a server reads it: what stands in a comment or in a text is no operation, and an
operation cannot hide in one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

TOKEN = re.compile(
    r"""
      (?P<nothing> [ \t\r\n,]+ | \#[^\r\n]* )
    | (?P<text>    \"\"\"(?:[^"\\]|\\\"\"\"|\\|"(?!\"\"))*\"\"\" | "(?!\"\")(?:[^"\\\r\n]|\\.)*" | \"\"(?!\") )
    | (?P<name>    [A-Za-z_][A-Za-z0-9_]* )
    | (?P<number>  -?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)? )
    | (?P<sign>    \.\.\. | [!$&():=@\[\]{}|] )
    """,
    re.VERBOSE,
)
PAIRS = {")": "(", "]": "[", "}": "{"}


class NotReadOnly(ValueError):
    """The document is not exactly one query with its fragments."""


@dataclass(frozen=True, slots=True)
class Query:
    """A document of one query and its fragments.

    Raises:
        NotReadOnly: it holds a mutation, a subscription, a second query, or cannot be read.
    """

    text: str

    def __post_init__(self) -> None:
        check(self.text)


def check(text: str) -> None:
    """Let a document pass that holds exactly one query, with or without fragments, and nothing else.

    Raises:
        NotReadOnly: it does not.
    """
    if not text.isascii():
        # What a server may take for the end of a line, and with it of a comment, is then known.
        raise NotReadOnly("a document is plain ASCII text")
    kinds = list(_definitions(text))
    for kind in kinds:
        if kind not in ("query", "fragment"):
            raise NotReadOnly(f"only queries are sent, and this is a {kind}")
    if kinds.count("query") != 1:
        raise NotReadOnly(f"a document has one query, this one has {kinds.count('query')}")


def _definitions(text: str) -> Iterator[str]:
    """The kind of each top-level definition: its first word, `query` where it starts with its braces."""
    open_signs: list[str] = []
    kind: str | None = None
    for word in _tokens(text):
        outside = not open_signs
        if outside and kind is None:
            kind = "query" if word == "{" else word
            yield kind
        if word in PAIRS.values():
            open_signs.append(word)
        elif word in PAIRS:
            if not open_signs or open_signs.pop() != PAIRS[word]:
                raise NotReadOnly(f"{word!r} closes nothing")
            if word == "}" and not open_signs:
                # A selection ends its definition: what follows is another one, and is judged by its first word.
                kind = None
    if open_signs or kind is not None:
        raise NotReadOnly("the document ends in the middle")


def _tokens(text: str) -> Iterator[str]:
    position = 0
    while position < len(text):
        found = TOKEN.match(text, position)
        if found is None:
            raise NotReadOnly(f"{text[position]!r} at {position} is no GraphQL")
        position = found.end()
        if found.lastgroup == "text":
            yield '""'
        elif found.lastgroup != "nothing":
            yield found.group()

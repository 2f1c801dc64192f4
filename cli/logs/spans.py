"""Finds where in a block of a log something wanted may be, without parsing what cannot be.

What a wanted line holds for sure is looked for in the bytes, the rarest of it first. What is in nearly every line only
in its time, level or logger is looked for without them; where even that says nothing, lines are read many at once.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import compress, islice

from cli.logs.lines import HEAD, text_of
from cli.logs.literals import Scan
from cli.logs.query import Query

MANY = 64
"""Records of a block that are worth to be read at once."""

FEW = 8
"""Records that are read one by one when one of them is broken."""

OFTEN = 1024
"""What is found more often than once in so many bytes saves no parsing; records are then sought one after another."""

Span = tuple[int, int]

STARTS = re.compile(HEAD)
NEXT = re.compile(rb"\n(?=" + HEAD + rb")")

OWN = b'{"at":'
"""How our own lines begin."""

_TEXT = rb'"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"'
_VALUE = rb"(?:%b|-?+(?:0|[1-9][0-9]{0,17}+)(?:\.[0-9]++)?+(?![0-9.eE+-])|true|false|null)" % _TEXT
_HIDDEN = rb'\{"at":(?<![^\n]\{"at":)%b(?:,"(?:level|service|logger)":%b)*+' % (_TEXT, _TEXT)
HIDDEN_HEAD = re.compile(rb'%b(?=(?:,"[a-z_]++":%b)*+\}(?:\n|\Z))' % (_HIDDEN, _VALUE))
"""What nobody searches, at the head of a line that is surely an object: one that is none is searched as it stands."""


class Spans:
    """Where the records of a query may be."""

    def __init__(self, query: Query) -> None:
        self._words = query.words()
        self._level = query.level_words()
        self._grep = query.grep

    def of(self, block: bytes) -> list[Span]:
        """Where the records lie that may be wanted, in order."""
        spans = self._found(block)
        if spans is None:
            spans = _all_spans(block)
        if self._grep is not None and len(spans) > MANY:
            return _still_matching(block, spans, self._grep)
        return spans

    def _found(self, block: bytes) -> list[Span] | None:
        """Records that hold what is rare; None where nothing of it is."""
        most = max(MANY, len(block) // OFTEN)
        for index, scan in enumerate(self._words):
            positions = _positions(block, scan, most)
            if positions is not None:
                # What is rare here is likely to be rare in the next block, too.
                self._words.insert(0, self._words.pop(index))
                return _records_at(block, positions)
        if self._level is not None and (positions := _positions(block, self._level, most)) is not None:
            return _records_at(block, positions)
        if not self._words or not block.startswith(OWN):
            return None
        bare = HIDDEN_HEAD.sub(b"{", block)
        positions = _positions(bare, self._words[0], most)
        return None if positions is None else _records_at(block, _same_lines(bare, block, positions))


def _all_spans(block: bytes) -> list[Span]:
    heads = [0, *(found.end() for found in NEXT.finditer(block))]
    return list(zip(heads, [*heads[1:], len(block)], strict=True))


def _positions(block: bytes, scan: Scan, most: int) -> Sequence[int] | None:
    """Where one of the patterns is found; None where that is more often than `most`."""
    found = [match.start() for pattern in scan for match in islice(pattern.finditer(block), most + 1)]
    return sorted(found) if len(found) <= most else None


def _same_lines(bare: bytes, block: bytes, positions: Sequence[int]) -> list[int]:
    """Where the lines begin in a block that were found in another one that has the same lines, made shorter."""
    if not positions:
        return []
    ends = [match.start() for match in re.finditer(b"\n", bare)]
    starts = [0, *(match.end() for match in re.finditer(b"\n", block))]
    return [starts[bisect_right(ends, position - 1)] for position in positions]


def _records_at(block: bytes, positions: Sequence[int]) -> list[Span]:
    spans: list[Span] = []
    for position in positions:
        if spans and position < spans[-1][1]:
            continue
        first = _record_start(block, position)
        found = NEXT.search(block, position)
        spans.append((first, len(block) if found is None else found.end()))
    return spans


def _record_start(block: bytes, position: int) -> int:
    while True:
        start = block.rfind(b"\n", 0, position) + 1
        if start == 0 or STARTS.match(block, start):
            return start
        position = start - 1


def _still_matching(block: bytes, spans: list[Span], pattern: re.Pattern[str]) -> list[Span]:
    """Records without those of our own form that do not match: many are read at once sooner than one by one."""
    texts = [block[first:last] for first, last in spans]
    ours = [text[:1] == b"{" and text.count(b"\n") < 2 for text in texts]
    said = _said(list(compress(texts, ours)))
    return [
        span
        for span, is_ours in zip(spans, ours, strict=True)
        if not is_ours or (text := next(said)) is None or pattern.search(text)
    ]


def _said(texts: list[bytes]) -> Iterator[str | None]:
    """What can be searched in each of the objects; None for what is none, or has to be read by itself."""
    try:
        entries = json.loads(b"[%b]" % b",".join(texts), parse_constant=str)
    except (ValueError, RecursionError):
        entries = []
    if len(entries) == len(texts):
        yield from map(text_of, entries)
    elif len(texts) <= FEW:
        yield from [None] * len(texts)
    else:
        # One of them is broken: it is not to cost the others their speed.
        middle = len(texts) // 2
        yield from _said(texts[:middle])
        yield from _said(texts[middle:])

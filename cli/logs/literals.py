"""What a regular expression cannot match without, as patterns of bytes to look for before a line is parsed.

A line of JSON holds its words as they are, except for quotes, spaces between fields and what is escaped: only what is
surely the same there is looked for. Nothing that would match is ever missed; where nothing is sure, all is parsed.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

SAFE = re.compile(r"[A-Za-z0-9_.:/@+#%*~!<>;?()'^$|&-]")
"""Characters that JSON, PostgreSQL and our own display write alike; an equals sign stands for a colon in JSON."""

BETWEEN = rb'(?:=|"\s*:\s*"?)'

ESCAPED = rb"\\[u/]"
"""A line that escapes letters may say anything."""

ESCAPED_ASCII = rb"\\(?:u00[2-7]|/)"
"""One that escapes what needs none may say anything of ASCII."""

TWINS = {"i": rb"(?:i|\xc4[\xb0\xb1])", "s": rb"(?:s|\xc5\xbf)", "k": rb"(?:k|\xe2\x84\xaa)"}
"""Letters that have another one beyond ASCII where case is ignored: the dotless i, the long s, the sign of kelvin."""

EDGE = rb"(?:\b|(?<=[\x80-\xff])|(?=[\x80-\xff])|(?<=\\[nrtbf])|(?<=\\u....))"
"""The edge of a word, or what may be one once letters and escapes are read."""

BEYOND = rb"[\xc2-\xf4][\x80-\xbf]{1,3}"
"""A letter beyond ASCII, in one way only: what could be read in two would take for ever on a long text."""

REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a run: its pattern, and how much it tells; a letter tells most."""

    pattern: bytes
    worth: float
    is_plain: bool = True
    """Whether ASCII says it all."""


EQUALS = Piece(BETWEEN, 0)
EDGE_OF_WORD = Piece(EDGE, 0)
Run = tuple[Piece, ...]


Scan = tuple[re.Pattern[bytes], ...]
"""Patterns of which one is there."""


def required(pattern: re.Pattern[str]) -> tuple[Scan, ...]:
    """What a line that matches holds, all of it, what tells most first; nothing where every line has to be parsed."""
    try:
        # The reader of the standard library itself: another one would read some pattern another way.
        parser: Any = importlib.import_module("re._parser")
        tree = parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE)
        flags = tree.state.flags
    except (ImportError, AttributeError, re.error, ValueError):
        return ()
    if flags & (re.VERBOSE | re.LOCALE):
        return ()
    ignore = re.IGNORECASE if flags & re.IGNORECASE else re.NOFLAG
    choices = sorted(_choices(tree, ascii_only=bool(ignore)), key=_worth, reverse=True)
    return tuple(_scan(runs, ignore) for runs in choices if _worth(runs) > 0)


def _scan(runs: list[Run], flags: re.RegexFlag) -> Scan:
    found = [b"".join(piece.pattern for piece in run) for run in runs]
    is_plain = all(piece.is_plain for run in runs for piece in run)
    return tuple(re.compile(part, flags) for part in (*found, ESCAPED_ASCII if is_plain else ESCAPED))


def _of_sequence(tree: Any, *, ascii_only: bool) -> list[Run] | None:  # noqa: ANN401  The tree has no public types.
    """The best set of runs of which one is in whatever this matches."""
    best = max(_choices(tree, ascii_only=ascii_only), key=_worth)
    return best if _worth(best) > 0 else None


def _choices(tree: Any, *, ascii_only: bool) -> list[list[Run]]:  # noqa: ANN401
    """Sets of runs; of each of them one is in whatever this matches."""
    choices: list[list[Run]] = []
    run: list[Piece] = []
    for op, value in tree:
        piece = _piece(str(op), value, ascii_only=ascii_only)
        if piece is not None:
            run.append(piece)
        elif str(op) != "AT":
            choices.append([_stripped(run)])
            run = []
            if inner := _of_part(str(op), value, ascii_only=ascii_only):
                choices.append(inner)
    choices.append([_stripped(run)])
    return choices


def _of_part(name: str, value: Any, *, ascii_only: bool) -> list[Run] | None:  # noqa: ANN401
    if name == "SUBPATTERN":
        _, added, removed, inner = value
        return None if added or removed else _of_sequence(inner, ascii_only=ascii_only)
    if name in REPEATS:
        least, _, inner = value
        return _of_sequence(inner, ascii_only=ascii_only) if least >= 1 else None
    if name == "ATOMIC_GROUP":
        return _of_sequence(value, ascii_only=ascii_only)
    if name == "BRANCH":
        branches = [_of_sequence(branch, ascii_only=ascii_only) for branch in value[1]]
        return None if None in branches else [run for branch in branches for run in branch or ()]
    return None


def _piece(name: str, value: Any, *, ascii_only: bool) -> Piece | None:  # noqa: ANN401
    """One character, a class of them, some of either, or the edge of a word; None for what a run ends at."""
    if name == "LITERAL":
        return _letter(chr(value), ascii_only=ascii_only)
    if name == "IN":
        return _class(value, ascii_only=ascii_only)
    if name == "AT" and str(value) == "AT_BOUNDARY":
        return EDGE_OF_WORD
    if name not in REPEATS:
        return None
    least, most, inner = value
    one = _piece(str(inner[0][0]), inner[0][1], ascii_only=ascii_only) if len(inner) == 1 else None
    if one is None or one.pattern in (BETWEEN, EDGE):
        return None
    most = "" if str(most) == "MAXREPEAT" else most
    # Taking as little, or giving nothing back, finds no other lines.
    return Piece(b"(?:%b){%b}" % (one.pattern, f"{least},{most}".encode()), one.worth * min(least, 4), one.is_plain)


def _letter(letter: str, *, ascii_only: bool) -> Piece | None:
    if letter == "=":
        return EQUALS
    if not SAFE.match(letter) and (letter.isascii() or ascii_only):
        return None
    if ascii_only and letter.lower() in TWINS:
        return Piece(TWINS[letter.lower()], 4, is_plain=False)
    return Piece(re.escape(letter.encode("utf-8", "surrogatepass")), 4, letter.isascii())


def _class(items: Sequence[Any], *, ascii_only: bool) -> Piece | None:
    """A class of characters that are all safe. Letters beyond ASCII are two bytes and more."""
    inside, size, is_plain = b"", 0, True
    for op, value in items:
        name = str(op)
        if name == "CATEGORY" and str(value) in _CATEGORIES:
            part, count = _CATEGORIES[str(value)]
            inside, size, is_plain = inside + part, size + count, False
            continue
        if name not in ("LITERAL", "RANGE"):
            return None
        first, last = value if name == "RANGE" else (value, value)
        letters = [chr(number) for number in range(first, min(last, 0x7F) + 1)]
        if not all(map(SAFE.fullmatch, letters)):
            return None
        has_twins = ascii_only and any(letter.lower() in TWINS for letter in letters)
        is_plain = is_plain and last < 0x80 and not has_twins
        inside, size = inside + b"".join(map(re.escape, map(str.encode, letters))), size + len(letters)
    worth = 1.5 if size <= _FEW else 0.5
    if is_plain:
        return Piece(b"[%b]" % inside, worth)
    return Piece(b"(?:[%b]|%b)" % (inside, BEYOND) if inside else BEYOND, worth, is_plain=False)


_CATEGORIES = {"CATEGORY_DIGIT": (b"0-9", 10), "CATEGORY_WORD": (b"A-Za-z0-9_", 63)}
_FEW = 12


def _stripped(run: Sequence[Piece]) -> Run:
    """A run that begins with what can be looked for at once, and whose ends are no equals signs of unknown meaning."""
    told = [index for index, piece in enumerate(run) if piece.pattern not in (BETWEEN, EDGE)]
    if not told:
        return ()
    ends_with_edge = run[told[-1] + 1 :][:1] == [EDGE_OF_WORD]
    return (*run[told[0] : told[-1] + 1], *([EDGE_OF_WORD] if ends_with_edge else []))


def _worth(runs: Sequence[Run]) -> float:
    return min((sum(piece.worth for piece in run) for run in runs), default=0)

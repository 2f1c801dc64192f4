"""What a regular expression cannot match without, as patterns of bytes to look for before a line is parsed.

A line of JSON holds its words as they are, except for quotes, spaces between fields and what is escaped: only what is
surely the same there is looked for. Nothing that would match is ever missed; where nothing is sure, all is parsed.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from typing import Any

SAFE = re.compile(r"[A-Za-z0-9_.:/@+#%*~!<>;?()'^$|&-]")
"""Characters that JSON, PostgreSQL and our own display write alike; an equals sign stands for a colon in JSON."""

BETWEEN = rb'(?:=|"\s*:\s*"?)'
SHORTEST = 3
"""A shorter piece is in nearly every line and would only cost."""

ESCAPED = rb"\\u"
"""A line that escapes letters may say anything."""


def required(pattern: re.Pattern[str]) -> tuple[re.Pattern[bytes], ...] | None:
    """Patterns of which a line that matches holds one; None where every line has to be parsed."""
    try:
        # The reader of the standard library itself: another one would read some pattern another way.
        parser: Any = importlib.import_module("re._parser")
        tree = parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE)
        flags = tree.state.flags
    except (ImportError, AttributeError, re.error, ValueError):
        return None
    if flags & (re.VERBOSE | re.LOCALE):
        return None
    words = _of_sequence(tree)
    if words is None:
        return None
    ignore = re.IGNORECASE if flags & re.IGNORECASE else re.NOFLAG
    pieces = [_best(word, ascii_only=bool(ignore)) for word in words]
    if any(piece is None for piece in pieces):
        return None
    found = [piece for piece in pieces if piece is not None]
    is_plain = all(piece.isascii() for piece in found)
    return tuple(re.compile(piece, ignore) for piece in ([*found] if is_plain else [*found, ESCAPED]))


def _of_sequence(tree: Any) -> list[str] | None:  # noqa: ANN401  The tree has no public types.
    """The best set of words of which one is in whatever this matches."""
    choices: list[list[str]] = []
    run = ""
    for op, value in tree:
        name = str(op)
        if name == "LITERAL":
            run += chr(value)
            continue
        if name == "AT":
            continue
        if name.endswith("_REPEAT") and value[0] >= 1 and all(str(inner) == "LITERAL" for inner, _ in value[2]):
            run += "".join(chr(character) for _, character in value[2])
        choices.append([run])
        run = ""
        inner = _of_part(name, value)
        if inner is not None:
            choices.append(inner)
    choices.append([run])
    best = max(choices, key=_worth)
    return best if _worth(best) >= SHORTEST else None


def _of_part(name: str, value: Any) -> list[str] | None:  # noqa: ANN401
    if name == "SUBPATTERN":
        _, added, removed, inner = value
        return None if added or removed else _of_sequence(inner)
    if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        least, _, inner = value
        return _of_sequence(inner) if least >= 1 else None
    if name == "ATOMIC_GROUP":
        return _of_sequence(value)
    if name == "BRANCH":
        branches = [_of_sequence(branch) for branch in value[1]]
        return None if None in branches else [word for branch in branches for word in branch or ()]
    return None


def _worth(words: Sequence[str]) -> int:
    return min((max(map(len, _pieces(word)), default=0) for word in words), default=0)


def _pieces(word: str) -> list[str]:
    """Runs of a word that stand in a line as they are."""
    pieces = [""]
    for character in word:
        if SAFE.match(character) or character == "=" or not character.isascii():
            pieces[-1] += character
        else:
            pieces.append("")
    return [piece.strip("=") for piece in pieces]


def _best(word: str, *, ascii_only: bool) -> bytes | None:
    pieces = _pieces(word)
    if ascii_only:
        pieces = [part for piece in pieces for part in re.split(r"[^\x00-\x7f]+", piece)]
    piece = max(pieces, key=len, default="")
    if len(piece) < SHORTEST:
        return None
    return BETWEEN.join(re.escape(part.encode("utf-8", "surrogatepass")) for part in piece.split("="))

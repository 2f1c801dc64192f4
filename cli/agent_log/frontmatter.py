"""The front matter of an entry: a small, strict subset of YAML that every YAML reader understands.

A line is `key: value`. A value is a word, a day (read as a text), a number, `null`, `true`, `false`, a text in JSON's
quotes, or a list of these in brackets. A key without a value is followed by lines `  name: value` or
`  name: {key: value, …}`. Nothing else is read: no anchors, no tags, no folded text, no comments, no key twice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TypeAlias

Scalar: TypeAlias = str | int | bool | date | None
Table: TypeAlias = Mapping[str, "Scalar | Mapping[str, Scalar]"]
Value: TypeAlias = "Scalar | Sequence[Scalar] | Table"

FENCE = "---"

_KEY = r"[A-Za-z_][A-Za-z0-9_-]*"
_LINE = re.compile(rf"({_KEY}):(?: (.+))?")
_NESTED = re.compile(rf"  ({_KEY}):(?: (.+))")
_TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[^\s"\[\]{},:]+|[\[\]{},:])')
_WORD = re.compile(r"[^\W_][\w./+-]*")
_NUMBER_LIKE = re.compile(
    r"[-+]?[0-9][0-9_.,]*([eE][-+]?[0-9]+)?|0[xobXOB][0-9a-fA-F_]+|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
)
_KEYWORDS = {"null": None, "true": True, "false": False}
_READ_AS_OTHERS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf"})


class Malformed(ValueError):
    """The text is no front matter, or none that was made here; `line` counts from 1."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line
        self.what = what


def written(fields: Mapping[str, Value]) -> str:
    """Front matter with its fences."""
    lines = [FENCE]
    for key, value in fields.items():
        if isinstance(value, Mapping):
            lines.append(f"{key}:" if value else f"{key}: {{}}")
            lines += [f"  {name}: {_one_line(nested)}" for name, nested in value.items()]
        else:
            lines.append(f"{key}: {_one_line(value)}")
    return "\n".join([*lines, FENCE, ""])


def split(text: str) -> tuple[dict[str, Value], str, int]:
    """The fields, the text below the front matter, and the line that it begins at.

    Raises:
        Malformed: there is no front matter, or it is none of this subset.
    """
    lines = text.split("\n")
    if lines[0] != FENCE:
        raise Malformed(1, f"does not begin with {FENCE}")
    try:
        end = lines.index(FENCE, 1)
    except ValueError:
        raise Malformed(len(lines), f"the front matter is not closed with {FENCE}") from None
    return _fields(lines[1:end]), "\n".join(lines[end + 1 :]), end + 2


def _fields(lines: Sequence[str]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    nested: dict[str, Scalar | Mapping[str, Scalar]] | None = None
    for number, line in enumerate(lines, 2):
        if inner := _NESTED.fullmatch(line):
            if nested is None:
                raise Malformed(number, "is indented below a key that has a value")
            _once(nested, inner[1], number)
            value = _parsed(inner[2], number)
            if isinstance(value, list):
                raise Malformed(number, "a list is not read here")
            nested[inner[1]] = value
        elif outer := _LINE.fullmatch(line):
            _once(found, outer[1], number)
            nested = None
            if outer[2] is None:
                nested = {}
                found[outer[1]] = nested
            else:
                found[outer[1]] = _parsed(outer[2], number)
        else:
            raise Malformed(number, "is no `key: value`")
    return found


def _once(fields: Mapping[str, object], key: str, number: int) -> None:
    if key in fields:
        raise Malformed(number, f"{key} is there twice")


def _one_line(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_one_line(part)}" for key, part in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(_one_line, value)) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, int) else _text(str(value))


def _text(text: str) -> str:
    """A word as it stands where every reader of YAML takes it for a text, else in quotes and escaped."""
    if _WORD.fullmatch(text) and not _NUMBER_LIKE.fullmatch(text) and text.lower() not in _READ_AS_OTHERS:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else "".join(_escapes(letter)) for letter in quoted)


def _escapes(letter: str) -> Iterator[str]:
    # As JSON does: what lies beyond sixteen bits is a pair.
    units = letter.encode("utf-16-be", "surrogatepass")
    for index in range(0, len(units), 2):
        yield f"\\u{units[index]:02x}{units[index + 1]:02x}"


def _parsed(text: str, number: int) -> Scalar | list[Scalar] | dict[str, Scalar]:
    tokens = _tokens(text, number)
    value = _value(tokens, number)
    if next(tokens, None) is not None:
        raise Malformed(number, "has something behind its value")
    return value


def _tokens(text: str, number: int) -> Iterator[str]:
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise Malformed(number, f"{text[position]!r} is not understood")
        yield found[1]
        position = found.end()


def _value(tokens: Iterator[str], number: int) -> Scalar | list[Scalar] | dict[str, Scalar]:
    first = next(tokens, "")
    if first == "[":
        return [scalar for _, scalar in _items(tokens, "]", number)]
    if first == "{":
        return {key: scalar for key, scalar in _items(tokens, "}", number) if key is not None}
    return _scalar(first, number)


def _items(tokens: Iterator[str], closing: str, number: int) -> Iterator[tuple[str | None, Scalar]]:
    part = next(tokens, "")
    while part != closing:
        key = None
        if closing == "}":
            key = part
            if next(tokens, "") != ":":
                raise Malformed(number, "a key in braces has no value")
            part = next(tokens, "")
        yield key, _scalar(part, number)
        part = next(tokens, "")
        if part == ",":
            part = next(tokens, "")
        elif part != closing:
            raise Malformed(number, f"{closing} is missing")


def _scalar(part: str, number: int) -> Scalar:
    if part.startswith('"'):
        try:
            return str(json.loads(part))
        except ValueError:
            raise Malformed(number, "has a text that is not closed or escaped as in JSON") from None
    if not part or part in "[]{},:":
        raise Malformed(number, "a value is missing")
    if part in _KEYWORDS:
        return _KEYWORDS[part]
    return int(part) if re.fullmatch(r"-?(0|[1-9]\d{0,17})", part, re.ASCII) else part

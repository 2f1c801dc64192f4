"""Texts from outside as PostgreSQL can keep them.

JSON knows characters that no text has: NUL, and halves of characters (surrogates) that a program cut apart. A statement
with one of them fails as a whole, so whoever takes words of people or vendors lets go of them first. Nobody sees them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_NO_TEXT = re.compile("[\x00\ud800-\udfff]")
_MAY_HOLD_SOME = re.compile(r"\\u0000|[\ud800-\udfff]")


def storable(text: str) -> str:
    """Return the text without characters that PostgreSQL does not keep."""
    return _NO_TEXT.sub("", text)


def may_be_unstorable(json: str) -> bool:
    """Say whether a JSON text may hold such characters. Where it does not, nothing has to be looked through."""
    return _MAY_HOLD_SOME.search(json) is not None


def storable_parts(value: Any) -> Any:  # noqa: ANN401  Whatever JSON is made from.
    """Return what JSON is made from with every text in it storable."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return {storable_parts(name): storable_parts(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [storable_parts(part) for part in value]
    return value

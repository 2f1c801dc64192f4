"""Railway's watch paths, which are written as in a .gitignore: does a change touch one of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def touched(patterns: Sequence[str], files: Iterable[str]) -> bool:
    """Whether a file matches; the last pattern that matches decides, and one with `!` takes back."""
    rules = [(not pattern.startswith("!"), _expression(pattern.removeprefix("!"))) for pattern in patterns if pattern]
    for file in files:
        verdicts = [wanted for wanted, expression in rules if expression.fullmatch(file)]
        if verdicts and verdicts[-1]:
            return True
    return False


def _expression(pattern: str) -> re.Pattern[str]:
    anchored = "/" in pattern.rstrip("/")
    parts = re.split(r"(\*\*/?|\*|\?)", pattern.strip("/"))
    signs = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    body = "".join(signs.get(part, re.escape(part)) for part in parts)
    # A folder stands for everything in it.
    return re.compile(("" if anchored else "(?:.*/)?") + body + "(?:/.*)?")

"""Commits as people and services name them: by the whole hash or its beginning."""

from __future__ import annotations

from cli.errors import UsageMistake

SHORTEST_HASH = 7
HEXADECIMAL = frozenset("0123456789abcdef")


def same_commit(one: str, other: str) -> bool:
    """Whether one is a prefix of the other, so that short and full hashes agree. `unknown` agrees with nothing."""
    shorter, longer = sorted((one.lower(), other.lower()), key=len)
    return len(shorter) >= SHORTEST_HASH and set(shorter) <= HEXADECIMAL and longer.startswith(shorter)


def checked_commit(text: str) -> str:
    """`text` in small letters when it can be a commit.

    Raises:
        UsageMistake: it cannot.
    """
    commit = text.lower()
    if SHORTEST_HASH <= len(commit) <= 40 and set(commit) <= HEXADECIMAL:
        return commit
    raise UsageMistake(f"{text!r} is no commit: 7 to 40 hexadecimal digits", fix="git rev-parse HEAD")


def short(commit: str | None) -> str:
    """The beginning of a hash, as it is shown."""
    return commit[:SHORTEST_HASH] if commit else "-"

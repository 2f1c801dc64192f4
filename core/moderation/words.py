"""The word list: which words, or which words together, stand for something that is not made here.

The list itself is data, `words.toml`, and an operator's own file beside it. Its few rules are meant to meet what nobody
orders by accident; the rest is left to OpenAI's moderation and to the providers, who know context.
"""

from __future__ import annotations

import tomllib
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.moderation.text import Word, plain_letters, words_of

SHIPPED: Final = Path(__file__).with_name("words.toml")
GROWN_UP: Final = 18
NEGATIONS: Final = frozenset({"no", "not", "non", "never", "without", "avoid", "не", "нет", "без", "никаких"})
COMPARED: Final = 2
"""Letters of a first word that patterns are found by; a pattern `a*` would match almost anything anyway."""

PASSES: Final = "passes"
MINORS: Final = "minor"
"""The list that ages in figures belong to: `14 years old`, `14yo`, `14-летняя`."""

_AFTER_AGE: Final = (
    ("year", "old"),
    ("years", "old"),
    ("yo",),
    ("yr", "old"),
    ("y", "o"),
    ("летн*",),
    ("лет",),
    ("годик*",),
)
_TIME_GONE: Final = frozenset({"ago", "later", "назад", "спустя", "вместе", "подряд", "гарантии", "опыта"})

Part = tuple[str, bool]
"""A word of a pattern, and whether it is only the beginning of one."""

Pattern = tuple[Part, ...]


class WordsError(Exception):
    """A file of words is not one."""


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    category: str = Field(pattern=r"^[a-z_]{1,60}$")
    lists: tuple[str, ...] = Field(min_length=1)
    within: int = Field(default=1, ge=1, le=100)


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    passes: tuple[str, ...] = ()
    lists: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    rules: tuple[_Rule, ...] = ()


class _Index:
    """The patterns by the beginning of their first word, so that a word is compared with the few that may fit."""

    def __init__(self, patterns: Iterable[tuple[str, Pattern]]) -> None:
        self._by_beginning: dict[str, list[tuple[str, Pattern]]] = {}
        for name, pattern in patterns:
            self._by_beginning.setdefault(pattern[0][0][:COMPARED], []).append((name, pattern))

    def at(self, words: Sequence[Word], place: int) -> dict[str, int]:
        """Return the names whose patterns match at a place, each with the length of the longest one."""
        found: dict[str, int] = {}
        for beginning in {spelling[:COMPARED] for spelling in words[place].spellings}:
            for name, pattern in self._by_beginning.get(beginning, ()):
                if len(pattern) > found.get(name, 0) and _matches(pattern, words, place):
                    found[name] = len(pattern)
        return found


@dataclass(frozen=True, slots=True)
class WordList:
    """What is looked for, ready to be compared."""

    passes: _Index
    lists: _Index
    rules: tuple[_Rule, ...]

    def category_of(self, prompt: str) -> str | None:
        """Return the category of the first rule that a prompt meets, None for a harmless one."""
        words = self._without_passes(words_of(prompt))
        met: dict[str, list[int]] = {}
        for place in range(len(words)):
            names = self.lists.at(words, place)
            if names and _is_negated(words, place):
                continue
            for name in (*names, MINORS) if _is_age(words, place) else names:
                met.setdefault(name, []).append(place)
        for rule in self.rules:
            if _are_near([met.get(name, []) for name in rule.lists], rule.within):
                return rule.category
        return None

    def _without_passes(self, words: list[Word]) -> list[Word]:
        """Put a word that means nothing in the place of every harmless phrase."""
        kept, place = [], 0
        while place < len(words):
            length = self.passes.at(words, place).get(PASSES, 0)
            kept.append(Word(("",)) if length else words[place])
            place += length or 1
        return kept


def load(*paths: Path) -> WordList:
    """Read the shipped file, and what others add to it.

    Raises:
        WordsError: a file cannot be read, is no TOML, or has another shape.
    """
    files = [_read(path) for path in (SHIPPED, *paths)]
    lists = [(name, _pattern(entry)) for file in files for name, entries in file.lists.items() for entry in entries]
    passes = [(PASSES, _pattern(entry)) for file in files for entry in file.passes]
    rules = tuple(rule for file in files for rule in file.rules)
    unknown = {name for rule in rules for name in rule.lists} - {name for name, _ in lists}
    if unknown:
        raise WordsError(f"rules name lists that are not there: {', '.join(sorted(unknown))}")
    return WordList(_Index(passes), _Index(lists), rules)


@cache
def shipped() -> WordList:
    """Return the list as it ships."""
    return load()


def _read(path: Path) -> _File:
    try:
        return _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeError, tomllib.TOMLDecodeError) as error:
        raise WordsError(f"{path}: {error}") from None
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        raise WordsError(f"{path}: {'.'.join(map(str, problem['loc']))}: {problem['msg']}") from None


def _pattern(entry: str) -> Pattern:
    parts = plain_letters(entry).split()
    if not all(part.rstrip("*") for part in parts or [""]) or (parts[0].endswith("*") and len(parts[0]) <= COMPARED):
        raise WordsError(f"{entry!r} would match almost anything")
    return tuple((part.rstrip("*"), part.endswith("*")) for part in parts)


def _matches(pattern: Pattern, words: Sequence[Word], place: int) -> bool:
    if place + len(pattern) > len(words):
        return False
    return all(
        _fits(part, words[place + offset]) and (not offset or words[place + offset].follows)
        for offset, part in enumerate(pattern)
    )


def _fits(part: Part, word: Word) -> bool:
    wanted, is_beginning = part
    return any(spelling.startswith(wanted) if is_beginning else spelling == wanted for spelling in word.spellings)


def _is_negated(words: Sequence[Word], place: int) -> bool:
    """Say whether the word before denies it: `no nudity`. A pattern that begins with a denial is not denied by it."""
    return place > 0 and words[place].follows and words[place - 1].spellings[0] in NEGATIONS


def _is_age(words: Sequence[Word], place: int) -> bool:
    """Say whether an age below eighteen stands here."""
    written = words[place].spellings[0]
    number = written.removesuffix("yo")
    if not number.isdecimal() or not 0 < int(number[:4]) < GROWN_UP:
        return False
    if written != number:
        return True
    after = words[place + 1 :]
    for tail in _AFTER_AGE:
        pattern = tuple((part.rstrip("*"), part.endswith("*")) for part in tail)
        if _matches(pattern, after, 0):
            rest = after[len(pattern) :]
            return not (rest and rest[0].spellings[0] in _TIME_GONE)
    return False


def _are_near(places: Sequence[Sequence[int]], within: int) -> bool:
    """Say whether one of each stands within so many words."""
    first, *rest = places
    return any(all(_has_near(others, place, within) for others in rest) for place in first)


def _has_near(places: Sequence[int], place: int, within: int) -> bool:
    """Say whether one of the ascending places is near enough."""
    after = bisect_left(places, place - within)
    return after < len(places) and places[after] <= place + within

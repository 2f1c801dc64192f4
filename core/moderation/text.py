"""Undoes disguises: reads a prompt as words, each in every spelling that an eye would take it for.

`p о r n` with Cyrillic letters, `п.о.р.н.о`, `n4ked`, letters with zero-width characters between them, fancy letters of
Unicode: all of them come out as the plain word beside what was written. `core.moderation.words` compares.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

SHORTEST_SPELLED: Final = 3
"""So many single letters in a row are a word that somebody spelled."""

LONGEST_WORD: Final = 60

_LATIN_OF: Final = str.maketrans(
    "авекмнорстухіѕјԁӏһԛԝгпиь" + "αβεικνορτυχ" + "013457@$!|",
    "abekmhopctyxisjdlhqwrnub" + "abeikvoptux" + "oieastasil",
)
_CYRILLIC_OF: Final = str.maketrans("abcehkmoptxyurngdlizsfv" + "013468@!|", "авсенкмортхуигпгдлизсфв" + "оизчбваии")
_LEET: Final = frozenset("0123456789@$!|")
_WORD: Final = re.compile(r"[@$]?[^\W_]+(?:[@$!|]+[^\W_]+)*")
_RUN: Final = re.compile(r"(.)\1{2,}")
_BREAK: Final = re.compile(r"[.,;:!?\n()\[\]]")


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a prompt.

    Attributes:
        spellings: how it may be read, as it was written first.
        follows: True when nothing but space or a hyphen stands between it and the word before.
    """

    spellings: tuple[str, ...]
    follows: bool = True


def words_of(text: str) -> list[Word]:
    """Return the words of a text, spelled-out ones put together."""
    plain = plain_letters(text)
    found: list[Word] = []
    singles: list[str] = []
    end = 0
    for match in _WORD.finditer(plain):
        follows = not _BREAK.search(plain, end, match.start())
        end = match.end()
        if len(match.group()) == 1:
            singles.append(match.group())
        else:
            found += _together(singles)
            singles = []
            found.append(Word(_spellings(match.group()), follows))
    return found + _together(singles)


def plain_letters(text: str) -> str:
    """Return a text in small plain letters: without accents, invisible characters and fancy shapes."""
    wide = unicodedata.normalize("NFKC", text).casefold()
    seen = "".join(character for character in wide if unicodedata.category(character) != "Cf")
    apart = unicodedata.normalize("NFD", seen)
    return "".join(character for character in apart if not unicodedata.combining(character))


def _together(singles: list[str]) -> list[Word]:
    """Return single letters as the word that they spell, or as they are where they are too few for one."""
    if len(singles) < SHORTEST_SPELLED:
        return [Word(_spellings(letter)) for letter in singles]
    return [Word(_spellings("".join(singles)))]


def _spellings(written: str) -> tuple[str, ...]:
    written = written[:LONGEST_WORD]
    short = _RUN.sub(r"\1", written)
    spellings = [written, short]
    letters = [character for character in short if character not in _LEET]
    if letters and not short.isdecimal():
        latin, cyrillic = short.translate(_LATIN_OF), short.translate(_CYRILLIC_OF)
        spellings += [form for form in (latin, cyrillic) if _is_of_one_script(form)]
    return tuple(dict.fromkeys(spellings))


def _is_of_one_script(word: str) -> bool:
    return all("a" <= letter <= "z" for letter in word) or all("а" <= letter <= "я" for letter in word)

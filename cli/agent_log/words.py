"""Words on their way into the log: one line each, no markup that would change the page around them, no secret.

What is escaped on the way in is read back by :func:`plain`.
"""

from __future__ import annotations

import html
import re
import unicodedata

from cli.errors import BlockedByRule, UsageMistake
from cli.masking import masked

LONGEST_TITLE = 200
LONGEST_LINE = 2000

_TURNS_ROUND = re.compile("[\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]")
"""Invisible signs that turn a line round or break it. A joiner inside an emoji is none of them."""

_MARKUP = re.compile(r"([\\`*\[\]|~])")
_OPENS_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_EMPHASIS = re.compile(r"(?<!\w)_|_(?!\w)")
_ENTITY = re.compile(r"&(?=#?\w+;)")
_OPENS_BLOCK = re.compile(r"^(#|>|=|-|\+|\*(?=\s)|```|~~~|\|)")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")

_SUCCESS = re.compile("[\u2705\u2714\u2713\u2611\U0001f5f8\U0001f7e2]|:white_check_mark:|:heavy_check_mark:")

_MORE_SECRETS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\bAKIA[0-9A-Z]{16}\b|\bxox[abprs]-[\w-]{10,}|\bglpat-[\w-]{15,}|\brk_(?:live|test)_\w{16,}"
    r"|(?i:\bbearer)\s+[\w.~+/-]{20,}"
    r"|(?i:token|secret|password|passwd|api[_-]?key|токен|секрет|пароль)[\"']?\s*[:=]\s*[\"']?"
    r"(?=[^\s\"']*\d)(?=[^\s\"']*[A-Za-z])[\w.~+/=:@-]{12,}"
)
"""Beside the forms that nb masks everywhere: keys of other services, and a value that is named as a secret."""


def one_line(text: str) -> str:
    """The text as one line without what steers a terminal or turns a line round."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    text = _TURNS_ROUND.sub(" ", unicodedata.normalize("NFC", text))
    kept = "".join(" " if unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") else letter for letter in text)
    return " ".join(kept.split())


def checked_title(text: str) -> str:
    """A description for a heading.

    Raises:
        UsageMistake: it is empty or too long.
        BlockedByRule: it holds a secret.
    """
    title = one_line(text)
    if not title:
        raise UsageMistake("the description is empty", fix='nb agent-log add "Что сделано"')
    if len(title) > LONGEST_TITLE:
        raise UsageMistake(
            f"the description has {len(title)} characters, at most {LONGEST_TITLE}", fix="put the details into --did"
        )
    return without_secret(title, "the description")


def checked_line(text: str, option: str) -> str:
    """A line of what was done or of the result.

    Raises:
        UsageMistake: it is empty or too long.
        BlockedByRule: it holds a secret.
    """
    line = one_line(text)
    if not line or len(line) > LONGEST_LINE:
        raise UsageMistake(f"{option} has {len(line)} characters, 1 to {LONGEST_LINE} are kept", fix=f'{option} "…"')
    return without_secret(line, option)


def without_secret(text: str, what: str) -> str:
    """The text itself, when nothing in it looks like a secret.

    Raises:
        BlockedByRule: something does; the message does not repeat it.
    """
    if holds_secret(text):
        raise BlockedByRule(
            f"{what} holds what looks like a secret; the log is published",
            code="secret_in_log",
            rule="2.5.5",
            fix="name the secret, not its value; revoke it if it is real",
        )
    return text


def holds_secret(text: str) -> bool:
    """Whether something in the text looks like a secret."""
    return masked(text) != text or _MORE_SECRETS.search(text) is not None


def says_success(text: str) -> bool:
    """Whether the text holds the sign of success, or one that is read as such."""
    return _SUCCESS.search(html.unescape(text)) is not None


def in_heading(text: str) -> str:
    """Text escaped so that a heading or a bold label shows it as it was written."""
    text = _ENTITY.sub(r"\\&", _OPENS_TAG.sub(r"\\<", _MARKUP.sub(r"\\\1", text)))
    text = _EMPHASIS.sub(r"\\_", text)
    # Signs at the end would be taken for the closing ones of the heading.
    return re.sub(r"(?<=\s)(#+)$", r"\\\1", text)


def in_line(text: str) -> str:
    """Text of a line of its own: its emphasis and code stay, what would open a block or a tag does not."""
    return _OPENS_BLOCK.sub(r"\\\1", _OPENS_TAG.sub(r"\\<", re.sub(r"\\(?=[!-/:-@\[-`{-~])", r"\\\\", text)))


def plain(text: str) -> str:
    """What was written, from its escaped form."""
    return _ESCAPED.sub(r"\1", text)

"""Takes what looks like a secret out of words that nb prints or keeps: logs of others, command lines, messages.

The service masks its own lines by value before they leave it; here only the form is known. Repetitions have a limit or
end at the first character that is not theirs: a line that somebody else wrote must not cost more than its length.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

MASK = "[secret]"

_FORMS = re.compile(
    r"(?<!\d)\d{6,12}(?::|%3[Aa])[\w-]{30,}"
    r"|(?<![A-Za-z0-9])(?:nbk_[\w-]{8,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|npm_\w{30,}|glpat-[\w-]{20,}"
    r"|pypi-[\w-]{30,}|sb_secret_[\w-]{16,}|[sr]k_(?:live|test)_\w{16,}|key_[A-Za-z0-9]{40,}"
    r"|sk-[\w-]{20,}|AIza[\w-]{30,}|AKIA[A-Z0-9]{16}|xox[abeprs]-[\w-]{10,}|eyJ[\w-]{8,}\.[\w-]+\.[\w-]+)"
    r"|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\Z)"
    r"|(?<=://)[^/\s@:]{0,200}:[^/\s]{1,300}(?=@)"
    # A password with a slash in it; digits and a slash after the colon are a port and a path.
    r"|(?<=://)[^/\s@:]{0,200}:(?!\d{1,5}/)[^\s\"'<>@]{1,300}(?=@)"
    r"|(?<=://)[^/\s@:]{16,300}(?=@)"
    r"|(?<=hooks\.slack\.com/services/)[\w/-]{10,}"
    r"|(?<=/webhook/)[\w-]{16,}"
)
"""Tokens of Telegram, ours, GitHub, GitLab, npm, PyPI, Supabase, Stripe, Runway, OpenAI, Google, AWS and Slack, JWTs,
private keys, a password in an address, and addresses that are a secret themselves."""

_HEADERS = re.compile(
    r"(?i)((?:authorization|project-access-token|x-api-key|x-telegram-bot-api-secret-token)"
    r"(?:\\?[\"'])?\s{0,3}[:=,]\s{0,3}+(?:b?\\?[\"'])?+(?:(?:bearer|basic|token|tma)\s{1,3}+)?+)"
    r"(?!\[secret\])[^\s,;\"'\\]+"
    r"|((?<![A-Za-z0-9])(?:set-)?cookie(?:\\?[\"'])?\s{0,3}[:,]\s{0,3}+(?:b?\\?[\"'])?+)(?!\[secret\])[^\r\n\"'\\]+"
    r"|((?<![A-Za-z0-9])(?:bearer|token)\s{1,3})(?=[a-z_-]{0,60}\d)[\w.~+/-]{24,}"
    r"|((?:\s-u|--user)[\s=]{1,3}[^\s:]{1,100}:)[^\s\"']+"
)
"""What follows the name of a header that carries a credential, or its scheme, or `curl -u`."""

_ASSIGNED = re.compile(
    r"(?i)((?:(?:token|secret|password|passwd|api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key|role_key)"
    r"(?:_(?:staging|production|local))?(?:\\?[\"'])?\s{0,3}"
    r"(?:=|%3d|:\s{0,3}(?=\\?[\"'])|:\s{0,3}(?=[^\s\"']{8})(?=[^\s\"'\d]{0,100}\d))"
    r"|(?:[?&]key|(?<![A-Za-z0-9])(?:signature|hash))=(?=[\w%+/-]{16}))\s{0,3}(?:\\?[\"'])?)"
    r"(?!\[secret\]|\\?[\"'])(?:(?<=\\[\"'])[^\"'\\\r\n]+|(?<=\")[^\"\r\n]+|(?<=')[^'\r\n]+|[^\s\"'&;,]+)"
)
"""`TOKEN=…`, `"password": "…"`, `?api_key=…`: what is assigned to a name that says what it is."""

_HINT = re.compile(r"(?i)token|secret|passw|key|authorization|cookie|bearer|signature|hash|\s-u|--user")
"""A line without any of these words has no such name; most have none, and there are many."""

_NAMED = re.compile(r"(?i)^--?[\w-]*(?:token|secret|password|passwd|api-key)$")


def masked(text: str) -> str:
    """The text without what looks like a secret."""
    text = _FORMS.sub(MASK, text)
    if _HINT.search(text) is None:
        return text
    text = _HEADERS.sub(_after_its_name, text)
    return _ASSIGNED.sub(_after_its_name, text)


def _after_its_name(found: re.Match[str]) -> str:
    return next(name for name in found.groups() if name is not None) + MASK


def masked_value(value: Any) -> Any:  # noqa: ANN401  Whatever JSON holds.
    """The same for everything inside a value, names of keys included."""
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, Mapping):
        return {masked(str(name)): masked_value(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [masked_value(inner) for inner in value]
    return value


def masked_arguments(arguments: Sequence[str]) -> list[str]:
    """A command line without secrets: neither what looks like one, nor what follows an option that is named so."""
    result: list[str] = []
    hide_next = False
    for place, argument in enumerate(arguments):
        name, equals, _ = argument.partition("=")
        if (hide_next and not argument.startswith("--")) or _meant_for_stdin(arguments[:place], argument):
            result.append(MASK)
        elif equals and _NAMED.match(name):
            result.append(f"{name}={MASK}")
        else:
            result.append(masked(argument))
        hide_next = not equals and bool(_NAMED.match(argument))
    return result


def _meant_for_stdin(before: Sequence[str], argument: str) -> bool:
    """True for a credential that somebody types behind `nb token save`, which takes none there."""
    behind = any(pair == ("token", "save") for pair in pairwise(before))
    return behind and len(argument) > len("railway-account") and not argument.startswith("-")

"""Takes what looks like a secret out of words that nb prints or keeps: logs of others, command lines, messages.

The service masks its own lines by value before they leave it; here only the form is known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

MASK = "[secret]"

_FORMS = re.compile(
    r"(?<!\d)\d{6,12}(?::|%3[Aa])[\w-]{30,}"
    r"|(?<![A-Za-z0-9])nbk_[\w-]{8,}|(?<![A-Za-z0-9])gh[pousr]_\w{20,}|(?<![A-Za-z0-9])github_pat_\w{20,}"
    r"|(?<![A-Za-z0-9])sk-[\w-]{20,}|(?<![A-Za-z0-9])AIza[\w-]{30,}"
    r"|(?<![A-Za-z0-9])eyJ[\w-]{8,}\.[\w-]+\.[\w-]+"
    r"|(?<=://)[^/\s@]*:[^/\s]+(?=@)"
)
"""Tokens of Telegram, ours, GitHub, OpenAI and Google, JWTs, and a password in an address."""

_HEADERS = re.compile(
    r"(?i)((?:authorization|project-access-token|x-api-key|x-telegram-bot-api-secret-token)\s*[:=]\s*"
    r"(?:bearer\s+|basic\s+|tma\s+)?)(?!\[secret\])[^\s,;\"']+"
)
"""What follows the name of a header that carries a credential."""

_ASSIGNED = re.compile(
    r"(?i)((?<![A-Za-z0-9])[A-Z0-9_.-]{0,60}(?:token|secret|password|passwd|api[_-]?key|access[_-]?key|role_key)"
    r"(?:_(?:staging|production|local))?\"?'?\s{0,3}(?:=|:\s{0,3}(?=[\"']))\s{0,3}[\"']?)"
    r"(?!\[secret\]|[\"'])[^\s\"'&;,]+"
)
"""`TOKEN=…`, `"password": "…"`, `?api_key=…`: what is assigned to a name that says what it is."""

_HINT = re.compile(r"(?i)token|secret|passw|key|authorization")
"""A line without any of these words has no such name; most have none, and there are many."""

_NAMED = re.compile(r"(?i)^--?[\w-]*(?:token|secret|password|passwd|api-key)$")


def masked(text: str) -> str:
    """The text without what looks like a secret."""
    text = _FORMS.sub(MASK, text)
    if _HINT.search(text) is None:
        return text
    text = _HEADERS.sub(rf"\1{MASK}", text)
    return _ASSIGNED.sub(rf"\1{MASK}", text)


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
    for argument in arguments:
        name, equals, _ = argument.partition("=")
        if hide_next and not argument.startswith("--"):
            result.append(MASK)
        elif equals and _NAMED.match(name):
            result.append(f"{name}={MASK}")
        else:
            result.append(masked(argument))
        hide_next = not equals and bool(_NAMED.match(argument))
    return result

"""Takes what looks like a secret out of words that nb prints or keeps: logs of others, command lines, messages.

The service masks its own lines by value before they leave it; here only the form is known.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

MASK = "[secret]"

_FORMS = re.compile(
    r"(?<!\d)\d{6,12}(?::|%3[Aa])[\w-]{30,}"
    r"|\bnbk_[\w-]{8,}|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bsk-[\w-]{20,}|\bAIza[\w-]{30,}"
    r"|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]+"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
)
"""Tokens of Telegram, ours, GitHub, OpenAI and Google, JWTs, and a password in an address."""

_NAMED = re.compile(r"(?i)^--?[\w-]*(?:token|secret|password|api-key)$")


def masked(text: str) -> str:
    """The text without what looks like a secret."""
    return _FORMS.sub(MASK, text)


def masked_arguments(arguments: Sequence[str]) -> list[str]:
    """A command line without secrets: neither what looks like one, nor what follows an option that is named so."""
    result: list[str] = []
    hide_next = False
    for argument in arguments:
        name, equals, _ = argument.partition("=")
        if hide_next:
            result.append(MASK)
        elif equals and _NAMED.match(name):
            result.append(f"{name}={MASK}")
        else:
            result.append(masked(argument))
        hide_next = not equals and bool(_NAMED.match(argument))
    return result

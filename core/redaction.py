"""Takes secrets out of text: the ones we know by value, and whatever looks like one.

Works on finished lines, so that nothing can slip in between: messages, fields, tracebacks, records of libraries.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import quote

REDACTED = "[redacted]"
SHORTEST_SECRET = 6

_BOT_TOKEN = re.compile(r"(?<!\d)\d{3,}(?::|%3[Aa])[\w-]{30,}")
_OPS_TOKEN = re.compile(r"nbk_[\w-]{8,}")
_URL_PASSWORD = re.compile(r"(://[^\s/:@\"']*):[^\s/@\"']+@")
# A header as HTTP, repr() and JSON write it; a value ends at whitespace, a quote or a separator.
_HEADER = re.compile(
    r"""((?:proxy-)?authorization|x-goog-api-key|x-api-key|api-key|x-telegram-bot-api-secret-token|(?:set-)?cookie)
        (\\*["']?(?:,|\s*[:=])\s*(?:b(?=\\*["']))?\\*["']?(?:(?:bearer|basic|tma|token)\s+)?)
        (?!\[redacted\])[^\s"',;\\)}\]]+""",
    re.IGNORECASE | re.VERBOSE,
)
_BEARER = re.compile(r"(\b(?:bearer|basic|tma)\s+)[\w.~+/=%-]{16,}", re.IGNORECASE)
_INIT_DATA_HASH = re.compile(r"((?<![a-z])hash(?:=|%3d))[0-9a-f]{64}", re.IGNORECASE)
_QUERY_KEY = re.compile(r"([?&](?:key|api_key|apikey|token|access_token|secret|signature)=)[^\s&\"'\\]+", re.IGNORECASE)

# A pattern runs only on lines that hold its marker: a search for a plain substring costs almost nothing.
_PATTERNS: tuple[tuple[tuple[str, ...], re.Pattern[str], str], ...] = (
    (("nbk_",), _OPS_TOKEN, REDACTED),
    (("@",), _URL_PASSWORD, rf"\1:{REDACTED}@"),
    (("authorization", "-key", "secret-token", "cookie"), _HEADER, rf"\1\2{REDACTED}"),
    (("bearer ", "basic ", "tma "), _BEARER, rf"\1{REDACTED}"),
    (("hash=", "hash%3d"), _INIT_DATA_HASH, rf"\1{REDACTED}"),
    (("key=", "token=", "secret=", "signature="), _QUERY_KEY, rf"\1{REDACTED}"),
)


class Redactor:
    """Replaces a fixed set of secrets, in every form in which they are written down."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets for form in _forms(secret) if len(form) >= SHORTEST_SECRET}
        # The longest first: a password inside an address must not leave the rest of the address behind.
        self._secrets = sorted(forms, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return the text without secrets; the same object when there are none."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, REDACTED)
        if ":" in text or "%3" in text:
            text = _BOT_TOKEN.sub(REDACTED, text)
        lowered = text.lower()
        for markers, pattern, replacement in _PATTERNS:
            if any(marker in lowered for marker in markers):
                text = pattern.sub(replacement, text)
        return text


def _forms(secret: str) -> Iterable[str]:
    """The secret as it stands in plain text, JSON, a Python literal and a URL."""
    yield secret
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]
    yield quote(secret, safe="")
    yield quote(secret)
    number, separator, key = secret.partition(":")
    if separator and number.isdigit():
        yield key  # The half of a bot token that opens the door.


_current = Redactor()


def use(redactor: Redactor) -> None:
    """Make this the redactor of the process."""
    global _current
    _current = redactor


def redact(text: str) -> str:
    """Take the secrets of this process out of a text that leaves it."""
    return _current(text)

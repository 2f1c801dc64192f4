"""From what Google and the network answered to the failure classes of `providers.errors`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

from providers.base import Json
from providers.errors import (
    LONGEST_PAUSE,
    Ambiguous,
    AuthFailed,
    ContentBlocked,
    InvalidRequest,
    ModelRetired,
    ProviderError,
    ProviderUnavailable,
    QuotaExhausted,
    RateLimited,
    TimedOut,
)

LONGEST_DETAIL = 2000
_MONEY = re.compile(r"\b(billing|credits?|prepa(?:y|id)|spend(?:ing)?|quota)\b", re.IGNORECASE)
_BILLING = re.compile(r"\b(billing|credits?|prepa(?:y|id)|free tier)\b", re.IGNORECASE)
_KEY = re.compile(r"\bAPI[ _]key\b", re.IGNORECASE)
_NO_ALLOWANCE = re.compile(r"\blimit: 0\b|PerDay", re.IGNORECASE)
_PER_MINUTE = re.compile(r"per[_ ]?minute", re.IGNORECASE)
_RESPONSIBLE = re.compile(
    r"responsible ai|usage guidelines|support codes?|sensitive words?|safety (?:filter|setting|polic)", re.IGNORECASE
)
_SECONDS = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)s")
_TOKEN = re.compile(r"\bya29\.[\w.-]+")

# When several calls failed, the first of these classes that occurred is raised. An unknown outcome goes before all,
# because every other class claims that nothing was accepted; then what tells an operator or the user most.
_MOST_TELLING: tuple[type[ProviderError], ...] = (
    Ambiguous,
    AuthFailed,
    QuotaExhausted,
    ModelRetired,
    InvalidRequest,
    ContentBlocked,
    RateLimited,
    ProviderUnavailable,
    TimedOut,
)


def from_status(code: int, status: str | None, message: str | None, details: Json) -> ProviderError:
    """Return the failure that an HTTP status other than 200 stands for. `details` is the body as it came."""
    said = f"{code} {status or ''}: {message or details}"[:LONGEST_DETAIL]
    text = f"{message or ''} {' '.join(_strings(details))}"
    if code == 429:
        return _too_many(said, text, details)
    if code in {408, 499, 504}:
        # The deadline passed after the request had arrived: the picture may have been made and billed.
        return Ambiguous(said)
    if code == 400:
        return _bad_request(said, status, text)
    if code == 403 and ("BILLING_DISABLED" in text or _BILLING.search(text)):
        return QuotaExhausted(said)
    known: dict[int, type[ProviderError]] = {
        401: AuthFailed,
        402: QuotaExhausted,
        403: AuthFailed,
        404: ModelRetired,
        410: ModelRetired,
    }
    if code in known:
        return known[code](said)
    return InvalidRequest(said) if 400 <= code < 500 else ProviderUnavailable(said)


def from_operation(code: int, message: str) -> ProviderError:
    """Return why an accepted operation was given up: `code` is one of google.rpc.Code, not a status of HTTP."""
    said = f"code {code}: {message}"[:LONGEST_DETAIL]
    if code in {3, 9} and is_refusal(message):
        return ContentBlocked(said)
    known: dict[int, type[ProviderError]] = {
        3: InvalidRequest,
        4: TimedOut,
        5: ModelRetired,
        7: AuthFailed,
        8: RateLimited,
        9: InvalidRequest,
        11: InvalidRequest,
        16: AuthFailed,
    }
    return known.get(code, ProviderUnavailable)(said)


def is_refusal(words: str) -> bool:
    """Say whether Google's words speak of its content rules, for which it has the code of a malformed request."""
    return _RESPONSIBLE.search(words) is not None


def without(failure: ProviderError, secrets: Iterable[str]) -> ProviderError:
    """Return the failure with these secrets, and anything that looks like a token, struck out of it."""
    detail = _TOKEN.sub("[key]", failure.detail)
    for secret in secrets:
        detail = detail.replace(secret, "[key]")
    failure.detail = detail
    failure.args = (detail,)
    return failure


def most_telling(failures: Iterable[ProviderError]) -> ProviderError:
    """Return the failure to raise for several calls that all failed."""
    return min(failures, key=lambda failure: _MOST_TELLING.index(type(failure)))


def retry_delay(details: Json) -> timedelta | None:
    """Return `RetryInfo.retryDelay`, which Google sends in the body in place of a Retry-After header."""
    for item in _objects(details):
        if str(item.get("@type", "")).endswith("google.rpc.RetryInfo"):
            match = _SECONDS.fullmatch(str(item.get("retryDelay", "")))
            return min(timedelta(seconds=float(match[1])), LONGEST_PAUSE) if match else None
    return None


def _bad_request(said: str, status: str | None, text: str) -> ProviderError:
    # A wrong key is answered with 400 and the reason API_KEY_INVALID, not with 401.
    if "API_KEY" in text or (_KEY.search(text) and "valid" in text):
        return AuthFailed(said)
    if status == "FAILED_PRECONDITION":
        return QuotaExhausted(said) if _BILLING.search(text) else AuthFailed(said)
    if is_refusal(text):
        return ContentBlocked(said)
    return InvalidRequest(said)


def _too_many(said: str, text: str, details: Json) -> ProviderError:
    """Tell a pause from an empty account: Google speaks of quota in both, only a delay or its absence tells."""
    delay = retry_delay(details)
    if _PER_MINUTE.search(text) and not _NO_ALLOWANCE.search(text):
        return RateLimited(said, retry_after=delay)
    if _NO_ALLOWANCE.search(text) or (delay is None and _MONEY.search(text)):
        return QuotaExhausted(said)
    return RateLimited(said, retry_after=delay)


def _objects(value: Json) -> Iterator[Mapping[str, Json]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner)


def _strings(value: Json) -> Iterator[str]:
    for item in _objects(value):
        yield from (inner for inner in item.values() if isinstance(inner, str))

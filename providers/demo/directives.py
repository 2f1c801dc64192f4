"""Orders in square brackets at the start of a prompt: they make the demonstration behave badly on purpose."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from providers.errors import FAILURE_CLASSES, InvalidRequest, ProviderError, RateLimited

FAILURES: dict[str, type[ProviderError]] = {failure.code: failure for failure in FAILURE_CLASSES}
RETRY_AFTER = timedelta(seconds=3)
_PREFIX = re.compile(r"\s*\[([a-z_ ]+?)(?:\s+(\d+(?:\.\d+)?))?\]", re.IGNORECASE)
_FAIL = re.compile(r"fail( later)? (\w+)")


@dataclass(frozen=True, slots=True)
class Directives:
    """How a job is to behave. `provider.py` tells what each order means."""

    slow: float | None = None
    fail: str | None = None
    fail_later: str | None = None
    lose: bool = False
    lose_early: float = 0
    never: bool = False
    garbage: bool = False
    none: bool = False
    partial: bool = False
    flaky: float = 0
    poll_flaky: float = 0
    limit: float | None = None
    hang: float | None = None

    @property
    def is_polled(self) -> bool:
        """Whether even a picture is not ready at once."""
        return self.slow is not None or self.fail_later is not None or self.never or self.poll_flaky > 0


def read(prompt: str) -> tuple[Directives, str]:
    """Return the orders and the prompt without them. Brackets that hold no order are part of the prompt.

    Raises:
        InvalidRequest: a failure is ordered that no provider knows.
    """
    found: dict[str, float | str | bool | None] = {}
    at = 0
    while match := _PREFIX.match(prompt, at):
        order = _order(" ".join(match[1].lower().split()), float(match[2]) if match[2] else None)
        if order is None:
            break
        found.update(order)
        at = match.end()
    return Directives(**found), prompt[at:].strip()  # type: ignore[arg-type]


def failure(code: str) -> ProviderError:
    """Return the error that an order names."""
    detail = f"the demonstration was told to fail with {code}"
    if code == RateLimited.code:
        return RateLimited(detail, retry_after=RETRY_AFTER)
    return FAILURES[code](detail)


def _order(words: str, number: float | None) -> dict[str, float | str | bool | None] | None:
    defaults: dict[str, float] = {"slow": 5, "flaky": 1, "poll flaky": 1, "limit": 3, "hang": 5}
    if words in defaults:
        return {words.replace(" ", "_"): defaults[words] if number is None else number}
    if words == "lose early":
        return {"lose_early": float("inf") if number is None else number}
    if number is None and words in {"lose", "never", "garbage", "none", "partial"}:
        return {words: True}
    if number is None and (match := _FAIL.fullmatch(words)):
        if match[2] not in FAILURES:
            raise InvalidRequest(f"[{words}]: no such failure; known are {', '.join(FAILURES)}")
        return {"fail_later" if match[1] else "fail": match[2]}
    return None

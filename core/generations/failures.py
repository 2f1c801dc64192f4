"""What follows from each class of failure. Adapters say which kind they met; this table says what is done about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from core.references.errors import LinkFailed
from providers.errors import (
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

LONGEST_PAUSE = timedelta(seconds=60)


class BadResult(ProviderError):
    """The provider finished, and what it handed over is no picture or video."""

    code = "bad_result"


@dataclass(frozen=True, slots=True)
class Policy:
    """What is done when a submission fails before it was accepted. Every final failure is refunded in full.

    Attributes:
        retries: how often the same route is tried again, after an ambiguous try only where no such job is known.
        next_route: whether another provider may be asked after that.
        alerts: whether an operator has to hear of it.
    """

    retries: int = 0
    next_route: bool = False
    alerts: bool = False


POLICIES: dict[type[ProviderError], Policy] = {
    ContentBlocked: Policy(),
    InvalidRequest: Policy(next_route=True, alerts=True),
    RateLimited: Policy(retries=6, next_route=True),
    QuotaExhausted: Policy(next_route=True, alerts=True),
    AuthFailed: Policy(next_route=True, alerts=True),
    ModelRetired: Policy(next_route=True, alerts=True),
    ProviderUnavailable: Policy(retries=3, next_route=True),
    TimedOut: Policy(alerts=True),
    Ambiguous: Policy(retries=2, alerts=True),
    BadResult: Policy(alerts=True),
    LinkFailed: Policy(),
}


def policy_for(error: ProviderError) -> Policy:
    """Return the policy of an error's class, or of the nearest class above it."""
    for kind in type(error).__mro__:
        if kind in POLICIES:
            return POLICIES[kind]
    return Policy(alerts=True)


def pause_before(error: ProviderError, attempt: int) -> timedelta:
    """Return how long to wait after attempt number `attempt`: what the provider asks for, else 1, 2, 4 … seconds."""
    asked = error.retry_after if isinstance(error, RateLimited) else None
    return min(asked or timedelta(seconds=2 ** min(attempt - 1, 6)), LONGEST_PAUSE)

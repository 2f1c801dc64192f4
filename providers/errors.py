"""Why a provider did not produce a result.

Each class is one kind of answer of the outside world. What follows from it (refund, retry, next route, alert, words for
the user) is decided by `core.generations.failures`; an adapter only says which kind it met. Messages hold the vendor's
own text and go to the log, never to a user.
"""

from __future__ import annotations

from datetime import timedelta

LONGEST_PAUSE = timedelta(hours=1)
"""Whoever asks us to come back later than that is taken to mean this."""


class ProviderError(Exception):
    """The provider did not produce a result."""

    code = "provider_error"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.__doc__)
        self.detail = detail


class ContentBlocked(ProviderError):
    """The provider's safety rules refused the prompt, an input, or the result."""

    code = "content_blocked"


class InvalidRequest(ProviderError):
    """The provider called the request malformed or its parameters impossible."""

    code = "invalid_request"


class RateLimited(ProviderError):
    """The provider asks to come back later; the request was not accepted."""

    code = "rate_limited"

    def __init__(self, detail: str = "", *, retry_after: timedelta | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class QuotaExhausted(ProviderError):
    """Our account at the provider has no credit or quota left."""

    code = "quota_exhausted"


class AuthFailed(ProviderError):
    """The provider did not accept our credentials."""

    code = "auth_failed"


class ModelRetired(ProviderError):
    """The provider no longer serves this model."""

    code = "model_retired"


class ProviderUnavailable(ProviderError):
    """The provider could not be reached or answered that it cannot work now; the request was not accepted."""

    code = "provider_unavailable"


class TimedOut(ProviderError):
    """An accepted job did not finish in the time it had."""

    code = "timed_out"


class Ambiguous(ProviderError):
    """The answer was lost: the provider may or may not have accepted the request."""

    code = "ambiguous"


FAILURE_CLASSES: tuple[type[ProviderError], ...] = (
    ContentBlocked,
    InvalidRequest,
    RateLimited,
    QuotaExhausted,
    AuthFailed,
    ModelRetired,
    ProviderUnavailable,
    TimedOut,
    Ambiguous,
)

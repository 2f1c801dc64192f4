"""From what OpenAI answered to the failure classes of `providers.errors`. Its `code` tells more than its status."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from providers import options
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
)
from providers.http import LOST_ON_THE_WAY, Answer, Reply

BLOCKED = frozenset({"moderation_blocked", "content_policy_violation", "sentinel_block", "safety_violation"})
OUT_OF_MONEY = frozenset(
    {
        "insufficient_quota",
        "billing_hard_limit_reached",
        "billing_not_active",
        "credit_balance_exhausted",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
        "project_usage_limit_exceeded",
    }
)
"""They come as 400, 403 and 429 alike: https://developers.openai.com/api/docs/guides/error-codes."""

LONGEST_FIGURE = 6
"""Digits of milliseconds: a pause of more than a quarter of an hour is told in seconds."""

NO_MODEL = frozenset({"model_not_found", "model_deprecated", "model_not_available"})
BY_STATUS: dict[int, type[ProviderError]] = {
    401: AuthFailed,
    402: QuotaExhausted,
    403: AuthFailed,
    410: ModelRetired,
}


class Problem(Answer):
    """What is said of a failure."""

    message: str = ""
    type: str | None = None
    code: str | None = None
    param: str | None = None


class Envelope(Answer):
    """The document of a failure."""

    error: Problem = Field(default_factory=Problem)


def classify(reply: Reply) -> ProviderError | None:
    """Return the failure that an answer stands for, None for success."""
    if reply.is_success:
        return None
    document = reply.try_to_read(Envelope)
    problem = document.error if document else Problem()
    known = by_code(problem.code, problem.type, reply.said)
    if known is not None:
        return known
    if reply.status == 429:
        return RateLimited(reply.said, retry_after=_pause(reply))
    if reply.status == 400 and problem.param is None and options.refused(problem.message):
        # The safety system does not always leave a code; who names a parameter speaks of that, such as `moderation`.
        return ContentBlocked(reply.said)
    if reply.status in LOST_ON_THE_WAY:
        return Ambiguous(reply.said)
    if reply.status in BY_STATUS:
        return BY_STATUS[reply.status](reply.said)
    if reply.status == 404:
        # An address that is gone, or somebody's own gateway: without a code nothing says that it is the model.
        return ModelRetired(reply.said) if problem.param == "model" else ProviderUnavailable(reply.said)
    return InvalidRequest(reply.said) if 400 <= reply.status < 500 else ProviderUnavailable(reply.said)


def by_code(code: str | None, kind: str | None, said: str) -> ProviderError | None:
    """Return the failure that a code stands for whatever the status is, None for codes that say no more than it."""
    if code in BLOCKED:
        return ContentBlocked(said)
    if code in OUT_OF_MONEY or kind == "insufficient_quota":
        return QuotaExhausted(said)
    return ModelRetired(said) if code in NO_MODEL else None


def given_up(code: str | None, message: str) -> ProviderError:
    """Return why an accepted job was given up."""
    said = f"{code or 'failed'}: {message}"
    return by_code(code, None, said) or options.given_up(said)


def _pause(reply: Reply) -> timedelta | None:
    """Return the pause that is asked for. Short ones come in milliseconds as well, which is the closer figure."""
    told = reply.headers.get("retry-after-ms", "")
    if told.isdecimal() and len(told) <= LONGEST_FIGURE:
        return timedelta(milliseconds=int(told))
    return reply.retry_after

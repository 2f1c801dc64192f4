"""What the ops API takes and answers about providers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from core.http.openapi import ChangeBody
from core.http.values import Answer, Moment

LONGEST_PARKING_MINUTES = 7 * 24 * 60


class Provider(Answer):
    """A provider as it stands: whether it has credentials here, its switch, its breaker and how much is under way.

    `limit` is how many jobs may be under way there, null without one; `own_limit` the same where an operator set it.
    """

    name: str
    is_configured: bool
    is_enabled: bool
    breaker: Literal["closed", "open", "half_open"]
    failures: int
    parked_until: Moment | None
    reason: str | None
    running: int
    waiting: int
    limit: int | None
    own_limit: int | None


class ProviderList(Answer):
    """All providers by name."""

    items: list[Provider]


class Outcomes(Answer):
    """How jobs at a provider ended in the last day."""

    status: str
    error_code: str | None
    count: int


class ProviderDetail(Provider):
    """A provider with its models and what came of its jobs in the last day; `ambiguous` of them got no answer."""

    models: list[str]
    outcomes: list[Outcomes]
    ambiguous: int


class Parking(ChangeBody):
    """For how long a provider gets no jobs."""

    minutes: int = Field(description="Then one job is tried.", ge=1, le=LONGEST_PARKING_MINUTES)


class Limit(ChangeBody):
    """How many jobs may be under way at a provider."""

    most: int | None = Field(description="Null gives it back to the settings.", ge=1, le=1_000_000)

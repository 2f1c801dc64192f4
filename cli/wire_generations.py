"""Shapes of what the service answers about changes of generations, and about providers."""

from typing import Literal, NotRequired, TypedDict

from cli.wire import Generation


class GenerationChanged(Generation):
    """`POST /api/ops/v1/generations/<id>/retry`, `/cancel` and `/refund`."""

    refunded: str
    dry_run: NotRequired[bool]


class Provider(TypedDict):
    """A provider as it stands."""

    name: str
    is_configured: bool
    is_enabled: bool
    breaker: Literal["closed", "open", "half_open"]
    failures: int
    parked_until: str | None
    reason: str | None
    running: int
    waiting: int
    limit: int | None
    own_limit: int | None


class ProviderList(TypedDict):
    """`GET /api/ops/v1/providers`."""

    items: list[Provider]


class ProviderOutcomes(TypedDict):
    """How jobs at a provider ended in the last day."""

    status: str
    error_code: str | None
    count: int


class ProviderDetail(Provider):
    """`GET /api/ops/v1/providers/<name>`."""

    models: list[str]
    outcomes: list[ProviderOutcomes]
    ambiguous: int


class ProviderChanged(Provider):
    """`POST /api/ops/v1/providers/<name>/…`."""

    dry_run: NotRequired[bool]

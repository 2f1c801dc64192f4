"""Shapes of what the service answers about generations in full, their changes, and providers."""

from typing import Literal, NotRequired, TypedDict

from cli.wire import Generation, GenerationDetail


class TriedRoute(TypedDict):
    """A way that was tried, and why it was left."""

    provider: str
    model: str
    submissions: int
    left: str | None


class Times(TypedDict):
    """Seconds spent waiting, at the provider, and in all."""

    waited_s: float | None
    at_provider_s: float | None
    total_s: float | None


class Refund(TypedDict):
    """A posting that gave tokens back."""

    id: str
    tokens: str
    reason: str
    at: str


class Delivery(TypedDict):
    """How the result was handed over."""

    attempts: int
    messages: list[int]


class Relative(TypedDict):
    """A generation that another one was made from."""

    id: str
    model: str
    status: str


class GenerationStory(GenerationDetail):
    """`GET /api/ops/v1/generations/<id>`. A service of an earlier day tells less."""

    routes: NotRequired[list[TriedRoute]]
    attempts: NotRequired[int]
    polls: NotRequired[int]
    times: NotRequired[Times]
    deadline_at: NotRequired[str]
    refunds: NotRequired[list[Refund]]
    delivery: NotRequired[Delivery]
    parent: NotRequired[Relative | None]
    children: NotRequired[list[Relative]]
    continuation: NotRequired[str | None]
    source_url: NotRequired[str | None]
    error_message: NotRequired[str | None]
    is_ambiguous: NotRequired[bool]


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

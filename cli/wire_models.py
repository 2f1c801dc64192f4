"""Shapes of what the service answers about models and the catalogue."""

from typing import Any, Literal, TypedDict

from cli.wire import Model


class OptionChoice(TypedDict):
    """A value of an option and what an order with it costs; null where it needs other choices beside it."""

    value: Any
    label: dict[str, Any]
    tokens: str | None


class ModelOption(TypedDict):
    """An option of a model."""

    name: str
    label: dict[str, Any]
    default: Any
    choices: list[OptionChoice]


class ModelRoute(TypedDict):
    """A way to have the work done, and whether it is open."""

    provider: str
    model: str
    requires: dict[str, Any]
    takes: list[str] | None
    state: Literal["ready", "no_key", "unknown", "off", "parked", "probing"]
    reason: str


class ModelSlot(TypedDict):
    """A place for pictures or videos."""

    role: str
    most: int
    least: int
    label: dict[str, Any]
    needs: list[str]
    excludes: list[str]
    requires: dict[str, Any]
    fewer: dict[str, Any]
    longest: float | None


class ModelFollowUp(TypedDict):
    """What is offered under a result."""

    kind: str
    model: str
    tokens: str | None
    available: bool


class ModelDetail(Model):
    """`GET /api/ops/v1/models/<slug>`."""

    purpose: dict[str, Any]
    max_prompt_length: int
    cooldown_seconds: int
    daily_limit: int | None
    typical_seconds: int
    deadline_seconds: int
    options: list[ModelOption]
    inputs: list[ModelSlot]
    all_routes: list[ModelRoute]
    follow_ups: list[ModelFollowUp]
    params_schema: dict[str, Any]


class ModelEdited(TypedDict):
    """A model after a change, and as it was before."""

    changed: bool
    model: ModelDetail
    before: ModelDetail


class CatalogueFinding(TypedDict):
    """Something about a model that is not as it should be."""

    level: Literal["failed", "warning"]
    kind: str
    subject: str
    detail: str


class CatalogueCheck(TypedDict):
    """`GET /api/ops/v1/catalogue/check`."""

    ok: bool
    models: int
    days: int
    findings: list[CatalogueFinding]


class CatalogueDifference(TypedDict):
    """A field that is not as it ships."""

    model: str
    field: str
    now: Any
    shipped: Any
    taken: bool


class CatalogueSynced(TypedDict):
    """`POST /api/ops/v1/catalogue/sync`."""

    added: list[str]
    unchanged: list[str]
    differences: list[CatalogueDifference]

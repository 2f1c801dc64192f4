"""What the ops API takes and answers about models and the catalogue."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime, Field

from core.http.openapi import ChangeBody
from core.http.ops.schemas import Answer, Moment, Question, Tokens

MOST_DAYS = 365


class Model(Answer):
    """A model of the catalogue. `price_from` is what it costs with its defaults; null where no order is valid."""

    slug: str
    name: str
    kind: Literal["image", "video", "text"]
    is_active: bool
    is_listed: bool
    price_from: Tokens | None
    unit: str
    routes: list[str] = Field(description="Providers that are configured here, in their order.")
    available: bool
    retired: bool
    retires_at: Moment | None
    successor: str | None
    order: int


class ModelPage(Answer):
    """All models in their order."""

    items: list[Model]
    next_cursor: str | None = None


class Choice(Answer):
    """A value of an option, and what an order with it costs; null where it is valid with other choices only."""

    value: Any
    label: dict[str, str]
    tokens: Tokens | None


class Option(Answer):
    """An option. One without choices takes anything that its schema allows."""

    name: str
    label: dict[str, str]
    default: Any
    choices: list[Choice]


RouteState = Literal["ready", "no_key", "unknown", "off", "parked", "probing"]


class Route(Answer):
    """A way to have the work done, and whether it is open."""

    provider: str
    model: str
    requires: dict[str, list[Any]]
    takes: list[str] | None
    state: RouteState
    reason: str = Field(description="Code and detail of the last failure, where there was one.")


class Slot(Answer):
    """A place for pictures or videos."""

    role: str
    most: int
    least: int
    label: dict[str, str]
    needs: list[str]
    excludes: list[str]
    requires: dict[str, list[Any]]
    fewer: dict[str, int]
    longest: float | None


class FollowUp(Answer):
    """What is offered under a result, and what it costs."""

    kind: str
    model: str
    tokens: Tokens | None
    available: bool


class ModelDetail(Model):
    """Everything about a model."""

    purpose: dict[str, str]
    max_prompt_length: int
    cooldown_seconds: int
    daily_limit: int | None
    typical_seconds: int
    deadline_seconds: int
    options: list[Option]
    inputs: list[Slot]
    all_routes: list[Route]
    follow_ups: list[FollowUp]
    params_schema: dict[str, Any]


class ModelBody(ChangeBody):
    """What shall be different; what is left out stays. Null takes a limit, an end or a successor away."""

    display_name: str | None = Field(None, max_length=100)
    order: int | None = Field(None, description="Its place: the smallest comes first.")
    cooldown_seconds: int | None = Field(None, description="Pause of one person between two orders.")
    daily_limit: int | None = Field(None, description="Orders of one person in 24 hours.")
    deadline_seconds: int | None = Field(None, description="A job older than this is given up and refunded.")
    retires_at: AwareDatetime | None = Field(None, description="From then on nobody can order it.")
    successor: str | None = Field(None, description="Slug of the model to use instead.", max_length=50)


class ActivityBody(ChangeBody):
    """Whether it can be ordered."""

    is_active: bool


class ModelOrderBody(ChangeBody):
    """Slugs in the order in which they come first; the others follow as they did."""

    slugs: list[str] = Field(min_length=1, max_length=100)


class EditedModel(Answer):
    """A model after the change, and as it was before."""

    changed: bool
    model: ModelDetail
    before: ModelDetail


class SyncBody(ChangeBody):
    """What ships is added where it is missing; `take` names the fields that are overwritten with what ships."""

    models: list[str] = Field(default_factory=list, description="Slugs; all where none is named.", max_length=100)
    take: list[str] = Field(default_factory=list, max_length=30)


class Difference(Answer):
    """A field that is not as it ships."""

    model: str
    field: str
    now: Any
    shipped: Any
    taken: bool


class Synced(Answer):
    """What loading the shipped catalogue did."""

    added: list[str]
    unchanged: list[str]
    differences: list[Difference]


class CheckQuery(Question):
    """How far to look ahead."""

    days: int = Field(30, description="Tell of models that end within so many days.", ge=1, le=MOST_DAYS)


class Finding(Answer):
    """Something about a model that is not as it should be."""

    level: Literal["failed", "warning"]
    kind: str
    subject: str
    detail: str


class CatalogueCheck(Answer):
    """Whether the catalogue can be offered. Warnings leave it ok."""

    ok: bool
    models: int
    days: int
    findings: list[Finding]

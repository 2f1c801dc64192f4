"""What the ops API takes and answers about prices, their revisions, and what they bring."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from core.http.openapi import ChangeBody
from core.http.ops.cursors import cursor_field, limit_field
from core.http.ops.schemas import Answer, Moment, Number, Question, Tokens, Usd
from core.pricing.checks import Kind
from core.pricing.replay import MOST_DAYS

Text: TypeAlias = Annotated[str, Field(min_length=1, max_length=40)]
Percent: TypeAlias = Annotated[Number, Field(examples=["12.5"])]


class _Fields(BaseModel):
    """The fields of a price that are given. Numbers are text, so that none of their digits is lost."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_cost_usd: Text | None = Field(None, description="Cost of one unit, for a model.", examples=["0.15"])
    cost_unit: Text | None = Field(None, description="image, second or generation, for a model.")
    factors: dict[str, Text | None] = Field(
        default_factory=dict,
        description="By `option.value`: what the choice multiplies the cost with; 1 or null for nothing.",
        examples=[{"image_size.4K": "1.8"}],
        max_length=50,
    )
    usd_to_token_rate: Text | None = Field(None, description="Tokens that one USD buys, for `settings`.")
    markup_multiplier: Text | None = Field(None, description="Retail price over cost, for `settings`.")

    def changes(self) -> dict[str, str | None]:
        """The fields by their names in `core.pricing.fields`."""
        names = ("base_cost_usd", "cost_unit", "usd_to_token_rate", "markup_multiplier")
        given = {name: value for name in names if (value := getattr(self, name)) is not None}
        return {**given, **{f"option_factors.{name}": factor for name, factor in self.factors.items()}}


Expected: TypeAlias = Annotated[
    Text | None,
    Field(
        description="Refuse unless this is still so: the latest revision of the subject (0: none), or the old value"
        " of the one field that is given.",
        examples=["0", "0.1500"],
    ),
]


class PreviewBody(_Fields):
    """A price as it might become."""

    expect: Expected = None
    days: int | None = Field(
        None, description="Also price the jobs of so many days again.", ge=1, le=MOST_DAYS, examples=[30]
    )


class _Terms(ChangeBody):
    """What an edit may demand."""

    expect: Expected = None
    approval: Text | None = Field(None, description="Code of an approval of exactly this change.")


class EditBody(_Terms, _Fields):
    """A price as it shall become."""


class RevertBody(_Terms):
    """An edit that shall be undone."""

    force: bool = Field(False, description="Restore the old values although the fields were changed again since.")


class PriceChange(Answer):
    """One order before and after. Margins are percent of the price."""

    model: str
    label: str
    params: dict[str, Any]
    tokens: Tokens
    tokens_new: Tokens
    usd: Usd
    usd_new: Usd
    margin: Percent
    margin_new: Percent
    percent: Percent


class Replay(Answer):
    """Jobs of the last days at the old and the new price. Of `cost_usd`, providers reported `reported_usd` for
    `reported_jobs` of them; the rest is from quotes. `unpriced_jobs` have options that the new price does not know."""

    days: int
    jobs: int
    unpriced_jobs: int
    tokens: Tokens
    tokens_new: Tokens
    revenue_usd: Usd
    revenue_usd_new: Usd
    cost_usd: Usd
    cost_usd_new: Usd
    reported_jobs: int
    reported_usd: Usd
    margin: Percent | None
    margin_new: Percent | None


class Preview(Answer):
    """What an edit would do. `latest` is the subject's latest revision now, to be expected by the edit."""

    subject: str
    latest: int
    before: dict[str, str | None]
    after: dict[str, str | None]
    rows: list[PriceChange]
    largest_percent: Percent
    limit_percent: int
    needs_approval: bool
    replay: Replay | None


class Revision(Answer):
    """An edit: the fields that it changed, as they were and as they became; null is a factor that is not there."""

    id: int
    subject: str
    before: dict[str, str | None]
    after: dict[str, str | None]
    actor: str
    reason: str
    approval: str | None
    reverts: int | None
    at: Moment


class Edited(Answer):
    """What an edit did. Without a revision nothing was different. `inverse` is the command that undoes it."""

    subject: str
    changed: bool
    revision: Revision | None
    rows: list[PriceChange]
    inverse: str | None


class RevisionQuery(Question):
    """Which revisions to list, the newest first."""

    subject: str | None = Field(None, description="Only of this model, or of `settings`.", min_length=1, max_length=50)
    limit: int = limit_field()
    cursor: str | None = cursor_field()


class RevisionPage(Answer):
    """A page of revisions; `next_cursor` is null on the last one."""

    items: list[Revision]
    next_cursor: str | None


class PricedOrder(Answer):
    """A typical order and its price."""

    label: str
    params: dict[str, Any]
    tokens: Tokens
    usd: Usd


class Price(Answer):
    """Everything that the price of a model is made from. `revision` is its latest edit, 0 where there is none."""

    slug: str
    name: str
    kind: Literal["image", "video", "text"]
    is_active: bool
    base_cost_usd: Usd
    cost_unit: str
    option_factors: dict[str, dict[str, str]]
    rate: Number
    markup: Number
    revision: int
    settings_revision: int
    orders: list[PricedOrder]


class PriceDetail(Price):
    """The same with the options of the model and the last edits."""

    params_schema: dict[str, Any]
    history: list[Revision]


class PriceList(Answer):
    """The prices of all models in their order."""

    items: list[Price]
    next_cursor: str | None = None


class CheckQuery(Question):
    """How far back reported costs are looked at."""

    days: int = Field(7, description="Compare the costs that providers reported in so many days.", ge=1, le=MOST_DAYS)


class Finding(Answer):
    """Something about a price that is not as it should be."""

    kind: Kind
    subject: str
    params: dict[str, Any]
    detail: str


class CheckReport(Answer):
    """What was looked at and found. `partial` names models with too many combinations to look at each."""

    ok: bool
    models: int
    combinations: int
    reported_jobs: int
    days: int
    partial: list[str]
    findings: list[Finding]

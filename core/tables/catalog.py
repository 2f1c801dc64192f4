"""Models that people can use, and the two numbers that turn cost into price."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from piccolo.columns import (
    JSONB,
    BigSerial,
    Boolean,
    ForeignKey,
    Integer,
    Numeric,
    SmallInt,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.columns.base import OnDelete
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.constraints import Check
from piccolo.table import Table

from core.db import DB


class PricingSettings(Table, tablename="pricing_settings", db=DB):
    """The only row of its table."""

    id = SmallInt(primary_key=True, default=1)
    usd_to_token_rate = Numeric(digits=(8, 4), default=Decimal("20"), null=False, help_text="Tokens that one USD buys.")
    markup_multiplier = Numeric(digits=(6, 3), default=Decimal("2"), null=False, help_text="Retail price over cost.")
    updated_at = Timestamptz(default=TimestamptzNow(), null=False)

    pricing_settings_has_one_row = Check(id == 1)
    pricing_settings_are_positive = Check((usd_to_token_rate > 0) & (markup_multiplier > 0))


class AIModel(Table, tablename="botapp_aimodel", db=DB):
    """A model of the catalogue. Loaded from `core/catalog/models.toml`, then edited by operators."""

    id = BigSerial(primary_key=True)
    slug = Varchar(length=50, default=None, null=False, unique=True)
    display_name = Varchar(length=100, default=None, null=False)
    type = Varchar(length=10, default=None, null=False, help_text="What it makes: image, video or text.")
    purpose = JSONB(default="{}", null=False, help_text="What it is good for: {ru, en}.")
    base_cost_usd = Numeric(digits=(10, 4), default=None, null=False, help_text="Cost of one unit.")
    cost_unit = Varchar(length=10, default="generation", null=False)
    option_factors = JSONB(default="{}", null=False, help_text="{option: {value: factor}}.")
    params_schema = JSONB(default="{}", null=False, help_text="JSON Schema of the parameters.")
    routes = JSONB(default="[]", null=False, help_text="Providers in order: [{provider, model}].")
    max_prompt_length = Integer(default=4000, null=False)
    inputs = JSONB(default="[]", null=False, help_text="Slots for pictures and videos: [{role, most, least, …}].")
    follow_ups = JSONB(default="[]", null=False, help_text="What is offered under a result: [{kind, model}].")
    cooldown_seconds = Integer(default=0, null=False)
    daily_limit = Integer(default=None, null=True)
    typical_seconds = Integer(default=20, null=False, help_text="Usual time until the result, as shipped.")
    measured_seconds = Integer(default=None, null=True, help_text="Usual time until the result, as measured.")
    deadline_seconds = Integer(default=600, null=False, help_text="A job older than this is given up and refunded.")
    is_active = Boolean(default=True, null=False)
    is_listed = Boolean(default=True, null=False, help_text="Shown in lists; others are reached from a result.")
    order = Integer(default=100, null=False)
    retires_at = Timestamptz(default=None, null=True)
    successor = Varchar(length=50, default=None, null=True, help_text="Slug of the model to use instead.")
    created_at = Timestamptz(default=TimestamptzNow(), null=False)
    updated_at = Timestamptz(default=TimestamptzNow(), null=False)

    aimodel_kind_is_known = Check((type == "image") | (type == "video") | (type == "text"))
    aimodel_cost_unit_is_known = Check((cost_unit == "image") | (cost_unit == "second") | (cost_unit == "generation"))
    aimodel_costs_something = Check(base_cost_usd > 0)


class PriceRevision(Table, tablename="botapp_pricerevision", db=DB):
    """An edit of a price: who, why, before, after. Never changed, never deleted; undone by a later revision."""

    id = BigSerial(primary_key=True)
    subject = Varchar(length=50, default=None, null=False, index=True, help_text="A model's slug, or `settings`.")
    before = JSONB(default=None, null=False, help_text="The fields that changed, as they were.")
    after = JSONB(default=None, null=False, help_text="The same fields, as they became.")
    actor = Varchar(length=100, default=None, null=False)
    reason = Text(default=None, null=False)
    approval = Varchar(length=32, default=None, null=True, help_text="Code of the approval, where one was needed.")
    reverts: Any = ForeignKey(db_column_name="reverts_id", references="self", null=True, on_delete=OnDelete.restrict)
    created_at = Timestamptz(default=TimestamptzNow(), null=False)

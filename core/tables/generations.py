"""Jobs: what a user ordered, how far it is, and what came of it."""

from __future__ import annotations

from typing import Any

from piccolo.columns import (
    JSONB,
    BigInt,
    BigSerial,
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
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from core.db import DB
from core.tables.catalog import AIModel
from core.tables.ledger import Transaction
from core.tables.users import User


class Generation(Table, tablename="botapp_genrequest", db=DB):
    """A generation. A worker owns it while its lease runs; nobody else may touch it then."""

    id = BigSerial(primary_key=True)
    run_code = Varchar(length=64, default=None, null=False, unique=True, help_text="Public id, sent to providers.")
    idempotency_key = Varchar(length=200, default=None, null=False, unique=True)
    user = ForeignKey(db_column_name="user_id", references=User, null=False, on_delete=OnDelete.restrict)
    chat_id = BigInt(null=False)
    ai_model = ForeignKey(
        db_column_name="ai_model_id", references=AIModel, null=False, index=True, on_delete=OnDelete.restrict
    )
    transaction = ForeignKey(
        db_column_name="transaction_id", references=Transaction, null=False, unique=True, on_delete=OnDelete.restrict
    )
    parent_request: Any = ForeignKey(
        db_column_name="parent_request_id", references="self", null=True, index=True, on_delete=OnDelete.set_null
    )
    generation_type = Varchar(length=20, default=None, null=False)
    prompt = Text(default="", null=False)
    input_images = JSONB(default="[]", null=False, help_text="Files in storage: [{key, mime, size, role, …}].")
    source_url = Text(default="", null=False, help_text="A link whose picture or video is fetched as the input.")
    continuation = JSONB(default=None, null=True, help_text="What is done with the parent: {kind, number}.")
    generation_params = JSONB(default="{}", null=False, help_text="Validated options, defaults filled in.")
    quantity = SmallInt(default=1, null=False)
    cost = Numeric(digits=(12, 2), default=None, null=False, help_text="Tokens charged.")
    cost_usd = Numeric(digits=(12, 6), default=None, null=True, help_text="What the provider reported.")
    language = Varchar(length=2, default="ru", null=False)
    trace_id = Varchar(length=32, default="", null=False)

    status = Varchar(length=16, default="queued", null=False)
    stage = Varchar(length=16, default="queued", null=False)
    error_code = Varchar(length=40, default="", null=False)
    error_message = Text(default="", null=False, help_text="For the log; users read words made from error_code.")
    attempts = SmallInt(default=0, null=False, help_text="Submissions tried at the provider that it is at.")
    lease_owner = Varchar(length=64, default=None, null=True)
    lease_until = Timestamptz(default=None, null=True)
    next_action_at = Timestamptz(default=TimestamptzNow(), null=True, help_text="When somebody must look at it again.")
    deadline_at = Timestamptz(default=None, null=False)

    route = SmallInt(default=0, null=False, help_text="Routes that were tried and left; the story names them.")
    provider = Varchar(length=40, default="", null=False)
    provider_job_id = Varchar(length=512, default=None, null=True)
    submitted_at = Timestamptz(default=None, null=True, help_text="When the provider accepted it.")
    polls = Integer(default=0, null=False, help_text="Times that the provider was asked how it stands.")
    progress = SmallInt(default=None, null=True, help_text="Percent, where the provider tells.")
    results = JSONB(default="[]", null=False, help_text="Files in storage: [{key, mime, size, width, height}].")
    files_removed_at = Timestamptz(default=None, null=True, help_text="When its files were removed as too old.")

    status_message_id = BigInt(default=None, null=True)
    delivery_attempts = SmallInt(default=0, null=False)
    result_message_ids = JSONB(default="[]", null=False)
    delivered_at = Timestamptz(default=None, null=True)

    created_at = Timestamptz(default=TimestamptzNow(), null=False)
    updated_at = Timestamptz(default=TimestamptzNow(), null=False)
    started_at = Timestamptz(default=None, null=True)
    completed_at = Timestamptz(default=None, null=True)
    typical_seconds = Integer(default=20, null=False)

    genrequest_status_is_known = Check(
        (status == "queued")
        | (status == "processing")
        | (status == "done")
        | (status == "error")
        | (status == "cancelled")
    )
    genrequest_quantity_is_positive = Check(quantity > 0)
    genrequest_provider_job = Unique([provider, provider_job_id])


class GenerationEvent(Table, tablename="botapp_genevent", db=DB):
    """One step in the story of a generation, in the order of its id."""

    id = BigSerial(primary_key=True)
    generation = ForeignKey(
        db_column_name="generation_id", references=Generation, null=False, index=True, on_delete=OnDelete.cascade
    )
    at = Timestamptz(default=TimestamptzNow(), null=False)
    event = Varchar(length=40, default=None, null=False)
    detail = JSONB(default="{}", null=False)


class Cart(Table, tablename="botapp_cart", db=DB):
    """The order that a user had too few tokens for, kept until they have them. One per user: the latest."""

    id = BigSerial(primary_key=True)
    user = ForeignKey(db_column_name="user_id", references=User, null=False, unique=True, on_delete=OnDelete.cascade)
    code = Varchar(length=32, default=None, null=False, unique=True)
    model = Varchar(length=50, default=None, null=False)
    prompt = Text(default="", null=False)
    params = JSONB(default="{}", null=False, help_text="As the user chose them.")
    images = JSONB(default="[]", null=False, help_text="Files in storage, as in a generation.")
    parent = Varchar(length=64, default=None, null=True)
    continuation = JSONB(default=None, null=True, help_text="As in a generation.")
    price = Numeric(digits=(12, 2), default=None, null=False, help_text="What the user was told that it costs.")
    offered_at = Timestamptz(default=None, null=True, help_text="The user was told that the tokens are there now.")
    created_at = Timestamptz(default=TimestamptzNow(), null=False)

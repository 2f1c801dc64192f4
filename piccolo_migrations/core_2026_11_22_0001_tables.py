"""The first tables, as they were on the day of this migration. Later changes are migrations of their own."""

from __future__ import annotations

from decimal import Decimal

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import (
    JSONB,
    Array,
    BigInt,
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
from piccolo.constraints import Check, Unique
from piccolo.table import Table

ID = "2026-11-22T13:01:35:481834"
VERSION = "1.38.0"
DESCRIPTION = "first tables"


class User(Table, tablename="botapp_tguser"):
    id = BigSerial(primary_key=True)
    chat_id = BigInt(null=False, unique=True)
    username = Varchar(length=255, default="", null=False)
    first_name = Varchar(length=255, default="", null=False)
    last_name = Varchar(length=255, default="", null=False)
    language_code = Varchar(length=10, default="ru", null=False)
    is_premium = Boolean(default=False, null=False)
    is_blocked = Boolean(default=False, null=False)
    unreachable_since = Timestamptz(default=None, null=True)
    created_at = Timestamptz(default=TimestamptzNow(), null=False)
    updated_at = Timestamptz(default=TimestamptzNow(), null=False)


class PricingSettings(Table, tablename="pricing_settings"):
    id = SmallInt(primary_key=True, default=1)
    usd_to_token_rate = Numeric(digits=(8, 4), default=Decimal("20"), null=False)
    markup_multiplier = Numeric(digits=(6, 3), default=Decimal("2"), null=False)
    updated_at = Timestamptz(default=TimestamptzNow(), null=False)
    pricing_settings_has_one_row = Check(id == 1)
    pricing_settings_are_positive = Check((usd_to_token_rate > 0) & (markup_multiplier > 0))


class AIModel(Table, tablename="botapp_aimodel"):
    id = BigSerial(primary_key=True)
    slug = Varchar(length=50, default=None, null=False, unique=True)
    display_name = Varchar(length=100, default=None, null=False)
    type = Varchar(length=10, default=None, null=False)
    purpose = JSONB(default="{}", null=False)
    base_cost_usd = Numeric(digits=(10, 4), default=None, null=False)
    cost_unit = Varchar(length=10, default="generation", null=False)
    option_factors = JSONB(default="{}", null=False)
    params_schema = JSONB(default="{}", null=False)
    routes = JSONB(default="[]", null=False)
    max_prompt_length = Integer(default=4000, null=False)
    max_input_images = SmallInt(default=0, null=False)
    needs_input_image = Boolean(default=False, null=False)
    cooldown_seconds = Integer(default=0, null=False)
    daily_limit = Integer(default=None, null=True)
    typical_seconds = Integer(default=20, null=False)
    deadline_seconds = Integer(default=600, null=False)
    is_active = Boolean(default=True, null=False)
    order = Integer(default=100, null=False)
    retires_at = Timestamptz(default=None, null=True)
    successor = Varchar(length=50, default=None, null=True)
    created_at = Timestamptz(default=TimestamptzNow(), null=False)
    updated_at = Timestamptz(default=TimestamptzNow(), null=False)
    aimodel_type_is_known = Check((type == "image") | (type == "video"))
    aimodel_cost_unit_is_known = Check((cost_unit == "image") | (cost_unit == "second") | (cost_unit == "generation"))
    aimodel_costs_something = Check(base_cost_usd > 0)


class UserSettings(Table, tablename="botapp_usersettings"):
    id = BigSerial(primary_key=True)
    user = ForeignKey(db_column_name="user_id", references=User, null=False, unique=True, on_delete=OnDelete.cascade)
    interface_language = Varchar(length=2, default=None, null=True)
    preferred_model = ForeignKey(
        db_column_name="preferred_model_id", references=AIModel, null=True, on_delete=OnDelete.set_null
    )
    created_at = Timestamptz(default=TimestamptzNow(), null=False)
    updated_at = Timestamptz(default=TimestamptzNow(), null=False)
    usersettings_language_is_known = Check((interface_language == "ru") | (interface_language == "en"))


class Balance(Table, tablename="botapp_userbalance"):
    id = BigSerial(primary_key=True)
    user = ForeignKey(db_column_name="user_id", references=User, null=False, unique=True, on_delete=OnDelete.restrict)
    balance = Numeric(digits=(12, 2), default=Decimal(0), null=False)
    total_spent = Numeric(digits=(12, 2), default=Decimal(0), null=False)
    total_deposited = Numeric(digits=(12, 2), default=Decimal(0), null=False)
    bonus_balance = Numeric(digits=(12, 2), default=Decimal(0), null=False)
    created_at = Timestamptz(default=TimestamptzNow(), null=False)
    updated_at = Timestamptz(default=TimestamptzNow(), null=False)
    userbalance_is_never_negative = Check(balance >= 0)


class Transaction(Table, tablename="botapp_transaction"):
    id = BigSerial(primary_key=True)
    user = ForeignKey(db_column_name="user_id", references=User, null=False, on_delete=OnDelete.restrict)
    type = Varchar(length=20, default=None, null=False)
    amount = Numeric(digits=(12, 2), default=None, null=False)
    balance_after = Numeric(digits=(12, 2), default=Decimal(0), null=False)
    idempotency_key = Varchar(length=200, default=None, null=False, unique=True)
    related_transaction = ForeignKey(
        db_column_name="related_transaction_id", references="self", null=True, index=True, on_delete=OnDelete.restrict
    )
    quote = JSONB(default=None, null=True)
    actor = Varchar(length=100, default="system", null=False)
    reason = Text(default="", null=False)
    created_at = Timestamptz(default=TimestamptzNow(), null=False)
    transaction_moves_tokens = Check(amount != 0)


class Charge(Table, tablename="botapp_charge"):
    id = BigSerial(primary_key=True)
    transaction = ForeignKey(
        db_column_name="transaction_id", references=Transaction, null=False, unique=True, on_delete=OnDelete.restrict
    )
    amount = Numeric(digits=(12, 2), default=None, null=False)
    refunded = Numeric(digits=(12, 2), default=Decimal(0), null=False)
    state = Varchar(length=10, default="open", null=False)
    created_at = Timestamptz(default=TimestamptzNow(), null=False)
    resolved_at = Timestamptz(default=None, null=True)
    charge_is_never_refunded_twice = Check((refunded >= 0) & (refunded <= amount))
    charge_state_is_known = Check((state == "open") | (state == "settled") | (state == "refunded"))


class PromoCode(Table, tablename="botapp_promocode"):
    id = BigSerial(primary_key=True)
    code = Varchar(length=50, default=None, null=False, unique=True)
    description = Text(default="", null=False)
    is_percentage = Boolean(default=False, null=False)
    value = Numeric(digits=(10, 2), default=None, null=False)
    min_deposit = Numeric(digits=(10, 2), default=Decimal(0), null=False)
    max_uses = Integer(default=None, null=True)
    max_uses_per_user = Integer(default=1, null=False)
    current_uses = Integer(default=0, null=False)
    valid_from = Timestamptz(default=TimestamptzNow(), null=False)
    valid_until = Timestamptz(default=None, null=True)
    is_active = Boolean(default=True, null=False)
    created_at = Timestamptz(default=TimestamptzNow(), null=False)
    promocode_gives_something = Check(value > 0)
    promocode_stays_within_its_limit = Check(max_uses.is_null() | (current_uses <= max_uses))


class Generation(Table, tablename="botapp_genrequest"):
    id = BigSerial(primary_key=True)
    run_code = Varchar(length=64, default=None, null=False, unique=True)
    idempotency_key = Varchar(length=200, default=None, null=False, unique=True)
    user = ForeignKey(db_column_name="user_id", references=User, null=False, on_delete=OnDelete.restrict)
    chat_id = BigInt(null=False)
    ai_model = ForeignKey(
        db_column_name="ai_model_id", references=AIModel, null=False, index=True, on_delete=OnDelete.restrict
    )
    transaction = ForeignKey(
        db_column_name="transaction_id", references=Transaction, null=False, unique=True, on_delete=OnDelete.restrict
    )
    parent_request = ForeignKey(
        db_column_name="parent_request_id", references="self", null=True, index=True, on_delete=OnDelete.set_null
    )
    generation_type = Varchar(length=20, default=None, null=False)
    prompt = Text(default="", null=False)
    input_images = JSONB(default="[]", null=False)
    generation_params = JSONB(default="{}", null=False)
    quantity = SmallInt(default=1, null=False)
    cost = Numeric(digits=(12, 2), default=None, null=False)
    cost_usd = Numeric(digits=(12, 6), default=None, null=True)
    language = Varchar(length=2, default="ru", null=False)
    trace_id = Varchar(length=32, default="", null=False)
    status = Varchar(length=16, default="queued", null=False)
    stage = Varchar(length=16, default="queued", null=False)
    error_code = Varchar(length=40, default="", null=False)
    error_message = Text(default="", null=False)
    attempts = SmallInt(default=0, null=False)
    lease_owner = Varchar(length=64, default=None, null=True)
    lease_until = Timestamptz(default=None, null=True)
    next_action_at = Timestamptz(default=TimestamptzNow(), null=True)
    deadline_at = Timestamptz(default=None, null=False)
    route = SmallInt(default=0, null=False)
    provider = Varchar(length=40, default="", null=False)
    provider_job_id = Varchar(length=512, default=None, null=True)
    progress = SmallInt(default=None, null=True)
    results = JSONB(default="[]", null=False)
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


class GenerationEvent(Table, tablename="botapp_genevent"):
    id = BigSerial(primary_key=True)
    generation = ForeignKey(
        db_column_name="generation_id", references=Generation, null=False, index=True, on_delete=OnDelete.cascade
    )
    at = Timestamptz(default=TimestamptzNow(), null=False)
    event = Varchar(length=40, default=None, null=False)
    detail = JSONB(default="{}", null=False)


class ChatThread(Table, tablename="botapp_chatthread"):
    id = BigSerial(primary_key=True)
    user = ForeignKey(db_column_name="user_id", references=User, null=False, unique=True, on_delete=OnDelete.cascade)
    last_message_text = Varchar(length=160, default="", null=False)
    last_message_type = Varchar(length=20, default="text", null=False)
    last_message_direction = Varchar(length=10, default="incoming", null=False)
    last_message_at = Timestamptz(default=TimestamptzNow(), null=False, index=True)
    unread_count = Integer(default=0, null=False)
    created_at = Timestamptz(default=TimestamptzNow(), null=False)
    chatthread_unread_is_not_negative = Check(unread_count >= 0)


class ChatMessage(Table, tablename="botapp_chatmessage"):
    id = BigSerial(primary_key=True)
    thread = ForeignKey(db_column_name="thread_id", references=ChatThread, null=False, on_delete=OnDelete.cascade)
    direction = Varchar(length=10, default=None, null=False)
    message_type = Varchar(length=20, default="text", null=False)
    telegram_id = Varchar(length=40, default=None, null=False)
    text = Text(default="", null=False)
    media_file_id = Varchar(length=255, default="", null=False)
    payload = JSONB(default="{}", null=False)
    trace_id = Varchar(length=32, default="", null=False)
    message_date = Timestamptz(default=TimestamptzNow(), null=False)
    chatmessage_is_stored_once = Unique([thread, direction, telegram_id])
    chatmessage_direction_is_known = Check((direction == "incoming") | (direction == "outgoing"))


class InboxEvent(Table, tablename="botapp_inbox"):
    id = BigSerial(primary_key=True)
    source = Varchar(length=32, default=None, null=False)
    event_id = Varchar(length=200, default=None, null=False)
    subject = Varchar(length=64, default="", null=False)
    payload = JSONB(default=None, null=False)
    trace_id = Varchar(length=32, default="", null=False)
    received_at = Timestamptz(default=TimestamptzNow(), null=False)
    attempts = SmallInt(default=0, null=False)
    lease_until = Timestamptz(default=None, null=True)
    handled_at = Timestamptz(default=None, null=True)
    error = Text(default="", null=False)
    inbox_stores_once = Unique([source, event_id])


class OutboxMessage(Table, tablename="botapp_outbox"):
    id = BigSerial(primary_key=True)
    task = Varchar(length=80, default=None, null=False)
    arguments = JSONB(default="{}", null=False)
    trace_id = Varchar(length=32, default="", null=False)
    created_at = Timestamptz(default=TimestamptzNow(), null=False)


class OpsToken(Table, tablename="botapp_opstoken"):
    id = BigSerial(primary_key=True)
    name = Varchar(length=100, default=None, null=False)
    prefix = Varchar(length=12, default=None, null=False)
    token_hash = Varchar(length=64, default=None, null=False, unique=True)
    scopes = Array(base_column=Varchar(length=10), default=list, null=False)
    created_at = Timestamptz(default=TimestamptzNow(), null=False)
    expires_at = Timestamptz(default=None, null=True)
    revoked_at = Timestamptz(default=None, null=True)
    last_used_at = Timestamptz(default=None, null=True)


class ScheduleEntry(Table, tablename="botapp_schedule"):
    id = BigSerial(primary_key=True)
    name = Varchar(length=80, default=None, null=False, unique=True)
    task = Varchar(length=80, default=None, null=False)
    arguments = JSONB(default="{}", null=False)
    every_ms = Integer(default=None, null=False)
    is_enabled = Boolean(default=True, null=False)
    next_run_at = Timestamptz(default=TimestamptzNow(), null=False)
    last_run_at = Timestamptz(default=None, null=True)
    schedule_interval_is_sane = Check(every_ms >= 100)


TABLES: list[type[Table]] = [
    User,
    PricingSettings,
    AIModel,
    UserSettings,
    Balance,
    Transaction,
    Charge,
    PromoCode,
    Generation,
    GenerationEvent,
    ChatThread,
    ChatMessage,
    InboxEvent,
    OutboxMessage,
    OpsToken,
    ScheduleEntry,
]


async def forwards() -> MigrationManager:
    """Create the tables with their columns and constraints."""
    manager = MigrationManager(migration_id=ID, app_name="core", description=DESCRIPTION)
    for table in TABLES:
        class_name, tablename = table.__name__, table._meta.tablename
        manager.add_table(class_name=class_name, tablename=tablename)
        for column in table._meta.columns:
            manager.add_column(
                table_class_name=class_name,
                tablename=tablename,
                column_name=column._meta.name,
                db_column_name=column._meta.db_column_name,
                column_class=type(column),
                params=column._meta.params,
            )
        for constraint in table._meta.constraints:
            manager.add_constraint(
                table_class_name=class_name,
                tablename=tablename,
                constraint_name=constraint._meta.name,
                constraint_class=type(constraint),
                params=constraint._meta.params,
            )
    return manager

"""Tables of buying, giving and pricing, as they were on the day of this migration. Later changes are migrations of their own."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import (
    JSONB,
    BigInt,
    BigSerial,
    Boolean,
    Date,
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

ID = "2026-11-22T15:30:00:000003"
VERSION = "1.38.0"
DESCRIPTION = "payments, bonuses, price revisions, cart, audit, approvals"

ZERO = Decimal(0)


class User(Table, tablename="botapp_tguser"):
    """Only named here: the migration before this one made it."""

    id = BigSerial(primary_key=True)


class Transaction(Table, tablename="botapp_transaction"):
    """As above."""

    id = BigSerial(primary_key=True)


class PromoCode(Table, tablename="botapp_promocode"):
    """As above, with what is new."""

    id = BigSerial(primary_key=True)
    max_bonus = Numeric(digits=(10, 2), default=None, null=True)
    budget = Numeric(digits=(12, 2), default=None, null=True)
    total_given = Numeric(digits=(12, 2), default=ZERO, null=False)
    promocode_stays_within_its_budget = Check((budget.is_null()) | (total_given <= budget))


class Balance(Table, tablename="botapp_userbalance"):
    """As above, with what is new."""

    id = BigSerial(primary_key=True)
    referral_code = Varchar(length=20, default=None, null=True, unique=True)


class UserSettings(Table, tablename="botapp_usersettings"):
    """As above, with what is new."""

    id = BigSerial(primary_key=True)
    timezone = Varchar(length=40, default=None, null=True)


class TokenPackage(Table, tablename="token_packages"):
    code = Varchar(length=100, primary_key=True, default=None, null=False)
    title = Varchar(length=255, default="", null=False)
    credits = Numeric(digits=(12, 2), default=None, null=False)
    price_usd = Numeric(digits=(10, 2), default=None, null=False)
    stars_amount = Integer(default=0, null=False)
    offers = JSONB(default="{}", null=False)
    is_recurring = Boolean(default=False, null=False)
    is_active = Boolean(default=True, null=False)
    sort_order = Integer(default=100, null=False)
    created_at = Timestamptz(default=TimestamptzNow(), null=False)
    updated_at = Timestamptz(default=TimestamptzNow(), null=False)
    token_package_gives_tokens = Check(credits > 0)
    token_package_costs_something = Check((price_usd > 0) & (stars_amount >= 0))


class Payment(Table, tablename="botapp_payment"):
    id = BigSerial(primary_key=True)
    code = Varchar(length=32, default=None, null=False, unique=True)
    idempotency_key = Varchar(length=200, default=None, null=False, unique=True)
    user = ForeignKey(db_column_name="user_id", references=User, null=True, on_delete=OnDelete.restrict)
    gateway = Varchar(length=20, default=None, null=False)
    external_id = Varchar(length=200, default=None, null=True)
    package: Any = ForeignKey(
        db_column_name="package_code", references=TokenPackage, null=True, on_delete=OnDelete.restrict
    )
    tokens = Numeric(digits=(12, 2), default=Decimal(0), null=False)
    amount = Numeric(digits=(12, 2), default=None, null=False)
    currency = Varchar(length=3, default=None, null=False)
    status = Varchar(length=12, default="pending", null=False)
    problem = Text(default="", null=False)
    payment_url = Text(default="", null=False)
    is_recurring = Boolean(default=False, null=False)
    subscription: Any = ForeignKey(
        db_column_name="subscription_id", references="self", null=True, index=True, on_delete=OnDelete.restrict
    )
    subscription_ends_at = Timestamptz(default=None, null=True)
    transaction = ForeignKey(
        db_column_name="transaction_id", references=Transaction, null=True, unique=True, on_delete=OnDelete.restrict
    )
    promo_code = Varchar(length=50, default=None, null=True)
    language = Varchar(length=2, default="ru", null=False)
    details = JSONB(default="{}", null=False)
    message_id = BigInt(default=None, null=True)
    attempts = SmallInt(default=0, null=False)
    next_check_at = Timestamptz(default=None, null=True)
    created_at = Timestamptz(default=TimestamptzNow(), null=False)
    expires_at = Timestamptz(default=None, null=True)
    paid_at = Timestamptz(default=None, null=True)
    refund_requested_at = Timestamptz(default=None, null=True)
    refunded_at = Timestamptz(default=None, null=True)
    updated_at = Timestamptz(default=TimestamptzNow(), null=False)
    payment_is_credited_once = Unique([gateway, external_id])
    payment_is_never_negative = Check((amount >= 0) & (tokens >= 0))


class PromoRedemption(Table, tablename="botapp_promoredemption"):
    id = BigSerial(primary_key=True)
    promo = ForeignKey(db_column_name="promo_id", references=PromoCode, null=False, on_delete=OnDelete.restrict)
    user = ForeignKey(db_column_name="user_id", references=User, null=False, index=True, on_delete=OnDelete.restrict)
    number = SmallInt(default=1, null=False)
    payment = ForeignKey(
        db_column_name="payment_id", references=Payment, null=True, unique=True, on_delete=OnDelete.restrict
    )
    transaction = ForeignKey(
        db_column_name="transaction_id", references=Transaction, null=True, unique=True, on_delete=OnDelete.restrict
    )
    created_at = Timestamptz(default=TimestamptzNow(), null=False)
    promo_is_redeemed_once = Unique([promo, user, number])
    promo_redemptions_are_numbered = Check(number > 0)


class Referral(Table, tablename="botapp_referral"):
    id = BigSerial(primary_key=True)
    inviter: Any = ForeignKey(
        db_column_name="inviter_id", references=User, null=False, index=True, on_delete=OnDelete.restrict
    )
    invitee: Any = ForeignKey(
        db_column_name="invitee_id", references=User, null=False, unique=True, on_delete=OnDelete.restrict
    )
    created_at = Timestamptz(default=TimestamptzNow(), null=False)
    transaction = ForeignKey(
        db_column_name="transaction_id", references=Transaction, null=True, unique=True, on_delete=OnDelete.restrict
    )


class DailyReward(Table, tablename="botapp_dailyreward"):
    id = BigSerial(primary_key=True)
    user = ForeignKey(db_column_name="user_id", references=User, null=False, on_delete=OnDelete.restrict)
    day = Date(default=None, null=False)
    streak = Integer(default=1, null=False)
    timezone = Varchar(length=40, default="UTC", null=False)
    transaction = ForeignKey(
        db_column_name="transaction_id", references=Transaction, null=False, unique=True, on_delete=OnDelete.restrict
    )
    created_at = Timestamptz(default=TimestamptzNow(), null=False)
    daily_reward_is_taken_once = Unique([user, day])
    daily_reward_streak_is_positive = Check(streak > 0)


class PriceRevision(Table, tablename="botapp_pricerevision"):
    id = BigSerial(primary_key=True)
    subject = Varchar(length=50, default=None, null=False, index=True)
    before = JSONB(default=None, null=False)
    after = JSONB(default=None, null=False)
    actor = Varchar(length=100, default=None, null=False)
    reason = Text(default=None, null=False)
    approval = Varchar(length=32, default=None, null=True)
    reverts: Any = ForeignKey(db_column_name="reverts_id", references="self", null=True, on_delete=OnDelete.restrict)
    created_at = Timestamptz(default=TimestamptzNow(), null=False)


class Cart(Table, tablename="botapp_cart"):
    id = BigSerial(primary_key=True)
    user = ForeignKey(db_column_name="user_id", references=User, null=False, unique=True, on_delete=OnDelete.cascade)
    code = Varchar(length=32, default=None, null=False, unique=True)
    model = Varchar(length=50, default=None, null=False)
    prompt = Text(default="", null=False)
    params = JSONB(default="{}", null=False)
    images = JSONB(default="[]", null=False)
    parent = Varchar(length=64, default=None, null=True)
    price = Numeric(digits=(12, 2), default=None, null=False)
    offered_at = Timestamptz(default=None, null=True)
    created_at = Timestamptz(default=TimestamptzNow(), null=False)


class AuditEvent(Table, tablename="botapp_auditevent"):
    id = BigSerial(primary_key=True)
    at = Timestamptz(default=TimestamptzNow(), null=False)
    actor = Varchar(length=100, default=None, null=False)
    action = Varchar(length=60, default=None, null=False)
    subject = Varchar(length=120, default="", null=False)
    reason = Text(default=None, null=False)
    request = JSONB(default="{}", null=False)
    result = JSONB(default=None, null=True)
    idempotency_key = Varchar(length=200, default=None, null=False, unique=True)
    trace_id = Varchar(length=32, default="", null=False)


class Approval(Table, tablename="botapp_approval"):
    id = BigSerial(primary_key=True)
    code = Varchar(length=32, default=None, null=False, unique=True)
    action = Varchar(length=60, default=None, null=False)
    subject = Varchar(length=120, default="", null=False)
    content = JSONB(default=None, null=False)
    content_hash = Varchar(length=64, default=None, null=False)
    requested_by = Varchar(length=100, default=None, null=False)
    reason = Text(default="", null=False)
    requested_at = Timestamptz(default=TimestamptzNow(), null=False)
    expires_at = Timestamptz(default=None, null=False)
    approved_by = Varchar(length=100, default=None, null=True)
    approved_at = Timestamptz(default=None, null=True)
    used_at = Timestamptz(default=None, null=True)


NEW: list[type[Table]] = [
    TokenPackage,
    Payment,
    PromoRedemption,
    Referral,
    DailyReward,
    PriceRevision,
    Cart,
    AuditEvent,
    Approval,
]

ALTERED: list[type[Table]] = [PromoCode, Balance, UserSettings]


async def forwards() -> MigrationManager:
    """Create the new tables and add the new columns."""
    manager = MigrationManager(migration_id=ID, app_name="core", description=DESCRIPTION)
    for table in NEW:
        manager.add_table(class_name=table.__name__, tablename=table._meta.tablename)
        _add_columns(manager, table, table._meta.columns)
    for table in ALTERED:
        _add_columns(manager, table, table._meta.columns)
    for table in (*NEW, *ALTERED):
        for constraint in table._meta.constraints:
            manager.add_constraint(
                table_class_name=table.__name__,
                tablename=table._meta.tablename,
                constraint_name=constraint._meta.name,
                constraint_class=type(constraint),
                params=constraint._meta.params,
            )
    return manager


def _add_columns(manager: MigrationManager, table: type[Table], columns: list[Any]) -> None:
    for column in columns:
        if column._meta.primary_key and table in ALTERED:
            continue
        manager.add_column(
            table_class_name=table.__name__,
            tablename=table._meta.tablename,
            column_name=column._meta.name,
            db_column_name=column._meta.db_column_name,
            column_class=type(column),
            params=column._meta.params,
        )

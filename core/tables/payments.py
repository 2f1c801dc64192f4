"""Buying tokens: what is sold, and each order with the payment that settled it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from piccolo.columns import (
    JSONB,
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

from core.db import DB
from core.tables.ledger import Transaction
from core.tables.users import User


class TokenPackage(Table, tablename="token_packages", db=DB):
    """Tokens at a price. Orders keep what they were made with, whatever happens to the package."""

    code = Varchar(length=100, primary_key=True, default=None, null=False)
    title = Varchar(length=255, default="", null=False)
    credits = Numeric(digits=(12, 2), default=None, null=False, help_text="Tokens.")
    price_usd = Numeric(digits=(10, 2), default=None, null=False)
    stars_amount = Integer(default=0, null=False, help_text="Telegram Stars; 0: not sold for Stars.")
    offers = JSONB(default="{}", null=False, help_text="What gateways call it: {gateway: id}.")
    is_recurring = Boolean(default=False, null=False, help_text="Bought every month until cancelled.")
    is_active = Boolean(default=True, null=False)
    sort_order = Integer(default=100, null=False)
    created_at = Timestamptz(default=TimestamptzNow(), null=False)
    updated_at = Timestamptz(default=TimestamptzNow(), null=False)

    token_package_gives_tokens = Check(credits > 0)
    token_package_costs_something = Check((price_usd > 0) & (stars_amount >= 0))


class Payment(Table, tablename="botapp_payment", db=DB):
    """An order and its payment. A payment that fits no order is a row in quarantine, without tokens for anybody."""

    id = BigSerial(primary_key=True)
    code = Varchar(length=32, default=None, null=False, unique=True, help_text="Public id of the order.")
    idempotency_key = Varchar(length=200, default=None, null=False, unique=True)
    user = ForeignKey(db_column_name="user_id", references=User, null=True, on_delete=OnDelete.restrict)
    gateway = Varchar(length=20, default=None, null=False)
    external_id = Varchar(length=200, default=None, null=True, help_text="The gateway's own id of the payment.")
    package: Any = ForeignKey(
        db_column_name="package_code", references=TokenPackage, null=True, on_delete=OnDelete.restrict
    )
    tokens = Numeric(digits=(12, 2), default=Decimal(0), null=False, help_text="Frozen when it was ordered.")
    amount = Numeric(digits=(12, 2), default=None, null=False)
    currency = Varchar(length=3, default=None, null=False, help_text="ISO 4217, or XTR for Stars.")
    status = Varchar(length=12, default="pending", null=False)
    problem = Text(default="", null=False, help_text="Why it failed, is in quarantine, or cannot be refunded.")
    payment_url = Text(default="", null=False)
    is_recurring = Boolean(default=False, null=False)
    subscription: Any = ForeignKey(
        db_column_name="subscription_id",
        references="self",
        null=True,
        index=True,
        on_delete=OnDelete.restrict,
        help_text="The order that this renewal continues.",
    )
    subscription_ends_at = Timestamptz(default=None, null=True, help_text="Cancelled: nothing is paid after this.")
    transaction = ForeignKey(
        db_column_name="transaction_id",
        references=Transaction,
        null=True,
        unique=True,
        on_delete=OnDelete.restrict,
        help_text="The deposit.",
    )
    promo_code = Varchar(length=50, default=None, null=True, help_text="The code whose percentage was given with it.")
    language = Varchar(length=2, default="ru", null=False)
    details = JSONB(default="{}", null=False, help_text="What only its gateway knows.")
    message_id = BigInt(default=None, null=True, help_text="The chat message that shows the invoice.")
    attempts = SmallInt(default=0, null=False, help_text="Times that the gateway was asked about its state.")
    next_check_at = Timestamptz(default=None, null=True, help_text="When the gateway is asked again.")
    created_at = Timestamptz(default=TimestamptzNow(), null=False)
    expires_at = Timestamptz(default=None, null=True)
    paid_at = Timestamptz(default=None, null=True)
    refund_requested_at = Timestamptz(default=None, null=True, help_text="The user asked for the money back.")
    refunded_at = Timestamptz(default=None, null=True)
    updated_at = Timestamptz(default=TimestamptzNow(), null=False)

    payment_is_credited_once = Unique([gateway, external_id])
    payment_is_never_negative = Check((amount >= 0) & (tokens >= 0))

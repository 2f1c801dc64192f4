"""Tokens: balances, the append-only statement, and how each charge ended.

Triggers (`piccolo_migrations/`) keep the statement append-only, move the balance with every posting, open a charge with
every debit for a generation, and refuse a refund above it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from piccolo.columns import (
    JSONB,
    BigSerial,
    ForeignKey,
    Numeric,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.columns.base import OnDelete
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.constraints import Check
from piccolo.table import Table

from core.db import DB
from core.tables.users import User

ZERO = Decimal(0)


class Balance(Table, tablename="botapp_userbalance", db=DB):
    """A user's tokens. Written only by the triggers of `Transaction`."""

    id = BigSerial(primary_key=True)
    user = ForeignKey(db_column_name="user_id", references=User, null=False, unique=True, on_delete=OnDelete.restrict)
    balance = Numeric(digits=(12, 2), default=ZERO, null=False)
    total_spent = Numeric(digits=(12, 2), default=ZERO, null=False, help_text="Charges less refunds.")
    total_deposited = Numeric(digits=(12, 2), default=ZERO, null=False)
    bonus_balance = Numeric(digits=(12, 2), default=ZERO, null=False, help_text="Bonuses ever given.")
    referral_code = Varchar(length=20, default=None, null=True, unique=True, help_text="What the user invites with.")
    created_at = Timestamptz(default=TimestamptzNow(), null=False)
    updated_at = Timestamptz(default=TimestamptzNow(), null=False)

    userbalance_is_never_negative = Check(balance >= 0)


class Transaction(Table, tablename="botapp_transaction", db=DB):
    """A posting: tokens given to a user (positive) or taken (negative). Never changed, never deleted."""

    id = BigSerial(primary_key=True)
    user = ForeignKey(db_column_name="user_id", references=User, null=False, on_delete=OnDelete.restrict)
    type = Varchar(length=20, default=None, null=False, help_text="A core.ledger.PostingKind.")
    amount = Numeric(digits=(12, 2), default=None, null=False)
    balance_after = Numeric(digits=(12, 2), default=ZERO, null=False, help_text="Filled in by a trigger.")
    idempotency_key = Varchar(length=200, default=None, null=False, unique=True)
    related_transaction: Any = ForeignKey(
        db_column_name="related_transaction_id",
        references="self",
        null=True,
        index=True,
        on_delete=OnDelete.restrict,
        help_text="The charge that a refund returns, the posting that a reversal takes back, a bonus's deposit.",
    )
    quote = JSONB(default=None, null=True, help_text="The quote that a charge was made from.")
    actor = Varchar(length=100, default="system", null=False)
    reason = Text(default="", null=False)
    created_at = Timestamptz(default=TimestamptzNow(), null=False)

    transaction_moves_tokens = Check(amount != 0)


class Charge(Table, tablename="botapp_charge", db=DB):
    """How the charge for a generation ended: open, then settled, or refunded in full. Opened by a trigger."""

    id = BigSerial(primary_key=True)
    transaction = ForeignKey(
        db_column_name="transaction_id", references=Transaction, null=False, unique=True, on_delete=OnDelete.restrict
    )
    amount = Numeric(digits=(12, 2), default=None, null=False)
    refunded = Numeric(digits=(12, 2), default=ZERO, null=False)
    state = Varchar(length=10, default="open", null=False)
    created_at = Timestamptz(default=TimestamptzNow(), null=False)
    resolved_at = Timestamptz(default=None, null=True)

    charge_is_never_refunded_twice = Check((refunded >= 0) & (refunded <= amount))
    charge_state_is_known = Check((state == "open") | (state == "settled") | (state == "refunded"))

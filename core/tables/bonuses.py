"""Tokens that are given: promo codes, friends who were invited, daily rewards. Each by a key that exists only once."""

from __future__ import annotations

from typing import Any

from piccolo.columns import (
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

from core.db import DB
from core.tables.ledger import ZERO, Transaction
from core.tables.payments import Payment
from core.tables.users import User


class PromoCode(Table, tablename="botapp_promocode", db=DB):
    """A code that gives tokens. None exists unless an operator made it."""

    id = BigSerial(primary_key=True)
    code = Varchar(length=50, default=None, null=False, unique=True, help_text="Upper case.")
    description = Text(default="", null=False)
    is_percentage = Boolean(default=False, null=False)
    value = Numeric(digits=(10, 2), default=None, null=False)
    min_deposit = Numeric(digits=(10, 2), default=ZERO, null=False)
    max_uses = Integer(default=None, null=True)
    max_uses_per_user = Integer(default=1, null=False)
    current_uses = Integer(default=0, null=False)
    valid_from = Timestamptz(default=TimestamptzNow(), null=False)
    valid_until = Timestamptz(default=None, null=True)
    is_active = Boolean(default=True, null=False)
    max_bonus = Numeric(digits=(10, 2), default=None, null=True, help_text="Most tokens that one use gives.")
    budget = Numeric(digits=(12, 2), default=None, null=True, help_text="Most tokens that all uses give together.")
    total_given = Numeric(digits=(12, 2), default=ZERO, null=False)
    created_at = Timestamptz(default=TimestamptzNow(), null=False)

    promocode_gives_something = Check(value > 0)
    promocode_stays_within_its_limit = Check((max_uses.is_null()) | (current_uses <= max_uses))
    promocode_stays_within_its_budget = Check((budget.is_null()) | (total_given <= budget))


class PromoRedemption(Table, tablename="botapp_promoredemption", db=DB):
    """A use of a promo code: of a fixed one with its posting, of a percentage first without, then with its deposit."""

    id = BigSerial(primary_key=True)
    promo = ForeignKey(db_column_name="promo_id", references=PromoCode, null=False, on_delete=OnDelete.restrict)
    user = ForeignKey(db_column_name="user_id", references=User, null=False, index=True, on_delete=OnDelete.restrict)
    number = SmallInt(default=1, null=False, help_text="The user's first, second, ... use of this code.")
    payment = ForeignKey(
        db_column_name="payment_id", references=Payment, null=True, unique=True, on_delete=OnDelete.restrict
    )
    transaction = ForeignKey(
        db_column_name="transaction_id", references=Transaction, null=True, unique=True, on_delete=OnDelete.restrict
    )
    created_at = Timestamptz(default=TimestamptzNow(), null=False)

    promo_is_redeemed_once = Unique([promo, user, number])
    promo_redemptions_are_numbered = Check(number > 0)


class Referral(Table, tablename="botapp_referral", db=DB):
    """Who invited whom. Everybody is invited at most once."""

    id = BigSerial(primary_key=True)
    inviter: Any = ForeignKey(
        db_column_name="inviter_id", references=User, null=False, index=True, on_delete=OnDelete.restrict
    )
    invitee: Any = ForeignKey(
        db_column_name="invitee_id", references=User, null=False, unique=True, on_delete=OnDelete.restrict
    )
    created_at = Timestamptz(default=TimestamptzNow(), null=False)
    transaction = ForeignKey(
        db_column_name="transaction_id",
        references=Transaction,
        null=True,
        unique=True,
        on_delete=OnDelete.restrict,
        help_text="The inviter's reward, once the friend has paid.",
    )


class DailyReward(Table, tablename="botapp_dailyreward", db=DB):
    """A reward that a user took on a day of theirs."""

    id = BigSerial(primary_key=True)
    user = ForeignKey(db_column_name="user_id", references=User, null=False, on_delete=OnDelete.restrict)
    day = Date(default=None, null=False, help_text="The user's calendar day.")
    streak = Integer(default=1, null=False, help_text="Days in a row, this one included.")
    timezone = Varchar(length=40, default="UTC", null=False, help_text="The zone whose calendar the day is of.")
    transaction = ForeignKey(
        db_column_name="transaction_id", references=Transaction, null=False, unique=True, on_delete=OnDelete.restrict
    )
    created_at = Timestamptz(default=TimestamptzNow(), null=False)

    daily_reward_is_taken_once = Unique([user, day])
    daily_reward_streak_is_positive = Check(streak > 0)

"""What operators and the schedule need."""

from __future__ import annotations

from piccolo.columns import JSONB, Array, BigSerial, Boolean, Integer, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.constraints import Check
from piccolo.table import Table

from core.db import DB


class OpsToken(Table, tablename="botapp_opstoken", db=DB):
    """A token of the ops API. Only its SHA-256 is kept."""

    id = BigSerial(primary_key=True)
    name = Varchar(length=100, default=None, null=False)
    prefix = Varchar(length=12, default=None, null=False, help_text="First characters, to recognise it by.")
    token_hash = Varchar(length=64, default=None, null=False, unique=True)
    scopes = Array(base_column=Varchar(length=10), default=list, null=False)
    created_at = Timestamptz(default=TimestamptzNow(), null=False)
    expires_at = Timestamptz(default=None, null=True)
    revoked_at = Timestamptz(default=None, null=True)
    last_used_at = Timestamptz(default=None, null=True)


class ScheduleEntry(Table, tablename="botapp_schedule", db=DB):
    """A task that beat publishes at an interval. Operators may edit it while the service runs."""

    id = BigSerial(primary_key=True)
    name = Varchar(length=80, default=None, null=False, unique=True)
    task = Varchar(length=80, default=None, null=False)
    arguments = JSONB(default="{}", null=False)
    every_ms = Integer(default=None, null=False)
    is_enabled = Boolean(default=True, null=False)
    next_run_at = Timestamptz(default=TimestamptzNow(), null=False)
    last_run_at = Timestamptz(default=None, null=True)

    schedule_interval_is_sane = Check(every_ms >= 100)

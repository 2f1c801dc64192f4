"""The inbox of what the outside world told us, and the outbox of what is to be done after a commit."""

from __future__ import annotations

from piccolo.columns import JSONB, BigSerial, SmallInt, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.constraints import Unique
from piccolo.table import Table

from core.db import DB


class InboxEvent(Table, tablename="botapp_inbox", db=DB):
    """An update or event, stored before it is answered and handled once."""

    id = BigSerial(primary_key=True)
    source = Varchar(length=32, default=None, null=False, help_text="telegram, or a gateway or provider.")
    event_id = Varchar(length=200, default=None, null=False, help_text="The sender's own id of it.")
    subject = Varchar(length=64, default="", null=False, help_text="Events of one subject are handled in order.")
    payload = JSONB(default=None, null=False)
    trace_id = Varchar(length=32, default="", null=False)
    received_at = Timestamptz(default=TimestamptzNow(), null=False)
    attempts = SmallInt(default=0, null=False)
    lease_until = Timestamptz(default=None, null=True)
    handled_at = Timestamptz(default=None, null=True)
    error = Text(default="", null=False, help_text="Why handling was given up; empty when it succeeded.")

    inbox_stores_once = Unique([source, event_id])


class OutboxMessage(Table, tablename="botapp_outbox", db=DB):
    """A task to be published once the transaction that wrote this row has committed. Published rows are deleted."""

    id = BigSerial(primary_key=True)
    task = Varchar(length=80, default=None, null=False)
    arguments = JSONB(default="{}", null=False)
    trace_id = Varchar(length=32, default="", null=False)
    created_at = Timestamptz(default=TimestamptzNow(), null=False)

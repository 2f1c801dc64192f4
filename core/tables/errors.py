"""Faults that the service met, for operators to find, understand and close."""

from __future__ import annotations

from piccolo.columns import JSONB, BigInt, BigSerial, ForeignKey, Integer, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.constraints import Check
from piccolo.table import Table

from core.db import DB
from core.tables.generations import Generation
from core.tables.users import User


class ErrorEvent(Table, tablename="botapp_boterrorevent", db=DB):
    """A fault as it was met. Faults of one kind share a fingerprint; a flood of them is folded into one row."""

    id = BigSerial(primary_key=True)
    code = Varchar(length=16, default=None, null=False, unique=True, help_text="What operators call it by: e_….")
    fingerprint = Varchar(length=16, default=None, null=False, help_text="The same for faults of one kind.")
    origin = Varchar(length=20, default=None, null=False)
    severity = Varchar(length=10, default="warning", null=False)
    status = Varchar(length=12, default="new", null=False)
    occurred_at = Timestamptz(default=TimestamptzNow(), null=False)
    last_at = Timestamptz(default=TimestamptzNow(), null=False, help_text="When it was met last, if folded.")
    times = Integer(default=1, null=False, help_text="How often it was met, if folded.")
    service = Varchar(length=12, default="", null=False, help_text="web, worker, beat, poller.")
    commit = Varchar(length=40, default="", null=False)
    handler = Varchar(length=255, default="", null=False, help_text="Route, task or handler that it ended.")
    error_class = Varchar(length=255, default="", null=False)
    message = Text(default="", null=False, help_text="Without secrets; so is the trace.")
    stacktrace = Text(default="", null=False)
    extra = JSONB(default="{}", null=False)
    trace_id = Varchar(length=32, default="", null=False)
    chat_id = BigInt(default=None, null=True)
    user = ForeignKey(db_column_name="user_id", references=User, null=True, on_delete=OnDelete.set_null)
    generation = ForeignKey(
        db_column_name="gen_request_id", references=Generation, null=True, on_delete=OnDelete.set_null
    )
    resolved_at = Timestamptz(default=None, null=True)
    resolved_by = Varchar(length=100, default="", null=False)
    resolution = Text(default="", null=False, help_text="What was done about it.")

    error_origin_is_known = Check(
        (origin == "webhook")
        | (origin == "telegram_handler")
        | (origin == "celery_task")
        | (origin == "generation")
        | (origin == "payment")
        | (origin == "miniapp")
        | (origin == "other")
    )
    error_severity_is_known = Check(
        (severity == "info") | (severity == "warning") | (severity == "error") | (severity == "critical")
    )
    error_status_is_known = Check((status == "new") | (status == "in_progress") | (status == "resolved"))
    error_times_are_positive = Check(times > 0)

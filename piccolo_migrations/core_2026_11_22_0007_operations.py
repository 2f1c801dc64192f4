"""Tables and columns of operating the service, as they were on the day of this migration."""

from __future__ import annotations

from typing import Any

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import JSONB, BigInt, BigSerial, Boolean, Date, ForeignKey, Integer, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.constraints import Check
from piccolo.table import Table

ID = "2026-11-22T22:00:00:000007"
VERSION = "1.38.0"
DESCRIPTION = "errors, agents' log, test users"


class User(Table, tablename="botapp_tguser"):
    """An earlier migration made it; with what is new."""

    id = BigSerial(primary_key=True)
    is_test = Boolean(default=False, null=False)


class Generation(Table, tablename="botapp_genrequest"):
    """Only named here: an earlier migration made it."""

    id = BigSerial(primary_key=True)


class ErrorEvent(Table, tablename="botapp_boterrorevent"):
    id = BigSerial(primary_key=True)
    code = Varchar(length=16, default=None, null=False, unique=True)
    fingerprint = Varchar(length=16, default=None, null=False)
    origin = Varchar(length=20, default=None, null=False)
    severity = Varchar(length=10, default="warning", null=False)
    status = Varchar(length=12, default="new", null=False)
    occurred_at = Timestamptz(default=TimestamptzNow(), null=False)
    last_at = Timestamptz(default=TimestamptzNow(), null=False)
    times = Integer(default=1, null=False)
    service = Varchar(length=12, default="", null=False)
    commit = Varchar(length=40, default="", null=False)
    handler = Varchar(length=255, default="", null=False)
    error_class = Varchar(length=255, default="", null=False)
    message = Text(default="", null=False)
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
    resolution = Text(default="", null=False)

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


class AgentLogEntry(Table, tablename="botapp_agentlog"):
    id = BigSerial(primary_key=True)
    code = Varchar(length=40, default=None, null=False, unique=True)
    date = Date(default=None, null=False)
    kind = Varchar(length=40, default="", null=False)
    status = Varchar(length=12, default="open", null=False)
    title = Varchar(length=300, default=None, null=False)
    agent = Varchar(length=100, default="", null=False)
    branch = Varchar(length=255, default="", null=False)
    pull_request = Integer(default=None, null=True)
    facts = JSONB(default="{}", null=False)
    text = Text(default="", null=False)
    digest = Varchar(length=64, default="", null=False)
    received_at = Timestamptz(default=TimestamptzNow(), null=False)

    agentlog_status_is_known = Check((status == "open") | (status == "done") | (status == "failed"))


NEW: list[type[Table]] = [ErrorEvent, AgentLogEntry]
ALTERED: dict[type[Table], tuple[str, ...]] = {User: ("is_test",)}


async def forwards() -> MigrationManager:
    """Create the new tables and add the new columns."""
    manager = MigrationManager(migration_id=ID, app_name="core", description=DESCRIPTION)
    for table in NEW:
        manager.add_table(class_name=table.__name__, tablename=table._meta.tablename)
        _add_columns(manager, table, table._meta.columns)
    for table, names in ALTERED.items():
        _add_columns(manager, table, [column for column in table._meta.columns if column._meta.name in names])
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
        manager.add_column(
            table_class_name=table.__name__,
            tablename=table._meta.tablename,
            column_name=column._meta.name,
            db_column_name=column._meta.db_column_name,
            column_class=type(column),
            params=column._meta.params,
        )

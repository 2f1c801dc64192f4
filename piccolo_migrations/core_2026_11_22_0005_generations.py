"""Tables and columns of generations with every provider, as they were on the day of this migration."""

from __future__ import annotations

from typing import Any

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import (
    JSONB,
    BigInt,
    BigSerial,
    Boolean,
    DoublePrecision,
    ForeignKey,
    Integer,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.columns.base import OnDelete
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.constraints import Check
from piccolo.table import Table

ID = "2026-11-22T19:00:00:000005"
VERSION = "1.38.0"
DESCRIPTION = "input slots, follow-ups, providers, uploads, refusals"


class User(Table, tablename="botapp_tguser"):
    """Only named here: an earlier migration made it."""

    id = BigSerial(primary_key=True)


class AIModel(Table, tablename="botapp_aimodel"):
    """As above, with what is new."""

    id = BigSerial(primary_key=True)
    inputs = JSONB(default="[]", null=False)
    follow_ups = JSONB(default="[]", null=False)
    measured_seconds = Integer(default=None, null=True)
    is_listed = Boolean(default=True, null=False)
    type = Varchar(length=10, default=None, null=False)
    aimodel_kind_is_known = Check((type == "image") | (type == "video") | (type == "text"))


class Generation(Table, tablename="botapp_genrequest"):
    """As above, with what is new."""

    id = BigSerial(primary_key=True)
    source_url = Text(default="", null=False)
    continuation = JSONB(default=None, null=True)
    submitted_at = Timestamptz(default=None, null=True)
    polls = Integer(default=0, null=False)
    files_removed_at = Timestamptz(default=None, null=True)


class Cart(Table, tablename="botapp_cart"):
    """As above, with what is new."""

    id = BigSerial(primary_key=True)
    continuation = JSONB(default=None, null=True)


class ProviderState(Table, tablename="botapp_provider"):
    name = Varchar(length=40, primary_key=True, default=None, null=False)
    is_enabled = Boolean(default=True, null=False)
    max_running = Integer(default=None, null=True)
    failures = Integer(default=0, null=False)
    parked_until = Timestamptz(default=None, null=True)
    reason = Text(default="", null=False)
    updated_at = Timestamptz(default=TimestamptzNow(), null=False)
    provider_limit_is_positive = Check((max_running.is_null()) | (max_running > 0))


class Upload(Table, tablename="botapp_upload"):
    id = BigSerial(primary_key=True)
    code = Varchar(length=32, default=None, null=False, unique=True)
    user = ForeignKey(db_column_name="user_id", references=User, null=False, index=True, on_delete=OnDelete.cascade)
    state = Varchar(length=10, default="expected", null=False)
    key = Varchar(length=300, default=None, null=False)
    mime = Varchar(length=60, default="", null=False)
    size = BigInt(default=0, null=False)
    width = Integer(default=0, null=False)
    height = Integer(default=0, null=False)
    seconds = DoublePrecision(default=0.0, null=False)
    digest = Varchar(length=64, default="", null=False)
    refusal = Varchar(length=40, default="", null=False)
    created_at = Timestamptz(default=TimestamptzNow(), null=False)
    used_at = Timestamptz(default=TimestamptzNow(), null=False)
    upload_state_is_known = Check(
        (state == "expected") | (state == "ready") | (state == "refused") | (state == "removed")
    )


class Refusal(Table, tablename="botapp_refusal"):
    id = BigSerial(primary_key=True)
    user = ForeignKey(db_column_name="user_id", references=User, null=False, on_delete=OnDelete.cascade)
    at = Timestamptz(default=TimestamptzNow(), null=False)
    source = Varchar(length=20, default=None, null=False)
    category = Varchar(length=60, default="", null=False)
    digest = Varchar(length=64, default="", null=False)


NEW: list[type[Table]] = [ProviderState, Upload, Refusal]
ALTERED: dict[type[Table], tuple[str, ...]] = {
    AIModel: ("inputs", "follow_ups", "measured_seconds", "is_listed"),
    Generation: ("source_url", "continuation", "submitted_at", "polls", "files_removed_at"),
    Cart: ("continuation",),
}


async def forwards() -> MigrationManager:
    """Create the new tables and add the new columns."""
    manager = MigrationManager(migration_id=ID, app_name="core", description=DESCRIPTION)
    for table in NEW:
        manager.add_table(class_name=table.__name__, tablename=table._meta.tablename)
        _add_columns(manager, table, table._meta.columns)
    for table, names in ALTERED.items():
        _add_columns(manager, table, [column for column in table._meta.columns if column._meta.name in names])
    manager.drop_constraint(
        table_class_name="AIModel", tablename="botapp_aimodel", constraint_name="aimodel_type_is_known"
    )
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

"""Brings the schema up to date and says whether models and migrations agree."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
from piccolo.apps.migrations.tables import Migration

import piccolo_migrations
from core import db
from core.settings import Settings

if TYPE_CHECKING:
    from piccolo.apps.migrations.auto.diffable_table import DiffableTable
    from piccolo.table import Table

LOCK = 7_205_759_403
"""Key of the advisory lock under which migrations run, so that two deploys do not run them at the same time."""


class MigrationFailed(Exception):
    """A migration did not apply; the schema is as it was before it."""


def known() -> list[str]:
    """Ids of the migrations that this code was written for, oldest first."""
    return sorted(_files())


async def applied() -> list[str]:
    """Ids of the migrations that the connected database has seen, oldest first."""
    if await db.fetch_value("SELECT to_regclass('migration')") is None:
        return []
    rows = await db.fetch("SELECT name FROM migration WHERE app_name = 'core' ORDER BY name")
    return [row["name"] for row in rows]


async def migrate(settings: Settings) -> list[str]:
    """Apply what is missing and return its ids. Waits while another process migrates.

    Needs a direct or session connection: an advisory lock means nothing behind a transaction pooler.

    Raises:
        MigrationFailed: with PostgreSQL's own words. Migrations before that one stay applied.
    """
    missing = []
    async with _alone(settings):
        async with db.transaction():
            await Migration.create_table(if_not_exists=True)
            before = await applied()
        for name, path in sorted(_files().items()):
            if name not in before:
                await _apply(name, path)
                missing.append(name)
    return missing


async def check(settings: Settings) -> list[str]:
    """Say where the models differ from the migrations; nothing when they agree. The database is not asked."""
    from piccolo.apps.migrations.auto.schema_snapshot import SchemaSnapshot
    from piccolo.apps.migrations.commands.new import AutoMigrationManager
    from piccolo.conf.apps import Finder

    _use_our_configuration(settings)
    app_config = Finder().get_app_config("core")
    manager = AutoMigrationManager(auto_input="n")
    with redirect_stdout(StringIO()):
        statements = await manager.get_alter_statements(app_config=app_config)
    differences = [line.strip().splitlines()[0] for group in statements for line in group.statements]
    migrated = SchemaSnapshot(await manager.get_migration_managers(app_config=app_config)).get_snapshot()
    return differences + _changed_constraints(app_config.table_classes, migrated)


async def unapplied(settings: Settings) -> list[str]:
    """Return the ids of our migrations that the settings' database has not seen, oldest first."""
    await db.connect(settings, pool_size=2)
    try:
        seen = await applied()
    finally:
        await db.disconnect()
    return [name for name in known() if name not in seen]


def _changed_constraints(models: Sequence[type[Table]], migrated: Sequence[DiffableTable]) -> list[str]:
    # Piccolo compares constraints by their names alone and would not see another condition under the same name.
    current = {(model.__name__, item._meta.name): item.ddl for model in models for item in model._meta.constraints}
    before = {(table.class_name, item._meta.name): item.ddl for table in migrated for item in table.constraints}
    return [
        f"{table}.{name} is {current[table, name]}, the migrations have {before[table, name]}"
        for table, name in current.keys() & before.keys()
        if current[table, name] != before[table, name]
    ]


async def _apply(name: str, path: Path) -> None:
    manager = await import_module(f"{piccolo_migrations.__name__}.{path.stem}").forwards()
    manager.wrap_in_transaction = False
    try:
        # One transaction for the change and its record: a process that dies leaves both or neither.
        with redirect_stdout(StringIO()):
            async with db.transaction():
                await manager.run()
                await Migration.insert(Migration(name=name, app_name="core"))
    except asyncpg.PostgresError as error:
        raise MigrationFailed(f"{name}: {error}") from error


def _files() -> dict[str, Path]:
    files = {}
    for path in Path(piccolo_migrations.__file__).parent.glob("core_*.py"):
        line = next(line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("ID = "))
        files[line.partition("= ")[2].strip('"')] = path
    return files


@asynccontextmanager
async def _alone(settings: Settings) -> AsyncIterator[None]:
    _use_our_configuration(settings)
    # A change of a large table, or waiting for another process that makes one, takes as long as it takes.
    db.DB.config["command_timeout"] = None
    connection = await asyncpg.connect(**db.DB.config)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
        yield
    finally:
        await connection.close()


def _use_our_configuration(settings: Settings) -> None:
    os.environ["PICCOLO_CONF"] = "core.piccolo_conf"
    db.configure(settings)

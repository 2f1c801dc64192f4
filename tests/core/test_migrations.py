"""Migrations from empty, twice, at once, backwards and failing; and whether models and migrations agree."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from piccolo.apps.migrations.commands.backwards import run_backwards
from piccolo.columns import Integer, Varchar
from piccolo.columns.base import OnDelete
from piccolo.constraints import Check
from piccolo.table import create_table_class

import piccolo_migrations
from core import db, migrations
from core.settings import Settings
from core.tables import Balance, ChatMessage, Transaction, User
from tests.fixtures.servers import make_settings

pytestmark = pytest.mark.integration

REGULATION = {
    "botapp_tguser",
    "botapp_userbalance",
    "botapp_transaction",
    "botapp_aimodel",
    "botapp_genrequest",
    "botapp_chatthread",
    "botapp_chatmessage",
    "botapp_promocode",
}
BROKEN = '''"""A migration that fails after it has changed something."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from core import db

ID = "2099-01-01T00:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "broken"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="core", description=DESCRIPTION)

    async def up():
        await db.execute("CREATE TABLE half_way (id bigint)")
        await db.execute("ALTER TABLE there_is_no_such_table ADD COLUMN x integer")

    manager.add_raw(up)
    return manager
'''


@pytest.fixture
def empty(empty_database_url: str) -> Settings:
    """Settings of a service on a database without tables."""
    return make_settings(empty_database_url, "redis://127.0.0.1:1/0")


@pytest.fixture
async def look(empty: Settings) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A connection of its own to the same database."""
    connection = await asyncpg.connect(empty.database_url.get_secret_value())
    yield connection
    await connection.close()


async def tables(connection: asyncpg.Connection[Any]) -> set[str]:
    """Names of the tables that there are."""
    rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return {row["tablename"] for row in rows}


async def test_an_empty_database_gets_every_table_of_the_regulation(empty: Settings, look: Any) -> None:
    assert await tables(look) == set()
    assert await migrations.migrate(empty) == migrations.known()
    assert await tables(look) >= REGULATION


async def test_a_second_run_applies_nothing(empty: Settings) -> None:
    await migrations.migrate(empty)
    assert await migrations.migrate(empty) == []


async def test_two_runs_at_once_both_succeed_and_apply_each_migration_once(empty: Settings, look: Any) -> None:
    first, second = await asyncio.gather(migrations.migrate(empty), migrations.migrate(empty))
    assert sorted(first + second) == migrations.known()
    recorded = await look.fetch("SELECT name FROM migration ORDER BY name")
    assert [row["name"] for row in recorded] == migrations.known()


async def test_what_is_applied_is_empty_before_the_first_run_and_complete_after_it(empty: Settings) -> None:
    await db.connect(empty)
    try:
        assert await migrations.applied() == []
        await db.disconnect()
        await migrations.migrate(empty)
        await db.connect(empty)
        assert await migrations.applied() == migrations.known()
    finally:
        await db.disconnect()


async def test_migrating_says_nothing_on_stdout(empty: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    await migrations.migrate(empty)
    await migrations.check(empty)
    assert capsys.readouterr().out == ""


async def test_invariants_can_be_taken_back_and_put_on_again(empty: Settings, look: Any) -> None:
    await migrations.migrate(empty)
    triggers = "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal"
    before = await look.fetchval(triggers)
    assert before > 0
    with redirect_stdout(StringIO()):
        result = await run_backwards("core", migration_id=migrations.known()[1], auto_agree=True)
    assert result.success, result.message
    assert await look.fetchval(triggers) == 0
    functions = "SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
    assert await look.fetchval(functions) == 0
    assert await migrations.migrate(empty) == migrations.known()[1:]
    assert await look.fetchval(triggers) == before


async def test_numbers_of_pictures_become_slots(empty: Settings, look: Any) -> None:
    await migrations.migrate(empty)
    with redirect_stdout(StringIO()):
        result = await run_backwards("core", migration_id=migrations.known()[4], auto_agree=True)
    assert result.success, result.message
    for slug, most, needs in (("words", 0, False), ("editor", 3, False), ("animator", 1, True)):
        await look.execute(
            """
            INSERT INTO botapp_aimodel (slug, display_name, type, base_cost_usd, max_input_images, needs_input_image)
            VALUES ($1, $1, 'image', 0.02, $2, $3)
            """,
            slug,
            most,
            needs,
        )
    assert await migrations.migrate(empty) == migrations.known()[4:]
    rows = await look.fetch("SELECT slug, inputs::text FROM botapp_aimodel")
    assert {row["slug"]: json.loads(row["inputs"]) for row in rows} == {
        "words": [],
        "editor": [{"role": "image", "most": 3, "least": 0}],
        "animator": [{"role": "image", "most": 1, "least": 1}],
    }


async def test_everything_can_be_taken_back(empty: Settings, look: Any) -> None:
    await migrations.migrate(empty)
    with redirect_stdout(StringIO()):
        result = await run_backwards("core", migration_id="all", auto_agree=True)
    assert result.success, result.message
    assert await tables(look) == {"migration"}


@pytest.fixture
def folder_with_a_broken_migration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Our migrations and one that fails half way, its id."""
    (tmp_path / "core_2099_01_01_broken.py").write_text(BROKEN)
    shipped = migrations._files()
    broken = tmp_path / "core_2099_01_01_broken.py"
    monkeypatch.setattr(migrations, "_files", lambda: {**shipped, "2099-01-01T00:00:00:000000": broken})
    monkeypatch.setattr(piccolo_migrations, "__path__", [*piccolo_migrations.__path__, str(tmp_path)])
    return "2099-01-01T00:00:00:000000"


async def test_a_failing_migration_is_told_in_postgresqls_words_and_leaves_nothing_of_it(
    empty: Settings, look: Any, folder_with_a_broken_migration: str
) -> None:
    with pytest.raises(migrations.MigrationFailed) as failure:
        await migrations.migrate(empty)
    assert str(failure.value) == (f'{folder_with_a_broken_migration}: relation "there_is_no_such_table" does not exist')
    assert "half_way" not in await tables(look)
    assert await tables(look) >= REGULATION
    recorded = await look.fetch("SELECT name FROM migration WHERE name = $1", folder_with_a_broken_migration)
    assert recorded == []


async def test_a_run_after_a_failed_one_goes_on_where_it_failed(
    empty: Settings, folder_with_a_broken_migration: str
) -> None:
    for _ in range(2):
        with pytest.raises(migrations.MigrationFailed, match="there_is_no_such_table"):
            await migrations.migrate(empty)


async def test_migrating_waits_for_a_process_that_migrates(empty: Settings, look: Any) -> None:
    await look.execute("SELECT pg_advisory_lock($1)", migrations.LOCK)
    run = asyncio.create_task(migrations.migrate(empty))
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    async with asyncio.timeout(10):
        while not await look.fetchval(waiting):  # Every question is a round trip; the other task runs meanwhile.
            assert not run.done()
    assert not run.done()
    await look.execute("SELECT pg_advisory_unlock($1)", migrations.LOCK)
    assert await run == migrations.known()


async def test_models_and_migrations_agree(empty: Settings) -> None:
    assert await migrations.check(empty) == []


Change = Callable[[pytest.MonkeyPatch], None]


def _longer_column(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(User._meta.get_column_by_name("username")._meta.params, "length", 300)


def _other_on_delete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Balance._meta.get_column_by_name("user")._meta.params, "on_delete", OnDelete.cascade)


def _other_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ChatMessage._meta.get_column_by_name("thread")._meta.params, "references", User)


def _column_more(monkeypatch: pytest.MonkeyPatch) -> None:
    column = Integer(default=0)
    column._meta.name = "shoe_size"
    monkeypatch.setattr(User._meta, "non_default_columns", [*User._meta.non_default_columns, column])


def _constraint_more(monkeypatch: pytest.MonkeyPatch) -> None:
    constraint = Check("true", name="transaction_is_fine")
    monkeypatch.setattr(Transaction._meta, "constraints", [*Transaction._meta.constraints, constraint])


def _other_condition(monkeypatch: pytest.MonkeyPatch) -> None:
    weaker = Check("true", name="userbalance_is_never_negative")
    monkeypatch.setattr(Balance._meta, "constraints", [weaker])


def _table_more(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.piccolo_app import APP_CONFIG

    table = create_table_class("Shoe", class_kwargs={"tablename": "shoe"}, class_members={"name": Varchar()})
    monkeypatch.setattr(APP_CONFIG, "table_classes", [*APP_CONFIG.table_classes, table])


@pytest.mark.parametrize(
    "change",
    [
        _longer_column,
        _other_on_delete,
        _other_target,
        _column_more,
        _constraint_more,
        _other_condition,
        _table_more,
    ],
)
async def test_a_model_that_differs_from_the_migrations_is_reported(
    empty: Settings, monkeypatch: pytest.MonkeyPatch, change: Change
) -> None:
    change(monkeypatch)
    assert len(await migrations.check(empty)) >= 1


async def test_a_condition_that_differs_is_named_with_both_versions(
    empty: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _other_condition(monkeypatch)
    assert await migrations.check(empty) == [
        'Balance.userbalance_is_never_negative is CHECK (true), the migrations have CHECK ("balance" >= 0)'
    ]


async def test_models_describe_the_columns_that_the_database_has(database: Settings) -> None:
    from core.tables import TABLES

    for table in TABLES:
        rows = await db.fetch(
            "SELECT column_name FROM information_schema.columns WHERE table_name = $1", table._meta.tablename
        )
        assert {row["column_name"] for row in rows} == {column._meta.db_column_name for column in table._meta.columns}


async def test_every_foreign_key_keeps_what_its_model_says_of_deletion(database: Settings) -> None:
    from core.tables import TABLES

    letters = {OnDelete.cascade: "c", OnDelete.restrict: "r", OnDelete.set_null: "n"}
    for table in TABLES:
        for column in table._meta.foreign_key_columns:
            found = await db.fetch_value(
                """
                SELECT key.confdeltype::text FROM pg_constraint AS key
                JOIN pg_attribute AS attribute ON attribute.attrelid = key.conrelid AND attribute.attnum = key.conkey[1]
                WHERE key.contype = 'f' AND key.conrelid = $1::regclass AND attribute.attname = $2
                """,
                table._meta.tablename,
                column._meta.db_column_name,
            )
            assert found == letters[column._foreign_key_meta.on_delete], f"{table.__name__}.{column._meta.name}"


async def test_no_index_repeats_the_beginning_of_another(database: Settings) -> None:
    rows = await db.fetch(
        """
        SELECT indrelid::regclass::text AS table, indexrelid::regclass::text AS name, indkey::text AS columns
        FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
        WHERE relnamespace = 'public'::regnamespace AND indpred IS NULL
        """
    )
    doubled = [
        (short["name"], long["name"])
        for short in rows
        for long in rows
        if short["name"] != long["name"]
        and short["table"] == long["table"]
        and f"{long['columns']} ".startswith(f"{short['columns']} ")
    ]
    assert doubled == []

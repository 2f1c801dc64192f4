"""Transactions, connections that are given back, and what is raised when the server is away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import nullcontext
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from piccolo.engine.postgres import PostgresTransaction

from cli.local import postgres
from core import db, errors
from core.settings import Settings
from core.tables import User
from tests.fixtures.ports import quiet_port
from tests.fixtures.servers import make_settings, running

CLOSED_PORT = "postgresql://nobody:nothing@127.0.0.1:1/nowhere"


class TestAddress:
    """What of DATABASE_URL reaches the driver."""

    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            ("postgresql://a:b@h:6543/d?pgbouncer=true", "postgresql://a:b@h:6543/d"),
            ("postgresql://a:b@h/d?schema=public&sslmode=require", "postgresql://a:b@h/d?sslmode=require"),
            ("postgresql://a:b@h/d?connection_limit=1&pool_timeout=9", "postgresql://a:b@h/d"),
            ("postgresql://a:b%40c@h/d", "postgresql://a:b%40c@h/d"),
            ("postgresql:///d?host=%2Ftmp&port=5433", "postgresql:///d?host=%2Ftmp&port=5433"),
        ],
    )
    def test_options_of_other_drivers_are_dropped(self, given: str, kept: str) -> None:
        assert db._without_unknown_options(given) == kept

    def test_the_statement_cache_and_time_outs_are_passed_on(self) -> None:
        db.configure(make_settings(CLOSED_PORT, "redis://127.0.0.1:1/0", database_statement_cache=7))
        assert db.DB.config["dsn"] == CLOSED_PORT
        assert db.DB.config["statement_cache_size"] == 7
        assert db.DB.config["command_timeout"] == db.COMMAND_TIMEOUT
        assert db.DB.config["timeout"] == db.CONNECT_TIMEOUT

    def test_configuring_again_leaves_nothing_of_the_first_address(self) -> None:
        db.configure(make_settings("postgresql://a:b@first/d?sslmode=require", "redis://127.0.0.1:1/0"))
        db.configure(make_settings("postgresql://a:b@second/d", "redis://127.0.0.1:1/0"))
        assert db.DB.config["dsn"] == "postgresql://a:b@second/d"


class TestJson:
    """Serialization for JSONB parameters."""

    def test_money_becomes_a_string_and_never_a_float(self) -> None:
        assert db.to_json({"tokens": Decimal("0.80")}) == '{"tokens":"0.80"}'

    def test_words_stay_readable(self) -> None:
        assert db.to_json({"prompt": "лиса ❄️"}) == '{"prompt":"лиса ❄️"}'


@pytest.mark.integration
class TestStatements:
    """SQL inside and outside transactions."""

    async def test_the_placeholders_carry_values_not_sql(self, database: Settings) -> None:
        assert await db.fetch_value("SELECT $1::text", "'; DROP TABLE botapp_tguser; --") == (
            "'; DROP TABLE botapp_tguser; --"
        )

    async def test_no_rows_are_none(self, database: Settings) -> None:
        assert await db.fetch_one("SELECT 1 WHERE false") is None
        assert await db.fetch_value("SELECT 1 WHERE false") is None
        assert await db.fetch("SELECT 1 WHERE false") == []

    async def test_a_value_that_is_null_is_none(self, database: Settings) -> None:
        assert await db.fetch_value("SELECT NULL") is None

    async def test_execute_counts_the_rows_that_it_touched(self, database: Settings) -> None:
        await db.execute("CREATE TABLE pot (id int)")
        assert await db.execute("INSERT INTO pot SELECT generate_series(1, 5)") == 5
        assert await db.execute("UPDATE pot SET id = id + 10 WHERE id > 2") == 3
        assert await db.execute("DELETE FROM pot WHERE id = 99") == 0

    async def test_numeric_arrives_as_decimal(self, database: Settings) -> None:
        value = await db.fetch_value("SELECT 0.80::numeric(12, 2)")
        assert isinstance(value, Decimal)
        assert str(value) == "0.80"

    async def test_a_statement_without_a_connection_says_what_to_do(self) -> None:
        with pytest.raises(RuntimeError, match=r"core\.db\.connect"):
            await db.fetch("SELECT 1")
        with pytest.raises(RuntimeError, match=r"core\.db\.connect"):
            await db.execute("SELECT 1")

    async def test_disconnecting_twice_is_fine(self, database: Settings) -> None:
        await db.disconnect()
        await db.disconnect()

    async def test_piccolo_and_sql_share_the_open_transaction(self, database: Settings) -> None:
        with pytest.raises(ZeroDivisionError):
            async with db.transaction():
                await User.insert(User(chat_id=1))
                await db.execute("INSERT INTO botapp_tguser (chat_id) VALUES (2)")
                assert await User.count() == 2
                raise ZeroDivisionError
        assert await User.count() == 0

    @pytest.mark.parametrize("text", ["\x00", "a\x00b"])
    async def test_text_that_postgresql_cannot_keep_is_told_apart_from_an_absent_server(
        self, database: Settings, text: str
    ) -> None:
        with pytest.raises(db.INVALID_TEXT):
            await db.fetch_value("SELECT $1::text", text)
        with pytest.raises(db.INVALID_TEXT):
            await db.fetch_value("SELECT $1::jsonb", json.dumps({"text": text}))
        with pytest.raises(db.INVALID_TEXT):
            await db.fetch_value("SELECT $1::jsonb", "{broken")

    @pytest.mark.parametrize(("kind", "value"), [("text", "half \ud83d"), ("bigint", 2**63), ("int", "seven")])
    @pytest.mark.parametrize("is_inside", [True, False])
    async def test_a_value_that_the_driver_refuses_is_told_apart_from_an_absent_server(
        self, database: Settings, kind: str, value: object, is_inside: bool
    ) -> None:
        for run in (db.fetch, db.execute):
            with pytest.raises(db.INVALID_TEXT) as refusal:
                async with db.transaction() if is_inside else nullcontext():
                    await run(f"SELECT $1::{kind}", value)
            assert not isinstance(refusal.value, db.UNAVAILABLE)
            assert not errors.is_passing(refusal.value)

    @pytest.mark.parametrize(
        ("value", "kept"),
        [
            ("a\x00b", "ab"),
            ("\ud83d\x00", ""),
            (["a", ("\udc00b", 7)], ["a", ["b", 7]]),
            ({"a\x00": {"b": ["\x00", None]}, "c": True}, {"a": {"b": ["", None]}, "c": True}),
            ("says \\u0000", "says \\u0000"),
            ("🦊\n", "🦊\n"),
        ],
    )
    async def test_what_is_written_as_json_is_kept_but_for_what_is_no_text(
        self, database: Settings, value: object, kept: object
    ) -> None:
        assert json.loads(await db.fetch_value("SELECT $1::jsonb", db.to_json(value))) == kept


@pytest.fixture
async def small_pool(settings: Settings) -> AsyncIterator[Settings]:
    """Two connections, so that a leak shows at the third failure."""
    await db.connect(settings, pool_size=2)
    await db.execute("CREATE TABLE parent (id int PRIMARY KEY)")
    await db.execute("CREATE TABLE child (parent_id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED)")
    yield settings
    await db.disconnect()


@pytest.mark.integration
class TestTransactions:
    """All of a block happens, or none, and its connection comes back."""

    async def test_nesting_is_an_error_and_undoes_everything(self, small_pool: Settings) -> None:
        with pytest.raises(Exception, match="nested transactions"):
            async with db.transaction():
                await db.execute("INSERT INTO parent VALUES (1)")
                async with db.transaction():
                    await db.execute("INSERT INTO parent VALUES (2)")
        assert await db.fetch_value("SELECT count(*) FROM parent") == 0

    async def test_the_error_of_the_block_is_what_the_caller_sees(self, small_pool: Settings) -> None:
        with pytest.raises(ZeroDivisionError):
            async with db.transaction():
                raise ZeroDivisionError

    async def test_a_failed_commit_is_raised_and_gives_its_connection_back(self, small_pool: Settings) -> None:
        for _ in range(5):
            with pytest.raises(asyncpg.ForeignKeyViolationError):
                async with asyncio.timeout(20), db.transaction():
                    await db.execute("INSERT INTO child VALUES (404)")
        async with asyncio.timeout(20), db.transaction():
            await db.execute("INSERT INTO parent VALUES (1)")
        assert await db.fetch_value("SELECT count(*) FROM parent") == 1
        assert await db.fetch_value("SELECT count(*) FROM child") == 0

    async def test_after_a_failed_commit_no_transaction_is_open(self, small_pool: Settings) -> None:
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            async with db.transaction():
                await db.execute("INSERT INTO child VALUES (404)")
        assert not db.DB.transaction_exists()

    async def test_a_failed_begin_gives_its_connection_back(
        self, small_pool: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def fail(self: PostgresTransaction) -> None:
            raise ConnectionResetError

        with monkeypatch.context() as patched:
            patched.setattr(PostgresTransaction, "begin", fail)
            for _ in range(5):
                with pytest.raises(ConnectionResetError):
                    async with asyncio.timeout(20), db.transaction():
                        pass
        async with asyncio.timeout(20), db.transaction():
            assert await db.fetch_value("SELECT 1") == 1

    async def test_a_cancelled_block_gives_its_connection_back(self, small_pool: Settings) -> None:
        for _ in range(5):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05), db.transaction():
                    await db.execute("INSERT INTO parent VALUES (1)")
                    await db.execute("SELECT pg_sleep(30)")
        async with asyncio.timeout(20), db.transaction():
            assert await db.fetch_value("SELECT count(*) FROM parent") == 0

    async def test_a_connection_that_dies_in_the_block_is_replaced(self, small_pool: Settings) -> None:
        for _ in range(5):
            with pytest.raises(db.UNAVAILABLE):
                async with db.transaction():
                    await db.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        async with asyncio.timeout(20), db.transaction():
            assert await db.fetch_value("SELECT 1") == 1

    async def test_transactions_of_different_tasks_do_not_see_each_other(self, small_pool: Settings) -> None:
        written, seen = asyncio.Event(), asyncio.Event()

        async def write() -> None:
            async with db.transaction():
                await db.execute("INSERT INTO parent VALUES (1)")
                written.set()
                await seen.wait()

        async def look() -> int:
            await written.wait()
            count = await db.fetch_value("SELECT count(*) FROM parent")
            seen.set()
            return int(count)

        _, count = await asyncio.gather(write(), look())
        assert count == 0
        assert await db.fetch_value("SELECT count(*) FROM parent") == 1


@pytest.mark.integration
async def test_a_server_that_nobody_serves_is_unavailable() -> None:
    with pytest.raises(db.UNAVAILABLE):
        await db.connect(make_settings(CLOSED_PORT, "redis://127.0.0.1:1/0"))
    assert db.DB.pool is None


@pytest.fixture
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[postgres.PostgresServer, Path]]:
    """A server that a test may stop, and where it may log."""
    folder = tmp_path_factory.mktemp("own-postgres")
    server = postgres.PostgresServer(folder / "data", quiet_port(), postgres.new_password(), postgres.THROWAWAY)
    server.initialize(postgres.find_programs())
    yield server, folder / "log"


@pytest.mark.integration
async def test_a_server_that_stops_is_unavailable_and_used_again_when_it_is_back(own_server: Any) -> None:
    server, log = own_server
    launch = server.launch(postgres.find_programs())
    with running(launch, log, server.is_answering):
        await db.connect(make_settings(server.url(), "redis://127.0.0.1:1/0"))
        assert await db.fetch_value("SELECT 1") == 1
    try:
        with pytest.raises(db.UNAVAILABLE):
            await db.fetch("SELECT 1")
        with pytest.raises(db.UNAVAILABLE):
            async with db.transaction():
                await db.fetch("SELECT 1")
        with running(launch, log, server.is_answering):
            assert await db.fetch_value("SELECT 1") == 1
    finally:
        await db.disconnect()

"""The connection to PostgreSQL: one engine per process, its pool, and transactions.

Queries are built with Piccolo where it reads well and written as SQL where locking or JSON demand it; both run on the
transaction that is open in the current task. Settings arrive with `connect`, nothing is read at import.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlencode

import asyncpg
from piccolo.engine.postgres import PostgresEngine, PostgresTransaction

from core.settings import Settings
from core.text import may_be_unstorable, storable_parts

COMMAND_TIMEOUT = 30.0
"""Seconds after which a statement is given up; no statement of ours takes longer."""

CONNECT_TIMEOUT = 5.0

UNAVAILABLE: tuple[type[BaseException], ...] = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that broke while it was handed out
    asyncpg.OperatorInterventionError,  # it stops, starts, or cut a statement off
    asyncpg.InsufficientResourcesError,  # disk, memory or connections are used up
    asyncpg.PostgresSystemError,  # its disk fails
    asyncpg.ReadOnlySQLTransactionError,  # a fail-over, or a provider's answer to a full disk
    asyncpg.TransactionRollbackError,  # a deadlock, or two that cannot be serialized
    asyncpg.LockNotAvailableError,
)
"""What a statement raises when the database is away or takes nothing for now. The statement may be repeated later, in a
new transaction."""

NOT_MIGRATED: tuple[type[BaseException], ...] = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError)
"""What a statement raises while migrations are not applied."""

INVALID_TEXT: tuple[type[Exception], ...] = (asyncpg.DataError,)
"""What a statement raises for what PostgreSQL cannot keep, such as a NUL character, half of one, or broken JSON."""

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str)

Row: TypeAlias = Mapping[Any, Any]
"""A row, by column name or position."""


class _Connection(asyncpg.Connection):
    """A connection without session state, as a transaction pooler demands: there is nothing to reset between users."""

    def get_reset_query(self) -> str:
        return ""


class _Transaction(PostgresTransaction):
    """Piccolo's transaction that gives its connection back even when BEGIN or COMMIT fails."""

    async def begin(self) -> None:
        try:
            await super().begin()  # type: ignore[no-untyped-call]  # Piccolo
        except BaseException:
            await self._give_back()
            raise

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if self._parent:
            return False
        try:
            if exception is None:
                await self.commit()  # type: ignore[no-untyped-call]  # Piccolo
            elif not self.connection.is_closed():
                await self.rollback()  # type: ignore[no-untyped-call]  # Piccolo
        finally:
            self.engine.current_transaction.reset(self.context)
            await self._give_back()
        return False

    async def _give_back(self) -> None:
        if self.engine.pool:
            await self.engine.pool.release(self.connection)
        else:
            await self.connection.close()


class _Engine(PostgresEngine):
    """Piccolo's engine that does not connect when it is constructed and does not nest transactions silently."""

    async def check_version(self) -> None:
        """Leave the server alone until somebody connects."""

    async def prep_database(self) -> None:
        """Need no extensions."""

    def transaction(self, allow_nested: bool = False) -> PostgresTransaction:
        return _Transaction(engine=self, allow_nested=allow_nested)


DB = _Engine(config={})


def configure(settings: Settings) -> None:
    """Point the engine at the settings' database without connecting."""
    DB.config.clear()
    DB.config.update(
        dsn=_without_unknown_options(settings.database_url.get_secret_value()),
        statement_cache_size=settings.database_statement_cache,
        command_timeout=COMMAND_TIMEOUT,
        timeout=CONNECT_TIMEOUT,
        server_settings={"application_name": "nanobanana"},
    )


async def connect(settings: Settings, *, pool_size: int | None = None) -> None:
    """Open the pool on the running event loop. Statements then run on it; `disconnect` closes it."""
    configure(settings)
    await DB.start_connection_pool(
        connection_class=_Connection,
        min_size=1,
        max_size=pool_size or settings.database_pool_size,
        max_inactive_connection_lifetime=120.0,
    )


async def disconnect() -> None:
    """Close the pool; does nothing when none is open."""
    pool, DB.pool = DB.pool, None
    if pool is not None:
        await pool.close()


def transaction() -> AbstractAsyncContextManager[object]:
    """Run the block as one transaction: all of it happens, or none. Nesting is an error."""
    return DB.transaction()


async def fetch(sql: str, *arguments: object) -> list[Row]:
    """Run SQL with ``$1`` placeholders in the open transaction, or alone on the pool."""
    return list(await _runner().fetch(sql, *arguments))


async def fetch_one(sql: str, *arguments: object) -> Row | None:
    """Return the first row, if any."""
    rows = await fetch(sql, *arguments)
    return rows[0] if rows else None


async def fetch_value(sql: str, *arguments: object) -> Any:  # noqa: ANN401  A column's type is the statement's.
    """Return the first column of the first row, None without rows."""
    row = await fetch_one(sql, *arguments)
    return None if row is None else row[0]


async def execute(sql: str, *arguments: object) -> int:
    """Run a statement and return how many rows it touched."""
    status = await _runner().execute(sql, *arguments)
    last = str(status).rpartition(" ")[2]
    return int(last) if last.isdigit() else 0


def to_json(value: object) -> str:
    """Serialize for a JSONB parameter, without the characters that PostgreSQL does not keep."""
    text = _ENCODER.encode(value)
    return _ENCODER.encode(storable_parts(value)) if may_be_unstorable(text) else text


def _runner() -> Any:  # noqa: ANN401  asyncpg has no common type for a connection and a pool.
    """Return what runs a statement: the open transaction's connection, or the pool."""
    current = DB.current_transaction.get()
    if current is not None:
        return current.connection
    if DB.pool is None:
        raise RuntimeError("The database is used before core.db.connect")
    return DB.pool


def _without_unknown_options(url: str) -> str:
    """Drop query options that belong to other drivers (`pgbouncer=true`, `schema=…`) and that asyncpg would refuse."""
    address, _, query = url.partition("?")
    known = {"sslmode", "sslrootcert", "sslcert", "sslkey", "target_session_attrs", "host", "port", "user", "password"}
    options = urlencode([(name, value) for name, value in parse_qsl(query) if name in known])
    return f"{address}?{options}" if options else address

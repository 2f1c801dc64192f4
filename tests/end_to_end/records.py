"""What the product's database says, for tests that look behind the chat or hold something up."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlsplit

import asyncpg

from tests.end_to_end.waiting import until
from tests.fixtures.product import Product

AWAY = (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.CannotConnectNowError)


class Records:
    """Connections of their own, made for each look: the server may have been killed since the last one."""

    def __init__(self, product: Product) -> None:
        password = json.loads((product.home / "secrets.json").read_text())["postgres_password"]
        address = urlsplit(product.data["database"])
        self._url = f"postgresql://{address.username}:{quote(password)}@{address.hostname}:{address.port}{address.path}"

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """Open a connection for as long as the block runs."""
        connection = await asyncpg.connect(self._url, timeout=5)
        try:
            yield connection
        finally:
            await connection.close(timeout=5)

    async def fetch(self, sql: str, *arguments: object) -> list[dict[str, Any]]:
        """Return rows; waits for a server that is just being started again."""

        async def look() -> list[dict[str, Any]] | None:
            try:
                async with self.connection() as connection:
                    return [dict(row) for row in await connection.fetch(sql, *arguments)]
            except AWAY:
                return None

        return await until(look, "PostgreSQL answers", limit=30)

    @asynccontextmanager
    async def locked(self, sql: str, *arguments: object) -> AsyncIterator[None]:
        """Hold the rows that a SELECT … FOR UPDATE returns, so that whoever wants to write them waits."""
        async with self.connection() as connection, connection.transaction():
            rows = await connection.fetch(sql, *arguments)
            assert rows, f"nothing to hold: {sql}"
            yield

    async def generations(self, chat_id: int) -> list[dict[str, Any]]:
        """Everything that somebody ordered, oldest first."""
        return await self.fetch("SELECT * FROM botapp_genrequest WHERE chat_id = $1 ORDER BY id", chat_id)

    async def postings(self, chat_id: int) -> list[dict[str, Any]]:
        """Somebody's statement, oldest first."""
        return await self.fetch(
            "SELECT posting.* FROM botapp_transaction AS posting JOIN botapp_tguser AS person"
            " ON person.id = posting.user_id WHERE person.chat_id = $1 ORDER BY posting.id",
            chat_id,
        )

    async def balance(self, chat_id: int) -> Decimal:
        """Somebody's tokens, zero for a stranger."""
        rows = await self.fetch(
            "SELECT balance FROM botapp_userbalance AS kept JOIN botapp_tguser AS person"
            " ON person.id = kept.user_id WHERE person.chat_id = $1",
            chat_id,
        )
        return rows[0]["balance"] if rows else Decimal(0)


def submissions(product: Product, job: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what the demonstration accepted for a job."""
    noted = product.home / "demo" / "submissions.ndjson"
    lines = noted.read_text().splitlines() if noted.exists() else []
    return [line for line in map(json.loads, lines) if line["client_id"] == job["run_code"]]

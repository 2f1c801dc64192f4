"""What an order costs the database: charge, request row and outbox row, beside the least that could take tokens.

The yardstick is one conditional UPDATE and one INSERT in a transaction, on tables that have a key and nothing else.
Both take turns on a PostgreSQL of their own that really writes to disk, with as many connections, tasks and users.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from pathlib import Path
from statistics import median
from time import perf_counter

import asyncpg
import structlog
import uvloop

from benchmarks.table import Row
from cli.local import postgres
from cli.local.ports import free_port
from core import catalog, db, ledger, migrations, users
from core.generations import Order, orders
from core.ledger import PostingKind
from core.settings import Settings
from core.types import IdempotencyKey, TraceId
from tests.fixtures.servers import make_settings, running

TASKS = 16
PEOPLE = 200
ROUND = PEOPLE * orders.MAX_RUNNING
"""Orders between two measurements: as many as the limits allow before one of a user's jobs has to end."""

ROUNDS = 7
PRICE = Decimal("0.80")

Action = Callable[[int], Awaitable[object]]


def run() -> list[Row]:
    """Measure, with the statement cache that a direct connection has, and without, as behind a transaction pooler."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with _server() as server, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_prepare(server))
        return [runner.run(_measure(server, cache)) for cache in (100, 0)]


@contextmanager
def _server() -> Iterator[postgres.PostgresServer]:
    with tempfile.TemporaryDirectory(prefix="nb-bench-") as folder:
        programs = postgres.find_programs()
        server = postgres.PostgresServer(Path(folder) / "postgres", free_port(), postgres.new_password(), postgres.SAFE)
        server.initialize(programs)
        with running(server.launch(programs), Path(folder) / "log", server.is_answering):
            yield server


def _settings(server: postgres.PostgresServer, statement_cache: int) -> Settings:
    return make_settings(server.url(), "redis://127.0.0.1:1/0", database_statement_cache=statement_cache)


async def _prepare(server: postgres.PostgresServer) -> None:
    await migrations.migrate(_settings(server, 0))
    async with _connected(server, 0):
        await catalog.sync()
        for number in range(PEOPLE):
            user = await users.upsert(users.Profile(number + 1, f"user{number}", "Somebody"))
            await ledger.post(user.id, Decimal(1_000_000), PostingKind.DEPOSIT, key=IdempotencyKey(f"start:{number}"))
        await db.execute("CREATE TABLE yardstick_balance (user_id bigint PRIMARY KEY, balance numeric(12, 2) NOT NULL)")
        await db.execute("INSERT INTO yardstick_balance SELECT user_id, balance FROM botapp_userbalance")
        await db.execute(
            """CREATE TABLE yardstick_statement (id bigserial PRIMARY KEY, user_id bigint NOT NULL,
            amount numeric(12, 2) NOT NULL, created_at timestamptz NOT NULL DEFAULT now())"""
        )


@asynccontextmanager
async def _connected(server: postgres.PostgresServer, statement_cache: int) -> AsyncIterator[None]:
    await db.connect(_settings(server, statement_cache), pool_size=TASKS)
    catalog.configure({"demo"})
    try:
        yield
    finally:
        await db.disconnect()


async def _measure(server: postgres.PostgresServer, statement_cache: int) -> Row:
    async with _connected(server, statement_cache):
        people = [user for number in range(PEOPLE) if (user := await users.get(number + 1))]
        pool = await asyncpg.create_pool(
            server.url(), min_size=TASKS, max_size=TASKS, statement_cache_size=statement_cache
        )
        mine, theirs = [], []
        for _ in range(ROUNDS):
            theirs.append(await _per_second(lambda number: _yardstick(pool, people[number % PEOPLE].id)))
            mine.append(await _per_second(lambda number: _order(people[number % PEOPLE])))
            await db.execute("UPDATE botapp_genrequest SET status = 'done'")
            await db.execute("DELETE FROM botapp_outbox")
            await db.execute("VACUUM ANALYZE")
    return Row.of_ratio(
        "order: charge, request, outbox" + ("" if statement_cache else " (pooler)"),
        median(mine),
        "/s",
        yardstick="conditional UPDATE and INSERT",
        yardstick_value=median(theirs),
        at_least=0.4,
    )


async def _per_second(action: Action) -> float:
    numbers = iter(range(ROUND))

    async def work() -> None:
        for number in numbers:
            await action(number)

    begin = perf_counter()
    await asyncio.gather(*(work() for _ in range(TASKS)))
    return ROUND / (perf_counter() - begin)


async def _yardstick(pool: asyncpg.Pool, user: int) -> None:
    async with pool.acquire() as connection, connection.transaction():
        taken = await connection.execute(
            "UPDATE yardstick_balance SET balance = balance - $2 WHERE user_id = $1 AND balance >= $2", user, PRICE
        )
        assert taken == "UPDATE 1"
        await connection.execute("INSERT INTO yardstick_statement (user_id, amount) VALUES ($1, $2)", user, -PRICE)


_keys = itertools.count()


async def _order(user: users.User) -> None:
    await orders.submit(
        Order(
            user=user,
            model="nano-banana",
            prompt="a red fox in the snow",
            key=IdempotencyKey(f"order:{next(_keys)}"),
            language="en",
            trace_id=TraceId("0" * 32),
        )
    )

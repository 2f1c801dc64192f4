"""What an order costs the database: charge, request row and outbox row, beside the least that could take tokens.

The yardstick is one conditional UPDATE of a balance and one INSERT of the same posting in a transaction, on copies of
the two tables without triggers and foreign keys, through bare asyncpg. Both take turns on a PostgreSQL of their own
that really writes to disk, with as many connections, tasks and users.
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
from core.catalog import CatalogModel
from core.generations import Order, orders
from core.ledger import PostingKind
from core.pricing import Quote, quote
from core.settings import Settings
from core.types import IdempotencyKey, TraceId
from tests.fixtures.servers import make_settings, running

TASKS = 16
PEOPLE = 200
ROUND = PEOPLE * orders.MAX_RUNNING
"""Orders between two measurements: as many as the limits allow before one of a user's jobs has to end."""

ROUNDS = 9
STATEMENT_CACHE = 100

Action = Callable[[int], Awaitable[object]]


def run() -> list[Row]:
    """Measure over direct connections, which keep their prepared statements."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with server_of_its_own() as server, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(prepare(server))
        return [runner.run(_measure(server))]


@contextmanager
def server_of_its_own() -> Iterator[postgres.PostgresServer]:
    """A PostgreSQL that really writes to disk."""
    with tempfile.TemporaryDirectory(prefix="nb-bench-") as folder:
        programs = postgres.find_programs()
        server = postgres.PostgresServer(Path(folder) / "postgres", free_port(), postgres.new_password(), postgres.SAFE)
        server.initialize(programs)
        with running(server.launch(programs), Path(folder) / "log", server.is_answering):
            yield server


def _settings(server: postgres.PostgresServer) -> Settings:
    return make_settings(server.url(), "redis://127.0.0.1:1/0", database_statement_cache=STATEMENT_CACHE)


async def prepare(server: postgres.PostgresServer, *, people: int = PEOPLE) -> None:
    """Make the tables, the yardstick's copies of two of them, and people with tokens."""
    await migrations.migrate(_settings(server))
    async with connected(server):
        await catalog.sync()
        for number in range(people):
            user = await users.upsert(users.Profile(number + 1, f"user{number}", "Somebody"))
            key = IdempotencyKey(f"start:{number}")
            await ledger.post(user.id, Decimal(1_000_000), PostingKind.ADMIN, key=key, reason="measurement")
        await db.execute("CREATE TABLE yardstick_balance (LIKE botapp_userbalance INCLUDING ALL)")
        await db.execute("CREATE TABLE yardstick_transaction (LIKE botapp_transaction INCLUDING ALL)")
        await db.execute("INSERT INTO yardstick_balance SELECT * FROM botapp_userbalance")


@asynccontextmanager
async def connected(server: postgres.PostgresServer) -> AsyncIterator[None]:
    """The service's pool, with a connection for each task."""
    await db.connect(_settings(server), pool_size=TASKS)
    catalog.configure({"demo"})
    try:
        yield
    finally:
        await db.disconnect()


async def _measure(server: postgres.PostgresServer) -> Row:
    async with connected(server):
        people = [user for number in range(PEOPLE) if (user := await users.get(number + 1))]
        pool = await bare_pool(server)
        model = await catalog.get("nano-banana")
        price = quote(model)
        mine, theirs = [], []
        for _ in range(ROUNDS):
            theirs.append(await per_second(ROUND, lambda number: yardstick(pool, people[number % PEOPLE].id, price)))
            mine.append(await per_second(ROUND, lambda number: _order(people[number % PEOPLE], model, price)))
            await db.execute("UPDATE botapp_genrequest SET status = 'done'")
            await db.execute("DELETE FROM botapp_outbox")
            await db.execute("VACUUM ANALYZE")
        await pool.close()
    return Row.of_ratio(
        "charge, request and outbox rows",
        median(mine),
        "/s",
        yardstick="conditional UPDATE and INSERT",
        yardstick_value=median(theirs),
        at_least=0.4,
    )


async def bare_pool(server: postgres.PostgresServer) -> asyncpg.Pool:
    """As many connections of the yardstick's own."""
    return await asyncpg.create_pool(server.url(), min_size=TASKS, max_size=TASKS, statement_cache_size=STATEMENT_CACHE)


async def per_second(times: int, action: Action) -> float:
    """How often an action is done in a second, by all tasks together."""
    numbers = iter(range(times))

    async def work() -> None:
        for number in numbers:
            await action(number)

    begin = perf_counter()
    await asyncio.gather(*(work() for _ in range(TASKS)))
    return times / (perf_counter() - begin)


async def yardstick(pool: asyncpg.Pool, user: int, price: Quote) -> None:
    """Take tokens with the least that could: an UPDATE that finds enough, and an INSERT of what it did."""
    async with pool.acquire() as connection, connection.transaction():
        balance = await connection.fetchval(
            """UPDATE yardstick_balance SET balance = balance - $2, updated_at = now()
            WHERE user_id = $1 AND balance >= $2 RETURNING balance""",
            user,
            price.tokens,
        )
        await connection.execute(
            """INSERT INTO yardstick_transaction (user_id, type, amount, balance_after, idempotency_key, quote)
            VALUES ($1, 'generation', $2, $3, $4, $5)""",
            user,
            -price.tokens,
            balance,
            f"generation:{next(_keys)}",
            db.to_json(price.to_dict()),
        )


_keys = itertools.count()


async def _order(user: users.User, model: CatalogModel, price: Quote) -> None:
    order = Order(
        user=user,
        model=model.slug,
        prompt="a red fox in the snow",
        key=IdempotencyKey(f"order:{next(_keys)}"),
        language="en",
        trace_id=TraceId("0" * 32),
    )
    await orders.place(order, model, price)

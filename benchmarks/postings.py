"""What a charge costs the database beside the least that could take tokens, the fewer accounts the more it waits.

Ours is `ledger.charge` in a transaction: the posting, and by its triggers the balance, the totals and the open charge.
The yardstick is that of `benchmarks.ledger`: one conditional UPDATE and one INSERT in a transaction.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from statistics import median

import asyncpg
import structlog
import uvloop

from benchmarks.ledger import bare_pool, connected, per_second, prepare, server_of_its_own, yardstick
from benchmarks.table import Row
from cli.local import postgres
from core import catalog, db, ledger, users
from core.pricing import Quote, quote
from core.types import IdempotencyKey, UserId

ACCOUNTS = (1000, 50, 1)
CHARGES = 1000
ROUNDS = 7
AT_LEAST = 0.6

_keys = itertools.count()


def run() -> list[Row]:
    """Measure over direct connections, which keep their prepared statements."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with server_of_its_own() as server, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(prepare(server, people=max(ACCOUNTS)))
        return runner.run(_measure(server))


async def _measure(server: postgres.PostgresServer) -> list[Row]:
    async with connected(server):
        people = [user.id for number in range(max(ACCOUNTS)) if (user := await users.get(number + 1))]
        pool = await bare_pool(server)
        price = quote(await catalog.get("nano-banana"))
        rows = [await _compare(pool, people[:accounts], price) for accounts in ACCOUNTS]
        await pool.close()
    return rows


async def _compare(pool: asyncpg.Pool, people: list[UserId], price: Quote) -> Row:
    mine, theirs = [], []
    for _ in range(ROUNDS):
        theirs.append(await per_second(CHARGES, lambda number: yardstick(pool, people[number % len(people)], price)))
        mine.append(await per_second(CHARGES, lambda number: _charge(people[number % len(people)], price)))
        # Both begin the next round without the dead rows of this one.
        await db.execute("VACUUM ANALYZE")
    return Row.of_ratio(
        f"charges, {len(people):,} account{'s' if len(people) > 1 else ''}",
        median(mine),
        "/s",
        yardstick="conditional UPDATE and INSERT",
        yardstick_value=median(theirs),
        at_least=AT_LEAST,
    )


async def _charge(user: UserId, price: Quote) -> None:
    async with db.transaction():
        await ledger.charge(user, price, key=IdempotencyKey(f"charge:{next(_keys)}"))

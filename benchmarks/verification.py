"""How long `nb ledger verify` takes over a million postings.

The data set is made with statements over whole tables: 29,412 users, each with a gift, a bought package, thirty
generations and two refunds, interleaved in time as they would be. Triggers are off while it is made and nothing but
`verify` looks at it, so what they would have done is written out here.
"""

from __future__ import annotations

import asyncio
import logging
from statistics import median
from time import perf_counter

import asyncpg
import structlog

from benchmarks.service import Servers, servers
from benchmarks.table import Row
from core import catalog, db, ledger, pricing
from core.settings import load

STEPS = 34
"""Postings of each user: the gift, the deposit, and thirty charges of which two are refunded."""

USERS = 29_412
ROUNDS = 3
MOST_SECONDS = 10.0

_PEOPLE = f"""
INSERT INTO botapp_tguser (id, chat_id, username, first_name, created_at)
    SELECT n, 100000000 + n, 'user' || n, 'Somebody', now() - interval '90 days' FROM generate_series(1, {USERS}) AS n;
INSERT INTO botapp_usersettings (user_id) SELECT id FROM botapp_tguser;
INSERT INTO token_packages (code, title, credits, price_usd) VALUES ('measured', 'Measured', 1000, 50);
"""

# Steps 12 and 23 return what the steps before them took. Ids follow time: everybody's step 0, everybody's step 1, ...
_POSTINGS = f"""
INSERT INTO botapp_transaction (id, user_id, type, amount, balance_after, idempotency_key, related_transaction_id,
        quote, actor, reason, created_at)
    SELECT id, user_id, type, amount, sum(amount) OVER (PARTITION BY user_id ORDER BY id),
        CASE type WHEN 'bonus' THEN 'welcome:' || user_id WHEN 'deposit' THEN 'payment:' || md5(user_id::text)
            ELSE type || ':' || id END,
        CASE type WHEN 'refund' THEN id - {USERS} END,
        CASE type WHEN 'generation' THEN jsonb_set($1::jsonb, '{{tokens}}', to_jsonb((-amount)::text)) END,
        CASE type WHEN 'deposit' THEN 'gateway:stars' ELSE 'system' END,
        CASE type WHEN 'bonus' THEN 'welcome' WHEN 'deposit' THEN 'payment ' || md5(user_id::text) ELSE '' END,
        now() - interval '90 days' * (1 - id / {STEPS * USERS}.0)
    FROM (
        SELECT step * {USERS} + n AS id, n AS user_id,
            CASE WHEN step = 0 THEN 'bonus' WHEN step = 1 THEN 'deposit' WHEN step IN (12, 23) THEN 'refund'
                ELSE 'generation' END AS type,
            CASE WHEN step = 0 THEN 50.00 WHEN step = 1 THEN 1000.00
                WHEN step IN (12, 23) THEN (ARRAY[0.80, 4.00, 8.05])[1 + (n + step - 1) % 3]
                ELSE -(ARRAY[0.80, 4.00, 8.05])[1 + (n + step) % 3] END AS amount
        FROM generate_series(0, {STEPS - 1}) AS step, generate_series(1, {USERS}) AS n
    ) AS made
"""

_RESOLVED = f"""
INSERT INTO botapp_charge (transaction_id, amount, refunded, state, created_at, resolved_at)
    SELECT id, -amount, CASE WHEN is_returned THEN -amount ELSE 0 END,
        CASE WHEN is_returned THEN 'refunded' WHEN is_running THEN 'open' ELSE 'settled' END, created_at,
        CASE WHEN NOT is_running THEN created_at + interval '20 seconds' END
    FROM (
        SELECT id, amount, created_at, (id - 1) / {USERS} IN (11, 22) AS is_returned,
            (id - 1) / {USERS} = {STEPS - 1} AND user_id % 10 = 0 AS is_running
        FROM botapp_transaction WHERE type = 'generation'
    ) AS charged;
INSERT INTO botapp_genrequest (run_code, idempotency_key, user_id, chat_id, ai_model_id, transaction_id,
        generation_type, cost, status, deadline_at)
    SELECT md5('run' || posting.id), 'run:' || posting.id, posting.user_id, 100000000 + posting.user_id,
        (SELECT min(id) FROM botapp_aimodel), posting.id, 'text2image', -posting.amount,
        CASE charge.state WHEN 'settled' THEN 'done' WHEN 'refunded' THEN 'error' ELSE 'processing' END, now()
    FROM botapp_transaction AS posting JOIN botapp_charge AS charge ON charge.transaction_id = posting.id;
INSERT INTO botapp_payment (code, idempotency_key, user_id, gateway, external_id, package_code, tokens, amount,
        currency, status, transaction_id, paid_at)
    SELECT md5(user_id::text), 'order:' || user_id, user_id, 'stars', 'charge-' || user_id, 'measured', amount, 3850,
        'XTR', 'paid', id, created_at
    FROM botapp_transaction WHERE type = 'deposit';
INSERT INTO botapp_userbalance (user_id, balance, total_spent, total_deposited, bonus_balance)
    SELECT user_id, sum(amount), -sum(amount) FILTER (WHERE type IN ('generation', 'refund')),
        sum(amount) FILTER (WHERE type = 'deposit'), sum(amount) FILTER (WHERE type = 'bonus')
    FROM botapp_transaction GROUP BY user_id;
"""


def run() -> list[Row]:
    """Make the data set and verify it some times."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with servers() as ready:
        return [asyncio.run(_measure(ready))]


async def _measure(ready: Servers) -> Row:
    await db.connect(load({**ready.environment(), "DEMO_PROVIDER": ""}))
    try:
        await _fill(ready)
        times = []
        for _ in range(ROUNDS):
            begin = perf_counter()
            report = await ledger.verify()
            times.append(perf_counter() - begin)
            assert report.ok, report.problems[:3]
            assert report.postings == STEPS * USERS >= 1_000_000
    finally:
        await db.disconnect()
    return Row.of_value("verify 1,000,008 postings", median(times), "s", at_most=MOST_SECONDS)


async def _fill(ready: Servers) -> None:
    quote = db.to_json(pricing.quote(await catalog.get("nano-banana")).to_dict())
    # Not over the service's pool, which gives up on statements that take as long as these.
    connection = await asyncpg.connect(ready.database_url)
    try:
        async with connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")
            await connection.execute(_PEOPLE)
            await connection.execute(_POSTINGS, quote)
            await connection.execute(_RESOLVED)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()

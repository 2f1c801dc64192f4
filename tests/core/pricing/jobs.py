"""Past jobs: ordered and charged as users do it, then ended as the test wants, and many at once for measures."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

from core import db, generations, ledger, users
from core.generations import Generation, Order
from core.ledger import PostingKind
from core.types import IdempotencyKey, TraceId
from core.users import User

_numbers = itertools.count(1)


async def rich() -> User:
    """Somebody with many tokens."""
    user = await users.upsert(users.Profile(4242, "fox", "Fox", "", "en"))
    await ledger.give_once(user.id, Decimal(90_000), PostingKind.BONUS, key=IdempotencyKey("rich"), reason="test")
    return user


async def job(
    model: str = "nano-banana",
    *,
    cost: str | None = None,
    days_ago: int = 0,
    returned: str | None = None,
    **params: Any,
) -> Generation:
    """A job that is done; `cost` is what its provider reported, `returned` tokens that were given back."""
    user = await rich()
    made = await generations.submit(
        Order(
            user=user,
            model=model,
            prompt="a red fox",
            key=IdempotencyKey(f"job-{next(_numbers)}"),
            language="en",
            trace_id=TraceId("ab" * 16),
            params=params,
        )
    )
    if returned is not None:
        key = IdempotencyKey(f"returned-{made.id}")
        await ledger.refund(made.transaction_id, key=key, amount=Decimal(returned), reason="test")
    await db.execute(
        """UPDATE botapp_genrequest SET status = 'done', next_action_at = NULL, cost_usd = $2,
        created_at = created_at - make_interval(days => $3) WHERE id = $1""",
        made.id,
        None if cost is None else Decimal(cost),
        days_ago,
    )
    return made


async def many(model: str, count: int) -> None:
    """So many jobs of one model with various options, written past triggers, which a measure need not wait for."""
    first = await job(model)
    async with db.transaction():
        await db.execute("SET LOCAL session_replication_role = replica")
        await db.execute(
            """INSERT INTO botapp_transaction (id, user_id, type, amount, balance_after, idempotency_key, quote)
            SELECT 1000000 + n, user_id, type, amount, balance_after, 'many-' || n, quote
            FROM botapp_transaction, generate_series(1, $2::int) AS n WHERE id = $1""",
            first.transaction_id,
            count,
        )
        await db.execute(
            """INSERT INTO botapp_charge (id, transaction_id, amount)
            SELECT 1000000 + n, 1000000 + n, amount FROM botapp_charge, generate_series(1, $2::int) AS n
            WHERE transaction_id = $1""",
            first.transaction_id,
            count,
        )
        await db.execute(
            """INSERT INTO botapp_genrequest (id, run_code, idempotency_key, user_id, chat_id, ai_model_id,
                transaction_id, generation_type, prompt, generation_params, cost, cost_usd, deadline_at, status,
                created_at)
            SELECT 1000000 + n, 'many-' || n, 'many-' || n, user_id, chat_id, ai_model_id, 1000000 + n,
                generation_type, prompt, jsonb_build_object('quantity', 1 + n % 4, 'seed', n), cost,
                CASE WHEN n % 2 = 0 THEN 0.019 END, deadline_at, 'done', now() - n * interval '20 seconds'
            FROM botapp_genrequest, generate_series(1, $2::int) AS n WHERE id = $1 """,
            first.id,
            count,
        )
    await db.execute("ANALYZE")

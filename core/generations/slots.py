"""The queue before a provider: how many jobs it may have under way, and who is next when there are more.

Who is next is decided by users in turn. A job's turn is how many jobs of its user are under way at the provider plus
how many of theirs wait before it; the lowest turn goes first, among equals the oldest job. So whoever orders a hundred
pictures waits behind whoever orders one, and nobody waits for ever.

A waiting job is a row with status and stage `queued` and the name of the provider it waits for. Only `take` decides, in
a transaction that holds the provider's lock; `wake` merely has the jobs looked at whose turn it seems to be.
"""

from __future__ import annotations

from core import db, provider_health
from core.generations.states import Generation, Stage, Status
from core.provider_health import Breaker, Health
from core.queue import outbox

# ruff: noqa: S608  The interpolated parts are the constants below.

_RUNNING = """
    SELECT user_id, count(*) AS jobs FROM botapp_genrequest
    WHERE provider = $1 AND status = 'processing' AND stage IN ('submitting', 'submitted') GROUP BY user_id
"""
_WAITING = """
    SELECT id, user_id FROM botapp_genrequest WHERE provider = $1 AND status = 'queued' AND stage = 'queued'
"""
_PLACES = """
    SELECT waiting.id, row_number() OVER (ORDER BY coalesce(running.jobs, 0) + turn, waiting.id) AS place
    FROM (SELECT id, user_id, row_number() OVER (PARTITION BY user_id ORDER BY id) AS turn FROM waiting) AS waiting
        LEFT JOIN running USING (user_id)
"""

MOST_AT_ONCE = 500


async def is_next(generation: Generation, health: Health) -> bool:
    """Say whether a job may be handed to a provider now. Nobody else decides about the same slots until the transaction
    ends."""
    if health.limit is None:
        return True
    await db.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"slots:{health.name}")
    row = await db.fetch_one(
        f"""
        WITH running AS ({_RUNNING}), waiting AS (
            {_WAITING} UNION SELECT id, user_id FROM botapp_genrequest WHERE id = $2
        ), places AS ({_PLACES})
        SELECT place + (SELECT coalesce(sum(jobs), 0) FROM running) AS needed FROM places WHERE id = $2
        """,
        health.name,
        generation.id,
    )
    return row is not None and row["needed"] <= health.limit


async def place(generation: Generation) -> int | None:
    """Return how many jobs go first plus one, None once the job has left the queue."""
    if generation.status is not Status.QUEUED or generation.stage is not Stage.QUEUED:
        return None
    found = await db.fetch_value(
        f"""
        WITH running AS ({_RUNNING}), waiting AS (
            {_WAITING} UNION SELECT id, user_id FROM botapp_genrequest WHERE id = $2
        ), places AS ({_PLACES})
        SELECT place FROM places WHERE id = $2
        """,
        generation.provider,
        generation.id,
    )
    return None if found is None else int(found)


async def wake(provider: str) -> int:
    """Have the jobs taken on that fit into a provider's free slots, in their order; return how many that are."""
    health = await provider_health.of(provider)
    if health.limit is None or not health.is_enabled or health.breaker() is Breaker.OPEN:
        return 0
    return await _publish(
        f"""
        WITH running AS ({_RUNNING}), waiting AS ({_WAITING}), places AS ({_PLACES})
        SELECT generation.run_code FROM places JOIN botapp_genrequest AS generation USING (id)
        WHERE place <= $2 - (SELECT coalesce(sum(jobs), 0) FROM running)
            AND (generation.lease_until IS NULL OR generation.lease_until < now())
        ORDER BY place LIMIT $3
        """,
        provider,
        health.limit,
        MOST_AT_ONCE,
    )


async def wake_everywhere() -> int:
    """Do the same for every provider that jobs wait for, so that a wake-up that was lost costs a second."""
    rows = await db.fetch(
        "SELECT DISTINCT provider FROM botapp_genrequest"
        " WHERE status = 'queued' AND stage = 'queued' AND provider <> ''"
    )
    return sum([await wake(row["provider"]) for row in rows])


async def look_again(provider: str) -> int:
    """Have everybody who waits for a provider looked at soon: it works again, or has another limit or none."""
    return await db.execute(
        "UPDATE botapp_genrequest SET next_action_at = now()"
        " WHERE provider = $1 AND status = 'queued' AND stage = 'queued' AND next_action_at > now()",
        provider,
    )


async def _publish(sql: str, *arguments: object) -> int:
    """Publish the jobs that a statement selects, in one statement."""
    task, _, trace_id = outbox.message("generations.advance", {})
    numbers = range(len(arguments) + 1, len(arguments) + 3)
    return await db.execute(
        f"""
        INSERT INTO botapp_outbox (task, arguments, trace_id)
        SELECT ${numbers[0]}, jsonb_build_object('run_code', run_code), ${numbers[1]} FROM ({sql}) AS woken
        """,
        *arguments,
        task,
        trace_id,
    )

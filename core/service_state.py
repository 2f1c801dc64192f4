"""What the service is doing right now, read from the database and Redis: for the ops API and the metrics."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass

from core import db, heartbeat, redis
from core.heartbeat import Process
from core.logs import get_logger
from core.queue.waiting import waiting

STUCK_AFTER_MINUTES = 5
"""A generation whose next action is overdue by this much is stuck: nobody picks it up."""

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Backlog:
    """Rows that wait, and the age of the oldest in seconds."""

    pending: int
    oldest_s: float | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the generations of a model ended in the last hour."""

    model: str
    status: str
    error_code: str
    count: int
    median_s: float
    p95_s: float


@dataclass(frozen=True, slots=True)
class AtProvider:
    """A provider: whether its breaker is closed, and how many jobs are under way there or wait for it."""

    name: str
    is_open: bool
    running: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Work:
    """What waits in the database and what is under way."""

    queued: int
    processing: int
    stuck: int
    inbox: Backlog
    outbox: Backlog


@dataclass(frozen=True, slots=True)
class ServiceState:
    """One look at everything that waits, runs and lives."""

    processes: tuple[Process, ...]
    queues: dict[str, int]
    queued: int
    processing: int
    stuck: int
    inbox: Backlog
    outbox: Backlog
    outcomes: tuple[Outcome, ...] = ()
    providers: tuple[AtProvider, ...] = ()
    lost_answers: int = 0
    """Submissions of the last day whose answer was lost and that were looked up."""

    def count_processes(self) -> dict[str, int]:
        """How many processes of each kind are alive, kinds without any included."""
        return {"web": 0, "worker": 0, "beat": 0} | dict(Counter(process.kind for process in self.processes))


_IN_PROGRESS = """
    SELECT count(*) FILTER (WHERE status = 'queued') AS queued,
        count(*) FILTER (WHERE status = 'processing') AS processing,
        count(*) FILTER (WHERE coalesce(greatest(next_action_at, lease_until), updated_at)
            < now() - make_interval(mins => $1)) AS stuck
    FROM botapp_genrequest WHERE status IN ('queued', 'processing')
"""

_INBOX = """
    SELECT count(*) AS pending, extract(epoch FROM now() - min(received_at))::float AS oldest_s
    FROM botapp_inbox WHERE handled_at IS NULL
"""

_OUTBOX = """
    SELECT count(*) AS pending, extract(epoch FROM now() - min(created_at))::float AS oldest_s
    FROM botapp_outbox
"""

# A generation that ended in the last hour began in the last day; the index is on its beginning.
_OUTCOMES = """
    SELECT model.slug AS model, generation.status, generation.error_code, count(*) AS count,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median_s,
        percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) AS p95_s
    FROM botapp_genrequest AS generation
        JOIN botapp_aimodel AS model ON model.id = generation.ai_model_id
        CROSS JOIN LATERAL (SELECT extract(epoch FROM completed_at - generation.created_at)::float AS seconds) AS took
    WHERE generation.created_at > now() - interval '1 day' AND completed_at > now() - interval '1 hour'
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""

_PROVIDERS = """
    SELECT coalesce(jobs.provider, state.name) AS name, coalesce(jobs.running, 0) AS running,
        coalesce(jobs.waiting, 0) AS waiting,
        (NOT state.is_enabled OR state.parked_until IS NOT NULL) IS TRUE AS is_open
    FROM (
        SELECT provider, count(*) FILTER (WHERE stage <> 'queued') AS running,
            count(*) FILTER (WHERE stage = 'queued') AS waiting
        FROM botapp_genrequest WHERE provider <> '' AND (status = 'processing' AND stage IN ('submitting', 'submitted')
            OR status = 'queued' AND stage = 'queued') GROUP BY provider
    ) AS jobs FULL JOIN botapp_provider AS state ON state.name = jobs.provider ORDER BY 1
"""

_LOST_ANSWERS = """
    SELECT count(DISTINCT generation_id) FROM botapp_genevent
    WHERE event = 'lookup' AND at > now() - interval '1 day'
"""


async def read(*, with_outcomes: bool = False) -> ServiceState:
    """Look at the service.

    Raises:
        the exceptions of `core.db.UNAVAILABLE` and `core.redis.UNAVAILABLE`.
    """
    work = await read_work()
    outcomes = await db.fetch(_OUTCOMES) if with_outcomes else []
    at_providers = await db.fetch(_PROVIDERS) if with_outcomes else []
    # A Redis that is frozen rather than gone answers a repeated command after all patience is over.
    async with asyncio.timeout(redis.LOOK_TIMEOUT):
        processes, queues = await heartbeat.seen(), await waiting()
    return ServiceState(
        processes=tuple(processes),
        queues={name: queue.depth for name, queue in queues.items()},
        queued=work.queued,
        processing=work.processing,
        stuck=work.stuck,
        inbox=work.inbox,
        outbox=work.outbox,
        outcomes=tuple(Outcome(**dict(row)) for row in outcomes),
        providers=tuple(AtProvider(**dict(row)) for row in at_providers),
        lost_answers=await db.fetch_value(_LOST_ANSWERS) if with_outcomes else 0,
    )


async def read_work() -> Work:
    """Look at the database's part of it.

    Raises:
        the exceptions of `core.db.UNAVAILABLE`.
    """
    in_progress = await db.fetch_one(_IN_PROGRESS, STUCK_AFTER_MINUTES)
    assert in_progress is not None
    return Work(
        queued=in_progress["queued"],
        processing=in_progress["processing"],
        stuck=in_progress["stuck"],
        inbox=await _backlog(_INBOX),
        outbox=await _backlog(_OUTBOX),
    )


async def read_if_possible() -> ServiceState | None:
    """Look at the service with its outcomes; None while the database or Redis is away."""
    try:
        return await read(with_outcomes=True)
    except (*db.UNAVAILABLE, *redis.UNAVAILABLE) as error:
        logger.warning("service_state_unknown", error=type(error).__name__)
        return None


async def _backlog(sql: str) -> Backlog:
    row = await db.fetch_one(sql)
    assert row is not None
    return Backlog(pending=row["pending"], oldest_s=row["oldest_s"])

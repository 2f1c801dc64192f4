"""Writes faults to `botapp_boterrorevent`, a flood of one kind into one row."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from core import db
from core.errors.faults import Fault, Met, Severity

FOLDED_WITHIN: Final = timedelta(minutes=1)
"""Time after a row of a kind in which the same is counted in it."""

MOST_ROWS: Final = 20
"""Rows of one kind in an hour; beyond them the newest one counts."""

MOST_MET: Final = 50
"""Traces, generations and people that a row remembers beside its first, so that each is found by its own."""

_WORSE: Final = tuple(Severity)
"""From the least to the most."""


@dataclass(slots=True)
class Gathered:
    """A fault and how often its kind was met since it was taken in."""

    fault: Fault
    service: str
    commit: str
    times: int = 1
    severity: Severity = field(init=False)
    """The worst of all that was gathered."""
    last_at: datetime = field(init=False)
    later: deque[Met] = field(default_factory=lambda: deque(maxlen=MOST_MET))

    def __post_init__(self) -> None:
        self.severity, self.last_at = self.fault.severity, self.fault.met.at

    def add(self, met: Met, severity: Severity) -> None:
        """Count one more."""
        self.times += 1
        self.severity = max(self.severity, severity, key=_WORSE.index)
        self.last_at = met.at
        self.later.append(met)

    def join(self, others: Gathered) -> None:
        """Count what was gathered after this."""
        self.times += others.times
        self.severity = max(self.severity, others.severity, key=_WORSE.index)
        self.last_at = others.last_at
        self.later.extend([others.fault.met, *others.later])


# The last ones of what a row remembers and what comes to it. That the row is open is asked of the row itself, too: one
# that an operator resolves meanwhile is looked at again once he has, and takes nothing more.
_FOLD: Final = """
    WITH newest AS (
        SELECT id, status, occurred_at FROM botapp_boterrorevent WHERE fingerprint = $1
        ORDER BY occurred_at DESC, id DESC LIMIT 1
    )
    UPDATE botapp_boterrorevent AS event SET times = event.times + $2, last_at = GREATEST(event.last_at, $3),
        severity = CASE WHEN array_position($9::text[], event.severity::text) < array_position($9::text[], $10)
            THEN $10 ELSE event.severity END,
        extra = jsonb_set(event.extra, '{also}', (
            SELECT jsonb_agg(met ORDER BY place) FROM (
                SELECT met, place
                FROM jsonb_array_elements(coalesce(event.extra -> 'also', '[]') || $4::jsonb)
                    WITH ORDINALITY AS all_of_them (met, place)
                ORDER BY place DESC LIMIT $5
            ) AS last_ones
        ))
    FROM newest WHERE event.id = newest.id AND event.status <> 'resolved' AND newest.status <> 'resolved' AND (
        newest.occurred_at > $6::timestamptz - $7::interval
        OR (SELECT count(*) FROM botapp_boterrorevent AS other WHERE other.fingerprint = $1
            AND other.occurred_at > $6::timestamptz - interval '1 hour') >= $8
    )
"""

_ADD: Final = """
    INSERT INTO botapp_boterrorevent (code, fingerprint, origin, severity, occurred_at, last_at, times, service,
        "commit", handler, error_class, message, stacktrace, extra, trace_id, chat_id, user_id, gen_request_id)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
        coalesce($16::bigint, owner.chat_id), coalesce(person.id, owner.id), generation.id
    FROM (SELECT 1) AS one
    LEFT JOIN botapp_genrequest AS generation ON generation.run_code = $17
    LEFT JOIN botapp_tguser AS owner ON owner.id = generation.user_id
    LEFT JOIN botapp_tguser AS person ON person.chat_id = $16::bigint
"""


async def keep(gathered: Gathered) -> None:
    """Write what was gathered: into the newest row of its kind where that is recent, into a new one otherwise."""
    fault = gathered.fault
    async with db.transaction():
        # Processes that meet the same at once would each add a row.
        await db.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 7))", fault.fingerprint)
        folded = await db.execute(
            _FOLD,
            fault.fingerprint,
            gathered.times,
            gathered.last_at,
            db.to_json([_as_json(met) for met in (fault.met, *gathered.later)]),
            MOST_MET,
            fault.met.at,
            FOLDED_WITHIN,
            MOST_ROWS,
            [severity.value for severity in _WORSE],
            gathered.severity.value,
        )
        if not folded:
            await _add(gathered)


async def _add(gathered: Gathered) -> None:
    fault, met = gathered.fault, gathered.fault.met
    also = {"also": [_as_json(later) for later in gathered.later]} if gathered.later else {}
    await db.execute(
        _ADD,
        fault.code,
        fault.fingerprint,
        fault.origin.value,
        gathered.severity.value,
        met.at,
        gathered.last_at,
        gathered.times,
        gathered.service[:12],
        gathered.commit[:40],
        fault.handler,
        fault.error_class,
        fault.message,
        fault.stacktrace,
        db.to_json({**fault.extra, **also}),
        met.trace_id[:32],
        met.chat_id,
        met.run_code,
    )


def _as_json(met: Met) -> dict[str, object]:
    # People are told the first characters of a trace; by these alone an index finds it.
    known = {"trace": met.trace_id, "code": met.trace_id[:8], "generation": met.run_code, "user": met.chat_id}
    return {"at": met.at.isoformat(timespec="seconds"), **{name: value for name, value in known.items() if value}}

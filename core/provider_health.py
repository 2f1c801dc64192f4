"""How each provider is doing: a circuit breaker, a limit of jobs, and a switch, shared by all processes.

    closed ──failures in a row──▶ open ──pause over──▶ half open ──probe accepted──▶ closed
                                   ▲                      │
                                   └────── probe failed ──┘   (the pause doubles)

A provider that is in order has no row in `botapp_provider`, or one that was read less than a second ago: where nothing
is wrong, nothing is asked and nothing is written.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from core import alerts, db
from core.logs import get_logger
from core.settings import Settings
from providers.errors import (
    Ambiguous,
    AuthFailed,
    ProviderError,
    ProviderUnavailable,
    QuotaExhausted,
    TimedOut,
)

log = get_logger(__name__)

FRESH_SECONDS = 1.0

FAILURES_THAT_OPEN = 5
FIRST_PAUSE = timedelta(seconds=15)
FIRST_PAUSE_OF_OURS = timedelta(minutes=1)
"""The same where nothing changes before somebody acts."""

LONGEST_PAUSE = timedelta(minutes=10)

PROBE_LIMIT = timedelta(seconds=90)
"""Time after which a probe that nobody heard of again is replaced by another: a submission takes less."""

AGAINST_THE_PROVIDER = (ProviderUnavailable, AuthFailed, QuotaExhausted, Ambiguous, TimedOut)
"""Failures that speak of the provider itself and not of one job."""

UNTIL_SOMEBODY_ACTS = (AuthFailed, QuotaExhausted)
"""Failures that do not pass by themselves; one of them opens the breaker."""

WITHOUT_BREAKER = frozenset({"demo"})
"""The demonstration fails because the words of a job ask for it, which says nothing of the next job."""


class Breaker(StrEnum):
    """Whether jobs are handed to a provider."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class Health:
    """A provider at one moment.

    Attributes:
        is_enabled: False when an operator switched it off.
        limit: jobs that may be under way there, None without a limit.
        own_limit: the same where an operator set it, else None.
        failures: in a row; since the breaker opened, one for each time that it did.
        parked_until: when the breaker lets a probe through, None while it is closed.
        reason: code and detail of the last failure, or why an operator parked it.
    """

    name: str
    is_enabled: bool = True
    limit: int | None = None
    own_limit: int | None = None
    failures: int = 0
    parked_until: datetime | None = None
    reason: str = ""
    updated_at: datetime | None = None

    def breaker(self, now: datetime | None = None) -> Breaker:
        """Return the state of the breaker."""
        if self.parked_until is None:
            return Breaker.CLOSED
        return Breaker.OPEN if self.parked_until > (now or datetime.now(UTC)) else Breaker.HALF_OPEN

    @property
    def is_in_order(self) -> bool:
        """True when nothing has to be written after a success."""
        return self.failures == 0 and self.parked_until is None

    @property
    def waits_for_an_operator(self) -> bool:
        """True when nothing but an operator makes it work again."""
        codes = {kind.code for kind in UNTIL_SOMEBODY_ACTS}
        return not self.is_enabled or (self.parked_until is not None and self.reason.partition(":")[0] in codes)


@dataclass(slots=True)
class _Snapshot:
    limits: Mapping[str, int] = field(default_factory=dict)
    rows: dict[str, Health] = field(default_factory=dict)
    read_at: float = float("-inf")


_snapshot = _Snapshot()


def connect(settings: Settings) -> None:
    """Take the limits that hold where no operator set another."""
    _snapshot.limits = settings.limits_of_providers
    forget()


def forget() -> None:
    """Read again at the next question."""
    _snapshot.read_at = float("-inf")


async def of(name: str) -> Health:
    """Return how a provider is doing, as it was at most a second ago."""
    now = time.monotonic()
    if now - _snapshot.read_at > FRESH_SECONDS:
        rows = await db.fetch("SELECT * FROM botapp_provider")
        _snapshot.rows = {row["name"]: _from_row(row) for row in rows}
        _snapshot.read_at = now
    return _snapshot.rows.get(name) or Health(name, limit=_snapshot.limits.get(name))


async def read(name: str) -> Health:
    """Return how a provider is doing, as the open transaction sees it."""
    row = await db.fetch_one("SELECT * FROM botapp_provider WHERE name = $1", name)
    return Health(name, limit=_snapshot.limits.get(name)) if row is None else _from_row(row)


async def begin_probe(name: str) -> bool:
    """Take the right to try a provider whose pause is over; one at a time gets it, in all processes together."""
    changed = await db.execute(
        "UPDATE botapp_provider SET parked_until = now() + $2, updated_at = now()"
        " WHERE name = $1 AND is_enabled AND parked_until <= now()",
        name,
        PROBE_LIMIT,
    )
    forget()
    return bool(changed)


async def record_success(name: str, *, is_probe: bool = False, is_result: bool = False) -> None:
    """Note that a provider accepted a job, or, with `is_result`, that it finished one. A probe closes the breaker.

    Acceptance says nothing against time-outs: who accepts everything and finishes nothing is not in order.
    """
    if not is_probe and (await of(name)).is_in_order:
        return
    row = await db.fetch_one(
        """
        WITH before AS (SELECT name, parked_until FROM botapp_provider WHERE name = $1 FOR UPDATE)
        UPDATE botapp_provider AS provider SET failures = 0, parked_until = NULL, reason = '', updated_at = now()
        FROM before WHERE provider.name = before.name
            AND ($2::bool OR (before.parked_until IS NULL AND provider.failures > 0
                AND ($3::bool OR provider.reason NOT LIKE $4)))
        RETURNING before.parked_until IS NOT NULL AS was_open
        """,
        name,
        is_probe,
        is_result,
        f"{TimedOut.code}:%",
    )
    forget()
    if row is not None and row["was_open"]:
        log.info("provider.closed", provider=name)
        await alerts.alert(f"provider:{name}:closed", f"{name} works again: a job was accepted, the breaker is closed.")


async def record_failure(name: str, error: ProviderError, *, is_probe: bool = False) -> None:
    """Note a failure that speaks against the provider itself; others change nothing, and end a probe well.

    While the breaker is open, only the probe counts: what was on its way when it opened is no news.
    """
    if name in WITHOUT_BREAKER:
        return
    if not isinstance(error, AGAINST_THE_PROVIDER):
        # The provider looked at the job and judged it, so it works.
        if is_probe:
            await record_success(name, is_probe=True)
        return
    opens_at_once = isinstance(error, UNTIL_SOMEBODY_ACTS)
    row = await db.fetch_one(
        """
        INSERT INTO botapp_provider AS provider (name, failures, reason, parked_until)
        VALUES ($1, CASE WHEN $3::bool THEN $4::int ELSE 1 END, $2, CASE WHEN $3 THEN now() + $5::interval END)
        ON CONFLICT (name) DO UPDATE SET reason = excluded.reason, updated_at = now(),
            failures = greatest(provider.failures + 1, excluded.failures),
            parked_until = CASE WHEN greatest(provider.failures + 1, excluded.failures) >= $4
                THEN now() + least(
                    $5 * (2 ^ least(greatest(provider.failures + 1 - $4, 0), 12))::float, $6::interval
                ) END
        WHERE $7::bool OR provider.parked_until IS NULL
        RETURNING failures, parked_until
        """,
        name,
        f"{error.code}: {error.detail}"[:500],
        opens_at_once,
        FAILURES_THAT_OPEN,
        FIRST_PAUSE_OF_OURS if opens_at_once else FIRST_PAUSE,
        LONGEST_PAUSE,
        is_probe,
    )
    forget()
    if row is not None and row["parked_until"] is not None:
        await _tell_opened(name, error, row["parked_until"], is_probe=is_probe)


async def all_known(names: frozenset[str]) -> list[Health]:
    """Return the configured providers and those that have a row, by name."""
    rows = {row["name"]: _from_row(row) for row in await db.fetch("SELECT * FROM botapp_provider")}
    return [
        rows.get(name) or Health(name, limit=_snapshot.limits.get(name)) for name in sorted(names | frozenset(rows))
    ]


async def park(name: str, until: datetime, reason: str) -> Health:
    """Open the breaker by hand."""
    return await _set(name, "parked_until = $2, reason = $3", until, f"parked: {reason}"[:500])


async def unpark(name: str) -> Health:
    """Close the breaker by hand."""
    return await _set(name, "parked_until = NULL, failures = 0, reason = ''")


async def switch(name: str, *, is_enabled: bool) -> Health:
    """Have a provider get jobs, or none."""
    return await _set(name, "is_enabled = $2", is_enabled)


async def limit(name: str, most: int | None) -> Health:
    """Set how many jobs may be under way at a provider; None gives that back to the settings."""
    return await _set(name, "max_running = $2::int", most)


async def _set(name: str, changes: str, *values: object) -> Health:
    await db.execute("INSERT INTO botapp_provider (name) VALUES ($1) ON CONFLICT DO NOTHING", name)
    await db.execute(
        f"UPDATE botapp_provider SET {changes}, updated_at = now() WHERE name = $1",  # noqa: S608  written above
        name,
        *values,
    )
    forget()
    return await read(name)


async def _tell_opened(name: str, error: ProviderError, until: datetime, *, is_probe: bool) -> None:
    log.warning("provider.opened", provider=name, code=error.code, until=until.isoformat(), again=is_probe)
    if is_probe:
        return
    cure = (
        f'Check its key and account, then: nb providers unpark {name} --reason "…"'
        if _is_ours(error)
        else "It is tried again."
    )
    await alerts.alert(
        f"provider:{name}:opened",
        f"{name} gets no jobs until {until:%H:%M:%S} UTC: {error.code}. Its jobs take other routes or wait. {cure}",
    )


def _is_ours(error: ProviderError) -> bool:
    return isinstance(error, UNTIL_SOMEBODY_ACTS)


def _from_row(row: db.Row) -> Health:
    health = Health(
        name=row["name"],
        is_enabled=row["is_enabled"],
        limit=_snapshot.limits.get(row["name"]),
        own_limit=row["max_running"],
        failures=row["failures"],
        parked_until=row["parked_until"],
        reason=row["reason"],
        updated_at=row["updated_at"],
    )
    return health if health.own_limit is None else replace(health, limit=health.own_limit)

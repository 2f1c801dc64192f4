"""Whether the service can do its work: one check per thing that it needs, side by side, each with a time limit.

A check that could not run says unknown, and unknown is not ready. Answers are kept for a moment, so that a flood of
questions does not become a flood of checks. What is looked at without being needed is in `core.watched`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import asyncpg
import httpx
from redis.exceptions import RedisError

from core import db, heartbeat, migrations, redis, storage, telegram_webhook, watched
from core.heartbeat import ProcessKind
from core.logs import get_logger, redact
from core.settings import Settings
from core.verdicts import CheckFunction, Level, Shared, State, Verdict, Weighed
from core.watched import WebhookInfo

LIMIT_SECONDS = 2.0
FRESH_SECONDS = 1.0

logger = get_logger(__name__)

_abandoned: set[asyncio.Future[Verdict]] = set()
"""Checks that took too long and are still tidying up."""


@dataclass(frozen=True, slots=True)
class Check:
    """A check that was made. `facts` say for machines what `detail` says in words."""

    id: str
    state: State
    level: Level
    detail: str
    duration_ms: float
    fix: str | None
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Readiness:
    """All checks of one moment."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """True when everything that is needed is there: what probes are answered."""
        return all(check.state == "ok" for check in self.checks if check.level == "needed")


class ReadinessProbe:
    """Runs the checks when asked, at most once per `FRESH_SECONDS`, however many ask at the same time."""

    def __init__(self, checks: Mapping[str, CheckFunction], *, clock: Callable[[], float] = monotonic) -> None:
        self._checks = checks
        self._shared = Shared(self._run, fresh_s=lambda: FRESH_SECONDS, clock=clock)

    async def look(self) -> Readiness:
        """Return how the service is, as of now or a moment ago."""
        return await self._shared()

    async def _run(self) -> Readiness:
        found = await asyncio.gather(*(_run_one(name, check) for name, check in self._checks.items()))
        return Readiness(tuple(found))


async def _run_one(name: str, check: CheckFunction) -> Check:
    started = monotonic()
    level = check.level if isinstance(check, Weighed) else "needed"
    looking = asyncio.ensure_future(check())
    # Not `wait_for`, which waits until a cancelled check has tidied up: while a database is frozen rather than gone,
    # giving a connection back takes longer than anybody who asks has patience.
    await asyncio.wait({looking}, timeout=LIMIT_SECONDS)
    verdict = _result_of(looking)
    duration_ms = round((monotonic() - started) * 1000, 1)
    if isinstance(verdict, BaseException):
        verdict = _could_not_run(name, verdict)
    return Check(name, verdict.state, level, redact(verdict.detail), duration_ms, verdict.fix, verdict.facts)


def _result_of(looking: asyncio.Future[Verdict]) -> Verdict | BaseException:
    if looking.done():
        return looking.exception() or looking.result()
    looking.cancel()
    _abandoned.add(looking)
    looking.add_done_callback(_forget)
    return TimeoutError()


def _forget(looking: asyncio.Future[Verdict]) -> None:
    _abandoned.discard(looking)
    if not looking.cancelled():
        looking.exception()  # Read, so that asyncio does not report it: the check has been answered for long.


_LATE = {
    "database": "check DATABASE_URL and the load of the server",
    "redis": "check REDIS_URL and the load of the server",
}
"""What helps where no answer came in time. Everything else is late because of one of these, or helps itself."""


def _could_not_run(name: str, error: BaseException) -> Verdict:
    if isinstance(error, TimeoutError):
        return Verdict("unknown", f"no answer within {LIMIT_SECONDS:g} s", _LATE.get(name))
    if isinstance(error, (*db.UNAVAILABLE, RedisError)):
        return Verdict("unknown", f"could not look: {type(error).__name__}")
    if isinstance(error, db.NOT_MIGRATED):
        return Verdict("unknown", "could not look: the database lacks a table or a column", "nb db migrate")
    if not isinstance(error, Exception):
        raise error
    logger.error("readiness_check_broken", check=name, exc_info=error)
    return Verdict("unknown", f"the check itself failed with {type(error).__name__}", "see the log of web")


def checks_of(settings: Settings, client: httpx.AsyncClient) -> dict[str, CheckFunction]:
    """The checks of a service with these settings, in the order in which they are shown. `client` asks Telegram.

    What is needed comes first, then what is watched, then what is only noted.
    """
    telegram = watched.telegram(settings, client, limit_s=LIMIT_SECONDS)
    is_pushed = settings.telegram_updates == "webhook"
    return {
        "database": _database,
        "migrations": _migrations,
        "redis": _redis,
        "worker": lambda: _process("worker", "nb worker"),
        "beat": lambda: _process("beat", "nb beat"),
        "storage": _storage,
        "webhook": (lambda: _webhook(settings, telegram)) if is_pushed else _poller,
        **watched.checks_of(settings, telegram if is_pushed else None),
    }


async def _database() -> Verdict:
    try:
        is_read_only = await db.fetch_value("SELECT current_setting('transaction_read_only')::bool")
    except (*db.UNAVAILABLE, asyncpg.PostgresError) as error:
        if isinstance(error, TimeoutError):
            return Verdict("unknown", "does not answer in time", "check the load of the server")
        return Verdict("failed", f"cannot be reached: {type(error).__name__}", "check DATABASE_URL and the server")
    if is_read_only:
        return Verdict("failed", "is read-only: nothing can be written", "give its disk room, or end the fail-over")
    return Verdict("ok", "answers")


async def _migrations() -> Verdict:
    known, applied = migrations.known(), await migrations.applied()
    missing = [name for name in known if name not in applied]
    if missing:
        facts = {"unapplied": missing, "known": len(known)}
        return Verdict("failed", f"{len(missing)} of {len(known)} are not applied", "nb db migrate", facts)
    newer = len(applied) - len(known)
    words = f"{len(known)} applied" + (f", {newer} newer than this code" if newer else "")
    return Verdict("ok", words, facts={"unapplied": [], "known": len(known), "newer": newer})


async def _redis() -> Verdict:
    try:
        await redis.client().execute_command("PING")  # type: ignore[no-untyped-call]  # redis-py
    except (OSError, RedisError) as error:
        return Verdict("failed", f"cannot be reached: {type(error).__name__}", "check REDIS_URL and the server")
    return Verdict("ok", "answers")


async def _process(kind: ProcessKind, command: str) -> Verdict:
    alive = [process for process in await heartbeat.seen() if process.kind == kind]
    if not alive:
        return Verdict("failed", f"no {kind} was seen in the last {heartbeat.LIFETIME} s", f"start one: {command}")
    age_s = (datetime.now(UTC) - max(process.seen_at for process in alive)).total_seconds()
    return Verdict(
        "ok", f"{len(alive)} alive", facts={"alive": len(alive), "heartbeat_age_s": round(max(0.0, age_s), 1)}
    )


async def _storage() -> Verdict:
    try:
        await storage.storage().check()
    except storage.StorageError as error:
        return Verdict("failed", f"cannot keep files: {error}"[:200], "check the storage settings")
    return Verdict("ok", "keeps and returns files")


async def _poller() -> Verdict:
    verdict = await _process("poller", "nb bot poll")
    return Verdict(verdict.state, f"polling instead of a webhook: {verdict.detail}", verdict.fix)


async def _webhook(settings: Settings, telegram: Shared[WebhookInfo | Verdict]) -> Verdict:
    """Whether Telegram sends updates to us; how it gets on with that is watched, not needed."""
    info = await telegram()
    if isinstance(info, Verdict):
        return info
    expected = telegram_webhook.expected_url(settings)
    facts = {"url": info.url, "expected_url": expected}
    if info.url != expected:
        found = f"to {info.url}" if info.url else "nowhere"
        words = f"Telegram sends updates {found}, not to {expected}"
        return Verdict("failed", words, "start a worker: it sets the webhook", facts)
    last = f"; last error: {info.last_error}" if info.last_error else ""
    waiting = "how many updates wait is not said" if info.pending is None else f"{info.pending} updates wait"
    return Verdict("ok", waiting + last, facts=facts)

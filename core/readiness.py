"""Whether the service can do its work: one check per thing that it needs, side by side, each with a time limit.

A check that could not run says unknown, and unknown is not ready. Answers are kept for a moment, so that a flood of
questions does not become a flood of checks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Literal, TypeAlias

import asyncpg
import httpx
from redis.exceptions import RedisError

from core import db, heartbeat, migrations, redis, storage, telegram_webhook
from core.heartbeat import ProcessKind
from core.logs import get_logger, redact
from core.settings import Settings

LIMIT_SECONDS = 2.0
FRESH_SECONDS = 1.0
WEBHOOK_FRESH_SECONDS = 15.0
"""How long Telegram is believed that it knows our address. Asking every second would be impolite."""

State: TypeAlias = Literal["ok", "failed", "unknown"]

logger = get_logger(__name__)

_abandoned: set[asyncio.Future[Verdict]] = set()
"""Checks that took too long and are still tidying up."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found, and what to do about it."""

    state: State
    detail: str
    fix: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A check that was made."""

    id: str
    state: State
    detail: str
    duration_ms: float
    fix: str | None


@dataclass(frozen=True, slots=True)
class Readiness:
    """All checks of one moment."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """True when every check says so."""
        return all(check.state == "ok" for check in self.checks)


CheckFunction: TypeAlias = Callable[[], Awaitable[Verdict]]


class ReadinessProbe:
    """Runs the checks when asked, at most once per `FRESH_SECONDS`, however many ask at the same time."""

    def __init__(self, checks: Mapping[str, CheckFunction], *, clock: Callable[[], float] = monotonic) -> None:
        self._checks = checks
        self._clock = clock
        self._running: asyncio.Task[Readiness] | None = None
        self._last: Readiness | None = None
        self._last_at = float("-inf")

    async def look(self) -> Readiness:
        """Return how the service is, as of now or a moment ago."""
        if self._last is not None and self._clock() - self._last_at < FRESH_SECONDS:
            return self._last
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await asyncio.shield(self._running)

    async def _run(self) -> Readiness:
        try:
            found = await asyncio.gather(*(_run_one(name, check) for name, check in self._checks.items()))
            self._last, self._last_at = Readiness(tuple(found)), self._clock()
            return self._last
        finally:
            self._running = None


async def _run_one(name: str, check: CheckFunction) -> Check:
    started = monotonic()
    looking = asyncio.ensure_future(check())
    # Not `wait_for`, which waits until a cancelled check has tidied up: while a database is frozen rather than gone,
    # giving a connection back takes longer than anybody who asks has patience.
    await asyncio.wait({looking}, timeout=LIMIT_SECONDS)
    verdict = _result_of(looking)
    duration_ms = round((monotonic() - started) * 1000, 1)
    if isinstance(verdict, BaseException):
        verdict = _could_not_run(name, verdict)
    return Check(name, verdict.state, redact(verdict.detail), duration_ms, verdict.fix)


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


def _could_not_run(name: str, error: BaseException) -> Verdict:
    if isinstance(error, TimeoutError):
        return Verdict("unknown", f"no answer within {LIMIT_SECONDS:g} s")
    if isinstance(error, (*db.UNAVAILABLE, RedisError)):
        return Verdict("unknown", f"could not look: {type(error).__name__}")
    if not isinstance(error, Exception):
        raise error
    logger.error("readiness_check_broken", check=name, exc_info=error)
    return Verdict("unknown", f"the check itself failed with {type(error).__name__}", "see the log of web")


def checks_of(settings: Settings, client: httpx.AsyncClient) -> dict[str, CheckFunction]:
    """The checks of a service with these settings, in the order in which they are shown. `client` asks Telegram."""
    webhook = _WebhookCheck(settings, client) if settings.telegram_updates == "webhook" else _poller
    return {
        "database": _database,
        "migrations": _migrations,
        "redis": _redis,
        "worker": lambda: _process("worker", "nb worker"),
        "beat": lambda: _process("beat", "nb beat"),
        "storage": _storage,
        "webhook": webhook,
    }


async def _database() -> Verdict:
    try:
        await db.fetch_value("SELECT 1")
    except (*db.UNAVAILABLE, asyncpg.PostgresError) as error:
        if isinstance(error, TimeoutError):
            return Verdict("unknown", "does not answer in time", "check the load of the server")
        return Verdict("failed", f"cannot be reached: {type(error).__name__}", "check DATABASE_URL and the server")
    return Verdict("ok", "answers")


async def _migrations() -> Verdict:
    known, applied = migrations.known(), await migrations.applied()
    missing = [name for name in known if name not in applied]
    if missing:
        return Verdict("failed", f"{len(missing)} of {len(known)} are not applied", "nb db migrate")
    newer = len(applied) - len(known)
    return Verdict("ok", f"{len(known)} applied" + (f", {newer} newer than this code" if newer else ""))


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
    return Verdict("ok", f"{len(alive)} alive")


async def _storage() -> Verdict:
    try:
        await storage.storage().check()
    except storage.StorageError as error:
        return Verdict("failed", f"cannot keep files: {error}"[:200], "check the storage settings")
    return Verdict("ok", "keeps and returns files")


async def _poller() -> Verdict:
    verdict = await _process("poller", "nb bot poll")
    return Verdict(verdict.state, f"polling instead of a webhook: {verdict.detail}", verdict.fix)


@dataclass(slots=True)
class _WebhookCheck:
    """Asks Telegram whether it sends updates to us."""

    settings: Settings
    client: httpx.AsyncClient
    _good: Verdict | None = field(default=None, init=False)
    _good_at: float = field(default=float("-inf"), init=False)

    async def __call__(self) -> Verdict:
        if self._good is not None and monotonic() - self._good_at < WEBHOOK_FRESH_SECONDS:
            return self._good
        verdict = await self._ask()
        if verdict.state == "ok":
            self._good, self._good_at = verdict, monotonic()
        return verdict

    async def _ask(self) -> Verdict:
        token = self.settings.telegram_bot_token.get_secret_value()
        try:
            response = await self.client.get(
                f"{self.settings.telegram_api_base_url}/bot{token}/getWebhookInfo", timeout=LIMIT_SECONDS
            )
            answer = response.json()
        except (httpx.HTTPError, ValueError) as error:
            # Only the kind of error: its words may hold the address, and that holds the token.
            return Verdict("unknown", f"Telegram could not be asked: {type(error).__name__}")
        if response.status_code == httpx.codes.UNAUTHORIZED:
            return Verdict("failed", "Telegram does not know this token", "set TELEGRAM_BOT_TOKEN to BotFather's")
        if not isinstance(answer, dict) or not isinstance(answer.get("result"), dict):
            return Verdict("unknown", f"Telegram answered {response.status_code}")
        return self._judge(answer["result"])

    def _judge(self, info: Mapping[str, object]) -> Verdict:
        expected = telegram_webhook.expected_url(self.settings)
        if info.get("url") != expected:
            found = f"to {info['url']}" if info.get("url") else "nowhere"
            return Verdict(
                "failed", f"Telegram sends updates {found}, not to {expected}", "start a worker: it sets the webhook"
            )
        pending, last_error = info.get("pending_update_count", 0), info.get("last_error_message")
        return Verdict("ok", f"{pending} updates wait" + (f"; last error: {last_error}" if last_error else ""))

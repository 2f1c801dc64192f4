"""Checks of readiness that the service works without: for people to look at, and for `nb ready`, not for probes.

A backlog at Telegram is no reason for a platform to take a container away, nor is an old commit beside a new one. A
provider whose breaker is open is not even that: jobs take other routes or wait, so it is told and fails nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from core import catalog, db, heartbeat, provider_health, providers, service_state, telegram_webhook
from core.provider_health import Breaker, Health
from core.queue.app import QUEUES
from core.queue.waiting import Waiting, waiting
from core.service_state import Backlog, Work
from core.settings import Environment, Settings
from core.verdicts import CheckFunction, Shared, Verdict, Weighed

WEBHOOK_FRESH_SECONDS = 15.0
"""How long Telegram is believed that it knows our address. Asking every second would be impolite."""

QUEUE_LIMIT_S = 60.0
"""Age of a message from which workers are too few: no task runs for as long, and none sleeps."""

INBOX_LIMIT_S = 60.0
OUTBOX_LIMIT_S = 30.0
"""Beat sends what its writer could not after two seconds."""

HASH = re.compile(r"[0-9a-f]{7,40}")

_CRITICAL = """
    SELECT count(*) AS count, coalesce(sum(times), 0)::int AS times,
        extract(epoch FROM now() - max(last_at))::float AS newest_s,
        (array_agg(code ORDER BY last_at DESC))[1:5] AS codes
    FROM botapp_boterrorevent
    WHERE status = 'new' AND severity = 'critical' AND last_at > now() - interval '1 hour'
"""


@dataclass(frozen=True, slots=True)
class WebhookInfo:
    """What Telegram says of our webhook."""

    url: str
    pending: int | None
    last_error: str | None
    last_error_at: datetime | None
    updates: tuple[str, ...]


def telegram(settings: Settings, client: httpx.AsyncClient, *, limit_s: float) -> Shared[WebhookInfo | Verdict]:
    """One question to Telegram for all checks of the webhook; a verdict where it gave no answer."""

    def is_right(found: WebhookInfo | Verdict) -> bool:
        return isinstance(found, WebhookInfo) and found.url == telegram_webhook.expected_url(settings)

    return Shared(lambda: _asked(settings, client, limit_s), fresh_s=lambda: WEBHOOK_FRESH_SECONDS, is_kept=is_right)


def checks_of(settings: Settings, webhook: Shared[WebhookInfo | Verdict] | None) -> dict[str, Weighed]:
    """The checks that are watched, then those that are noted. Without a webhook there is nothing to say of it."""
    queues = Shared(waiting, fresh_s=lambda: 0)
    work = Shared(service_state.read_work, fresh_s=lambda: 0)
    checks: dict[str, CheckFunction] = {"commits": lambda: _commits(settings)}
    checks |= {f"queue.{name}": _queue_check(queues, name) for name in QUEUES}
    checks |= {
        "inbox": lambda: _inbox(work),
        "outbox": lambda: _outbox(work),
        "generations.stuck": lambda: _stuck(work),
        "errors.critical": _critical,
    }
    if webhook is not None:
        checks |= {f"webhook.{name}": _webhook_check(webhook, judge) for name, judge in _WEBHOOK.items()}
    known = Shared(lambda: provider_health.all_known(providers.names()), fresh_s=lambda: 0)
    checks["models"] = lambda: _models(known)
    noted = {f"provider.{name}": _provider_check(known, name) for name in sorted(providers.names())}
    return {name: Weighed("watched", check) for name, check in checks.items()} | {
        name: Weighed("noted", check) for name, check in noted.items()
    }


async def _asked(settings: Settings, client: httpx.AsyncClient, limit_s: float) -> WebhookInfo | Verdict:
    token = settings.telegram_bot_token.get_secret_value()
    try:
        response = await client.get(f"{settings.telegram_api_base_url}/bot{token}/getWebhookInfo", timeout=limit_s)
        answer = response.json()
    except (httpx.HTTPError, ValueError) as error:
        # Only the kind of error: its words may hold the address, and that holds the token.
        return Verdict("unknown", f"Telegram could not be asked: {type(error).__name__}")
    if response.status_code == httpx.codes.UNAUTHORIZED:
        return Verdict("failed", "Telegram does not know this token", "set TELEGRAM_BOT_TOKEN to BotFather's")
    if not isinstance(answer, dict) or not isinstance(answer.get("result"), dict):
        return Verdict("unknown", f"Telegram answered {response.status_code}")
    info = answer["result"]
    at, pending, updates = info.get("last_error_date"), info.get("pending_update_count"), info.get("allowed_updates")
    return WebhookInfo(
        url=str(info.get("url") or ""),
        pending=pending if isinstance(pending, int) else None,
        last_error=str(info["last_error_message"]) if info.get("last_error_message") else None,
        last_error_at=datetime.fromtimestamp(at, UTC) if isinstance(at, int) else None,
        updates=tuple(map(str, updates)) if isinstance(updates, list) else (),
    )


def _webhook_check(webhook: Shared[WebhookInfo | Verdict], judge: Callable[[WebhookInfo], Verdict]) -> CheckFunction:
    async def look() -> Verdict:
        info = await webhook()
        if isinstance(info, Verdict):
            return Verdict("unknown", info.detail, info.fix)
        return judge(info)

    return look


def _backlog(info: WebhookInfo) -> Verdict:
    if info.pending is None:
        return Verdict("unknown", "Telegram does not say how many updates wait")
    facts = {"pending": info.pending, "limit": telegram_webhook.BACKLOG}
    if info.pending > telegram_webhook.BACKLOG:
        words = f"{info.pending} updates wait at Telegram, more than {telegram_webhook.BACKLOG}"
        return Verdict("failed", words, "more replicas of web, or look at what slows it: nb status", facts)
    return Verdict("ok", f"{info.pending} updates wait at Telegram", facts=facts)


def _last_error(info: WebhookInfo) -> Verdict:
    if info.last_error_at is None:
        if info.last_error is not None:
            return Verdict("unknown", f"Telegram met an error, and does not say when: {info.last_error}")
        return Verdict("ok", "Telegram met no error", facts={"last_error": None, "age_s": None})
    age_s = max(0.0, (datetime.now(UTC) - info.last_error_at).total_seconds())
    facts = {"last_error": info.last_error, "age_s": round(age_s), "limit_s": telegram_webhook.RECENT_SECONDS}
    words = f"Telegram met an error {age_s:.0f} s ago: {info.last_error or 'it says no more'}"
    if age_s <= telegram_webhook.RECENT_SECONDS:
        return Verdict("failed", words, "its words say why: 403 is another secret, 5xx is web", facts)
    return Verdict("ok", words, facts=facts)


def _allowed_updates(info: WebhookInfo) -> Verdict:
    missing = [kind for kind in telegram_webhook.UPDATES if kind not in info.updates]
    more = [kind for kind in info.updates if kind not in telegram_webhook.UPDATES]
    facts = {"allowed": list(info.updates), "missing": missing, "more": more}
    if not missing and not more:
        return Verdict("ok", "as in the project's list", facts=facts)
    words = [f"{', '.join(missing)} missing"] if missing else []
    words += [f"{', '.join(more)} too many"] if more else []
    return Verdict("failed", "; ".join(words), 'nb webhook set --reason "…"', facts)


_WEBHOOK: Mapping[str, Callable[[WebhookInfo], Verdict]] = {
    "backlog": _backlog,
    "last_error": _last_error,
    "allowed_updates": _allowed_updates,
}


async def _commits(settings: Settings) -> Verdict:
    """Whether all processes run one commit; which one it should be, only the one who asks knows."""
    commits: dict[str, list[str]] = {}
    for process in await heartbeat.seen():
        commits.setdefault(process.kind, []).append(process.commit)
    found = {kind: sorted(set(names)) for kind, names in sorted(commits.items())}
    facts = {"processes": found, "web": settings.commit}
    distinct = {settings.commit, *(name for names in found.values() for name in names)}
    if len(distinct) > 1:
        listed = "; ".join(f"{kind} {', '.join(name[:7] for name in names)}" for kind, names in found.items())
        words = f"different commits run: {listed}; the web that answers {settings.commit[:7]}"
        return Verdict("failed", words, "nb deploy status", facts)
    if not HASH.fullmatch(settings.commit) and settings.environment is not Environment.LOCAL:
        return Verdict("unknown", "no process knows its commit: NB_COMMIT is not set", "set NB_COMMIT", facts)
    return Verdict("ok", f"all run {settings.commit[:7]}", facts=facts)


def _queue_check(queues: Shared[dict[str, Waiting]], name: str) -> CheckFunction:
    async def look() -> Verdict:
        queue = (await queues())[name]
        facts = {"depth": queue.depth, "oldest_s": _rounded(queue.oldest_s), "limit_s": QUEUE_LIMIT_S}
        if queue.depth == 0:
            return Verdict("ok", "nothing waits", facts=facts)
        if queue.oldest_s is None:
            return Verdict("unknown", f"{queue.depth} wait, since when the oldest does not say", facts=facts)
        words = f"{queue.depth} wait, the oldest for {queue.oldest_s:.0f} s"
        if queue.oldest_s > QUEUE_LIMIT_S:
            return Verdict("failed", words, "more replicas of worker, or see whether one lives: nb status", facts)
        return Verdict("ok", words, facts=facts)

    return look


async def _inbox(work: Shared[Work]) -> Verdict:
    return _age((await work()).inbox, "updates and events", INBOX_LIMIT_S, "more replicas of worker")


async def _outbox(work: Shared[Work]) -> Verdict:
    return _age((await work()).outbox, "tasks", OUTBOX_LIMIT_S, "see whether beat lives and Redis answers: nb ready")


def _age(backlog: Backlog, what: str, limit_s: float, fix: str) -> Verdict:
    facts = {"pending": backlog.pending, "oldest_s": _rounded(backlog.oldest_s), "limit_s": limit_s}
    if backlog.oldest_s is None:
        return Verdict("ok", "nothing waits", facts=facts)
    words = f"{backlog.pending} {what} wait, the oldest for {backlog.oldest_s:.0f} s"
    return Verdict("failed", words, fix, facts) if backlog.oldest_s > limit_s else Verdict("ok", words, facts=facts)


async def _stuck(work: Shared[Work]) -> Verdict:
    found = await work()
    facts = {
        "stuck": found.stuck,
        "queued": found.queued,
        "processing": found.processing,
        "overdue_s": service_state.STUCK_AFTER_MINUTES * 60,
    }
    if found.stuck:
        words = f"{found.stuck} are overdue by more than {service_state.STUCK_AFTER_MINUTES} minutes"
        return Verdict("failed", words, "nb gen stuck", facts)
    return Verdict("ok", f"none stuck, {found.queued + found.processing} under way", facts=facts)


def _ago(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


async def _critical() -> Verdict:
    row = await db.fetch_one(_CRITICAL)
    assert row is not None
    codes = list(row["codes"] or ())
    facts = {"count": row["count"], "times": row["times"], "newest_s": _rounded(row["newest_s"]), "codes": codes}
    if not row["count"]:
        return Verdict("ok", "none in the last hour", facts=facts)
    words = f"{row['count']} new in the last hour, the newest {_ago(row['newest_s'])} ago: {', '.join(codes)}"
    return Verdict("failed", words, f"nb errors show {codes[0]}", facts)


async def _models(known: Shared[list[Health]]) -> Verdict:
    """Whether some model of each kind that people are offered can be made without an operator doing something first.

    One provider that is off is told at its own check. Where nothing of a kind is left, orders end at once.
    """
    off = {health.name: health for health in await known() if health.waits_for_an_operator}
    offered = await catalog.models()
    stopped = [model for model in offered if all(route.provider in off for route in model.routes)]
    kinds = sorted({model.kind for model in offered} - {model.kind for model in offered if model not in stopped})
    facts = {
        "offered": len(offered),
        "stopped": [model.slug for model in stopped],
        "kinds": [str(kind) for kind in kinds],
    }
    if not kinds:
        return Verdict("ok", f"{len(offered) - len(stopped)} of {len(offered)} offered can be made", facts=facts)
    first = next(model for model in stopped if model.kind in kinds)
    health = off[first.routes[0].provider]
    words = f"no {' and no '.join(kinds)} model can be made: all their providers are off, {health.name} among them"
    if health.is_enabled:
        return Verdict("failed", words, f'nb providers unpark {health.name} --reason "…"', facts)
    return Verdict("failed", words, f'nb providers enable {health.name} --reason "…"', facts)


def _provider_check(known: Shared[list[Health]], name: str) -> CheckFunction:
    async def look() -> Verdict:
        health = next((one for one in await known() if one.name == name), Health(name))
        breaker = health.breaker().value if health.is_enabled else "disabled"
        until = health.parked_until.isoformat() if health.parked_until else None
        facts = {"breaker": breaker, "until": until, "failures": health.failures, "reason": health.reason or None}
        if breaker == Breaker.CLOSED.value:
            return Verdict("ok", "closed", facts=facts)
        words = breaker.replace("_", " ") + (f" until {until}" if until and breaker == Breaker.OPEN.value else "")
        return Verdict(
            "failed", words + (f": {health.reason}" if health.reason else ""), f"nb providers show {name}", facts
        )

    return look


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(max(0.0, seconds), 1)

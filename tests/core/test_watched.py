"""What is watched and noted: it is told with its figures, and takes no container away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from core import catalog, db, heartbeat, provider_health, providers, redis, telegram_webhook
from core.heartbeat import ProcessKind
from core.queue.app import PUBLISHED_AT
from core.readiness import ReadinessProbe, checks_of
from core.settings import Environment, Settings
from core.verdicts import Level, Shared, Verdict, Weighed
from tests.core.test_readiness import HERE, _offline_settings, _telegram

NEW, OLD = "6a090cb" + "0" * 33, "36a1d13" + "0" * 33


@pytest.fixture
async def connected(settings: Settings) -> AsyncIterator[Settings]:
    """Database, Redis and providers."""
    await db.connect(settings)
    await redis.connect(settings)
    providers.connect(settings)
    provider_health.connect(settings)
    yield settings.model_copy(update={"commit": NEW})
    await redis.disconnect()
    await db.disconnect()


async def _check(name: str, settings: Settings, answer: httpx.MockTransport | None = None) -> Verdict:
    async with httpx.AsyncClient(transport=answer, trust_env=False) as client:
        return await checks_of(settings, client)[name]()


@pytest.mark.parametrize(("level", "is_ready"), [("needed", False), ("watched", True), ("noted", True)])
async def test_only_what_is_needed_makes_a_probe_red(level: Level, is_ready: bool) -> None:
    async def fail() -> Verdict:
        return Verdict("failed", "no", "do", {"count": 3})

    found = await ReadinessProbe({"a": Weighed(level, fail)}).look()

    assert found.ok is is_ready
    (check,) = found.checks
    assert (check.level, check.state, check.facts) == (level, "failed", {"count": 3})


async def test_a_watched_check_that_breaks_keeps_its_level_and_is_unknown() -> None:
    async def broken() -> Verdict:
        raise ConnectionRefusedError

    (check,) = (await ReadinessProbe({"a": Weighed("watched", broken)}).look()).checks
    assert (check.level, check.state) == ("watched", "unknown")


async def test_a_question_that_failed_is_asked_again_and_one_that_was_given_up_is_not_reported() -> None:
    asked = 0
    go = asyncio.Event()

    async def ask() -> int:
        nonlocal asked
        asked += 1
        await go.wait()
        raise ConnectionRefusedError

    shared = Shared(ask, fresh_s=lambda: 60)
    first = asyncio.create_task(shared())
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    second = asyncio.create_task(shared())
    await asyncio.sleep(0)
    go.set()
    with pytest.raises(ConnectionRefusedError):
        await second
    assert asked == 1
    with pytest.raises(ConnectionRefusedError):
        await shared()
    assert asked == 2


async def test_a_backlog_at_telegram_is_watched_and_the_webhook_itself_is_needed() -> None:
    async with httpx.AsyncClient(transport=_telegram(url=HERE, pending_update_count=412)) as client:
        checks = checks_of(_offline_settings(), client)
        names = ("webhook", "webhook.backlog")
        found = await ReadinessProbe({name: checks[name] for name in names}).look()

    needed, watched = found.checks
    assert (needed.state, needed.level, watched.state, watched.level) == ("ok", "needed", "failed", "watched")
    assert found.ok
    assert watched.facts == {"pending": 412, "limit": telegram_webhook.BACKLOG}


@pytest.mark.parametrize(("pending", "state"), [(0, "ok"), (100, "ok"), (101, "failed")])
async def test_the_backlog_has_a_limit(pending: int, state: str) -> None:
    verdict = await _check("webhook.backlog", _offline_settings(), _telegram(url=HERE, pending_update_count=pending))
    assert verdict.state == state


@pytest.mark.parametrize(("age_s", "state"), [(10, "failed"), (3600, "ok")])
async def test_an_error_of_telegram_counts_while_it_is_new(age_s: int, state: str) -> None:
    at = int(time.time()) - age_s
    answer = _telegram(url=HERE, last_error_date=at, last_error_message="Wrong response 502")
    verdict = await _check("webhook.last_error", _offline_settings(), answer)
    assert verdict.state == state
    assert verdict.facts["last_error"] == "Wrong response 502"
    assert verdict.facts["age_s"] == pytest.approx(age_s, abs=3)


async def test_no_error_at_telegram_is_in_order() -> None:
    assert (await _check("webhook.last_error", _offline_settings(), _telegram(url=HERE))).state == "ok"


@pytest.mark.parametrize(
    ("updates", "state", "facts"),
    [
        (list(telegram_webhook.UPDATES), "ok", ([], [])),
        (list(reversed(telegram_webhook.UPDATES)), "ok", ([], [])),
        ([u for u in telegram_webhook.UPDATES if u != "callback_query"], "failed", (["callback_query"], [])),
        ([*telegram_webhook.UPDATES, "poll"], "failed", ([], ["poll"])),
        (None, "failed", (list(telegram_webhook.UPDATES), [])),
    ],
)
async def test_the_kinds_of_updates_are_the_projects_list(updates: Any, state: str, facts: tuple[Any, Any]) -> None:
    answer = _telegram(url=HERE, **({} if updates is None else {"allowed_updates": updates}))
    verdict = await _check("webhook.allowed_updates", _offline_settings(), answer)
    assert (verdict.state, (verdict.facts["missing"], verdict.facts["more"])) == (state, facts)


@pytest.mark.parametrize("name", ["webhook.backlog", "webhook.last_error", "webhook.allowed_updates"])
async def test_what_telegram_did_not_say_is_unknown(name: str) -> None:
    answer = httpx.MockTransport(lambda _: httpx.Response(502, text="<html>"))
    assert (await _check(name, _offline_settings(), answer)).state == "unknown"
    assert (await _check(name, _offline_settings(), _telegram(401))).state == "unknown"


async def test_telegram_is_asked_once_for_all_checks_of_the_webhook() -> None:
    asked = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        return httpx.Response(200, json={"ok": True, "result": {"url": HERE}})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        checks = checks_of(_offline_settings(), client)
        mine = {name: check for name, check in checks.items() if name.startswith("webhook")}
        found = await ReadinessProbe(mine).look()

    assert len(found.checks) == 4
    assert asked == 1


async def test_where_updates_are_fetched_there_is_no_webhook_to_watch() -> None:
    async with httpx.AsyncClient() as client:
        checks = checks_of(_offline_settings(telegram_updates="polling"), client)
    assert [name for name in checks if name.startswith("webhook")] == ["webhook"]


async def _alive(kind: ProcessKind, commit: str, instance: str = "host:1") -> None:
    await heartbeat.beat(kind, instance, commit, datetime.now(UTC))


@pytest.mark.integration
async def test_one_commit_everywhere_is_in_order(connected: Settings) -> None:
    for kind in ("web", "worker", "beat"):
        await _alive(kind, NEW)
    verdict = await _check("commits", connected)
    assert verdict.state == "ok"
    assert verdict.facts == {"web": NEW, "processes": {"web": [NEW], "worker": [NEW], "beat": [NEW]}}


@pytest.mark.integration
@pytest.mark.parametrize("kind", ["web", "worker", "beat"])
async def test_a_process_of_another_commit_is_named(connected: Settings, kind: Any) -> None:
    for one in ("web", "worker", "beat"):
        await _alive(one, NEW)
    await _alive(kind, OLD, "host:2")
    verdict = await _check("commits", connected)
    assert verdict.state == "failed"
    assert f"{kind} 36a1d13, 6a090cb" in verdict.detail
    assert verdict.facts["processes"][kind] == [OLD, NEW]


@pytest.mark.integration
@pytest.mark.parametrize(("environment", "state"), [("staging", "unknown"), ("local", "ok")])
async def test_a_deployed_process_that_does_not_know_its_commit_is_unknown(
    connected: Settings, environment: str, state: str
) -> None:
    nameless = connected.model_copy(update={"commit": "unknown", "environment": Environment(environment)})
    await _alive("web", "unknown")
    assert (await _check("commits", nameless)).state == state


@pytest.mark.integration
@pytest.mark.parametrize(("age_s", "state"), [(5, "ok"), (61, "failed")])
async def test_a_queue_is_judged_by_the_age_of_its_oldest_message(
    connected: Settings, age_s: float, state: str
) -> None:
    message = f'{{"headers": {{"{PUBLISHED_AT}": {time.time() - age_s}}}}}'
    await redis.client().lpush("generation", message, message)  # type: ignore[misc]
    verdict = await _check("queue.generation", connected)
    assert (verdict.state, verdict.facts["depth"]) == (state, 2)
    assert verdict.facts["oldest_s"] == pytest.approx(age_s, abs=3)
    assert (await _check("queue.default", connected)).facts["depth"] == 0


@pytest.mark.integration
async def test_a_message_that_does_not_say_its_age_is_unknown_and_not_in_order(connected: Settings) -> None:
    await redis.client().lpush("default", "{}")  # type: ignore[misc]
    verdict = await _check("queue.default", connected)
    assert (verdict.state, verdict.facts["oldest_s"]) == ("unknown", None)


@pytest.mark.integration
@pytest.mark.parametrize(("age_s", "state"), [(5.0, "ok"), (90.0, "failed")])
async def test_inbox_and_outbox_are_judged_by_their_oldest_row(connected: Settings, age_s: float, state: str) -> None:
    await db.execute(
        "INSERT INTO botapp_outbox (task, arguments, created_at) VALUES ('t', '{}', now() - make_interval(secs => $1))",
        age_s,
    )
    await db.execute(
        "INSERT INTO botapp_inbox (source, event_id, payload, received_at)"
        " VALUES ('telegram', '1', '{}', now() - make_interval(secs => $1))",
        age_s,
    )
    for name in ("inbox", "outbox"):
        verdict = await _check(name, connected)
        assert (name, verdict.state, verdict.facts["pending"]) == (name, state, 1)
        assert verdict.facts["oldest_s"] == pytest.approx(age_s, abs=3)


@pytest.mark.integration
async def test_nothing_that_waits_is_in_order(connected: Settings) -> None:
    for name in ("inbox", "outbox", "generations.stuck", "errors.critical"):
        assert (await _check(name, connected)).state == "ok"


async def _error(severity: str, status: str, age: timedelta, code: str = "e_1") -> None:
    await db.execute(
        "INSERT INTO botapp_boterrorevent (code, fingerprint, origin, severity, status, last_at)"
        " VALUES ($1, 'f', 'other', $2, $3, now() - $4::interval)",
        code,
        severity,
        status,
        age,
    )


@pytest.mark.integration
async def test_a_new_critical_error_fails_and_is_named(connected: Settings) -> None:
    await _error("critical", "new", timedelta(minutes=3))
    verdict = await _check("errors.critical", connected)
    assert (verdict.state, verdict.facts["count"], verdict.facts["codes"]) == ("failed", 1, ["e_1"])
    assert verdict.fix == "nb errors show e_1"


@pytest.mark.integration
@pytest.mark.parametrize(
    ("severity", "status", "minutes"), [("error", "new", 1), ("critical", "resolved", 1), ("critical", "new", 61)]
)
async def test_what_is_older_milder_or_looked_at_does_not_fail(
    connected: Settings, severity: str, status: str, minutes: int
) -> None:
    await _error(severity, status, timedelta(minutes=minutes))
    assert (await _check("errors.critical", connected)).state == "ok"


@pytest.mark.integration
async def test_an_open_breaker_is_told_and_fails_nothing(connected: Settings) -> None:
    await provider_health.park("demo", datetime.now(UTC) + timedelta(minutes=5), "maintenance")
    async with httpx.AsyncClient() as client:
        checks = checks_of(connected, client)
        found = await ReadinessProbe({"provider.demo": checks["provider.demo"]}).look()
    (check,) = found.checks
    assert found.ok
    assert (check.level, check.state, check.facts["breaker"]) == ("noted", "failed", "open")
    assert "maintenance" in check.detail


@pytest.mark.integration
async def test_providers_in_order_and_switched_off_are_told_apart(connected: Settings) -> None:
    assert (await _check("provider.demo", connected)).state == "ok"
    await provider_health.switch("demo", is_enabled=False)
    verdict = await _check("provider.demo", connected)
    assert (verdict.state, verdict.facts["breaker"]) == ("failed", "disabled")


async def _switch(names: list[str], *, is_enabled: bool) -> None:
    for name in names:
        await provider_health.switch(name, is_enabled=is_enabled)


@pytest.fixture
async def offering(connected: Settings) -> AsyncIterator[Settings]:
    """The shipped catalogue, over providers of its two kinds."""
    await catalog.sync()
    catalog.configure(["gemini", "kling", "useapi-kling"])
    yield connected
    catalog.configure([])


@pytest.mark.integration
async def test_switching_off_every_provider_of_a_kind_is_red_and_names_the_command(offering: Settings) -> None:
    assert (await _check("models", offering)).state == "ok"

    await _switch(["kling", "useapi-kling"], is_enabled=False)
    verdict = await _check("models", offering)
    assert (verdict.state, verdict.facts["kinds"]) == ("failed", ["video"])
    assert "no video model" in verdict.detail
    assert verdict.fix in {f'nb providers enable {name} --reason "…"' for name in ("kling", "useapi-kling")}

    await _switch(["gemini"], is_enabled=False)
    verdict = await _check("models", offering)
    assert verdict.facts["kinds"] == ["image", "video"]
    assert len(verdict.facts["stopped"]) == verdict.facts["offered"]
    assert verdict.fix == 'nb providers enable gemini --reason "…"'


@pytest.mark.integration
async def test_a_kind_with_one_provider_left_is_in_order_and_one_back_ends_the_alarm(offering: Settings) -> None:
    await _switch(["kling"], is_enabled=False)
    assert (await _check("models", offering)).state == "ok"

    await _switch(["useapi-kling"], is_enabled=False)
    assert (await _check("models", offering)).state == "failed"
    await _switch(["kling"], is_enabled=True)
    assert (await _check("models", offering)).state == "ok"


@pytest.mark.integration
@pytest.mark.parametrize(("reason", "state"), [("auth_failed", "failed"), ("provider_unavailable", "ok")])
async def test_a_refused_key_of_the_only_provider_is_red_and_an_outage_that_passes_is_not(
    offering: Settings, reason: str, state: str
) -> None:
    await db.execute(
        "INSERT INTO botapp_provider (name, reason, parked_until) VALUES ('gemini', $1, now() + interval '1 hour')",
        f"{reason}: 401",
    )
    verdict = await _check("models", offering)
    assert verdict.state == state
    assert verdict.fix == (None if state == "ok" else 'nb providers unpark gemini --reason "…"')


@pytest.mark.integration
async def test_no_model_on_offer_is_not_a_stopped_one(connected: Settings) -> None:
    catalog.configure([])
    verdict = await _check("models", connected)
    assert (verdict.state, verdict.facts["offered"]) == ("ok", 0)


async def test_a_backlog_that_telegram_does_not_tell_is_unknown() -> None:
    async with httpx.AsyncClient(transport=_telegram(url=HERE, pending_update_count=None)) as client:
        checks = checks_of(_offline_settings(), client)
        found = await ReadinessProbe({name: checks[name] for name in ("webhook", "webhook.backlog")}).look()
    assert [check.state for check in found.checks] == ["ok", "unknown"]


async def test_an_error_of_telegram_without_words_is_an_error() -> None:
    answer = _telegram(url=HERE, last_error_date=int(time.time()) - 10)
    verdict = await _check("webhook.last_error", _offline_settings(), answer)
    assert verdict.state == "failed"


async def test_an_error_of_telegram_without_its_time_may_be_of_now() -> None:
    verdict = await _check("webhook.last_error", _offline_settings(), _telegram(url=HERE, last_error_message="502"))
    assert verdict.state == "unknown"

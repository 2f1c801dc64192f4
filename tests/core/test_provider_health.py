"""The circuit breaker of a provider: when it opens, who may try, what closes it, and what operators do to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from core import db, provider_health
from core.provider_health import FAILURES_THAT_OPEN, Breaker
from core.settings import Settings
from providers.errors import (
    Ambiguous,
    AuthFailed,
    ContentBlocked,
    InvalidRequest,
    ModelRetired,
    ProviderError,
    ProviderUnavailable,
    QuotaExhausted,
    RateLimited,
    TimedOut,
)

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
async def connected(database: Settings) -> AsyncIterator[None]:
    """No limit but one."""
    provider_health.connect(database.model_copy(update={"provider_limits": "openai=40"}))
    yield
    provider_health.connect(database)


async def fail(times: int = 1, error: ProviderError | None = None, *, is_probe: bool = False) -> None:
    """Note failures of kling."""
    for _ in range(times):
        await provider_health.record_failure("kling", error or ProviderUnavailable("502"), is_probe=is_probe)


async def pause_over() -> None:
    """Let the pause of the breaker be over."""
    await db.execute("UPDATE botapp_provider SET parked_until = now() - interval '1 second'")
    provider_health.forget()


async def breaker() -> Breaker:
    """The state of kling's breaker."""
    return (await provider_health.of("kling")).breaker()


async def pause() -> float:
    """Seconds until kling is tried again."""
    until = (await provider_health.of("kling")).parked_until
    assert until is not None
    return (until - datetime.now(UTC)).total_seconds()


async def alerts() -> list[str]:
    """Keys of the alerts that were asked for."""
    return [
        row["key"]
        for row in await db.fetch(
            "SELECT arguments::jsonb ->> 'key' AS key FROM botapp_outbox WHERE task = 'bot.alert' ORDER BY id"
        )
    ]


async def test_a_provider_that_nothing_is_known_of_is_in_order() -> None:
    health = await provider_health.of("kling")
    assert (health.breaker(), health.limit, health.is_enabled) == (Breaker.CLOSED, None, True)
    assert (await provider_health.of("openai")).limit == 40


async def test_failures_in_a_row_open_the_breaker_and_alert_once() -> None:
    await fail(FAILURES_THAT_OPEN - 1)
    assert await breaker() is Breaker.CLOSED
    assert await alerts() == []
    await fail()
    assert await breaker() is Breaker.OPEN
    assert 13 < await pause() <= 15
    assert await alerts() == ["provider:kling:opened"]


async def test_a_success_in_between_begins_the_count_anew() -> None:
    await fail(FAILURES_THAT_OPEN - 1)
    await provider_health.record_success("kling")
    await fail(FAILURES_THAT_OPEN - 1)
    assert await breaker() is Breaker.CLOSED


@pytest.mark.parametrize("error", [AuthFailed(), QuotaExhausted()])
async def test_what_only_an_operator_can_cure_opens_it_at_once(error: ProviderError) -> None:
    await fail(error=error)
    assert await breaker() is Breaker.OPEN
    assert 55 < await pause() <= 60
    assert (await provider_health.of("kling")).waits_for_an_operator


@pytest.mark.parametrize("error", [ContentBlocked(), InvalidRequest(), RateLimited(), ModelRetired()])
async def test_what_speaks_of_the_job_only_does_not_count(error: ProviderError) -> None:
    await fail(FAILURES_THAT_OPEN * 2, error)
    assert await breaker() is Breaker.CLOSED
    assert await db.fetch("SELECT FROM botapp_provider") == []


@pytest.mark.parametrize("error", [Ambiguous(), TimedOut(), ProviderUnavailable()])
async def test_what_speaks_of_the_provider_counts(error: ProviderError) -> None:
    await fail(FAILURES_THAT_OPEN, error)
    assert await breaker() is Breaker.OPEN
    assert not (await provider_health.of("kling")).waits_for_an_operator


async def test_who_accepts_everything_and_finishes_nothing_is_found_out() -> None:
    for _ in range(FAILURES_THAT_OPEN):
        await fail(error=TimedOut())
        await provider_health.record_success("kling")
    assert await breaker() is Breaker.OPEN


async def test_a_finished_job_forgives_earlier_time_outs() -> None:
    await fail(FAILURES_THAT_OPEN - 1, TimedOut())
    await provider_health.record_success("kling", is_result=True)
    await fail(error=TimedOut())
    assert await breaker() is Breaker.CLOSED


async def test_of_many_at_once_one_gets_the_probe() -> None:
    await fail(FAILURES_THAT_OPEN)
    await pause_over()
    assert await breaker() is Breaker.HALF_OPEN
    rights = await asyncio.gather(*(provider_health.begin_probe("kling") for _ in range(20)))
    assert rights.count(True) == 1
    assert await breaker() is Breaker.OPEN


async def test_nobody_gets_a_probe_before_the_pause_is_over() -> None:
    await fail(FAILURES_THAT_OPEN)
    assert not await provider_health.begin_probe("kling")


async def test_a_probe_that_is_accepted_closes_the_breaker_and_says_so() -> None:
    await fail(FAILURES_THAT_OPEN)
    await pause_over()
    assert await provider_health.begin_probe("kling")
    await provider_health.record_success("kling", is_probe=True)
    assert await breaker() is Breaker.CLOSED
    assert await alerts() == ["provider:kling:opened", "provider:kling:closed"]


async def test_a_probe_that_is_judged_closes_it_too() -> None:
    await fail(FAILURES_THAT_OPEN)
    await pause_over()
    assert await provider_health.begin_probe("kling")
    await fail(error=ContentBlocked(), is_probe=True)
    assert await breaker() is Breaker.CLOSED


async def test_each_failed_probe_doubles_the_pause_up_to_a_limit_without_another_alert() -> None:
    await fail(FAILURES_THAT_OPEN)
    pauses = []
    for _ in range(8):
        await pause_over()
        assert await provider_health.begin_probe("kling")
        await fail(is_probe=True)
        pauses.append(round(await pause(), -1))
    assert pauses[:4] == [30, 60, 120, 240]
    assert pauses[-1] == 600
    assert await alerts() == ["provider:kling:opened"]


async def test_late_failures_and_successes_of_others_change_nothing_while_it_is_open() -> None:
    await fail(FAILURES_THAT_OPEN)
    before = await provider_health.read("kling")
    await fail(50)
    await provider_health.record_success("kling", is_result=True)
    after = await provider_health.read("kling")
    assert (after.failures, after.parked_until) == (before.failures, before.parked_until)


async def test_many_failures_at_the_same_moment_alert_once_and_open_for_the_first_pause() -> None:
    await asyncio.gather(*(fail() for _ in range(40)))
    assert 13 < await pause() <= 15
    assert await alerts() == ["provider:kling:opened"]


async def test_the_demonstration_has_no_breaker() -> None:
    for _ in range(FAILURES_THAT_OPEN * 2):
        await provider_health.record_failure("demo", AuthFailed())
    assert (await provider_health.of("demo")).breaker() is Breaker.CLOSED


async def test_operators_park_unpark_switch_and_limit() -> None:
    await provider_health.park("kling", datetime.now(UTC) + timedelta(minutes=5), "maintenance")
    assert await breaker() is Breaker.OPEN
    assert (await provider_health.unpark("kling")).breaker() is Breaker.CLOSED
    assert not (await provider_health.switch("kling", is_enabled=False)).is_enabled
    assert (await provider_health.limit("openai", 7)).limit == 7
    assert (await provider_health.limit("openai", None)).limit == 40
    names = [health.name for health in await provider_health.all_known(frozenset({"gemini"}))]
    assert names == ["gemini", "kling", "openai"]


async def test_nothing_is_asked_or_written_while_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    await provider_health.of("kling")
    statements: list[str] = []
    fetch = db.fetch

    async def counted(sql: str, *arguments: object) -> list[db.Row]:
        statements.append(sql)
        return await fetch(sql, *arguments)

    monkeypatch.setattr(db, "fetch", counted)
    for _ in range(50):
        await provider_health.record_success("kling")
        await provider_health.of("kling")
    assert len(statements) <= 1


@pytest.mark.parametrize("text", ["kling=0", "kling", "kling=-1", "=5", "Kling=5", "kling=1.5", "kling=5;openai=4"])
def test_limits_that_are_none_stop_the_start(database: Settings, text: str) -> None:
    values = database.model_dump(by_alias=True) | {"PROVIDER_LIMITS": text}
    with pytest.raises(ValidationError, match="provider=jobs"):
        Settings.model_validate(values)


def test_limits_are_read_with_and_without_spaces(database: Settings) -> None:
    values = database.model_dump(by_alias=True) | {"PROVIDER_LIMITS": "kling=20, useapi-kling=3,"}
    assert Settings.model_validate(values).limits_of_providers == {"kling": 20, "useapi-kling": 3}
    assert Settings.model_validate(values | {"PROVIDER_LIMITS": ""}).limits_of_providers == {}


@pytest.mark.parametrize(
    ("url", "given", "expected"),
    [
        ("https://bot.example.com", None, True),
        ("http://127.0.0.1:8000", None, False),
        ("http://127.0.0.1:8000", True, True),
        ("https://bot.example.com", False, False),
    ],
)
def test_providers_tell_us_where_they_can_reach_us_or_somebody_says_so(
    database: Settings, url: str, given: bool | None, expected: bool
) -> None:
    changes = {"public_base_url": url, "provider_webhooks": given}
    assert database.model_copy(update=changes).takes_provider_webhooks is expected

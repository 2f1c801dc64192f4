"""What waits, runs and ended, as the ops API and Prometheus see it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from core import db, generations, ledger, metrics, provider_health, redis, service_state, telegram_webhook, users
from core.generations import Order
from core.queue import outbox
from core.settings import Settings
from core.types import IdempotencyKey, TraceId

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def fresh_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every scrape look anew, and what is written to the outbox stay there."""

    async def publish_nothing(**_: Any) -> int:
        return 0

    monkeypatch.setattr(metrics, "FRESH_SECONDS", -1)
    monkeypatch.setattr(outbox, "flush", publish_nothing)


async def _order(number: int) -> None:
    user = await users.upsert(users.Profile(number, "fox", "Fox", "", "en"))
    await ledger.give_welcome_bonus(user.id)
    await generations.submit(
        Order(
            user=user,
            model="nano-banana",
            prompt="a fox",
            images=(),
            params={},
            key=IdempotencyKey(f"test:{number}"),
            language="en",
            trace_id=TraceId("0" * 32),
        )
    )


async def _end(chat_id: int, status: str, seconds: int, error_code: str = "") -> None:
    await db.execute(
        """UPDATE botapp_genrequest SET status = $2, error_code = $3, next_action_at = NULL,
            created_at = now() - make_interval(secs => $4), completed_at = now() WHERE chat_id = $1""",
        chat_id,
        status,
        error_code,
        float(seconds),
    )


async def _samples() -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    text = (await metrics.render()).decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _labels(**labels: str) -> frozenset[tuple[str, str]]:
    return frozenset(labels.items())


async def test_an_idle_service_has_nothing_waiting(service: Settings) -> None:
    del service
    state = await service_state.read(with_outcomes=True)

    assert (state.queued, state.processing, state.stuck) == (0, 0, 0)
    assert state.inbox == state.outbox == service_state.Backlog(0, None)
    assert state.queues == {"generation": 0, "delivery": 0, "default": 0}
    assert state.outcomes == ()
    assert state.count_processes() == {"web": 0, "worker": 0, "beat": 0}


async def test_orders_wait_in_the_database_and_tasks_in_redis(service: Settings) -> None:
    del service
    await _order(1)
    await _order(2)
    await db.execute(
        """INSERT INTO botapp_inbox (source, event_id, subject, payload, received_at)
        VALUES ('telegram', '1', '1', '{}', now() - interval '30 seconds')"""
    )
    await redis.client().rpush("delivery", "a", "b", "c")  # type: ignore[misc]  # redis-py types both its clients as one

    state = await service_state.read()

    assert state.queued == 2
    assert state.inbox.pending == 1
    assert state.inbox.oldest_s is not None
    assert 29 <= state.inbox.oldest_s <= 60
    assert state.queues["delivery"] == 3


async def test_events_that_were_handled_do_not_wait(service: Settings) -> None:
    del service
    await db.execute(
        "INSERT INTO botapp_inbox (source, event_id, payload, handled_at) VALUES ('telegram', '1', '{}', now())"
    )

    assert (await service_state.read()).inbox.pending == 0


@pytest.mark.parametrize(
    ("column", "value", "stuck"),
    [
        ("next_action_at", "now() - interval '1 hour'", 1),
        ("next_action_at", "now() - interval '1 minute'", 0),
        ("next_action_at", "now() + interval '1 minute'", 0),
    ],
)
async def test_stuck_is_what_is_long_overdue(service: Settings, column: str, value: str, stuck: int) -> None:
    del service
    await _order(1)
    await db.execute(f"UPDATE botapp_genrequest SET {column} = {value}")

    assert (await service_state.read()).stuck == stuck


async def test_a_job_under_a_running_lease_is_not_stuck(service: Settings) -> None:
    del service
    await _order(1)
    await db.execute(
        """UPDATE botapp_genrequest SET status = 'processing', next_action_at = now() - interval '1 hour',
        lease_until = now() + interval '1 minute'"""
    )

    state = await service_state.read()
    assert (state.processing, state.stuck) == (1, 0)


async def test_outcomes_are_counted_by_model_and_reason(service: Settings) -> None:
    del service
    for number in range(1, 5):
        await _order(number)
    await _end(1, "done", 10)
    await _end(2, "done", 20)
    await _end(3, "error", 5, "content_blocked")

    state = await service_state.read(with_outcomes=True)

    done, failed = state.outcomes
    assert (done.model, done.status, done.count) == ("nano-banana", "done", 2)
    assert done.median_s == pytest.approx(15, abs=0.5)
    assert (failed.status, failed.error_code, failed.count) == ("error", "content_blocked", 1)

    samples = await _samples()
    labels = _labels(model="nano-banana", status="done", error_code="")
    assert samples["nb_generations_finished_last_hour", labels] == 2
    assert samples["nb_generations_in_progress", _labels(status="queued")] == 1


async def test_what_ended_long_ago_is_no_outcome_of_today(service: Settings) -> None:
    del service
    await _order(1)
    await _end(1, "done", 10)
    await db.execute("UPDATE botapp_genrequest SET completed_at = now() - interval '2 hours'")

    assert (await service_state.read(with_outcomes=True)).outcomes == ()


async def test_without_a_database_the_metrics_say_that_they_do_not_know(
    service: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    del service

    async def away(*_: Any) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(db, "fetch_one", away)
    samples = await _samples()

    assert samples["nb_state_known", frozenset()] == 0
    assert not any(name == "nb_inbox_pending" for name, _ in samples)


async def test_requests_are_counted_by_route_and_status(service: Settings) -> None:
    del service
    labels = _labels(method="PUT", route="/test", status="418")
    for seconds in (0.001, 0.2):
        metrics.observe_request("PUT", "/test", 418, seconds)

    samples = await _samples()

    assert samples["nb_http_request_duration_seconds_count", labels] == 2
    assert samples["nb_http_request_duration_seconds_bucket", labels | _labels(le="0.005")] == 1
    assert samples["nb_http_request_duration_seconds_bucket", labels | _labels(le="0.25")] == 2


async def test_breakers_slots_and_lost_answers_are_scraped(service: Settings) -> None:
    await _order(1)
    await provider_health.park("kling", datetime.now(UTC) + timedelta(minutes=5), "maintenance")
    await db.execute("UPDATE botapp_genrequest SET provider = 'gemini'")
    await db.execute("INSERT INTO botapp_genevent (generation_id, event) SELECT id, 'lookup' FROM botapp_genrequest")
    samples = await _samples()
    assert samples["nb_provider_parked", _labels(provider="kling")] == 1
    assert samples["nb_provider_parked", _labels(provider="gemini")] == 0
    assert samples["nb_provider_waiting", _labels(provider="gemini")] == 1
    assert samples["nb_provider_running", _labels(provider="gemini")] == 0
    assert samples["nb_generations_looked_up_last_day", _labels()] == 1


async def test_a_redis_that_is_frozen_keeps_nobody_waiting(service: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async def accept_and_say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    monkeypatch.setattr(redis, "LOOK_TIMEOUT", 0.05)
    frozen = await asyncio.start_server(accept_and_say_nothing, "127.0.0.1", 0)
    port = frozen.sockets[0].getsockname()[1]
    async with frozen:
        await redis.connect(service.model_copy(update={"redis_url": SecretStr(f"redis://127.0.0.1:{port}/0")}))
        async with asyncio.timeout(redis.COMMAND_TIMEOUT):
            with pytest.raises(redis.UNAVAILABLE):
                await service_state.read()
            assert await telegram_webhook.remembered() is None
        await redis.disconnect()
    await redis.connect(service)

"""Probes: liveness that looks at nothing, readiness that looks at everything, metrics for our own network."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from core import db, heartbeat, ops_tokens, provider_health, redis
from core.heartbeat import ProcessKind
from core.settings import Settings
from tests.core.http.conftest import serving

pytestmark = pytest.mark.integration

NEEDED = ["database", "migrations", "redis", "worker", "beat", "storage", "webhook"]
WATCHED = [
    "commits",
    "queue.generation",
    "queue.delivery",
    "queue.default",
    "inbox",
    "outbox",
    "generations.stuck",
    "errors.critical",
    "webhook.backlog",
    "webhook.last_error",
    "webhook.allowed_updates",
    "models",
]


async def _alive(*kinds: ProcessKind) -> None:
    for kind in kinds:
        await heartbeat.beat(kind, "test:1", "0000000", datetime.now(UTC))


async def test_health_says_which_service_answers(client: httpx.AsyncClient) -> None:
    response = await client.get("/api/health")

    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {"ok": True, "version": "0.1.0", "commit": "0000000", "environment": "local"}


async def test_health_answers_head_without_a_body(client: httpx.AsyncClient) -> None:
    response = await client.head("/api/health")

    assert response.status_code == 200
    assert response.content == b""


async def test_health_does_not_look_at_the_database(client: httpx.AsyncClient) -> None:
    await db.disconnect()

    assert (await client.get("/api/health")).status_code == 200


async def test_without_a_token_readiness_is_a_yes_or_no(client: httpx.AsyncClient) -> None:
    response = await client.get("/api/ready")

    assert response.status_code == 503
    assert response.json() == {"ok": False}


async def test_an_operator_sees_each_check_with_what_to_do(operator: httpx.AsyncClient) -> None:
    response = await operator.get("/api/ready")
    checks = {check["id"]: check for check in response.json()["checks"]}

    levels = {name: check["level"] for name, check in checks.items()}
    assert [name for name, level in levels.items() if level == "needed"] == NEEDED
    assert [name for name, level in levels.items() if level == "watched"] == WATCHED
    assert levels["provider.demo"] == "noted"
    assert {name: check["state"] for name, check in checks.items() if name in NEEDED} == {
        "database": "ok",
        "migrations": "ok",
        "redis": "ok",
        "worker": "failed",
        "beat": "failed",
        "storage": "ok",
        "webhook": "unknown",
    }
    assert checks["worker"]["fix"] == "start one: nb worker"
    assert all(check["duration_ms"] >= 0 for check in checks.values())


async def test_a_service_with_everything_is_ready(settings: Settings) -> None:
    polling = settings.model_copy(update={"telegram_updates": "polling"})
    async with serving(polling) as client:
        await _alive("worker", "beat", "poller")
        response = await client.get("/api/ready")

    assert response.status_code == 200
    assert response.json() == {"ok": True}


async def test_a_queue_that_waits_is_told_and_makes_no_probe_red(settings: Settings) -> None:
    polling = settings.model_copy(update={"telegram_updates": "polling"})
    async with serving(polling) as client:
        await _alive("worker", "beat", "poller")
        await redis.client().lpush("generation", '{"headers": {"published_at": 1.0}}')  # type: ignore[misc]
        token = await ops_tokens.create("tests", ["read"])
        response = await client.get("/api/ready", headers={"Authorization": f"Bearer {token}"})
    checks = {check["id"]: check for check in response.json()["checks"]}

    assert (response.status_code, response.json()["ok"]) == (200, True)
    assert checks["queue.generation"]["state"] == "failed"
    assert checks["queue.generation"]["facts"]["depth"] == 1


async def test_a_wrong_token_is_refused_rather_than_ignored(client: httpx.AsyncClient) -> None:
    response = await client.get("/api/ready", headers={"Authorization": "Bearer nbk_wrong"})

    assert response.status_code == 401
    assert "checks" not in response.json()


async def test_the_token_secret_appears_nowhere_in_readiness(settings: Settings) -> None:
    broken = settings.model_copy(update={"telegram_api_base_url": "http://127.0.0.1:9"})
    async with serving(broken) as client:
        token = await ops_tokens.create("tests", ["read"])
        response = await client.get("/api/ready", headers={"Authorization": f"Bearer {token}"})

    assert settings.telegram_bot_token.get_secret_value() not in response.text
    assert "token-of-the-tests" not in response.text


async def test_details_are_still_there_for_a_known_operator_when_the_database_goes_away(
    operator: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await operator.get("/api/ready")

    async def away(*_: object) -> None:
        raise ConnectionRefusedError

    for name in ("fetch", "fetch_one", "fetch_value", "execute"):
        monkeypatch.setattr(db, name, away)
    monkeypatch.setattr("core.readiness.FRESH_SECONDS", 0)
    response = await operator.get("/api/ready")

    states = {check["id"]: check["state"] for check in response.json()["checks"]}
    assert response.status_code == 503
    assert (states["database"], states["migrations"], states["redis"]) == ("failed", "unknown", "ok")


async def test_a_database_without_our_tables_is_told_as_such_and_breaks_nothing(operator: httpx.AsyncClient) -> None:
    await db.execute("ALTER TABLE botapp_provider RENAME TO elsewhere")
    response = await operator.get("/api/ready")
    checks = {check["id"]: check["state"] for check in response.json()["checks"]}

    assert response.status_code == 503
    assert response.json()["providers"] is None
    assert checks["provider.demo"] == "unknown"


async def test_a_probe_is_answered_while_no_migration_is_applied(client: httpx.AsyncClient) -> None:
    token = await ops_tokens.create("tests", ["read"])
    await db.execute("DROP SCHEMA public CASCADE")
    await db.execute("CREATE SCHEMA public")

    plain = await client.get("/api/ready")
    with_token = await client.get("/api/ready", headers={"Authorization": f"Bearer {token}"})

    assert (plain.status_code, plain.json()) == (503, {"ok": False})
    assert (with_token.status_code, with_token.json()) == (503, {"ok": False})


async def test_a_neighbour_reads_the_metrics(client: httpx.AsyncClient) -> None:
    await client.get("/api/health")
    response = await client.get("/metrics")
    samples = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }

    assert response.headers["content-type"].startswith("text/plain")
    health = (("method", "GET"), ("route", "/api/health"), ("status", "200"))
    assert samples["nb_http_request_duration_seconds_count", health] >= 1
    assert samples["nb_state_known", ()] == 1
    assert samples["nb_inbox_pending", ()] == 0
    assert samples["nb_outbox_pending", ()] == 0
    assert samples["nb_queue_depth", (("queue", "generation"),)] == 0
    assert samples["nb_generations_in_progress", (("status", "stuck"),)] == 0


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "Via"])
async def test_a_request_through_a_proxy_is_no_neighbour(client: httpx.AsyncClient, header: str) -> None:
    response = await client.get("/metrics", headers={header: "127.0.0.1"})

    assert response.status_code == 401
    assert response.json()["code"] == "not_authenticated"


async def test_a_token_opens_the_metrics_from_anywhere(operator: httpx.AsyncClient) -> None:
    response = await operator.get("/metrics", headers={"X-Forwarded-For": "203.0.113.7"})

    assert response.status_code == 200


async def test_unknown_addresses_do_not_make_new_series(client: httpx.AsyncClient) -> None:
    for number in range(3):
        await client.get(f"/made-up/{number}")
    text = (await client.get("/metrics")).text

    assert "made-up" not in text
    assert 'route="none"' in text


async def test_breakers_are_told_to_operators_only(client: httpx.AsyncClient, operator: httpx.AsyncClient) -> None:
    await provider_health.park("kling", datetime.now(UTC) + timedelta(minutes=5), "maintenance")
    await provider_health.switch("kie", is_enabled=False)
    told = (await operator.get("/api/ready")).json()["providers"]
    assert (told["kling"], told["kie"], told["demo"]) == ("open", "disabled", "closed")
    assert "providers" not in (await client.get("/api/ready")).json()

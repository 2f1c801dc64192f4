"""Readiness: every check on its own, side by side, within its time, and never green by default."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
import pytest
from pydantic import SecretStr

from core import db, heartbeat, migrations, readiness, redis, storage
from core.readiness import ReadinessProbe, checks_of
from core.settings import Settings
from core.verdicts import Verdict
from tests.emulators.service import serve
from tests.emulators.supabase import SupabaseService
from tests.fixtures.servers import make_settings

OK = Verdict("ok", "fine")


async def _ok() -> Verdict:
    return OK


def _raising(error: BaseException) -> Callable[[], Awaitable[Verdict]]:
    async def check() -> Verdict:
        raise error

    return check


async def test_everything_ok_is_ready() -> None:
    found = await ReadinessProbe({"a": _ok, "b": _ok}).look()

    assert found.ok
    assert [(check.id, check.state, check.detail) for check in found.checks] == [
        ("a", "ok", "fine"),
        ("b", "ok", "fine"),
    ]


@pytest.mark.parametrize("state", ["failed", "unknown"])
async def test_one_that_is_not_ok_is_not_ready(state: Any) -> None:
    async def check() -> Verdict:
        return Verdict(state, "no")

    assert not (await ReadinessProbe({"a": _ok, "b": check}).look()).ok


@pytest.mark.parametrize("error", [ConnectionRefusedError(), asyncpg.InterfaceError("gone"), TimeoutError()])
async def test_a_check_that_could_not_look_is_unknown(error: Exception) -> None:
    (check,) = (await ReadinessProbe({"a": _raising(error)}).look()).checks

    assert check.state == "unknown"


async def test_a_broken_check_is_unknown_and_the_others_are_still_made() -> None:
    broken, fine = (await ReadinessProbe({"a": _raising(KeyError("password")), "b": _ok}).look()).checks

    assert (broken.state, fine.state) == ("unknown", "ok")
    assert "KeyError" in broken.detail
    assert "password" not in broken.detail


async def test_a_check_that_hangs_is_unknown_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "LIMIT_SECONDS", 0.05)

    async def hang() -> Verdict:
        await asyncio.Event().wait()
        return OK

    (hanging, fine) = (await ReadinessProbe({"a": hang, "b": _ok}).look()).checks

    assert (hanging.state, hanging.detail) == ("unknown", "no answer within 0.05 s")
    assert fine.state == "ok"


async def test_a_check_that_is_slow_to_give_up_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "LIMIT_SECONDS", 0.05)
    has_given_up, may_end = asyncio.Event(), asyncio.Event()

    async def frozen() -> Verdict:
        try:
            await asyncio.Event().wait()
        finally:
            has_given_up.set()
            await may_end.wait()
        return OK

    async with asyncio.timeout(20):
        (check,) = (await ReadinessProbe({"database": frozen}).look()).checks
        await has_given_up.wait()

    assert (check.state, check.detail) == ("unknown", "no answer within 0.05 s")
    may_end.set()


async def test_checks_run_side_by_side() -> None:
    everybody_is_there = asyncio.Barrier(3)

    async def meet() -> Verdict:
        await everybody_is_there.wait()
        return OK

    assert (await ReadinessProbe({"a": meet, "b": meet, "c": meet}).look()).ok


async def test_a_flood_of_questions_is_one_look() -> None:
    looks = 0
    now = 0.0

    async def count() -> Verdict:
        nonlocal looks
        looks += 1
        await asyncio.sleep(0)
        return OK

    probe = ReadinessProbe({"a": count}, clock=lambda: now)
    await asyncio.gather(*(probe.look() for _ in range(100)))
    await probe.look()
    assert looks == 1

    now = 1.5
    await probe.look()
    assert looks == 2


async def test_somebody_who_hangs_up_does_not_stop_the_look_for_the_others() -> None:
    go = asyncio.Event()

    async def wait() -> Verdict:
        await go.wait()
        return OK

    probe = ReadinessProbe({"a": wait})
    impatient, patient = asyncio.create_task(probe.look()), asyncio.create_task(probe.look())
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.wait([impatient])
    go.set()

    assert (await patient).ok


async def _check(name: str, settings: Settings, answer: httpx.MockTransport | None = None) -> Verdict:
    async with httpx.AsyncClient(transport=answer, trust_env=False) as client:
        return await checks_of(settings, client)[name]()


def _telegram(status: int = 200, **info: Any) -> httpx.MockTransport:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path.endswith("/getWebhookInfo")
        return httpx.Response(status, json={"ok": status == 200, "result": info})

    return httpx.MockTransport(answer)


def _offline_settings(**overrides: Any) -> Settings:
    return make_settings("postgresql://nobody@127.0.0.1:1/none", "redis://127.0.0.1:1/0", **overrides)


HERE = "http://127.0.0.1:8000/api/telegram/webhook"


async def test_telegram_that_sends_updates_here_is_ok() -> None:
    verdict = await _check("webhook", _offline_settings(), _telegram(url=HERE, pending_update_count=3))

    assert (verdict.state, verdict.detail) == ("ok", "3 updates wait")


async def test_what_went_wrong_last_is_told() -> None:
    verdict = await _check(
        "webhook",
        _offline_settings(),
        _telegram(url=HERE, pending_update_count=3, last_error_message="502 Bad Gateway"),
    )

    assert verdict.detail == "3 updates wait; last error: 502 Bad Gateway"


@pytest.mark.parametrize(
    ("url", "found"), [("", "nowhere"), ("https://other.example/hook", "to https://other.example/hook")]
)
async def test_telegram_that_sends_updates_elsewhere_is_a_failure(url: str, found: str) -> None:
    verdict = await _check("webhook", _offline_settings(), _telegram(url=url))

    assert verdict.state == "failed"
    assert found in verdict.detail
    assert verdict.fix


async def test_a_token_that_telegram_does_not_know_is_a_failure() -> None:
    verdict = await _check("webhook", _offline_settings(), _telegram(401))

    assert verdict.state == "failed"
    assert "TELEGRAM_BOT_TOKEN" in str(verdict.fix)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.MockTransport(lambda _: httpx.Response(502, text="<html>Bad Gateway</html>")),
        httpx.MockTransport(lambda _: httpx.Response(500, json={"ok": False})),
        httpx.MockTransport(lambda _: httpx.Response(200, json=[])),
        httpx.MockTransport(lambda _: httpx.Response(200, content=b"\xff\xfe")),
    ],
)
async def test_a_telegram_that_answers_nonsense_is_unknown(answer: httpx.MockTransport) -> None:
    assert (await _check("webhook", _offline_settings(), answer)).state == "unknown"


async def test_the_address_with_the_token_is_not_part_of_the_verdict() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError(f"cannot reach {request.url}")

    verdict = await _check("webhook", _offline_settings(), httpx.MockTransport(refuse))

    assert verdict == Verdict("unknown", "Telegram could not be asked: ConnectError")


async def test_a_good_answer_of_telegram_is_believed_for_a_while_and_a_bad_one_is_not() -> None:
    asked = 0
    url = "https://other.example/hook"

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        return httpx.Response(200, json={"ok": True, "result": {"url": url}})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        check = checks_of(_offline_settings(), client)["webhook"]
        states = [(await check()).state, (await check()).state]
        url = HERE
        states += [(await check()).state, (await check()).state]

    assert states == ["failed", "failed", "ok", "ok"]
    assert asked == 3


@pytest.fixture
async def connected(settings: Settings) -> AsyncIterator[Settings]:
    """Database, Redis and storage."""
    await db.connect(settings)
    await redis.connect(settings)
    await storage.connect(settings)
    yield settings
    await storage.disconnect()
    await redis.disconnect()
    await db.disconnect()


@pytest.mark.integration
@pytest.mark.parametrize("name", ["database", "migrations", "redis", "storage"])
async def test_what_is_there_is_ok(connected: Settings, name: str) -> None:
    assert (await _check(name, connected)).state == "ok"


@pytest.mark.integration
async def test_a_migration_that_is_missing_is_a_failure_with_the_command(connected: Settings) -> None:
    await db.execute("DELETE FROM migration WHERE name = $1", migrations.known()[-1])

    verdict = await _check("migrations", connected)

    assert (verdict.state, verdict.fix) == ("failed", "nb db migrate")
    assert verdict.detail == f"1 of {len(migrations.known())} are not applied"


@pytest.mark.integration
async def test_a_database_ahead_of_this_code_still_serves_it(connected: Settings) -> None:
    await db.execute("INSERT INTO migration (name, app_name, ran_on) VALUES ('2099', 'core', now())")

    verdict = await _check("migrations", connected)

    assert verdict.state == "ok"
    assert "1 newer" in verdict.detail


@pytest.mark.integration
async def test_a_database_that_is_away_has_failed(connected: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "fetch_value", lambda *_: _raising(ConnectionRefusedError())())

    verdict = await _check("database", connected)

    assert verdict.state == "failed"
    assert "DATABASE_URL" in str(verdict.fix)


@pytest.mark.integration
async def test_a_redis_that_is_away_has_failed_and_nobody_knows_about_the_worker(settings: Settings) -> None:
    await redis.connect(_offline_settings())
    async with httpx.AsyncClient() as client:
        checks = checks_of(settings, client)
        found = await ReadinessProbe({name: checks[name] for name in ("redis", "worker", "beat")}).look()
    await redis.disconnect()

    assert [check.state for check in found.checks] == ["failed", "unknown", "unknown"]


@pytest.mark.integration
async def test_storage_that_cannot_be_written_has_failed(connected: Settings) -> None:
    connected.media_path.parent.mkdir(parents=True, exist_ok=True)
    connected.media_path.write_text("a file where the folder should be")

    assert (await _check("storage", connected)).state == "failed"


@pytest.mark.integration
async def test_supabase_counts_when_its_buckets_are_private(settings: Settings) -> None:
    project = SupabaseService(key="sb_secret_of_the_tests")
    async with serve(project) as address:
        key = SecretStr("sb_secret_of_the_tests")
        await storage.connect(settings.model_copy(update={"supabase_url": address, "supabase_service_role_key": key}))
        project.buckets["bot-images"]["public"] = True
        public = await _check("storage", settings)
        project.buckets["bot-images"]["public"] = False
        private = await _check("storage", settings)
        await storage.disconnect()

    assert (public.state, private.state) == ("failed", "ok")
    assert "PublicBucket" in public.detail


@pytest.mark.integration
@pytest.mark.parametrize("kind", ["worker", "beat"])
async def test_a_process_counts_while_it_beats(connected: Settings, kind: Any) -> None:
    assert (await _check(kind, connected)).state == "failed"

    await heartbeat.beat(kind, "host:1", "6a090cb", datetime.now(UTC))

    assert await _check(kind, connected) == Verdict("ok", "1 alive")


@pytest.mark.integration
async def test_where_updates_are_fetched_the_poller_stands_for_the_webhook(connected: Settings) -> None:
    polling = connected.model_copy(update={"telegram_updates": "polling"})
    verdict = await _check("webhook", polling)
    assert (verdict.state, verdict.fix) == ("failed", "start one: nb bot poll")

    await heartbeat.beat("poller", "host:1", "6a090cb", datetime.now(UTC))

    assert (await _check("webhook", polling)).state == "ok"

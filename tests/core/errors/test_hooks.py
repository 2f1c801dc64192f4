"""Whatever ends in a fault leaves one row: requests, tasks, events that are given up, alerts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import pytest
from sanic import Blueprint, HTTPResponse, Request

from core import db, errors, redis
from core.alerts import KINDS, alert, kind_of
from core.errors import Origin, Severity
from core.http.problems import Problem
from core.inbox import MAX_ATTEMPTS, Event, Inbox
from core.queue import celery, runtime
from core.queue.runtime import Running, part_of_worker, task
from core.settings import Settings
from core.types import TraceId
from tests.core.errors.conftest import kept, raised
from tests.core.http.conftest import serving
from tests.core.test_inbox import consuming, nothing_pending, until

pytestmark = pytest.mark.integration

TRACE = TraceId("4bf92f3577b34da6a3ce929d0e0e4736")


def _failing() -> Blueprint:
    blueprint = Blueprint("failing")

    @blueprint.get("/api/app/v1/broken/<secret>")
    async def broken(request: Request, secret: str) -> HTTPResponse:
        del request
        raise ValueError("a defect")

    @blueprint.get("/api/payments/nobody/refused")
    async def refused(request: Request) -> HTTPResponse:
        del request
        raise Problem(403, "No.")

    @blueprint.get("/away")
    async def away(request: Request) -> HTTPResponse:
        del request
        raise ConnectionRefusedError("10.0.0.7")

    return blueprint


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A server that records, with requests that fail."""
    async with serving(settings, [_failing()]) as opened:
        yield opened


async def test_a_request_that_broke_is_found_by_the_trace_its_sender_was_told(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/app/v1/broken/hush-hush", headers={"X-Request-Id": TRACE})
    assert (answer.status_code, answer.json()["trace_id"]) == (500, TRACE)
    [row] = await kept()
    assert (row["trace_id"], row["origin"], row["severity"]) == (TRACE, "miniapp", "critical")
    assert row["handler"] == "GET /api/app/v1/broken/<secret:str>"
    assert "hush" not in str(dict(row))


async def test_refusals_and_backends_that_are_away_are_no_faults(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/payments/nobody/refused")).status_code == 403
    assert (await client.get("/away")).status_code == 503
    assert (await client.get("/nowhere")).status_code == 404
    assert await kept() == []


def test_a_task_that_failed_is_kept_with_its_job_and_trace(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime._runtime, "parts", [])
    found: list[db.Row] = []

    @part_of_worker
    def process(of: Settings) -> AbstractAsyncContextManager[None]:
        return _recording(of, found)

    @task("test.errors.fail")
    async def fail(run_code: str, prompt: str) -> None:
        del run_code, prompt
        raise ZeroDivisionError("as told")

    with Running(settings), pytest.raises(ZeroDivisionError):
        celery.tasks["test.errors.fail"](run_code="abc", prompt="words", trace_id=TRACE)
    [row] = found
    assert (row["origin"], row["severity"], row["handler"]) == ("celery_task", "critical", "test.errors.fail")
    assert row["trace_id"] == TRACE
    assert '"run_code": "abc"' in row["extra"] and "words" not in row["extra"]


@asynccontextmanager
async def _recording(settings: Settings, found: list[db.Row]) -> AsyncIterator[None]:
    """A worker that records, and tells at its end what it has kept."""
    await db.connect(settings)
    async with errors.recording(settings):
        yield
    found.extend(await kept())
    await db.disconnect()


async def test_an_event_that_is_given_up_is_a_fault_and_one_that_is_repeated_is_none(recording: Settings) -> None:
    await redis.connect(recording)
    attempts: list[int] = []

    async def break_twice(event: Event) -> None:
        attempts.append(event.attempts)
        if event.event_id == "2" or event.attempts < 2:
            raise LookupError("a defect")

    box = Inbox("telegram")
    await box.store("1", "4242", b"{}", TRACE)
    await box.store("2", "4343", b"{}", TRACE)
    # All but the last attempt are behind it.
    await db.execute("UPDATE botapp_inbox SET attempts = $1 WHERE event_id = '2'", MAX_ATTEMPTS - 1)
    async with consuming(box, break_twice):
        await until(nothing_pending)
    [row] = await kept()
    await redis.disconnect()
    assert (row["origin"], row["handler"], row["chat_id"]) == ("telegram_handler", "inbox telegram", 4343)
    assert row["severity"] == "critical"


async def test_an_event_about_money_is_one_fault_with_its_stack_and_one_alert(recording: Settings) -> None:
    await redis.connect(recording)
    met = asyncio.Event()

    async def break_down(event: Event) -> None:
        if event.attempts > MAX_ATTEMPTS:
            return
        met.set()
        raise LookupError("a defect")

    box = Inbox("lava", is_money=lambda event: True)
    await box.store("1", "x", b"{}", TRACE)
    await db.execute("UPDATE botapp_inbox SET attempts = $1", MAX_ATTEMPTS - 1)
    async with consuming(box, break_down):
        await met.wait()
        await until(_is_alerted)
    [row] = await kept()
    await redis.disconnect()
    assert (row["origin"], row["severity"], row["error_class"]) == ("payment", "critical", "LookupError")


async def _is_alerted() -> bool:
    return bool(await db.fetch_value("SELECT count(*) FROM botapp_outbox WHERE task = 'bot.alert'"))


async def test_every_alert_leaves_a_fault(recording: Settings) -> None:
    await alert("quarantine:lava:ch_1", "A payment of 5 USD is in quarantine")
    [row] = await kept()
    assert (row["origin"], row["severity"], row["handler"]) == ("payment", "error", "quarantine:lava:#")
    assert row["message"] == "A payment of 5 USD is in quarantine"


async def test_an_alert_about_an_exception_and_its_failed_task_are_one_fault(recording: Settings) -> None:
    error = raised(ValueError("no invoice"))
    await alert("invoice:lava", "Nobody can pay", error=error)
    errors.record(error, origin=Origin.CELERY_TASK, severity=Severity.CRITICAL, handler="payments.check")
    [row] = await kept()
    assert (row["error_class"], row["origin"]) == ("ValueError", "payment")


@pytest.mark.parametrize(
    ("key", "origin", "severity"),
    [
        ("provider:kling:closed", "generation", "info"),
        ("provider:kling:opened", "generation", "error"),
        ("provider:kling:auth_failed", "generation", "error"),
        ("provider:kling:timed_out", "generation", "warning"),
        ("refund-request:abc", "payment", "info"),
        ("refund:abc", "payment", "error"),
        ("reconcile-failed:lava", "payment", "error"),
        ("inbox:telegram:1", "payment", "critical"),
        ("something:else", "other", "error"),
    ],
)
def test_an_alert_is_as_bad_as_its_kind(key: str, origin: str, severity: str) -> None:
    assert kind_of(key) == (origin, severity)
    assert all(start for start, *_ in KINDS)

"""`POST /api/providers/<name>/webhook/<secret>`: who may tell us, what is kept, and how a poll comes earlier."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from core import db, providers
from core.generations import callbacks, webhooks
from core.http.providers import LARGEST_WEBHOOK
from core.http.providers import blueprint as route
from core.settings import Settings
from providers.kling import KlingProvider
from tests.core.http.conftest import serving

pytestmark = pytest.mark.integration


@dataclass(frozen=True)
class Vendor:
    """A vendor that knows its address at ours."""

    web: httpx.AsyncClient
    address: str

    async def tell(self, body: bytes | dict[str, Any], **headers: str) -> httpx.Response:
        """Send a webhook."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.web.post(self.address, content=content, headers=headers)


def news(task: str = "1", ours: str = "text2video-abc", status: str = "succeed") -> dict[str, Any]:
    """What Kling says about a task."""
    return {
        "code": 0,
        "message": "",
        "request_id": "r",
        "data": {"task_id": task, "task_status": status, "task_info": {"external_task_id": ours}},
    }


@pytest.fixture
async def vendor(settings: Settings) -> AsyncIterator[Vendor]:
    """Kling, and a web server whose worker does not work."""
    reachable = settings.model_copy(update={"provider_webhooks": True})
    async with serving(reachable, [route]) as web:
        providers.use("kling", KlingProvider("access", "secret", base_url="http://127.0.0.1:9"))
        address = callbacks.address("kling")
        assert address is not None
        yield Vendor(web, address.removeprefix(settings.public_base_url))
        await providers.get("kling").close()


async def stored() -> list[dict[str, Any]]:
    """Payloads in the inbox."""
    rows = await db.fetch("SELECT payload FROM botapp_inbox WHERE source = 'providers' ORDER BY id")
    return [json.loads(row["payload"]) for row in rows]


async def test_a_webhook_is_kept_once_however_often_it_comes(vendor: Vendor) -> None:
    answers = await asyncio.gather(*(vendor.tell(news()) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert [payload["provider"] for payload in await stored()] == ["kling"]
    assert (await vendor.tell(news(status="processing"))).status_code == 200
    assert len(await stored()) == 2


async def test_the_vendors_own_id_counts_where_it_sends_one(vendor: Vendor) -> None:
    for body in (news("1"), news("2")):
        assert (await vendor.tell(body, **{"webhook-id": "wh_1"})).status_code == 200
    assert [payload["headers"]["webhook-id"] for payload in await stored()] == ["wh_1"]


async def test_credentials_in_headers_are_not_kept(vendor: Vendor) -> None:
    await vendor.tell(news(), Authorization="Bearer of-somebody", Cookie="x=1")
    assert set((await stored())[0]["headers"]) <= set(webhooks.KEPT_HEADERS)


@pytest.mark.parametrize("name", ["kling", "openai", "nobody"])
async def test_a_wrong_secret_finds_nothing(vendor: Vendor, name: str) -> None:
    answer = await vendor.web.post(f"/api/providers/{name}/webhook/{'0' * 40}", content=b"{}")
    assert answer.status_code == 404
    assert await stored() == []


async def test_a_secret_is_good_for_one_provider_only(vendor: Vendor) -> None:
    answer = await vendor.web.post(vendor.address.replace("/kling/", "/gemini/"), content=b"{}")
    assert answer.status_code == 404


async def test_what_is_too_long_or_no_text_is_refused(vendor: Vendor) -> None:
    assert (await vendor.tell(b"x" * (LARGEST_WEBHOOK + 1))).status_code == 413
    assert (await vendor.tell(b"\xff\xfe")).status_code == 400
    assert await stored() == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[1]",
        b"null",
        b"nul \x00 in it",
        b'{"a": "\\u0000\\ud800"}',
        b'{"data": {"task_id": 5}}',
        b"<html>",
    ],
)
async def test_what_says_nothing_is_taken_and_comes_to_nothing(vendor: Vendor, body: bytes) -> None:
    assert (await vendor.tell(body)).status_code == 200
    await handle_all()


async def handle_all() -> None:
    """Have a worker handle everything that is stored."""
    inbox = webhooks.inbox()
    working = asyncio.create_task(inbox.run(webhooks.handle))
    try:
        async with asyncio.timeout(10):
            while await db.fetch_value("SELECT count(*) FROM botapp_inbox WHERE handled_at IS NULL"):
                continue  # Every question is a round trip; the inbox works meanwhile.
    finally:
        working.cancel()
        await asyncio.wait({working})
    errors = [row["error"] for row in await db.fetch("SELECT error FROM botapp_inbox")]
    assert set(errors) == {""}


async def test_a_job_that_nobody_knows_is_no_trouble(vendor: Vendor) -> None:
    assert (await vendor.tell(news("no such task"))).status_code == 200
    await handle_all()
    assert await db.fetch("SELECT FROM botapp_outbox") == []


async def test_there_is_no_address_where_nobody_can_reach_us(settings: Settings) -> None:
    callbacks.connect(settings)
    assert callbacks.address("kling") is None
    callbacks.connect(settings.model_copy(update={"public_base_url": "https://bot.example.com"}))
    address = callbacks.address("kling")
    assert address is not None
    assert address.startswith("https://bot.example.com/api/providers/kling/webhook/")
    assert callbacks.address("kling") != (callbacks.address("gemini") or "").replace("/gemini/", "/kling/")

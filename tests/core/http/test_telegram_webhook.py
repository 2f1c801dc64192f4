"""The webhook over the ops API, with a Bot API on the wire: seen, put right once, rehearsed, and no secret told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from core import audit, redis, telegram_webhook
from core.http.ops.webhook import checks
from core.settings import Settings
from core.telegram_webhook import CONNECTIONS, PATH, UPDATES, Webhook
from tests.bot.sandbox.conftest import TOKEN, start
from tests.core.http.conftest import serving
from tests.core.http.operators import Operator, operator_with

pytestmark = pytest.mark.integration

SECRET = "webhook-secret-of-the-tests"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FINE = Webhook(
    url=f"https://bot.example.com{PATH}",
    expected_url=f"https://bot.example.com{PATH}",
    allowed_updates=UPDATES,
    max_connections=CONNECTIONS,
    pending=0,
    last_error=None,
    last_error_at=None,
    has_certificate=False,
    ip_address=None,
    secret="same",
)


@dataclass
class Scene:
    """An operator, and the Telegram that the service asks."""

    operator: Operator
    telegram: httpx.AsyncClient

    async def told(self, method: str, **parameters: Any) -> Any:
        """Call the Bot API as somebody with the token."""
        answer = await self.telegram.post(f"/bot{TOKEN}/{method}", json=parameters)
        return answer.json()["result"]

    async def calls(self, method: str) -> int:
        """How often the service called a method."""
        found = (await self.telegram.get("/sandbox/v1/calls")).json()["calls"]
        return sum(call["method"] == method for call in found)


@pytest.fixture
async def scene(settings: Settings, tmp_path: Path) -> AsyncIterator[Scene]:
    """A service whose Telegram is a sandbox that knows of no webhook."""
    sandbox = await start(tmp_path)
    token = type(settings.telegram_bot_token)(TOKEN)
    ours = settings.model_copy(
        update={
            "telegram_api_base_url": sandbox.address,
            "telegram_bot_token": token,
            "telegram_updates": "webhook",
            "public_base_url": "https://bot.example.com",
        }
    )
    async with (
        httpx.AsyncClient(base_url=sandbox.address, trust_env=False) as telegram,
        serving(ours) as client,
        operator_with(client, "manager", "operate") as operator,
    ):
        yield Scene(operator, telegram)
    await sandbox.stop()


def states(answer: dict[str, Any]) -> dict[str, str]:
    """Checks of an answer by id."""
    return {check["id"]: check["state"] for check in answer["checks"]}


async def test_a_webhook_that_is_missing_is_found(scene: Scene) -> None:
    answer = (await scene.operator.get("/webhook")).json()
    assert states(answer)["url"] == "failed"
    assert states(answer)["secret"] == "unknown"
    assert answer["expected_url"] == f"https://bot.example.com{PATH}"


async def test_a_frozen_redis_is_named_and_nobody_is_sent_to_set_the_webhook_anew(
    scene: Scene, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def accept_and_say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    await scene.operator.change("/webhook", {})
    monkeypatch.setattr(redis, "LOOK_TIMEOUT", 0.05)
    frozen = await asyncio.start_server(accept_and_say_nothing, "127.0.0.1", 0)
    port = frozen.sockets[0].getsockname()[1]
    async with frozen:
        await redis.connect(settings.model_copy(update={"redis_url": SecretStr(f"redis://127.0.0.1:{port}/0")}))
        answer = (await scene.operator.get("/webhook")).json()
        await redis.disconnect()
    await redis.connect(settings)

    (secret,) = (check for check in answer["checks"] if check["id"] == "secret")
    assert (answer["secret"], secret["state"], secret["fix"]) == ("unknown", "unknown", "nb ready")
    assert "Redis" in secret["detail"]
    assert states((await scene.operator.get("/webhook")).json())["secret"] == "ok"


async def test_it_is_put_right_once_and_the_second_time_nothing_is_told(scene: Scene) -> None:
    first = await scene.operator.change("/webhook", {})
    assert {one["field"] for one in first.json()["changed"]} >= {"url", "secret"}
    assert set(states(first.json()).values()) == {"ok"}
    told = await scene.told("getWebhookInfo")
    assert (told["url"], tuple(told["allowed_updates"])) == (f"https://bot.example.com{PATH}", UPDATES)
    second = await scene.operator.change("/webhook", {})
    assert second.json()["changed"] == []
    assert await scene.calls("setWebhook") == 1


async def test_kinds_of_updates_that_somebody_took_away_come_back(scene: Scene) -> None:
    await scene.operator.change("/webhook", {})
    await scene.told("setWebhook", url=f"https://bot.example.com{PATH}", allowed_updates=["message"])
    assert states((await scene.operator.get("/webhook")).json())["allowed_updates"] == "failed"
    changed = (await scene.operator.change("/webhook", {})).json()["changed"]
    assert [one["found"] for one in changed if one["field"] == "allowed_updates"] == ["message"]
    assert set((await scene.told("getWebhookInfo"))["allowed_updates"]) == set(UPDATES)


async def test_a_rehearsal_tells_telegram_nothing(scene: Scene) -> None:
    answer = await scene.operator.change("/webhook", {}, dry_run=True)
    assert {one["field"] for one in answer.json()["changed"]} >= {"url"}
    assert await scene.calls("setWebhook") == 0
    assert (await scene.told("getWebhookInfo"))["url"] == ""


async def test_the_secret_and_the_token_are_in_no_answer_and_no_record(scene: Scene) -> None:
    answers = [await scene.operator.change("/webhook", {}), await scene.operator.get("/webhook")]
    [event] = await audit.newest(action="webhook.set")
    for text in (*(answer.text for answer in answers), repr(event)):
        assert SECRET not in text
        assert TOKEN not in text


async def test_a_telegram_that_refuses_is_told_as_away(scene: Scene) -> None:
    await scene.telegram.post("/sandbox/v1/faults", json={"method": "setWebhook", "error_code": 500, "times": 1})
    answer = await scene.operator.change("/webhook", {})
    assert (answer.status_code, answer.json()["code"]) == (503, "telegram_away")
    assert TOKEN not in answer.text
    assert await audit.newest(action="webhook.set") == []


async def test_where_updates_are_fetched_no_webhook_is_set(settings: Settings, tmp_path: Path) -> None:
    sandbox = await start(tmp_path)
    token = type(settings.telegram_bot_token)(TOKEN)
    changes = {"telegram_api_base_url": sandbox.address, "telegram_bot_token": token, "telegram_updates": "polling"}
    async with (
        serving(settings.model_copy(update=changes)) as client,
        operator_with(client, "manager", "operate") as operator,
    ):
        answer = await operator.change("/webhook", {})
        assert (answer.status_code, answer.json()["code"]) == (409, "updates_are_fetched")
        assert states((await operator.get("/webhook")).json())["url"] == "ok"
    await sandbox.stop()


@pytest.mark.parametrize(
    ("changes", "check", "state"),
    [
        ({"pending": telegram_webhook.BACKLOG}, "backlog", "ok"),
        ({"pending": telegram_webhook.BACKLOG + 1}, "backlog", "failed"),
        ({"has_certificate": True}, "certificate", "failed"),
        ({"max_connections": 1}, "max_connections", "failed"),
        ({"secret": "differs"}, "secret", "failed"),
        ({"last_error": "502", "last_error_at": NOW - timedelta(seconds=299)}, "last_error", "failed"),
        ({"last_error": "502", "last_error_at": NOW - timedelta(seconds=301)}, "last_error", "ok"),
    ],
)
def test_each_finding_is_judged(changes: dict[str, Any], check: str, state: str) -> None:
    assert {one.state for one in checks(FINE, NOW)} == {"ok"}
    assert {one.id: one.state for one in checks(replace(FINE, **changes), NOW)}[check] == state

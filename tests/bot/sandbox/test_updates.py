"""Updates by polling and by webhook: nothing is lost, and each chat stays in order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramConflictError
from aiohttp import web
from pytest import MonkeyPatch

from bot.sandbox import webhooks
from tests.bot.sandbox.conftest import Running, pending, until

pytestmark = pytest.mark.integration


async def say(http: httpx.AsyncClient, chat: int, text: str) -> None:
    assert (await http.post(f"/chats/{chat}/messages", json={"text": text})).status_code == 201


async def test_an_update_stays_until_the_offset_passes_it(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    await say(http, user, "/start")
    await say(http, user, "two")
    first = await bot.get_updates()
    assert [update.message.text for update in first if update.message] == ["/start", "two"]
    assert await bot.get_updates() == first
    assert await bot.get_updates(offset=first[1].update_id) == first[1:]
    assert await bot.get_updates(offset=first[1].update_id + 1, timeout=0) == []


async def test_a_negative_offset_keeps_the_last_updates(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    for text in ("one", "two", "three"):
        await say(http, user, text)
    updates = await bot.get_updates(offset=-1)
    assert [update.message.text for update in updates if update.message] == ["three"]
    assert (await bot.get_webhook_info()).pending_update_count == 1


async def test_a_limit_is_kept(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    for text in ("one", "two"):
        await say(http, user, text)
    assert len(await bot.get_updates(limit=1)) == 1


async def test_a_long_poll_returns_as_soon_as_there_is_an_update(
    bot: Bot, user: int, http: httpx.AsyncClient, sandbox: Running
) -> None:
    poll = asyncio.ensure_future(bot.get_updates(timeout=20))
    await until(lambda: sandbox.world.updates.is_polling)
    await say(http, user, "now")
    async with asyncio.timeout(15):
        assert len(await poll) == 1


async def test_a_second_poller_ends_the_first_with_a_conflict(bot: Bot, sandbox: Running) -> None:
    first = asyncio.ensure_future(bot.get_updates(timeout=20))
    await until(lambda: sandbox.world.updates.is_polling)
    await bot.get_updates(timeout=0)
    with pytest.raises(TelegramConflictError, match="terminated by other getUpdates request"):
        await first


async def test_polling_and_a_webhook_exclude_each_other(bot: Bot, sandbox: Running) -> None:
    poll = asyncio.ensure_future(bot.get_updates(timeout=20))
    await until(lambda: sandbox.world.updates.is_polling)
    await bot.set_webhook("https://bot.example.com/hook")
    with pytest.raises(TelegramConflictError):
        await poll
    with pytest.raises(TelegramConflictError, match="webhook is active"):
        await bot.get_updates()
    await bot.delete_webhook()
    assert await bot.get_updates() == []


async def test_only_wanted_kinds_of_updates_are_kept(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    await bot.get_updates(allowed_updates=["callback_query"])
    await say(http, user, "not wanted")
    await http.post(f"/chats/{user}/callbacks", json={"message_id": 1, "data": "x", "wait": 0})
    assert [update.event_type for update in await pending(bot)] == ["callback_query"]
    assert (await bot.get_webhook_info()).allowed_updates == ["callback_query"]
    await bot.get_updates(allowed_updates=[])
    await say(http, user, "wanted")
    assert [update.event_type for update in await pending(bot)] == ["message"]


@pytest.mark.parametrize(
    ("url", "options", "words"),
    [
        ("http://bot.example.com/", {}, "bad webhook: An HTTPS URL must be provided for webhook"),
        ("https://bot.example.com:1234/", {}, "Webhook can be set up only on ports 80, 88, 443 or 8443"),
        ("nonsense", {}, "An HTTPS URL must be provided"),
        ("https://bot.example.com/", {"secret_token": "a b"}, "secret token contains unallowed characters"),
        ("https://bot.example.com/", {"secret_token": "a" * 257}, "secret token contains unallowed characters"),
    ],
)
async def test_a_webhook_that_telegram_refuses_is_refused(
    bot: Bot, url: str, options: dict[str, str], words: str
) -> None:
    with pytest.raises(TelegramBadRequest, match=words):
        await bot.set_webhook(url, **options)  # type: ignore[arg-type]


@dataclass
class Receiver:
    """A bot's webhook that answers as it is told."""

    url: str = ""
    received: list[dict[str, Any]] = field(default_factory=list)
    secrets: list[str | None] = field(default_factory=list)
    answers: Callable[[dict[str, Any]], web.Response] = lambda _update: web.Response()
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    running: int = 0
    most_running: int = 0

    async def handle(self, request: web.Request) -> web.Response:
        update = await request.json()
        self.secrets.append(request.headers.get("X-Telegram-Bot-Api-Secret-Token"))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        await self.gate.wait()
        self.running -= 1
        self.received.append(update)
        return self.answers(update)

    def texts(self) -> list[str]:
        return [update["message"]["text"] for update in self.received]


@pytest.fixture
async def receiver(monkeypatch: MonkeyPatch) -> AsyncIterator[Receiver]:
    monkeypatch.setattr(webhooks, "FIRST_DELAY_SECONDS", 0.01)
    monkeypatch.setattr(webhooks, "LONGEST_DELAY_SECONDS", 0.02)
    target = Receiver()
    target.gate.set()
    app = web.Application()
    app.router.add_post("/hook", target.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    target.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield target
    target.gate.set()
    await runner.cleanup()


async def test_an_update_is_pushed_with_the_secret(
    bot: Bot, user: int, http: httpx.AsyncClient, receiver: Receiver
) -> None:
    await say(http, user, "before the webhook")
    await bot.set_webhook(receiver.url, secret_token="s3cret_-", max_connections=5, allowed_updates=["message"])
    await say(http, user, "after")
    await until(lambda: len(receiver.received) == 2)
    assert receiver.texts() == ["before the webhook", "after"]
    assert set(receiver.secrets) == {"s3cret_-"}
    info = await bot.get_webhook_info()
    assert (info.url, info.max_connections, info.pending_update_count) == (receiver.url, 5, 0)
    assert info.allowed_updates == ["message"]
    assert info.last_error_message is None


async def test_a_refused_update_comes_again_in_order(
    bot: Bot, user: int, http: httpx.AsyncClient, receiver: Receiver
) -> None:
    receiver.answers = lambda _update: web.Response(status=500 if len(receiver.received) < 3 else 200)
    await bot.set_webhook(receiver.url)
    await say(http, user, "one")
    await say(http, user, "two")
    await until(lambda: len(receiver.received) == 4)
    assert receiver.texts() == ["one", "one", "one", "two"]
    assert len({update["update_id"] for update in receiver.received}) == 2
    info = await bot.get_webhook_info()
    assert info.last_error_message == "Wrong response from the webhook: 500 Internal Server Error"
    assert info.last_error_date is not None


async def test_an_unreachable_webhook_keeps_the_updates(
    bot: Bot, user: int, http: httpx.AsyncClient, sandbox: Running, receiver: Receiver
) -> None:
    await bot.set_webhook("http://127.0.0.1:1/hook")
    await say(http, user, "kept")
    await until(lambda: sandbox.world.state.setting("webhook").get("last_error_message") == "Connection refused")
    assert (await bot.get_webhook_info()).pending_update_count == 1
    await bot.set_webhook(receiver.url)
    await until(lambda: receiver.texts() == ["kept"])


async def test_chats_are_served_side_by_side_and_each_in_order(
    bot: Bot, user: int, http: httpx.AsyncClient, receiver: Receiver
) -> None:
    others = (101, 102, 103)
    for other in others:
        await http.post("/users", json={"id": other, "first_name": "Other"})
    receiver.gate.clear()
    await bot.set_webhook(receiver.url, max_connections=2)
    for text in ("a", "b"):
        for chat in others:
            await say(http, chat, text)
    await until(lambda: receiver.running == 2)
    receiver.gate.set()
    await until(lambda: len(receiver.received) == 6)
    assert receiver.most_running == 2
    for chat in others:
        mine = [update["message"]["text"] for update in receiver.received if update["message"]["chat"]["id"] == chat]
        assert mine == ["a", "b"]


async def test_a_method_in_the_reply_is_executed(
    bot: Bot, user: int, http: httpx.AsyncClient, sandbox: Running, receiver: Receiver
) -> None:
    call = {"method": "sendMessage", "chat_id": user, "text": "from the reply"}
    receiver.answers = lambda _update: web.Response(text=json.dumps(call), content_type="application/json")
    await bot.set_webhook(receiver.url)
    await say(http, user, "hello")
    await until(lambda: len(sandbox.world.state.messages[user]) == 2)
    seen = (await http.get(f"/chats/{user}/messages")).json()["messages"]
    assert [message["text"] for message in seen] == ["hello", "from the reply"]


async def test_a_reply_that_is_no_method_does_no_harm(
    bot: Bot, user: int, http: httpx.AsyncClient, sandbox: Running, receiver: Receiver
) -> None:
    answers = [web.json_response({"ok": True}), web.Response(text="{", content_type="application/json")]
    receiver.answers = lambda _update: answers.pop()
    await bot.set_webhook(receiver.url)
    await say(http, user, "one")
    await say(http, user, "two")
    await until(lambda: not sandbox.world.updates.waiting)
    assert receiver.texts() == ["one", "two"]


async def test_pending_updates_are_dropped_on_request(
    bot: Bot, user: int, http: httpx.AsyncClient, receiver: Receiver
) -> None:
    await say(http, user, "old")
    await bot.set_webhook(receiver.url, drop_pending_updates=True)
    await say(http, user, "new")
    await until(lambda: receiver.received)
    assert receiver.texts() == ["new"]


async def test_a_deleted_webhook_receives_nothing_more(
    bot: Bot, user: int, http: httpx.AsyncClient, receiver: Receiver
) -> None:
    await bot.set_webhook(receiver.url)
    await bot.set_webhook("")
    await say(http, user, "for the poller")
    assert [update.message.text for update in await pending(bot) if update.message] == ["for the poller"]
    assert receiver.received == []
    assert (await bot.get_webhook_info()).url == ""

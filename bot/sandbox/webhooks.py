"""Pushes updates to the bot's webhook: chats side by side, each chat in order, again and again until it is accepted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import httpx

from bot.sandbox.documents import JsonObject
from bot.sandbox.state import State
from bot.sandbox.updates import Updates

FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 5.0
REQUEST_SECONDS = 60
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the name of a header

Execute = Callable[[str, JsonObject], Awaitable[object]]


class WebhookPusher:
    """Delivers while a webhook is set. `execute` runs a method that the bot put into its reply."""

    def __init__(self, state: State, updates: Updates, execute: Execute) -> None:
        self._state = state
        self._updates = updates
        self._execute = execute
        self._lanes: dict[int, asyncio.Task[None]] = {}
        self._client: httpx.AsyncClient | None = None
        self._slots = asyncio.Semaphore(40)

    @property
    def webhook(self) -> JsonObject:
        """The webhook's settings; empty when none is set."""
        return self._state.setting("webhook")

    def restart(self) -> None:
        """Begin anew after the webhook changed, and at start."""
        for lane in self._lanes.values():
            lane.cancel()
        self._lanes.clear()
        self._slots = asyncio.Semaphore(self.webhook.get("max_connections", 40))
        self.wake()

    def wake(self) -> None:
        """See to it that every chat with waiting updates is being served."""
        if not self.webhook.get("url"):
            return
        for record in self._updates.waiting.values():
            chat_id = record["chat_id"]
            lane = self._lanes.get(chat_id)
            if lane is None or lane.done():
                self._lanes[chat_id] = asyncio.get_running_loop().create_task(self._serve(chat_id))

    async def close(self) -> None:
        """Stop pushing; what is undelivered stays."""
        for lane in self._lanes.values():
            lane.cancel()
        await asyncio.gather(*self._lanes.values(), return_exceptions=True)
        self._lanes.clear()
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _serve(self, chat_id: int) -> None:
        delay = FIRST_DELAY_SECONDS
        while (update := self._next(chat_id)) is not None:
            async with self._slots:
                problem = await self._deliver(update)
            if problem is None:
                self._updates.confirm(update["update_id"])
                delay = FIRST_DELAY_SECONDS
                continue
            failure = {"last_error_date": self._state.now(), "last_error_message": problem}
            self._state.put_setting("webhook", {**self.webhook, **failure})
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_DELAY_SECONDS)
        self._lanes.pop(chat_id, None)

    def _next(self, chat_id: int) -> JsonObject | None:
        for record in self._updates.waiting.values():
            if record["chat_id"] == chat_id:
                update: JsonObject = record["update"]
                return update
        return None

    async def _deliver(self, update: JsonObject) -> str | None:
        """Post one update; returns what went wrong, or None."""
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=REQUEST_SECONDS, limits=httpx.Limits(max_connections=100))
        headers = {"Content-Type": "application/json"}
        if self.webhook.get("secret_token"):
            headers[SECRET_HEADER] = self.webhook["secret_token"]
        try:
            answer = await self._client.post(self.webhook["url"], content=json.dumps(update), headers=headers)
        except httpx.TimeoutException:
            return "Read timeout expired"
        except httpx.ConnectError:
            return "Connection refused"
        except httpx.HTTPError as error:
            return f"Connection failed: {type(error).__name__}"
        if not answer.is_success:
            return f"Wrong response from the webhook: {answer.status_code} {answer.reason_phrase}"
        await self._run_reply(answer)
        return None

    async def _run_reply(self, answer: httpx.Response) -> None:
        if not answer.headers.get("content-type", "").startswith("application/json"):
            return
        try:
            call = answer.json()
        except ValueError:
            return
        if isinstance(call, dict) and isinstance(call.get("method"), str):
            await self._execute(call.pop("method"), call)

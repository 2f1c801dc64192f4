"""People who talk to the bot through the sandbox, as tests play them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from typing import Any, TypeAlias

import httpx

from tests.end_to_end.records import Records
from tests.end_to_end.waiting import until
from tests.fixtures.product import Product

Message: TypeAlias = dict[str, Any]

WELCOME = Decimal("50.00")
NUMBERS = count(1000)
"""Ids of people who have not met any bot of this run."""

RESTARTING = (httpx.TransportError,)
"""What a call to a process raises that is just being started again."""


class Sandbox:
    """The local Telegram: the side of the people, and what the bot called."""

    def __init__(self, product: Product, http: httpx.AsyncClient) -> None:
        self.product = product
        self.records = Records(product)
        self.http = http
        secrets = json.loads((product.home / "secrets.json").read_text())
        self.bot_token: str = secrets["telegram_token"]
        self.webhook_secret: str = secrets["webhook_secret"]

    async def somebody(self, language: str = "en", *, has_started: bool = True) -> Person:
        """Return a person whom the bot has not met before; with `has_started` one with the welcome bonus."""
        number = next(NUMBERS)
        person = Person(self, number, language)
        profile = {"id": number, "first_name": f"Person {number}", "language_code": language}
        await self.post("users", json=profile)
        if has_started:
            await person.say("/start")
            await person.answer()
        return person

    async def post(self, path: str, **content: Any) -> Any:
        """Do something as the people; waits while the sandbox is being started again."""

        async def attempt() -> httpx.Response | None:
            try:
                return await self.http.post(f"{self.product.sandbox}/sandbox/v1/{path}", **content)
            except RESTARTING:
                return None

        answer = await until(attempt, f"the sandbox takes {path}")
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def get(self, path: str) -> Any:
        """Look at something as the people do."""

        async def attempt() -> httpx.Response | None:
            try:
                return await self.http.get(f"{self.product.sandbox}/sandbox/v1/{path}")
            except RESTARTING:
                return None

        answer = await until(attempt, f"the sandbox shows {path}")
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def calls(self, method: str, chat_id: int) -> list[dict[str, Any]]:
        """Return the bot's successful calls of a method for a chat."""
        calls = (await self.get("calls"))["calls"]
        return [
            call
            for call in calls
            if call["method"] == method and call["ok"] and str(call["params"].get("chat_id")) == str(chat_id)
        ]

    async def fail(self, method: str, error_code: int, times: int = 1, **details: Any) -> None:
        """Have the next calls of a Bot API method fail."""
        await self.post("faults", json={"method": method, "error_code": error_code, "times": times, **details})

    async def forget_faults(self) -> None:
        """Let all calls work again."""
        await self.http.delete(f"{self.product.sandbox}/sandbox/v1/faults")

    async def download(self, file_id: str) -> bytes:
        """Return a file's bytes, as Telegram hands them to bots."""
        api = f"{self.product.sandbox}/bot{self.bot_token}/getFile"
        path = (await self.http.get(api, params={"file_id": file_id})).json()["result"]["file_path"]
        answer = await self.http.get(f"{self.product.sandbox}/file/bot{self.bot_token}/{path}")
        assert answer.is_success
        return answer.content

    async def push(self, update: bytes | dict[str, Any], secret: bytes | None = None) -> httpx.Response:
        """Send an update to the webhook as Telegram would; `secret` replaces the right one."""
        body = update if isinstance(update, bytes) else json.dumps(update).encode()
        headers = {b"X-Telegram-Bot-Api-Secret-Token": self.webhook_secret.encode() if secret is None else secret}
        return await self.http.post(f"{self.product.web}/api/telegram/webhook", content=body, headers=headers)


@dataclass
class Person:
    """Somebody in a private chat with the bot. Remembers up to which message the bot's answers were read."""

    sandbox: Sandbox
    id: int
    language: str
    seen: int = field(default=0)

    async def say(self, text: str, *, reply_to: int | None = None) -> Message:
        """Write a message."""
        body: dict[str, Any] = {"text": text}
        if reply_to is not None:
            body["reply_to_message_id"] = reply_to
        return await self._written({"json": body})

    async def say_at_once(self, text: str, times: int) -> None:
        """Write the same several times at once; what the bot answers before the last has come is still to be read."""
        known = self.seen
        written = await asyncio.gather(*(self.say(text) for _ in range(times)))
        self.seen = max(known, min(message["message_id"] for message in written))

    async def send(self, kind: str, *files: bytes, caption: str = "", name: str = "photo.jpg") -> Message:
        """Send files as one message, or as an album."""
        mime = "audio/ogg" if kind == "voice" else "image/jpeg" if name.endswith("jpg") else "application/octet-stream"
        parts = [(kind, (name, data, mime)) for data in files]
        return await self._written({"files": parts, "data": {"caption": caption} if caption else {}})

    async def press(self, message: Message, action: str) -> dict[str, Any] | None:
        """Press the button of a message whose data begins with `action`; return the bot's toast."""
        return await self.forge(message["message_id"], data_of(message, action))

    async def forge(self, message_id: int, data: str) -> dict[str, Any] | None:
        """Send a callback with any data; return the bot's toast."""
        pressed = await self.sandbox.post(f"chats/{self.id}/callbacks", json={"message_id": message_id, "data": data})
        answer: dict[str, Any] | None = pressed["answer"]
        return answer

    async def messages(self, after: int | None = None) -> list[Message]:
        """Return the chat as it stands now."""
        known = self.seen if after is None else after
        shown: list[Message] = (await self.sandbox.get(f"chats/{self.id}/messages?after={known}"))["messages"]
        return shown

    async def answer(self, fits: Callable[[Message], bool] = bool, *, limit: float = 20.0) -> Message:
        """Wait for a new message of the bot that fits, and count everything up to it as read."""

        async def look() -> Message | None:
            return next((one for one in await self.messages() if one["from"]["is_bot"] and fits(one)), None)

        found = await until(look, f"the bot answers person {self.id}", limit=limit)
        self.seen = max(self.seen, found["message_id"])
        return found

    async def says(self, *words: str, limit: float = 20.0) -> Message:
        """Wait for a new message of the bot in which all the words stand."""
        return await self.answer(lambda one: all(word in text_of(one) for word in words), limit=limit)

    async def shows(self, message: Message, *words: str, limit: float = 20.0) -> Message:
        """Wait until a message that is there already, edited in place, says all the words and return it."""
        number = message["message_id"]

        async def look() -> Message | None:
            shown = next((one for one in await self.messages(after=number - 1) if one["message_id"] == number), None)
            return shown if shown and all(word in text_of(shown) for word in words) else None

        return await until(look, f"message {number} says {' and '.join(words)}", limit=limit)

    async def choose_model(self, slug: str) -> Message:
        """Choose a model from the list and return its card."""
        await self.say("/models")
        menu = await self.answer(lambda one: "reply_markup" in one)
        await self.forge(menu["message_id"], f"p:{slug}")

        async def look() -> Message | None:
            shown = next(one for one in await self.messages(after=0) if one["message_id"] == menu["message_id"])
            return shown if f"p:{slug}" not in str(shown.get("reply_markup")) else None

        return await until(look, f"the card of {slug}")

    async def choose_option(self, card: Message, label: str) -> None:
        """Press the button of a card whose text begins with the label."""
        rows = card["reply_markup"]["inline_keyboard"]
        chosen = [one["callback_data"] for row in rows for one in row if one["text"].startswith(label)]
        assert chosen, f"no button {label} among {buttons_of(card)}"
        await self.forge(card["message_id"], chosen[0])

    async def status_with_button(self, action: str = "x") -> Message:
        """Wait for the status message of a job that can be cancelled."""

        async def look() -> Message | None:
            for one in await self.messages(after=0):
                rows = one.get("reply_markup", {}).get("inline_keyboard", [])
                if any(button.get("callback_data", "").startswith(f"{action}:") for row in rows for button in row):
                    return one
            return None

        return await until(look, f"a message with the button {action}")

    async def result(self, kind: str = "photo", *, limit: float = 25.0) -> Message:
        """Wait for a new picture or video, and for its job to be closed."""
        found = await self.answer(lambda one: kind in one, limit=limit)
        await self.settled()
        return found

    async def settled(self, *, limit: float = 25.0) -> list[dict[str, Any]]:
        """Wait until everything ordered so far has ended; return the jobs, oldest first."""

        async def look() -> list[dict[str, Any]] | None:
            jobs = await self.jobs()
            return jobs if jobs and all(job["status"] in {"done", "error", "cancelled"} for job in jobs) else None

        return await until(look, f"the jobs of person {self.id} end", limit=limit)

    async def job_in(self, fits: Callable[[dict[str, Any]], bool], what: str, *, limit: float = 15.0) -> dict[str, Any]:
        """Wait until the newest job stands as wanted."""

        async def look() -> dict[str, Any] | None:
            jobs = await self.jobs()
            return jobs[-1] if jobs and fits(jobs[-1]) else None

        return await until(look, f"the job of person {self.id} is {what}", limit=limit)

    async def told(self, *words: str, limit: float = 20.0) -> Message:
        """Wait until the status message of the newest job says all the words.

        A job may end before the message that was sent about it is noted.
        """
        job = await self.job_in(lambda job: job["status_message_id"] is not None, "shown")
        return await self.shows({"message_id": job["status_message_id"]}, *words, limit=limit)

    async def loses(self, message: Message, *, limit: float = 20.0) -> None:
        """Wait until a message is deleted."""

        async def look() -> bool:
            return all(one["message_id"] != message["message_id"] for one in await self.messages(after=0))

        await until(look, f"message {message['message_id']} is deleted", limit=limit)

    async def jobs(self) -> list[dict[str, Any]]:
        """Return everything that this person ordered."""
        return await self.sandbox.records.generations(self.id)

    async def balance(self) -> Decimal:
        """Return this person's tokens."""
        return await self.sandbox.records.balance(self.id)

    async def is_given(self, tokens: int) -> None:
        """Have an operator credit tokens to this person."""
        answer = await self.sandbox.http.post(
            f"{self.sandbox.product.web}/api/ops/v1/users/{self.id}/credit",
            json={"tokens": str(tokens), "reason": "a test"},
            headers={"Authorization": f"Bearer {self.sandbox.product.token}", "Idempotency-Key": f"given-{self.id}"},
        )
        assert answer.is_success, answer.text

    async def statement(self, kind: str | None = None) -> list[Decimal]:
        """Return the amounts of this person's postings, oldest first."""
        postings = await self.sandbox.records.postings(self.id)
        return [posting["amount"] for posting in postings if kind is None or posting["type"] == kind]

    async def _written(self, content: dict[str, Any]) -> Message:
        written: Message = (await self.sandbox.post(f"chats/{self.id}/messages", **content))["message"]
        self.seen = max(self.seen, written["message_id"])
        return written


def text_of(message: Message) -> str:
    """Return the words of a message, wherever they stand."""
    return str(message.get("text") or message.get("caption") or "")


def buttons_of(message: Message) -> list[str]:
    """Return what the buttons of a message say."""
    rows: Sequence[Sequence[dict[str, Any]]] = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button["text"] for row in rows for button in row]


def data_of(message: Message, action: str) -> str:
    """Return what stands behind the button of a message whose data begins with `action`."""
    rows: Sequence[Sequence[dict[str, Any]]] = message.get("reply_markup", {}).get("inline_keyboard", [])
    data = [str(button["callback_data"]) for row in rows for button in row if "callback_data" in button]
    chosen = next((one for one in data if f"{one}:".startswith(f"{action}:")), None)
    assert chosen is not None, f"no button {action} among {data}"
    return chosen


def largest(message: Message) -> str:
    """Return the file id of a photo in its largest size."""
    return str(max(message["photo"], key=lambda size: size["width"] * size["height"])["file_id"])


Arrange: TypeAlias = Callable[[Person], Awaitable[None]]

"""People who talk to the bot in tests: each thing they do becomes a stored update that the real runtime handles."""

from __future__ import annotations

import io
import itertools
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from PIL import Image

from bot.runtime import Runtime
from bot.webhook import SOURCE, parse_update
from core import db, ledger, users
from core.generations import Generation, execution, of_user
from core.inbox import Event, Inbox
from core.logs import new_trace
from core.payments import refunds
from tests.bot.telegram import FakeTelegram, buttons

_numbers = itertools.count(1)


def picture(colour: str = "teal", size: tuple[int, int] = (64, 48), kind: str = "JPEG") -> bytes:
    """A small picture."""
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, kind)
    return buffer.getvalue()


@dataclass
class World:
    """The bot, the Telegram that it talks to, and the inbox between them."""

    telegram: FakeTelegram
    runtime: Runtime
    inbox: Inbox

    async def store(self, update: dict[str, Any], chat_id: int) -> Event:
        """Keep an update as the webhook does, and return it as the inbox would hand it over."""
        event_id, subject, payload = parse_update(json.dumps(update).encode())
        await self.inbox.store(event_id, subject, payload, new_trace())
        row = await db.fetch_one(
            """UPDATE botapp_inbox SET attempts = attempts + 1 WHERE source = $1 AND event_id = $2
            RETURNING id, event_id, subject, payload, trace_id, attempts, received_at""",
            SOURCE,
            event_id,
        )
        assert row is not None
        return Event(
            row["id"],
            row["event_id"],
            row["subject"],
            json.loads(row["payload"]),
            row["trace_id"],
            row["attempts"],
            row["received_at"],
        )

    async def handle(self, event: Event) -> None:
        """Handle a stored update to its end."""
        await self.runtime.handle(event)
        await db.execute("UPDATE botapp_inbox SET handled_at = now() WHERE id = $1", event.id)

    async def work(self) -> list[str]:
        """Do what a worker would until nothing is left, and return the names of the tasks."""
        done = []
        while row := await db.fetch_one(
            "DELETE FROM botapp_outbox WHERE id = (SELECT min(id) FROM botapp_outbox) RETURNING task, arguments"
        ):
            arguments = json.loads(row["arguments"])
            task = row["task"].removeprefix("bot.")
            if task == "generations.advance":
                await execution.advance(**arguments)
            elif task == "payments.refund":
                await refunds.carry_out(**arguments)
            else:
                await getattr(self.runtime, task)(**arguments)
            done.append(row["task"])
        return done


@dataclass
class Person:
    """Somebody in a private chat with the bot."""

    world: World
    id: int
    language: str = "en"
    name: str = "Mia"
    _messages: dict[int, dict[str, Any]] = field(default_factory=dict)

    @property
    def telegram(self) -> FakeTelegram:
        return self.world.telegram

    @property
    def profile(self) -> dict[str, Any]:
        return {"id": self.id, "is_bot": False, "first_name": self.name, "language_code": self.language}

    def message(self, **content: Any) -> dict[str, Any]:
        """A message of this person's, not sent yet."""
        return {
            "message_id": next(_numbers),
            "date": int(datetime.now(UTC).timestamp()),
            "chat": {"id": self.id, "type": "private", "first_name": self.name},
            "from": self.profile,
            **content,
        }

    def photo(self, content: bytes | None = None, **fields: Any) -> dict[str, Any]:
        """A message with a photo in two sizes."""
        number = next(_numbers)
        sizes = []
        for side in (32, 64):
            file_id = f"photo{number}x{side}"
            self.telegram.files[file_id] = content or picture()
            about = {"file_id": file_id, "file_unique_id": file_id, "file_size": 900}
            sizes.append({**about, "width": side, "height": side})
        return self.message(photo=sizes, **fields)

    def document(self, content: bytes, mime: str = "image/png", **fields: Any) -> dict[str, Any]:
        """A message with a file."""
        size = fields.pop("file_size", len(content))
        file_id = f"file{next(_numbers)}"
        self.telegram.files[file_id] = content
        about = {"file_id": file_id, "file_unique_id": file_id, "mime_type": mime, "file_size": size}
        return self.message(document=about, **fields)

    async def send(self, text: str = "", **content: Any) -> list[dict[str, Any]]:
        """Write a message, or send one made before as `message`; return what the bot posted in answer."""
        message = content.pop("message", None) or self.message(**({"text": text} if text else {}), **content)
        return await self.update(message=message)

    async def edit(self, message: dict[str, Any], **content: Any) -> list[dict[str, Any]]:
        """Change a message that was sent."""
        return await self.update(edited_message={**message, **content, "edit_date": message["date"] + 1})

    async def press(self, label: str, message: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Press the button whose text holds `label`."""
        shown = message or self.telegram.last
        data = next(data for text, data in buttons(shown).items() if label in text)
        return await self.tap(data, shown)

    async def tap(self, data: str, message: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Send button data, honest or forged."""
        return await self.update(callback_query=self.query(data, message))

    def query(self, data: str, message: dict[str, Any] | None = None) -> dict[str, Any]:
        """A pressed button, not sent yet."""
        query: dict[str, Any] = {
            "id": str(next(_numbers)),
            "from": self.profile,
            "chat_instance": "1",
            "data": data,
        }
        if message is not None:
            query["message"] = {key: value for key, value in message.items() if key not in {"reply_to", "menu"}}
        return query

    async def update(self, **content: Any) -> list[dict[str, Any]]:
        """Have an update stored and handled; return what the bot posted meanwhile."""
        before = set(self.telegram.posted)
        event = await self.world.store({"update_id": next(_numbers), **content}, self.id)
        await self.world.handle(event)
        return [message for key, message in sorted(self.telegram.posted.items()) if key not in before]

    async def account(self) -> users.User:
        user = await users.get(self.id)
        assert user is not None
        return user

    async def balance(self) -> str:
        return str(await ledger.balance_of((await self.account()).id))

    async def jobs(self) -> list[Generation]:
        """The person's generations, oldest first."""
        return list(reversed(await of_user((await self.account()).id, limit=50)))

    @property
    def toasts(self) -> list[str]:
        """What pressed buttons answered."""
        return [call.text or "" for call in self.telegram.named("answerCallbackQuery")]

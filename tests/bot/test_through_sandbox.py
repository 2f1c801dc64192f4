"""The bot against the sandbox over HTTP: fetched by the poller, answered through the real client, in both languages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot import polling
from bot.polling import FetchFailed, fetch
from bot.runtime import Runtime
from bot.webhook import SOURCE
from core import db
from core.inbox import Event, Inbox
from core.settings import Settings
from tests.bot.people import World, picture
from tests.bot.sandbox.conftest import TOKEN, start
from tests.core.generations.scripted import ScriptedProvider

pytestmark = pytest.mark.integration


@dataclass
class Chat:
    """Somebody in the sandbox, and the bot that fetches what they do."""

    client: httpx.AsyncClient
    settings: Settings
    world: World
    id: int
    offset: int = 0

    async def say(self, text: str) -> None:
        await self._post("messages", json={"text": text})

    async def send(self, files: list[tuple[str, tuple[str, bytes, str]]], **fields: str) -> None:
        await self._post("messages", files=files, data=fields)

    async def press(self, message: dict[str, Any], label: str) -> dict[str, Any]:
        rows = message["reply_markup"]["inline_keyboard"]
        data = next(button["callback_data"] for row in rows for button in row if label in button["text"])
        body = {"message_id": message["message_id"], "data": data, "wait": 5}
        pressed = asyncio.create_task(self._post("callbacks", json=body))
        while not pressed.done():
            await self.settle()
            await asyncio.wait([pressed], timeout=0.02)
        return pressed.result()

    async def shown(self) -> list[dict[str, Any]]:
        """The bot's messages as they stand now."""
        await self.settle()
        answer = await self.client.get(f"/sandbox/v1/chats/{self.id}/messages")
        return [message for message in answer.json()["messages"] if message["from"]["is_bot"]]

    async def settle(self) -> None:
        """Let the poller fetch, the bot answer and the worker work until there is nothing left."""
        while updates := await fetch(self.client, self.settings, self.offset):
            for update in updates:
                await polling._store(self.world.inbox, update)
                self.offset = update["update_id"] + 1
            for row in await db.fetch("SELECT * FROM botapp_inbox WHERE handled_at IS NULL ORDER BY id"):
                event = Event(
                    row["id"],
                    row["event_id"],
                    row["subject"],
                    json.loads(row["payload"]),
                    row["trace_id"],
                    1,
                    row["received_at"],
                )
                await self.world.handle(event)
            await self.world.work()

    async def _post(self, path: str, **request: Any) -> dict[str, Any]:
        answer = await self.client.post(f"/sandbox/v1/chats/{self.id}/{path}", **request)
        assert answer.status_code < 300, answer.text
        body: dict[str, Any] = answer.json()
        return body


@pytest.fixture
async def chat(
    provider: ScriptedProvider, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: Any
) -> AsyncIterator[Chat]:
    """Somebody whose Telegram is in the language of the test's parameter."""
    monkeypatch.setattr(polling, "HELD_OPEN", 0)
    sandbox = await start(tmp_path)
    secret = type(settings.telegram_bot_token)(TOKEN)
    here = settings.model_copy(
        update={"telegram_api_base_url": sandbox.address, "telegram_bot_token": secret, "telegram_updates": "polling"}
    )
    runtime = Runtime(here)
    async with httpx.AsyncClient(base_url=sandbox.address, timeout=20, trust_env=False) as client:
        person = {"id": 7, "first_name": "Mia & <Co>", "language_code": getattr(request, "param", "en")}
        await client.post("/sandbox/v1/users", json=person)
        yield Chat(client, here, World(None, runtime, Inbox(SOURCE)), 7)  # type: ignore[arg-type]  # no fake here
    await runtime.stop()
    await sandbox.stop()


@pytest.mark.parametrize(
    ("chat", "words"),
    [
        ("ru", ["Дарю вам 50 ⚡", "осталось 49,20 ⚡", "Ещё раз", "На балансе 49,20 ⚡"]),
        ("en", ["Here are 50 ⚡", "49.20 ⚡ left", "Again", "Your balance is 49.20 ⚡"]),
    ],
    indirect=["chat"],
)
async def test_the_main_dialogue(chat: Chat, words: list[str]) -> None:
    greeting, left, again, balance = words
    await chat.say("/start")
    [hello] = await chat.shown()
    assert greeting in hello["text"] and "Mia & <Co>" in hello["text"]
    await chat.say("a red fox in the snow <3")
    result = (await chat.shown())[-1]
    assert result["photo"] and left in result["caption"] and "a red fox in the snow <3" in result["caption"]
    assert any(entity["type"] == "expandable_blockquote" for entity in result["caption_entities"])
    assert again in result["reply_markup"]["inline_keyboard"][0][0]["text"]
    await chat.say("/balance")
    assert balance in (await chat.shown())[-1]["text"]


async def test_a_photo_comes_back_edited_and_its_original_as_a_file(chat: Chat, provider: ScriptedProvider) -> None:
    await chat.say("/start")
    await chat.send([("photo", ("p.jpg", picture(size=(640, 480)), "image/jpeg"))], caption="make it winter")
    result = (await chat.shown())[-1]
    assert result["photo"] and "make it winter" in result["caption"]
    assert provider.jobs[0].images[0].mime == "image/jpeg"
    answer = await chat.press(result, "Original")
    assert "Sending the file" in json.dumps(answer)
    assert (await chat.shown())[-1]["document"]["file_name"].endswith(".png")


async def test_an_album_is_one_order(chat: Chat, provider: ScriptedProvider) -> None:
    await chat.say("/start")
    photos = [("photo", (f"{n}.jpg", picture(colour), "image/jpeg")) for n, colour in enumerate(("red", "blue"))]
    await chat.send(photos, caption="put them together")
    assert "put them together" in (await chat.shown())[-1]["caption"]
    assert [len(job.images) for job in provider.jobs] == [2]


async def test_models_and_options_are_chosen_in_place(chat: Chat) -> None:
    await chat.say("/start")
    await chat.say("/models")
    models = (await chat.shown())[-1]
    await chat.press(models, "Nano Banana Pro")
    card = (await chat.shown())[-1]
    assert card["message_id"] == models["message_id"] and "Price: 6 ⚡" in card["text"]
    await chat.press(card, "4K")
    assert "Price: 10.80 ⚡" in (await chat.shown())[-1]["text"]
    await chat.press(card, "All models")
    assert "Press a model" in (await chat.shown())[-1]["text"]


async def test_several_pictures_arrive_as_an_album_with_buttons_below(chat: Chat, provider: ScriptedProvider) -> None:
    await chat.say("/start")
    await chat.say("/models")
    await chat.press((await chat.shown())[-1], "Nano Banana ·")
    await chat.press((await chat.shown())[-1], "2 · 1.60")
    provider.answers.append(finished("red", "blue"))
    await chat.say("two foxes")
    first, second, question = (await chat.shown())[-3:]
    assert first["media_group_id"] == second["media_group_id"] and "2 results" in question["text"]


async def test_useless_messages_are_answered(chat: Chat) -> None:
    await chat.say("/start")
    await chat.say("/nonsense")
    assert "no such command" in (await chat.shown())[-1]["text"]
    await chat.send([("voice", ("v.ogg", b"OggS" + bytes(60), "audio/ogg"))])
    assert "voice messages" in (await chat.shown())[-1]["text"]
    await chat.send([("document", ("p.png", b"no picture", "image/png"))], caption="a hat")
    assert "could not open this as a picture" in (await chat.shown())[-1]["text"]


async def test_a_fetch_that_fails_says_why_without_the_token(chat: Chat) -> None:
    await chat.client.post("/sandbox/v1/faults", json={"method": "getUpdates", "error_code": 502, "times": 1})
    with pytest.raises(FetchFailed) as refused:
        await fetch(chat.client, chat.settings, 0)
    async with httpx.AsyncClient() as client:
        nowhere = chat.settings.model_copy(update={"telegram_api_base_url": "http://127.0.0.1:9"})
        with pytest.raises(FetchFailed) as unreachable:
            await fetch(client, nowhere, 0)
    assert "Bad Gateway" in str(refused.value) and "Connect" in str(unreachable.value)
    assert "secret" not in str(refused.value) + str(unreachable.value)


async def test_the_poller_stores_what_it_fetched_and_confirms_it(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "PAUSE", 0.01)
    await chat.client.post("/sandbox/v1/faults", json={"method": "getUpdates", "error_code": 500, "times": 1})
    await chat.say("/start")
    await chat.say("/help")
    poller = asyncio.create_task(polling.poll(chat.settings, chat.world.inbox))
    while not await _is_confirmed(chat):
        await asyncio.wait([poller], timeout=0.02)
    poller.cancel()
    await asyncio.wait([poller])
    assert await db.fetch_value("SELECT count(*) FROM botapp_inbox") == 2


async def _is_confirmed(chat: Chat) -> bool:
    """Say whether the poller asked for what comes after the updates that it stored."""
    calls = (await chat.client.get("/sandbox/v1/calls")).json()["calls"]
    return any(call["method"] == "getUpdates" and int(call["params"].get("offset") or 0) > 1 for call in calls)


def finished(*colours: str) -> Any:
    from providers.base import Finished
    from tests.core.generations.scripted import picture as made

    return Finished(tuple(made(colour) for colour in colours))

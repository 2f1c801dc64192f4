"""What the sandbox remembers survives a restart."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import BotCommand, BufferedInputFile

from bot.sandbox.documents import Documents
from bot.sandbox.state import KEPT_CALLS, Person, State
from bot.sandbox.world import create_world
from tests.bot.sandbox.conftest import TOKEN, image, pending, start


@pytest.mark.integration
async def test_a_restart_keeps_everything(tmp_path: Path, session: AiohttpSession) -> None:
    bot = Bot(TOKEN, session=session)
    first = await start(tmp_path)
    session.api = TelegramAPIServer.from_base(first.address)
    async with httpx.AsyncClient(verify=False, base_url=f"{first.address}/sandbox/v1") as http:
        await http.post("/users", json={"id": 7, "first_name": "A"})
        await http.post("/chats/7/messages", json={"text": "unread"})
    sent = await bot.send_photo(7, BufferedInputFile(image(), "a.png"), caption="before")
    await bot.edit_message_caption(chat_id=7, message_id=sent.message_id, caption="after")
    gone = await bot.send_message(7, "gone")
    await bot.delete_message(7, gone.message_id)
    await bot.set_my_commands([BotCommand(command="start", description="words")])
    await bot.set_my_name("Banana")
    await first.stop()

    second = await start(tmp_path)
    session.api = TelegramAPIServer.from_base(second.address)
    async with httpx.AsyncClient(verify=False, base_url=f"{second.address}/sandbox/v1") as http:
        messages = (await http.get("/chats/7/messages")).json()["messages"]
        calls = (await http.get("/calls")).json()["calls"]
    assert [message.get("text") or message["caption"] for message in messages] == ["unread", "after"]
    assert [call["method"] for call in calls][:2] == ["sendPhoto", "editMessageCaption"]
    assert [update.message.text for update in await pending(bot) if update.message] == ["unread"]
    assert (await bot.get_my_commands())[0].command == "start"
    assert (await bot.get_me()).first_name == "Banana"
    assert sent.photo is not None
    file = await bot.get_file(sent.photo[-1].file_id)
    assert await bot.download_file(file.file_path or "") is not None
    assert (await bot.send_message(7, "next")).message_id > gone.message_id
    await second.stop()


@pytest.mark.integration
async def test_a_webhook_goes_on_after_a_restart(tmp_path: Path, session: AiohttpSession) -> None:
    bot = Bot(TOKEN, session=session)
    first = await start(tmp_path)
    session.api = TelegramAPIServer.from_base(first.address)
    await bot.set_webhook("https://bot.example.com/", secret_token="s", allowed_updates=["message"])
    await first.stop()
    second = await start(tmp_path)
    session.api = TelegramAPIServer.from_base(second.address)
    info = await bot.get_webhook_info()
    assert (info.url, info.allowed_updates) == ("https://bot.example.com/", ["message"])
    await second.stop()


def test_documents_come_back_in_numeric_order(tmp_path: Path) -> None:
    documents = Documents(tmp_path / "x.sqlite3")
    for key in (10, 9, 1):
        documents.put("message", key, {"n": key})
    documents.put("other", "a", {})
    documents.delete("message", 9)
    documents.close()
    reopened = Documents(tmp_path / "x.sqlite3")
    assert reopened.load("message") == [("1", {"n": 1}), ("10", {"n": 10})]
    reopened.close()


def test_the_oldest_calls_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = State(tmp_path)
    for number in range(KEPT_CALLS + 3):
        state.put_call({"id": number})
    assert (len(state.calls), state.calls[0]["id"]) == (KEPT_CALLS, 3)
    state.close()
    again = State(tmp_path)
    assert (len(again.calls), again.calls[0]["id"]) == (KEPT_CALLS, 3)
    again.close()


def test_numbers_go_on_after_a_restart(tmp_path: Path) -> None:
    state = State(tmp_path)
    assert [state.next_number("x", 5), state.next_number("x", 5)] == [5, 6]
    state.close()
    again = State(tmp_path)
    assert again.next_number("x", 5) == 7
    again.close()


def test_a_chat_shows_the_names_that_there_are() -> None:
    person = Person({"id": 7, "is_bot": False, "first_name": "A", "last_name": "", "language_code": "ru"})
    assert person.chat() == {"id": 7, "type": "private", "first_name": "A"}


@pytest.mark.parametrize("token", ["", "42", "42:", "bot:secret"])
def test_a_token_that_is_none_is_refused_at_start(tmp_path: Path, token: str) -> None:
    with pytest.raises(ValueError, match="<number>:<secret>"):
        create_world(tmp_path, token)

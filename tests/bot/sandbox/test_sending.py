"""What all sending methods have in common, one by one."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from aiogram import Bot
from aiogram.types import Message, Update
from pydantic import TypeAdapter

from bot.sandbox.methods import names
from tests.bot.sandbox.conftest import TOKEN, Running, image, pending

pytestmark = pytest.mark.integration

PRICES = [{"label": "x", "amount": 1}]
# What each sending method needs beside the chat: parameters and files.
SENDING: dict[str, tuple[dict[str, Any], dict[str, bytes]]] = {
    "sendMessage": ({"text": "x"}, {}),
    "sendPhoto": ({}, {"photo": image(20, 20)}),
    "sendDocument": ({}, {"document": b"x"}),
    "sendVideo": ({}, {"video": b"x"}),
    "sendAnimation": ({}, {"animation": b"x"}),
    "sendVoice": ({}, {"voice": b"x"}),
    "sendAudio": ({}, {"audio": b"x"}),
    "sendSticker": ({}, {"sticker": b"x"}),
    "sendInvoice": ({"title": "T", "description": "D", "payload": "p", "currency": "XTR", "prices": PRICES}, {}),
    "sendMediaGroup": (
        {"media": [{"type": "document", "media": "attach://a"}, {"type": "document", "media": "attach://b"}]},
        {"a": b"x", "b": b"y"},
    ),
}
KEYBOARDS = {"sendInvoice", "sendMediaGroup"}


async def call(sandbox: Running, method: str, **values: Any) -> dict[str, Any]:
    more, files = SENDING.get(method, ({}, {}))
    form = {name: value if isinstance(value, str) else json.dumps(value) for name, value in (more | values).items()}
    async with httpx.AsyncClient(verify=False, timeout=20) as client:
        answer = await client.post(f"{sandbox.address}/bot{TOKEN}/{method}", data=form, files=files)
    body: dict[str, Any] = answer.json()
    assert answer.status_code == (200 if body["ok"] else body["error_code"])
    return body


def test_every_sending_method_is_looked_at() -> None:
    assert {name for name in names() if name.startswith("send")} == {*SENDING, "sendChatAction"}


@pytest.mark.parametrize("method", SENDING)
async def test_what_is_sent_reads_as_aiograms_message(sandbox: Running, user: int, method: str) -> None:
    result = (await call(sandbox, method, chat_id=user))["result"]
    messages = result if isinstance(result, list) else [result]
    for message in TypeAdapter(list[Message]).validate_python(messages):
        assert message.chat.id == user
        assert message.content_type == method.removeprefix("send").lower().replace("message", "text").replace(
            "mediagroup", "document"
        )


@pytest.mark.parametrize("method", SENDING)
async def test_nothing_is_sent_to_an_unknown_chat(sandbox: Running, user: int, method: str) -> None:
    answer = await call(sandbox, method, chat_id=user + 1)
    assert answer == {"ok": False, "error_code": 400, "description": "Bad Request: chat not found"}
    assert (await call(sandbox, method))["description"] == "Bad Request: chat_id is empty"


@pytest.mark.parametrize("method", SENDING)
async def test_nothing_is_sent_to_who_blocked_the_bot(
    sandbox: Running, user: int, method: str, http: httpx.AsyncClient
) -> None:
    await http.post(f"/users/{user}/block")
    answer = await call(sandbox, method, chat_id=user)
    assert (answer["error_code"], answer["description"]) == (403, "Forbidden: bot was blocked by the user")


@pytest.mark.parametrize("method", SENDING)
async def test_every_message_counts_for_the_flood_limit(
    sandbox: Running, user: int, method: str, http: httpx.AsyncClient
) -> None:
    await http.post("/limits", json={"chat_burst": 1})
    assert (await call(sandbox, method, chat_id=user))["ok"]
    answer = await call(sandbox, method, chat_id=user)
    assert (answer["error_code"], answer["parameters"]) == (429, {"retry_after": 1})
    assert len(sandbox.world.state.messages[user]) == (2 if method == "sendMediaGroup" else 1)


@pytest.mark.parametrize("method", sorted(SENDING.keys() - KEYBOARDS))
async def test_every_message_may_have_buttons(sandbox: Running, user: int, method: str) -> None:
    markup = {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}
    assert (await call(sandbox, method, chat_id=user, reply_markup=markup))["result"]["reply_markup"] == markup


@pytest.mark.parametrize(
    "method", sorted(SENDING.keys() - {"sendMessage", "sendSticker", "sendInvoice", "sendMediaGroup"})
)
async def test_every_file_may_have_a_caption(sandbox: Running, user: int, method: str) -> None:
    sent = (await call(sandbox, method, chat_id=user, caption="<b>x</b>", parse_mode="HTML"))["result"]
    assert (sent["caption"], sent["caption_entities"]) == ("x", [{"type": "bold", "offset": 0, "length": 1}])
    answer = await call(sandbox, method, chat_id=user, caption="<b>x", parse_mode="HTML")
    assert "can't parse entities" in answer["description"]


@pytest.mark.parametrize("method", SENDING)
async def test_a_refused_call_leaves_no_trace_but_in_the_log(
    sandbox: Running, user: int, method: str, http: httpx.AsyncClient, bot: Bot
) -> None:
    await http.post("/faults", json={"method": method, "error_code": 500})
    assert (await call(sandbox, method, chat_id=user))["error_code"] == 500
    assert sandbox.world.state.messages == {}
    assert [(one["method"], one["ok"]) for one in sandbox.world.state.calls] == [(method, False)]
    updates: list[Update] = await pending(bot)
    assert updates == []


@pytest.mark.parametrize("method", sorted(set(names()) - {"getUpdates", "logOut", "close"}))
async def test_no_method_breaks_on_missing_or_odd_parameters(sandbox: Running, user: int, method: str) -> None:
    known: dict[str, Any] = {"chat_id": user, "text": "x", "caption": "x"}
    odd = [
        {},
        {"chat_id": user},
        {"chat_id": user, "message_id": "x", "media": "{", "reply_markup": "[1]", "url": "x"},
        {"chat_id": "1e999", "message_id": "1e999", "limit": "1e999", "offset": "1e999"},
        {"chat_id": user, "message_ids": [[], "x", None]},
        {"url": "http://[", "menu_button": {"type": "web_app", "web_app": 5}},
        {"url": "https://example.com:99999/", "menu_button": {"type": "web_app", "web_app": {"url": "https://["}}},
        known | {"entities": [{}], "caption_entities": [{"type": "bold", "offset": "x", "length": None}]},
        known | {"reply_parameters": {"message_id": "x"}},
        known | {"reply_markup": "[" * 100_000, "media": "[" * 100_000},
    ]
    async with httpx.AsyncClient(verify=False) as client:
        for values in odd:
            answer = await client.post(f"{sandbox.address}/bot{TOKEN}/{method}", json=values)
            assert answer.status_code in {200, 400, 403}, answer.text
            assert answer.json()["ok"] is (answer.status_code == 200)

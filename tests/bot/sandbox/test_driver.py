"""The driver API: how tests and scripts play the people."""

from __future__ import annotations

import httpx
import pytest
from aiogram import Bot
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramEntityTooLarge,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.types import BufferedInputFile

from bot.sandbox.documents import JsonObject
from bot.sandbox.events import MOST_WAITING
from bot.sandbox.methods import names
from tests.bot.sandbox.conftest import TOKEN, Running, image, pending, until

pytestmark = pytest.mark.integration


async def write(http: httpx.AsyncClient, chat: int, **body: object) -> httpx.Response:
    return await http.post(f"/chats/{chat}/messages", json=body)


async def test_a_written_message_reaches_the_bot(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    answer = await write(http, user, text=" /start ref_1 ")
    assert answer.status_code == 201
    (update,) = await pending(bot)
    message = update.message
    assert message is not None
    assert (message.text, message.message_id) == ("/start ref_1", answer.json()["message"]["message_id"])
    assert message.from_user is not None
    assert message.from_user.language_code == "ru"
    assert [(entity.type, entity.length) for entity in message.entities or []] == [("bot_command", 6)]


async def test_a_reply_carries_what_it_replies_to(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    sent = await bot.send_message(user, "what?")
    await write(http, user, text="this", reply_to_message_id=sent.message_id)
    (update,) = await pending(bot)
    assert update.message is not None
    assert update.message.reply_to_message is not None
    assert update.message.reply_to_message.text == "what?"


async def test_several_photos_in_one_request_are_an_album(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    photos = [("photo", (f"{n}.png", image(100 + n, 80), "image/png")) for n in range(3)]
    answer = await http.post(f"/chats/{user}/messages", files=photos, data={"caption": "mix /these"})
    assert len(answer.json()["messages"]) == 3
    messages = [update.message for update in await pending(bot)]
    assert len({message.media_group_id for message in messages if message}) == 1
    assert [message.caption for message in messages if message] == ["mix /these", None, None]
    assert all(message.photo for message in messages if message)


@pytest.mark.parametrize(
    ("kind", "name"),
    [("video", "a.mp4"), ("document", "a.txt"), ("voice", "a.ogg"), ("audio", "a.mp3"), ("animation", "a.gif")],
)
async def test_a_file_of_every_kind_reaches_the_bot(
    bot: Bot, user: int, http: httpx.AsyncClient, kind: str, name: str
) -> None:
    details = {"width": "640", "height": "360", "duration": "4", "caption": "look"}
    await http.post(f"/chats/{user}/messages", files={kind: (name, b"bytes")}, data=details)
    (update,) = await pending(bot)
    assert update.message is not None
    media = getattr(update.message, kind)
    assert media.file_size == 5
    assert update.message.caption == "look"
    file = await bot.get_file(media.file_id)
    received = await bot.download_file(file.file_path or "")
    assert received is not None
    assert received.read() == b"bytes"


async def test_a_form_may_hold_text_only(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    await http.post(f"/chats/{user}/messages", data={"text": "from a form"})
    assert [update.message.text for update in await pending(bot) if update.message] == ["from a form"]


async def test_data_of_a_mini_app_reaches_the_bot(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    await http.post(f"/chats/{user}/webapp_data", json={"data": "{}", "button_text": "Open"})
    (update,) = await pending(bot)
    assert update.message is not None
    assert update.message.web_app_data is not None
    assert (update.message.web_app_data.data, update.message.web_app_data.button_text) == ("{}", "Open")


async def test_a_person_is_changed_in_place(user: int, http: httpx.AsyncClient) -> None:
    await http.post("/users", json={"id": user, "first_name": "Anna", "username": "anna"})
    assert (await http.get("/users")).json()["users"] == [
        {"id": user, "is_bot": False, "first_name": "Anna", "username": "anna"}
    ]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"first_name": "A"}, "id must be a positive whole number"),
        ({"id": "7", "first_name": "A"}, "id must be a positive whole number"),
        ({"id": True, "first_name": "A"}, "id must be a positive whole number"),
        ({"id": -1, "first_name": "A"}, "id must be a positive whole number"),
        ({"id": 9}, "first_name must be a text that is not empty"),
        ({"id": 42, "first_name": "A"}, "id belongs to the bot"),
    ],
)
async def test_a_wrong_person_is_explained(http: httpx.AsyncClient, body: JsonObject, words: str) -> None:
    answer = await http.post("/users", json=body)
    assert (answer.status_code, answer.json()["error"]) == (400, words)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/chats/999/messages", {"text": "x"}),
        ("GET", "/chats/999/messages", None),
        ("GET", "/chats/999", None),
        ("GET", "/chats/999/events", None),
        ("POST", "/chats/999/callbacks", {"message_id": 1, "data": "x"}),
        ("POST", "/chats/999/pay", {"message_id": 1}),
        ("GET", "/chats/999/webapp?url=https://a.example/", None),
        ("POST", "/users/999/block", {}),
        ("POST", "/users/999/unblock", {}),
    ],
)
async def test_an_unknown_person_is_not_found(
    http: httpx.AsyncClient, method: str, path: str, body: JsonObject | None
) -> None:
    answer = await http.request(method, path, json=body)
    assert (answer.status_code, "there is no user 999" in answer.json()["error"]) == (404, True)


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/chats/7/messages", b"{", "the body is not JSON"),
        ("/chats/7/messages", b"[]", "the body is not a JSON object"),
        ("/chats/7/messages", b"{}", "text must be a text that is not empty"),
        ("/chats/7/messages", b'{"text": " "}', "text is empty"),
        ("/chats/7/callbacks", b'{"message_id": "1", "data": "x"}', "message_id must be a whole number"),
        ("/chats/7/callbacks", b'{"message_id": 1}', "data must be a text that is not empty"),
        ("/chats/7/pay", b"{}", "message_id must be a whole number"),
        ("/faults", b'{"method": "sendMessage", "error_code": 200}', "error_code must be from 400 to 599"),
        ("/faults", b'{"error_code": 500}', "method must be a text that is not empty"),
        ("/faults", b'{"method": "x", "error_code": 500, "times": 0}', "times must be a positive whole number"),
        ("/limits", b'{"chat_rate": 0}', "limits must be positive"),
    ],
)
async def test_a_wrong_body_is_explained(
    user: int, http: httpx.AsyncClient, path: str, body: bytes, words: str
) -> None:
    answer = await http.post(path, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]) == (400, words)


async def test_texts_and_files_that_a_client_would_not_send_are_refused(user: int, http: httpx.AsyncClient) -> None:
    assert (await write(http, user, text="x" * 4097)).status_code == 400
    photo = {"photo": ("a.png", image())}
    assert (await http.post(f"/chats/{user}/messages", files=photo, data={"caption": "x" * 1025})).status_code == 400
    many = [("photo", ("a.png", image(10, 10))) for _ in range(11)]
    assert (await http.post(f"/chats/{user}/messages", files=many)).status_code == 400
    broken = await http.post(f"/chats/{user}/messages", files={"photo": ("a.png", b"no image")})
    assert (broken.status_code, broken.json()["error"]) == (400, "Bad Request: IMAGE_PROCESS_FAILED")
    assert (await http.get(f"/chats/{user}/messages?after=x")).status_code == 400


async def test_somebody_who_blocked_the_bot_cannot_write(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    await http.post(f"/users/{user}/block")
    await http.post(f"/users/{user}/block")
    assert (await write(http, user, text="x")).status_code == 409
    (update,) = await pending(bot)
    change = update.my_chat_member
    assert change is not None
    assert (change.old_chat_member.status, change.new_chat_member.status) == ("member", "kicked")
    await http.post(f"/users/{user}/unblock")
    (update,) = await pending(bot)
    assert update.my_chat_member is not None
    assert update.my_chat_member.new_chat_member.status == "member"


async def test_a_fault_fails_as_often_as_it_was_told(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    await http.post("/faults", json={"method": "sendMessage", "error_code": 429, "retry_after": 7, "times": 2})
    for _ in range(2):
        with pytest.raises(TelegramRetryAfter) as refused:
            await bot.send_message(user, "x")
        assert refused.value.retry_after == 7
    assert (await bot.send_message(user, "x")).text == "x"


async def test_a_fault_has_the_words_it_was_given(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    fault = {"method": "*", "error_code": 400, "description": "Bad Request: VOICE_MESSAGES_FORBIDDEN"}
    assert (await http.post("/faults", json=fault)).status_code == 201
    with pytest.raises(TelegramBadRequest, match="VOICE_MESSAGES_FORBIDDEN"):
        await bot.get_me()
    await http.post("/faults", json={"method": "getme", "error_code": 502, "times": 5})
    with pytest.raises(TelegramServerError, match="Bad Gateway"):
        await bot.get_me()
    assert (await http.get("/faults")).json()["faults"][0]["times"] == 4
    await http.delete("/faults")
    assert (await bot.get_me()).id == 42


async def test_a_fault_may_lose_the_answer_of_a_call_that_worked(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    await http.post("/faults", json={"method": "sendMessage", "error_code": 500, "takes_effect": True})
    with pytest.raises(TelegramServerError):
        await bot.send_message(user, "posted all the same")
    seen = (await http.get(f"/chats/{user}/messages")).json()["messages"]
    assert [message["text"] for message in seen] == ["posted all the same"]
    assert [call["ok"] for call in (await http.get("/calls")).json()["calls"]] == [False]


async def test_a_failure_inside_the_sandbox_has_telegrams_form(
    bot: Bot, user: int, http: httpx.AsyncClient, sandbox: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_chat_id: int) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(sandbox.world.flood, "spend", fail)
    with pytest.raises(TelegramServerError, match="Internal Server Error"):
        await bot.send_message(user, "x")


async def test_a_request_that_is_far_too_large_has_telegrams_form(
    bot: Bot, user: int, sandbox: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sandbox.app.config, "REQUEST_MAX_SIZE", 1000)
    with pytest.raises(TelegramEntityTooLarge, match="Request Entity Too Large"):
        await bot.send_message(user, "x" * 4000)


async def test_calls_are_logged_without_secrets(bot: Bot, user: int, http: httpx.AsyncClient, sandbox: Running) -> None:
    await bot.send_photo(user, BufferedInputFile(image(), "a.png"), caption="hi")
    with pytest.raises(TelegramBadRequest):
        await bot.send_message(user, "")
    await bot.set_webhook("https://bot.example.com/", secret_token="verysecret")
    log = (await http.get("/calls")).json()
    assert [(call["method"], call["ok"]) for call in log["calls"]] == [
        ("sendPhoto", True),
        ("sendMessage", False),
        ("setWebhook", True),
    ]
    photo, message, _ = log["calls"]
    assert photo["params"]["caption"] == "hi"
    assert message["description"] == "Bad Request: message text is empty"
    assert {"id", "method", "params", "ok", "at"} <= set(photo)
    shown = str(log)
    assert TOKEN not in shown
    assert "sandbox-test-secret" not in shown
    assert "verysecret" not in shown
    after = (await http.get("/calls", params={"after": message["id"]})).json()["calls"]
    assert [call["method"] for call in after] == ["setWebhook"]


async def test_other_pages_in_the_same_browser_are_refused(user: int, http: httpx.AsyncClient) -> None:
    answer = await http.post(f"/chats/{user}/messages", data={"text": "x"}, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    own = {"Origin": f"http://{http.base_url.host}:{http.base_url.port}"}
    assert (await http.post(f"/chats/{user}/messages", data={"text": "x"}, headers=own)).status_code == 201


async def test_the_sandbox_says_that_it_is_well_and_what_it_can(http: httpx.AsyncClient) -> None:
    assert (await http.get("/health")).json() == {"ok": True}
    assert (await http.get("/methods")).json()["methods"] == sorted(names())
    delivery = (await http.get("/delivery")).json()
    assert (delivery["url"], delivery["is_polling"], delivery["pending_update_count"]) == (None, False, 0)


async def test_events_tell_what_happens_at_once(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    async with http.stream("GET", f"/chats/{user}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.aiter_lines()
        assert await anext(lines) == ": hello"
        await bot.send_chat_action(user, "typing")
        sent = await bot.send_message(user, "x")
        await bot.delete_message(user, sent.message_id)
        seen: list[str] = []
        async for line in lines:
            if line.startswith("data: "):
                seen.append(line.split('"type": "')[1].split('"')[0])
            if len(seen) == 6:
                break
    assert seen == ["action", "call", "message", "call", "delete", "call"]


async def test_a_page_that_went_away_is_forgotten(user: int, http: httpx.AsyncClient, sandbox: Running) -> None:
    watchers = sandbox.world.events.watchers
    async with http.stream("GET", f"/chats/{user}/events") as stream:
        await anext(stream.aiter_lines())
        assert watchers(user) == 1
    await until(lambda: watchers(user) == 0)


async def test_a_page_that_does_not_read_loses_its_connection(
    user: int, http: httpx.AsyncClient, sandbox: Running
) -> None:
    events = sandbox.world.events
    async with http.stream("GET", f"/chats/{user}/events") as stream:
        lines = stream.aiter_lines()
        await anext(lines)
        await until(lambda: events.watchers(user) == 1)
        for _ in range(MOST_WAITING + 2):
            events.publish(user, "action", action="typing")
        assert [line async for line in lines] == [""]
    await until(lambda: events.watchers(user) == 0)
    async with http.stream("GET", f"/chats/{user}/events") as stream:
        lines = stream.aiter_lines()
        await anext(lines)
        events.publish(user, "action", action="typing")
        assert [await anext(lines) for _ in range(2)] == ["", 'data: {"type": "action", "action": "typing"}']

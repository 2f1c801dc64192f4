"""Texts, copies and forwards, through the real aiogram bot."""

from __future__ import annotations

import httpx
import pytest
from aiogram import Bot
from aiogram.enums import ParseMode
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError, TelegramNotFound, TelegramUnauthorizedError
from aiogram.methods import SendMessage
from aiogram.types import (
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    LinkPreviewOptions,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
    ReplyParameters,
    WebAppInfo,
)

from tests.bot.sandbox.conftest import Running

pytestmark = pytest.mark.integration


def keyboard(**button: object) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton.model_validate({"text": "Go", **button})]])


async def test_a_message_arrives_with_text_and_entities(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    sent = await bot.send_message(user, "<b>Привет</b> 🍌 <code>x</code>", parse_mode=ParseMode.HTML)
    assert sent.text == "Привет 🍌 x"
    assert [(entity.type, entity.offset, entity.length) for entity in sent.entities or []] == [
        ("bold", 0, 6),
        ("code", 10, 1),
    ]
    assert sent.from_user is not None
    assert sent.from_user.id == 42
    seen = (await http.get(f"/chats/{user}/messages")).json()["messages"]
    assert [message["text"] for message in seen] == ["Привет 🍌 x"]


async def test_messages_after_an_id_are_listed(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    first = await bot.send_message(user, "one")
    await bot.send_message(user, "two")
    seen = (await http.get(f"/chats/{user}/messages", params={"after": first.message_id})).json()["messages"]
    assert [message["text"] for message in seen] == ["two"]


async def test_what_a_sending_method_accepts_is_kept(bot: Bot, user: int) -> None:
    first = await bot.send_message(user, "first")
    sent = await bot.send_message(
        user,
        "see https://example.com/x",
        reply_parameters=ReplyParameters(message_id=first.message_id),
        link_preview_options=LinkPreviewOptions(is_disabled=True),
        protect_content=True,
        message_effect_id="5104841245755180586",
        reply_markup=keyboard(callback_data="go"),
    )
    assert sent.reply_to_message is not None
    assert sent.reply_to_message.text == "first"
    assert sent.link_preview_options is not None
    assert sent.link_preview_options.is_disabled
    assert sent.has_protected_content
    assert sent.effect_id == "5104841245755180586"
    assert sent.reply_markup is not None
    assert sent.reply_markup.inline_keyboard[0][0].callback_data == "go"
    assert [entity.type for entity in sent.entities or []] == ["url"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("   ", "message text is empty"),
        ("x" * 4097, "message is too long"),
        ("<b>x", "can't parse entities: Can't find end tag corresponding to start tag \"b\""),
    ],
)
async def test_a_text_that_telegram_refuses_is_refused(bot: Bot, user: int, text: str, words: str) -> None:
    with pytest.raises(TelegramBadRequest) as refused:
        await bot.send_message(user, text, parse_mode=ParseMode.HTML)
    assert refused.value.message == f"Bad Request: {words}"


async def test_a_text_of_the_greatest_length_is_sent(bot: Bot, user: int) -> None:
    sent = await bot.send_message(user, "<i>" + "я" * 4096 + "</i>", parse_mode=ParseMode.HTML)
    assert len(sent.text or "") == 4096


async def test_an_unknown_chat_is_not_found(bot: Bot, user: int) -> None:
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await bot.send_message(user + 1, "hello")


async def test_a_chat_is_found_by_username(bot: Bot, http: httpx.AsyncClient) -> None:
    await http.post("/users", json={"id": 8, "first_name": "Bo", "username": "bo_test"})
    assert (await bot.send_message("@bo_test", "hello")).chat.id == 8


async def test_a_person_who_blocked_the_bot_gets_nothing(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    await http.post(f"/users/{user}/block")
    with pytest.raises(TelegramForbiddenError) as refused:
        await bot.send_message(user, "hello")
    assert refused.value.message == "Forbidden: bot was blocked by the user"
    await http.post(f"/users/{user}/unblock")
    assert (await bot.send_message(user, "hello again")).text == "hello again"


async def test_a_wrong_token_is_unauthorized(bot: Bot) -> None:
    with pytest.raises(TelegramUnauthorizedError, match="Unauthorized"):
        await Bot("42:other", session=bot.session).get_me()


async def test_an_unknown_method_is_not_found(bot: Bot, user: int) -> None:
    class SendNothing(SendMessage):
        __api_method__ = "sendNothing"

    with pytest.raises(TelegramNotFound, match="method not found"):
        await bot(SendNothing.model_validate({"chat_id": user, "text": "x"}))


@pytest.mark.parametrize(
    ("button", "words"),
    [
        ({"callback_data": "x" * 65}, "BUTTON_DATA_INVALID"),
        ({"callback_data": "я" * 33}, "BUTTON_DATA_INVALID"),
        ({}, "Text buttons are unallowed in the inline keyboard"),
        ({"url": "nowhere"}, "inline keyboard button URL 'nowhere' is invalid: Wrong HTTP URL"),
        (
            {"web_app": WebAppInfo(url="http://example.com/")},
            "inline keyboard button Web App URL 'http://example.com/' is invalid: Only HTTPS links are allowed",
        ),
        ({"pay": True}, "BUTTON_TYPE_INVALID"),
    ],
)
async def test_a_button_that_telegram_refuses_is_refused(
    bot: Bot, user: int, button: dict[str, object], words: str
) -> None:
    with pytest.raises(TelegramBadRequest) as refused:
        await bot.send_message(user, "x", reply_markup=keyboard(**button))
    assert refused.value.message == f"Bad Request: {words}"


async def test_callback_data_of_64_bytes_is_accepted(bot: Bot, user: int) -> None:
    await bot.send_message(user, "x", reply_markup=keyboard(callback_data="я" * 32))


async def test_a_mini_app_on_this_machine_may_use_http(bot: Bot, user: int) -> None:
    await bot.send_message(user, "x", reply_markup=keyboard(web_app=WebAppInfo(url="http://127.0.0.1:8000/app")))


async def test_a_reply_keyboard_stays_until_it_is_removed(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    markup = ReplyKeyboardMarkup(keyboard=[[KeyboardButton(text="Меню")]], resize_keyboard=True)
    await bot.send_message(user, "menu", reply_markup=markup)
    await bot.send_message(user, "still there")
    shown = (await http.get(f"/chats/{user}")).json()["reply_keyboard"]
    assert shown["keyboard"] == [[{"text": "Меню"}]]
    await bot.send_message(user, "gone", reply_markup=ReplyKeyboardRemove())
    assert (await http.get(f"/chats/{user}")).json()["reply_keyboard"] is None
    await bot.send_message(user, "answer me", reply_markup=ForceReply())


async def test_a_reply_to_nothing_is_refused_unless_allowed(bot: Bot, user: int) -> None:
    with pytest.raises(TelegramBadRequest, match="message to be replied not found"):
        await bot.send_message(user, "x", reply_parameters=ReplyParameters(message_id=999))
    lenient = ReplyParameters(message_id=999, allow_sending_without_reply=True)
    assert (await bot.send_message(user, "x", reply_parameters=lenient)).reply_to_message is None


async def test_a_copy_has_no_origin_and_a_forward_has_one(bot: Bot, user: int) -> None:
    original = await bot.send_message(user, "original", reply_markup=keyboard(callback_data="x"))
    copied = await bot.copy_message(user, user, original.message_id)
    assert copied.message_id == original.message_id + 1
    forwarded = await bot.forward_message(user, user, original.message_id)
    assert forwarded.text == "original"
    assert forwarded.forward_origin is not None
    assert forwarded.reply_markup is None


async def test_protected_content_is_not_forwarded(bot: Bot, user: int) -> None:
    original = await bot.send_message(user, "mine", protect_content=True)
    with pytest.raises(TelegramBadRequest, match="can't be forwarded"):
        await bot.forward_message(user, user, original.message_id)


async def test_copying_what_is_not_there_is_refused(bot: Bot, user: int) -> None:
    with pytest.raises(TelegramBadRequest, match="message to copy not found"):
        await bot.copy_message(user, user, 999)


async def test_a_chat_action_is_accepted_and_a_wrong_one_is_not(bot: Bot, user: int) -> None:
    assert await bot.send_chat_action(user, "upload_photo")
    with pytest.raises(TelegramBadRequest, match="wrong parameter action"):
        await bot.send_chat_action(user, "dancing")


@pytest.mark.parametrize("style", ["query", "form", "json", "multipart"])
async def test_parameters_come_in_every_form(sandbox: Running, user: int, style: str) -> None:
    values = {"chat_id": str(user), "text": "<b>hi</b>", "parse_mode": "HTML"}
    url = f"{sandbox.address}/bot42:sandbox-test-secret/sendmessage"
    async with httpx.AsyncClient(verify=False) as client:
        match style:
            case "query":
                answer = await client.get(url, params=values)
            case "form":
                answer = await client.post(url, data=values)
            case "json":
                answer = await client.post(url, json=values | {"chat_id": user})
            case _:
                answer = await client.post(url, data=values, files={"unused": ("a.txt", b"x")})
    assert answer.json()["result"]["text"] == "hi"
    assert answer.json()["result"]["entities"] == [{"type": "bold", "offset": 0, "length": 2}]

"""Edits and deletions, through the real aiogram bot."""

from __future__ import annotations

import httpx
import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import (
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    KeyboardButton,
    Message,
    ReplyKeyboardMarkup,
)

from tests.bot.sandbox.conftest import TOKEN, Running, image

pytestmark = pytest.mark.integration

BUTTONS = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Go", callback_data="go")]])


def photo(colour: str = "orange") -> BufferedInputFile:
    return BufferedInputFile(image(50, 50, colour=colour), "a.png")


async def shown(http: httpx.AsyncClient, chat: int) -> list[dict[str, object]]:
    messages: list[dict[str, object]] = (await http.get(f"/chats/{chat}/messages")).json()["messages"]
    return messages


async def test_an_edited_text_is_seen_in_place(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    sent = await bot.send_message(user, "one", reply_markup=BUTTONS)
    edited = await bot.edit_message_text("<b>two</b>", chat_id=user, message_id=sent.message_id, parse_mode="HTML")
    assert isinstance(edited, Message)
    assert (edited.text, edited.message_id) == ("two", sent.message_id)
    assert edited.edit_date is not None
    assert edited.reply_markup is None, "an edit without a keyboard takes the old one away"
    assert [message["text"] for message in await shown(http, user)] == ["two"]


async def test_an_edit_that_changes_nothing_is_refused(bot: Bot, user: int) -> None:
    sent = await bot.send_message(user, "<b>x</b>", parse_mode="HTML", reply_markup=BUTTONS)
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await bot.edit_message_text(
            "<b>x</b>", chat_id=user, message_id=sent.message_id, parse_mode="HTML", reply_markup=BUTTONS
        )
    await bot.edit_message_text("x", chat_id=user, message_id=sent.message_id, reply_markup=BUTTONS)
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await bot.edit_message_reply_markup(chat_id=user, message_id=sent.message_id, reply_markup=BUTTONS)


async def test_only_buttons_are_edited(bot: Bot, user: int) -> None:
    sent = await bot.send_message(user, "x", reply_markup=BUTTONS)
    edited = await bot.edit_message_reply_markup(chat_id=user, message_id=sent.message_id)
    assert isinstance(edited, Message)
    assert (edited.text, edited.reply_markup) == ("x", None)


async def test_a_message_that_is_not_there_cannot_be_edited(bot: Bot, user: int) -> None:
    with pytest.raises(TelegramBadRequest, match="message to edit not found"):
        await bot.edit_message_text("x", chat_id=user, message_id=999)


async def test_a_persons_message_cannot_be_edited(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    written = (await http.post(f"/chats/{user}/messages", json={"text": "mine"})).json()["message"]
    with pytest.raises(TelegramBadRequest, match="message can't be edited"):
        await bot.edit_message_text("x", chat_id=user, message_id=written["message_id"])


async def test_a_message_with_a_reply_keyboard_cannot_be_edited(bot: Bot, user: int) -> None:
    markup = ReplyKeyboardMarkup(keyboard=[[KeyboardButton(text="Menu")]])
    sent = await bot.send_message(user, "x", reply_markup=markup)
    with pytest.raises(TelegramBadRequest, match="message can't be edited"):
        await bot.edit_message_text("y", chat_id=user, message_id=sent.message_id)


async def test_a_reply_keyboard_is_no_keyboard_for_an_edit(bot: Bot, user: int, sandbox: Running) -> None:
    sent = await bot.send_message(user, "x")
    values = {"chat_id": user, "message_id": sent.message_id, "text": "y", "reply_markup": {"keyboard": [["Menu"]]}}
    async with httpx.AsyncClient(verify=False) as client:
        answer = await client.post(f"{sandbox.address}/bot{TOKEN}/editMessageText", json=values)
    assert answer.json()["description"] == "Bad Request: inline keyboard expected"


async def test_text_and_caption_are_not_exchanged(bot: Bot, user: int) -> None:
    text = await bot.send_message(user, "x")
    picture = await bot.send_photo(user, photo())
    with pytest.raises(TelegramBadRequest, match="there is no caption in the message to edit"):
        await bot.edit_message_caption(chat_id=user, message_id=text.message_id, caption="y")
    with pytest.raises(TelegramBadRequest, match="there is no text in the message to edit"):
        await bot.edit_message_text("y", chat_id=user, message_id=picture.message_id)


async def test_a_caption_is_edited_and_the_file_stays(bot: Bot, user: int) -> None:
    sent = await bot.send_photo(user, photo(), caption="one")
    edited = await bot.edit_message_caption(chat_id=user, message_id=sent.message_id, caption="two")
    assert isinstance(edited, Message)
    assert (edited.caption, edited.photo) == ("two", sent.photo)
    bare = await bot.edit_message_caption(chat_id=user, message_id=sent.message_id)
    assert isinstance(bare, Message)
    assert bare.caption is None


async def test_a_text_becomes_a_photo(bot: Bot, user: int) -> None:
    sent = await bot.send_message(user, "working…")
    edited = await bot.edit_message_media(
        InputMediaPhoto(media=photo(), caption="done"), chat_id=user, message_id=sent.message_id, reply_markup=BUTTONS
    )
    assert isinstance(edited, Message)
    assert edited.photo
    assert (edited.caption, edited.text) == ("done", None)
    assert edited.reply_markup is not None


async def test_a_photo_is_exchanged_for_a_known_one(bot: Bot, user: int) -> None:
    first, second = await bot.send_photo(user, photo()), await bot.send_photo(user, photo("blue"))
    assert second.photo is not None
    known = InputMediaPhoto(media=second.photo[-1].file_id)
    edited = await bot.edit_message_media(known, chat_id=user, message_id=first.message_id)
    assert isinstance(edited, Message)
    assert edited.photo == second.photo
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await bot.edit_message_media(known, chat_id=user, message_id=first.message_id)


async def test_an_inline_message_is_unknown(bot: Bot) -> None:
    with pytest.raises(TelegramBadRequest, match="MESSAGE_ID_INVALID"):
        await bot.edit_message_text("x", inline_message_id="AAA")


async def test_a_deleted_message_is_gone_and_not_deleted_twice(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    sent = await bot.send_message(user, "x")
    assert await bot.delete_message(user, sent.message_id)
    assert await shown(http, user) == []
    with pytest.raises(TelegramBadRequest, match="message to delete not found"):
        await bot.delete_message(user, sent.message_id)
    with pytest.raises(TelegramBadRequest, match="message to edit not found"):
        await bot.edit_message_text("y", chat_id=user, message_id=sent.message_id)


async def test_several_messages_are_deleted_at_once(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    sent = [await bot.send_message(user, str(number)) for number in range(3)]
    assert await bot.delete_messages(user, [sent[0].message_id, sent[2].message_id, 999])
    assert [message["text"] for message in await shown(http, user)] == ["1"]
    with pytest.raises(TelegramBadRequest, match="wrong number of message identifiers"):
        await bot.delete_messages(user, [])

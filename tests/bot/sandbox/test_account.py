"""The bot's own settings, chats, and how they look to a person."""

from __future__ import annotations

import httpx
import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import (
    BotCommand,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    MenuButtonCommands,
    MenuButtonDefault,
    MenuButtonWebApp,
    ReactionTypeEmoji,
    WebAppInfo,
)

pytestmark = pytest.mark.integration


def command(name: str, description: str = "words") -> BotCommand:
    return BotCommand(command=name, description=description)


async def test_the_bot_knows_itself(bot: Bot) -> None:
    me = await bot.get_me()
    assert (me.id, me.is_bot, me.username) == (42, True, "nanobanana_sandbox_bot")
    assert await bot.log_out()
    assert await bot.close()


async def test_commands_are_kept_by_scope_and_language(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    async def shown() -> list[str]:
        return [one["command"] for one in (await http.get(f"/chats/{user}")).json()["commands"]]

    assert await shown() == []
    await bot.set_my_commands([command("start"), command("help")])
    assert await shown() == ["start", "help"]
    await bot.set_my_commands([command("menu")], scope=BotCommandScopeAllPrivateChats(), language_code="ru")
    assert await shown() == ["menu"]
    await bot.set_my_commands([command("own")], scope=BotCommandScopeChat(chat_id=user))
    assert await shown() == ["own"]
    await bot.delete_my_commands(scope=BotCommandScopeChat(chat_id=user))
    assert await shown() == ["menu"]
    assert [one.command for one in await bot.get_my_commands()] == ["start", "help"]
    assert await bot.get_my_commands(language_code="de") == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (command("Start"), "BOT_COMMAND_INVALID"),
        (command("x" * 33), "BOT_COMMAND_INVALID"),
        (command("start", "x" * 257), "BOT_COMMAND_DESCRIPTION_INVALID"),
    ],
)
async def test_a_wrong_command_is_refused(bot: Bot, wrong: BotCommand, words: str) -> None:
    with pytest.raises(TelegramBadRequest, match=words):
        await bot.set_my_commands([wrong])


async def test_too_many_commands_are_refused(bot: Bot) -> None:
    with pytest.raises(TelegramBadRequest, match="BOT_COMMANDS_TOO_MUCH"):
        await bot.set_my_commands([command(f"c{number}") for number in range(101)])


async def test_texts_are_kept_by_language(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    await bot.set_my_description("Images from words")
    await bot.set_my_description("Картинки из слов", language_code="ru")
    assert (await bot.get_my_description()).description == "Images from words"
    assert (await bot.get_my_description(language_code="ru")).description == "Картинки из слов"
    assert (await bot.get_my_description(language_code="de")).description == "Images from words"
    assert (await http.get(f"/chats/{user}")).json()["bot"]["description"] == "Картинки из слов"
    await bot.set_my_short_description("short")
    assert (await bot.get_my_short_description()).short_description == "short"


async def test_texts_that_are_too_long_are_refused(bot: Bot) -> None:
    with pytest.raises(TelegramBadRequest, match="BOT_DESCRIPTION_INVALID"):
        await bot.set_my_description("x" * 513)
    with pytest.raises(TelegramBadRequest, match="BOT_SHORT_DESCRIPTION_INVALID"):
        await bot.set_my_short_description("x" * 121)
    with pytest.raises(TelegramBadRequest, match="BOT_TITLE_INVALID"):
        await bot.set_my_name("x" * 65)


async def test_the_bot_is_renamed(bot: Bot, user: int) -> None:
    assert (await bot.get_my_name()).name == "NanoBanana"
    await bot.set_my_name("Banana")
    assert (await bot.get_my_name()).name == "Banana"
    sender = (await bot.send_message(user, "x")).from_user
    assert sender is not None
    assert sender.first_name == "Banana"


async def test_a_chats_menu_button_overrides_the_common_one(bot: Bot, user: int) -> None:
    assert isinstance(await bot.get_chat_menu_button(), MenuButtonDefault)
    await bot.set_chat_menu_button(menu_button=MenuButtonCommands())
    assert isinstance(await bot.get_chat_menu_button(user), MenuButtonCommands)
    app = MenuButtonWebApp(text="Create", web_app=WebAppInfo(url="https://app.example.com/"))
    await bot.set_chat_menu_button(user, app)
    own = await bot.get_chat_menu_button(user)
    assert isinstance(own, MenuButtonWebApp)
    assert own.web_app.url == "https://app.example.com/"
    await bot.set_chat_menu_button(user, MenuButtonDefault())
    assert isinstance(await bot.get_chat_menu_button(user), MenuButtonCommands)


async def test_a_menu_button_wants_https(bot: Bot) -> None:
    app = MenuButtonWebApp(text="Create", web_app=WebAppInfo(url="http://app.example.com/"))
    with pytest.raises(TelegramBadRequest, match="Only HTTPS links are allowed"):
        await bot.set_chat_menu_button(menu_button=app)


async def test_a_chat_and_its_members_are_described(bot: Bot, user: int) -> None:
    chat = await bot.get_chat(user)
    assert (chat.id, chat.type, chat.first_name) == (user, "private", "Аня")
    person = await bot.get_chat_member(user, user)
    assert (person.status, person.user.id) == ("member", user)
    assert (await bot.get_chat_member(user, 42)).user.is_bot
    with pytest.raises(TelegramBadRequest, match="invalid user_id specified"):
        await bot.get_chat_member(user, 999)
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await bot.get_chat(999)


async def test_a_message_is_pinned_and_unpinned(bot: Bot, user: int) -> None:
    first, second = await bot.send_message(user, "1"), await bot.send_message(user, "2")
    await bot.pin_chat_message(user, first.message_id)
    await bot.pin_chat_message(user, second.message_id)
    pinned = (await bot.get_chat(user)).pinned_message
    assert pinned is not None
    assert pinned.message_id == second.message_id
    await bot.unpin_chat_message(user)
    await bot.unpin_chat_message(user, message_id=first.message_id)
    assert (await bot.get_chat(user)).pinned_message is None
    with pytest.raises(TelegramBadRequest, match="message to unpin not found"):
        await bot.unpin_chat_message(user)
    with pytest.raises(TelegramBadRequest, match="message to pin not found"):
        await bot.pin_chat_message(user, 999)


async def test_a_reaction_is_set_and_taken_away(bot: Bot, user: int, http: httpx.AsyncClient) -> None:
    written = (await http.post(f"/chats/{user}/messages", json={"text": "nice"})).json()["message"]["message_id"]
    await bot.set_message_reaction(user, written, [ReactionTypeEmoji(emoji="🍌")])
    assert (await http.get(f"/chats/{user}")).json()["reactions"] == {str(written): ["🍌"]}
    await bot.set_message_reaction(user, written)
    assert (await http.get(f"/chats/{user}")).json()["reactions"] == {str(written): []}
    with pytest.raises(TelegramBadRequest, match="REACTION_INVALID"):
        await bot.set_message_reaction(user, written, [ReactionTypeEmoji(emoji="x")])
    with pytest.raises(TelegramBadRequest, match="REACTIONS_TOO_MANY"):
        await bot.set_message_reaction(user, written, [ReactionTypeEmoji(emoji="🍌"), ReactionTypeEmoji(emoji="🔥")])
    with pytest.raises(TelegramBadRequest, match="message to react not found"):
        await bot.set_message_reaction(user, 999, [ReactionTypeEmoji(emoji="🍌")])

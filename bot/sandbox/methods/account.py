"""The bot itself: who it is, its commands, texts and menu button."""

from __future__ import annotations

import re

from bot.sandbox.documents import JsonObject
from bot.sandbox.keyboards import check_web_app
from bot.sandbox.methods.registry import method
from bot.sandbox.parameters import Parameters
from bot.sandbox.refusals import bad_request
from bot.sandbox.state import Person
from bot.sandbox.world import World

_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
# A private chat looks for commands in these scopes, first with its language, then without.
_PRIVATE_SCOPES = ("chat:{chat_id}", "all_private_chats", "default")


@method("getMe")
async def get_me(world: World, _parameters: Parameters) -> JsonObject:
    """The bot, with what only the bot itself sees."""
    return {
        **world.bot,
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
        "has_topics_enabled": False,
        "allows_users_to_create_topics": False,
        "can_manage_bots": False,
    }


@method("logOut")
async def log_out(_world: World, _parameters: Parameters) -> bool:
    """Nothing to leave: the sandbox is the only server."""
    return True


@method("close")
async def close(_world: World, _parameters: Parameters) -> bool:
    """Nothing to move."""
    return True


def _scope(parameters: Parameters) -> str:
    scope = parameters.object("scope") or {"type": "default"}
    kind = str(scope.get("type", "default"))
    return f"chat:{scope.get('chat_id')}" if kind == "chat" else kind


def _commands_key(parameters: Parameters) -> str:
    return f"commands:{_scope(parameters)}:{parameters.text('language_code')}"


@method("setMyCommands")
async def set_my_commands(world: World, parameters: Parameters) -> bool:
    """Replace the commands of a scope and language."""
    commands = parameters.objects("commands")
    if len(commands) > 100:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        name, description = str(command.get("command", "")).removeprefix("/"), str(command.get("description", ""))
        if not _COMMAND.fullmatch(name):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(description) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
        command["command"] = name
    world.state.put_setting(_commands_key(parameters), {"commands": commands})
    world.events.publish_to_all("bot")
    return True


@method("getMyCommands")
async def get_my_commands(world: World, parameters: Parameters) -> list[JsonObject]:
    """The commands of exactly this scope and language."""
    commands: list[JsonObject] = world.state.setting(_commands_key(parameters)).get("commands", [])
    return commands


@method("deleteMyCommands")
async def delete_my_commands(world: World, parameters: Parameters) -> bool:
    """Forget the commands of a scope and language."""
    world.state.drop_setting(_commands_key(parameters))
    world.events.publish_to_all("bot")
    return True


def commands_for(world: World, person: Person) -> list[JsonObject]:
    """The commands that this person sees."""
    for scope in _PRIVATE_SCOPES:
        for language in (person.profile.get("language_code", ""), ""):
            found = world.state.setting(f"commands:{scope.format(chat_id=person.id)}:{language}").get("commands")
            if found:
                return list(found)
    return []


def _store_text(world: World, parameters: Parameters, name: str, longest: int, complaint: str) -> bool:
    text = parameters.text(name)
    if len(text) > longest:
        raise bad_request(complaint)
    world.state.put_setting(f"{name}:{parameters.text('language_code')}", {name: text})
    world.events.publish_to_all("bot")
    return True


def _text(world: World, parameters: Parameters, name: str) -> JsonObject:
    for language in (parameters.text("language_code"), ""):
        text = world.state.setting(f"{name}:{language}").get(name)
        if text:
            return {name: text}
    return {name: ""}


@method("setMyName")
async def set_my_name(world: World, parameters: Parameters) -> bool:
    """Rename the bot, at most 64 characters."""
    _store_text(world, parameters, "name", 64, "BOT_TITLE_INVALID")
    if not parameters.text("language_code"):
        world.bot["first_name"] = parameters.text("name") or world.bot["first_name"]
    return True


@method("getMyName")
async def get_my_name(world: World, parameters: Parameters) -> JsonObject:
    """The bot's name in a language."""
    return {"name": _text(world, parameters, "name")["name"] or world.bot["first_name"]}


@method("setMyDescription")
async def set_my_description(world: World, parameters: Parameters) -> bool:
    """The text of the empty chat, at most 512 characters."""
    return _store_text(world, parameters, "description", 512, "BOT_DESCRIPTION_INVALID")


@method("getMyDescription")
async def get_my_description(world: World, parameters: Parameters) -> JsonObject:
    """The text of the empty chat."""
    return _text(world, parameters, "description")


@method("setMyShortDescription")
async def set_my_short_description(world: World, parameters: Parameters) -> bool:
    """The text of the bot's profile, at most 120 characters."""
    return _store_text(world, parameters, "short_description", 120, "BOT_SHORT_DESCRIPTION_INVALID")


@method("getMyShortDescription")
async def get_my_short_description(world: World, parameters: Parameters) -> JsonObject:
    """The text of the bot's profile."""
    return _text(world, parameters, "short_description")


@method("setChatMenuButton")
async def set_chat_menu_button(world: World, parameters: Parameters) -> bool:
    """The button beside the input, for one chat or for all."""
    button = parameters.object("menu_button") or {"type": "default"}
    if button.get("type") not in {"commands", "web_app", "default"}:
        raise bad_request("can't parse menu button: MenuButton has unsupported type")
    if button["type"] == "web_app":
        check_web_app(str((Parameters(button).object("web_app") or {}).get("url", "")), "menu button")
    if parameters.text("chat_id"):
        person = world.chats.find(parameters)
        person.menu_button = button
        world.state.put_person(person)
    else:
        world.state.put_setting("menu_button", button)
    world.events.publish_to_all("bot")
    return True


def menu_button_for(world: World, person: Person) -> JsonObject:
    """The menu button that this person sees."""
    own = person.menu_button
    if own and own["type"] != "default":
        return own
    return world.state.setting("menu_button") or {"type": "default"}


@method("getChatMenuButton")
async def get_chat_menu_button(world: World, parameters: Parameters) -> JsonObject:
    """The menu button of one chat or of all."""
    if parameters.text("chat_id"):
        return menu_button_for(world, world.chats.find(parameters))
    return world.state.setting("menu_button") or {"type": "default"}

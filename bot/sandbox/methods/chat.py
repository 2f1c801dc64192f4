"""Chats: their details, members, pinned messages, reactions."""

from __future__ import annotations

from bot.sandbox.documents import JsonObject
from bot.sandbox.methods.registry import method
from bot.sandbox.parameters import Parameters
from bot.sandbox.refusals import bad_request
from bot.sandbox.world import World

# The reactions that a bot may set, from the Bot API's ReactionTypeEmoji.
_EMOJI = (
    "❤ 👍 👎 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 "
    "❤‍🔥 🌚 🌭 💯 🤣 ⚡ 🍌 🏆 💔 🤨 😐 🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 👨‍💻 👀 🎃 🙈 "
    "😇 😨 🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 😘 💊 🙊 😎 👾 🤷‍♂ 🤷 🤷‍♀ "
    "😡"
)
REACTIONS = frozenset(_EMOJI.split())


@method("getChat")
async def get_chat(world: World, parameters: Parameters) -> JsonObject:
    """A private chat in full."""
    person = world.chats.find(parameters)
    full: JsonObject = {
        **person.chat(),
        "accent_color_id": person.id % 7,
        "max_reaction_count": 11,
        "accepted_gift_types": {
            "unlimited_gifts": True,
            "limited_gifts": True,
            "unique_gifts": True,
            "premium_subscription": True,
            "gifts_from_channels": True,
        },
    }
    if person.profile.get("username"):
        full["active_usernames"] = [person.profile["username"]]
    pinned = world.state.message(person.id, person.pinned[-1]) if person.pinned else None
    if pinned is not None:
        full["pinned_message"] = pinned.body
    return full


@method("getChatMember")
async def get_chat_member(world: World, parameters: Parameters) -> JsonObject:
    """A private chat has two members: the person and the bot."""
    person = world.chats.find(parameters)
    user_id = parameters.integer("user_id")
    if user_id == world.bot["id"]:
        return {"status": "member", "user": world.bot}
    if user_id != person.id:
        raise bad_request("invalid user_id specified")
    return {"status": "member", "user": person.profile}


@method("setMessageReaction")
async def set_message_reaction(world: World, parameters: Parameters) -> bool:
    """The bot's reaction; an empty list takes it away."""
    person = world.chats.reachable(parameters)
    stored = world.chats.message(person.id, parameters.integer("message_id"), "react")
    reactions = parameters.objects("reaction")
    if len(reactions) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    for reaction in reactions:
        if reaction.get("type") != "emoji" or str(reaction.get("emoji", "")).rstrip("\ufe0f") not in REACTIONS:
            raise bad_request("REACTION_INVALID")
    emoji = [str(reaction["emoji"]) for reaction in reactions]
    world.state.put_setting(f"reaction:{person.id}:{stored.id}", {"emoji": emoji})
    world.events.publish(person.id, "reaction", message_id=stored.id, emoji=emoji)
    return True


@method("pinChatMessage")
async def pin_chat_message(world: World, parameters: Parameters) -> bool:
    """Pin a message on top of the chat."""
    person = world.chats.reachable(parameters)
    stored = world.chats.message(person.id, parameters.integer("message_id"), "pin")
    person.pinned = [*(pinned for pinned in person.pinned if pinned != stored.id), stored.id]
    world.state.put_person(person)
    world.events.publish(person.id, "bot")
    return True


@method("unpinChatMessage")
async def unpin_chat_message(world: World, parameters: Parameters) -> bool:
    """Unpin a message, the latest one unless told otherwise."""
    person = world.chats.reachable(parameters)
    message_id = parameters.integer("message_id") or (person.pinned[-1] if person.pinned else 0)
    if message_id not in person.pinned:
        raise bad_request("message to unpin not found")
    person.pinned = [pinned for pinned in person.pinned if pinned != message_id]
    world.state.put_person(person)
    world.events.publish(person.id, "bot")
    return True

"""What people do in the chat: appear, write, send files, press buttons, block the bot. Paying is in `purchases`."""

from __future__ import annotations

import asyncio
import copy
import hashlib
from collections.abc import Sequence

from bot.sandbox import limits
from bot.sandbox.documents import JsonObject
from bot.sandbox.entities import detect
from bot.sandbox.methods.media import media_content
from bot.sandbox.methods.queries import open_query
from bot.sandbox.parameters import Parameters, Upload
from bot.sandbox.refusals import DriverError
from bot.sandbox.state import Person
from bot.sandbox.world import World

MEDIA_KINDS = ("photo", "video", "document", "voice", "audio", "animation", "sticker")
CALLBACK_WAIT_SECONDS = 2.0


def appear(world: World, profile: JsonObject) -> Person:
    """Create a person, or change the names of one who is there."""
    user_id, first_name = profile.get("id"), profile.get("first_name")
    if not isinstance(user_id, int) or isinstance(user_id, bool) or user_id <= 0:
        raise DriverError(400, "id must be a positive whole number")
    if not isinstance(first_name, str) or not first_name.strip():
        raise DriverError(400, "first_name must be a text that is not empty")
    if user_id == world.bot["id"]:
        raise DriverError(400, "id belongs to the bot")
    names = ("last_name", "username", "language_code", "is_premium")
    optional = {name: profile[name] for name in names if profile.get(name)}
    shown = {"id": user_id, "is_bot": False, "first_name": first_name.strip(), **optional}
    person = world.state.people.get(user_id) or Person(shown)
    person.profile = shown
    world.state.put_person(person)
    return person


def find(world: World, user_id: int) -> Person:
    """The person with this id."""
    person = world.state.people.get(user_id)
    if person is None:
        raise DriverError(404, f"there is no user {user_id}; create one with POST /sandbox/v1/users")
    return person


def must_be_present(person: Person) -> None:
    """Refuse to act for somebody who blocked the bot."""
    if person.has_blocked_bot:
        raise DriverError(409, "the user has blocked the bot; unblock it first")


def _say(world: World, person: Person, content: JsonObject) -> JsonObject:
    """A message of the person, on its way to the bot."""
    message = world.chats.post_as_person(person, content)
    world.updates.add("message", message, person.id)
    return message


def _reply(world: World, person: Person, message_id: int) -> JsonObject:
    stored = world.state.message(person.id, message_id)
    if stored is None:
        return {}
    return {"reply_to_message": {key: value for key, value in stored.body.items() if key != "reply_to_message"}}


def _formatted(text: str, name: str) -> JsonObject:
    text = text.strip()
    if not text:
        return {}
    entities = detect(text, [])
    return {name: text, **({"entities" if name == "text" else "caption_entities": entities} if entities else {})}


def write(world: World, person: Person, text: str, reply_to: int = 0) -> JsonObject:
    """A text message; a leading /command becomes a bot_command entity."""
    must_be_present(person)
    if not text.strip():
        raise DriverError(400, "text is empty")
    if len(text.strip()) > limits.TEXT_LENGTH:
        raise DriverError(400, f"text is longer than {limits.TEXT_LENGTH} characters; a client would split it")
    return _say(world, person, {**_formatted(text, "text"), **_reply(world, person, reply_to)})


async def send_files(
    world: World, person: Person, files: Sequence[tuple[str, Upload]], details: Parameters
) -> list[JsonObject]:
    """One message per file; several files make an album with the caption on the first."""
    must_be_present(person)
    caption = details.text("caption")
    if len(caption) > limits.CAPTION_LENGTH:
        raise DriverError(400, f"caption is longer than {limits.CAPTION_LENGTH} characters")
    if len(files) >= limits.ALBUM_ITEMS.stop:
        raise DriverError(400, "an album holds at most 10 files")
    contents = [media_content(kind, await world.media.store(kind, upload, details)) for kind, upload in files]
    group = {}
    if len(files) > 1:
        group = {"media_group_id": str(world.state.next_number("album", 13_000_000_000_000_001))}
    sent = []
    for index, content in enumerate(contents):
        first = _formatted(caption, "caption") if index == 0 else {}
        reply = _reply(world, person, details.integer("reply_to_message_id"))
        sent.append(_say(world, person, {**content, **first, **group, **reply}))
    return sent


def send_web_app_data(world: World, person: Person, data: str, button_text: str) -> JsonObject:
    """What a Mini App opened from a reply keyboard sends with sendData."""
    must_be_present(person)
    if not 1 <= len(data.encode()) <= 4096:
        raise DriverError(400, "data must have 1-4096 bytes")
    return _say(world, person, {"web_app_data": {"data": data, "button_text": button_text}})


async def press(world: World, person: Person, message_id: int, data: str, wait: float) -> JsonObject:
    """Press a button. Real clients can forge, so any data is delivered; waits shortly for the bot's answer."""
    must_be_present(person)
    query_id, answer = open_query(world, person.id, limits.QUERY_LIFETIME_SECONDS)
    stored = world.state.message(person.id, message_id)
    gone = {"chat": person.chat(), "message_id": message_id, "date": 0}
    query = {
        "id": query_id,
        "from": person.profile,
        "message": copy.deepcopy(stored.body) if stored else gone,
        "chat_instance": str(int(hashlib.sha256(str(person.id).encode()).hexdigest()[:15], 16)),
        "data": data,
    }
    world.updates.add("callback_query", query, person.id)
    done, _ = await asyncio.wait({answer}, timeout=min(wait, CALLBACK_WAIT_SECONDS))
    return {"callback_query_id": query_id, "answer": answer.result() if done else None}


def set_blocked(world: World, person: Person, *, is_blocked: bool) -> None:
    """Block or unblock the bot; it hears of it as my_chat_member."""
    if person.has_blocked_bot == is_blocked:
        return
    person.has_blocked_bot = is_blocked
    world.state.put_person(person)
    member = {"status": "member", "user": world.bot}
    kicked = {"status": "kicked", "user": world.bot, "until_date": 0}
    before, after = (member, kicked) if is_blocked else (kicked, member)
    change = {
        "chat": person.chat(),
        "from": person.profile,
        "date": world.state.now(),
        "old_chat_member": before,
        "new_chat_member": after,
    }
    world.updates.add("my_chat_member", change, person.id)
    world.events.publish(person.id, "bot")

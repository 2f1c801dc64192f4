"""Sending text and actions, copying and forwarding."""

from __future__ import annotations

import copy

from bot.sandbox import limits
from bot.sandbox.documents import JsonObject
from bot.sandbox.entities import formatted_parameter
from bot.sandbox.keyboards import reply_markup
from bot.sandbox.methods.registry import method
from bot.sandbox.parameters import Parameters
from bot.sandbox.refusals import bad_request
from bot.sandbox.world import World

ACTIONS = frozenset(
    {
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    }
)
# What a message consists of, beside who, where and when.
CONTENT = (
    "text",
    "entities",
    "link_preview_options",
    "photo",
    "document",
    "video",
    "animation",
    "voice",
    "audio",
    "sticker",
    "caption",
    "caption_entities",
    "show_caption_above_media",
    "has_media_spoiler",
)
CAPTIONED = ("photo", "document", "video", "animation", "voice", "audio")


def text_content(parameters: Parameters) -> JsonObject:
    """`text` and its entities.

    Raises:
        Refused: the text is empty or too long, or its markup malformed.
    """
    formatted = formatted_parameter(parameters, "text")
    if not formatted.text:
        raise bad_request("message text is empty")
    if len(formatted.text) > limits.TEXT_LENGTH:
        raise bad_request("message is too long")
    content: JsonObject = {"text": formatted.text}
    if formatted.entities:
        content["entities"] = formatted.entities
    preview = parameters.object("link_preview_options")
    if preview:
        content["link_preview_options"] = preview
    return content


def caption_content(parameters: Parameters) -> JsonObject:
    """`caption` and its entities, or nothing."""
    formatted = formatted_parameter(parameters, "caption")
    if len(formatted.text) > limits.CAPTION_LENGTH:
        raise bad_request("message caption is too long")
    content: JsonObject = {}
    if formatted.text:
        content["caption"] = formatted.text
    if formatted.entities:
        content["caption_entities"] = formatted.entities
    for name in ("show_caption_above_media", "has_media_spoiler"):
        if parameters.flag(name) or (name == "has_media_spoiler" and parameters.flag("has_spoiler")):
            content[name] = True
    return content


@method("sendMessage")
async def send_message(world: World, parameters: Parameters) -> JsonObject:
    """A text message."""
    person = world.chats.reachable(parameters)
    content, markup = text_content(parameters), reply_markup(parameters)
    world.flood.spend(person.id)
    return world.chats.post_as_bot(person, content, parameters, markup)


@method("sendChatAction")
async def send_chat_action(world: World, parameters: Parameters) -> bool:
    """What the bot is doing, shown for five seconds."""
    person = world.chats.reachable(parameters)
    action = parameters.text("action")
    if action not in ACTIONS:
        raise bad_request("wrong parameter action in request")
    world.events.publish(person.id, "action", action=action)
    return True


def _source(world: World, parameters: Parameters, purpose: str) -> JsonObject:
    source = world.chats.find(parameters, "from_chat_id")
    return world.chats.message(source.id, parameters.integer("message_id"), purpose).body


@method("copyMessage")
async def copy_message(world: World, parameters: Parameters) -> JsonObject:
    """The same content without a link to the original; a new caption may replace the old one."""
    person = world.chats.reachable(parameters)
    original = _source(world, parameters, "copy")
    content = {key: copy.deepcopy(original[key]) for key in CONTENT if key in original}
    if not content:
        raise bad_request("the message can't be copied")
    if "caption" in parameters.values and any(kind in content for kind in CAPTIONED):
        content.pop("caption", None)
        content.pop("caption_entities", None)
        content.update(caption_content(parameters))
    markup = reply_markup(parameters)
    world.flood.spend(person.id)
    message = world.chats.post_as_bot(person, content, parameters, markup)
    return {"message_id": message["message_id"]}


@method("forwardMessage")
async def forward_message(world: World, parameters: Parameters) -> JsonObject:
    """The same content with its origin."""
    person = world.chats.reachable(parameters)
    original = _source(world, parameters, "forward")
    if original.get("has_protected_content"):
        raise bad_request("the message can't be forwarded")
    content = {key: copy.deepcopy(original[key]) for key in CONTENT if key in original}
    content["forward_origin"] = original.get("forward_origin") or {
        "type": "user",
        "date": original["date"],
        "sender_user": original["from"],
    }
    world.flood.spend(person.id)
    return world.chats.post_as_bot(person, content, parameters, None)

"""Changing and deleting messages of the bot."""

from __future__ import annotations

from bot.sandbox.documents import JsonObject
from bot.sandbox.keyboards import is_inline, reply_markup
from bot.sandbox.methods.media import media_content
from bot.sandbox.methods.messages import CAPTIONED, CONTENT, caption_content, text_content
from bot.sandbox.methods.registry import method
from bot.sandbox.parameters import Parameters, whole_number
from bot.sandbox.refusals import bad_request
from bot.sandbox.state import StoredMessage
from bot.sandbox.world import World

NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current content"
    " and reply markup of the message"
)


def _editable(world: World, parameters: Parameters) -> StoredMessage:
    if parameters.text("inline_message_id"):
        raise bad_request("MESSAGE_ID_INVALID")
    person = world.chats.find(parameters)
    if not parameters.text("message_id"):
        raise bad_request("message identifier is not specified")
    stored = world.chats.message(person.id, parameters.integer("message_id"), "edit")
    if stored.body["from"]["id"] != world.bot["id"] or stored.has_other_keyboard:
        raise bad_request("message can't be edited")
    return stored


def _apply(world: World, stored: StoredMessage, content: JsonObject, markup: JsonObject | None) -> JsonObject:
    """Replace the content; a missing keyboard takes the old one away."""
    before = {key: stored.body[key] for key in (*CONTENT, "reply_markup") if key in stored.body}
    after = {**content, **({"reply_markup": markup} if markup else {})}
    if before == after:
        raise bad_request(NOT_MODIFIED)
    for key in before:
        del stored.body[key]
    stored.body.update(after)
    return world.chats.changed(stored)


def _inline_markup(parameters: Parameters, stored: StoredMessage) -> JsonObject | None:
    markup = reply_markup(parameters, is_invoice="invoice" in stored.body)
    if markup is not None and not is_inline(markup):
        raise bad_request("inline keyboard expected")
    return markup


@method("editMessageText")
async def edit_message_text(world: World, parameters: Parameters) -> JsonObject:
    """New text and buttons."""
    stored = _editable(world, parameters)
    if "text" not in stored.body:
        raise bad_request("there is no text in the message to edit")
    return _apply(world, stored, text_content(parameters), _inline_markup(parameters, stored))


@method("editMessageCaption")
async def edit_message_caption(world: World, parameters: Parameters) -> JsonObject:
    """New caption and buttons."""
    stored = _editable(world, parameters)
    if not any(kind in stored.body for kind in CAPTIONED):
        raise bad_request("there is no caption in the message to edit")
    kept = {key: stored.body[key] for key in CONTENT if key in stored.body and not key.startswith("caption")}
    return _apply(world, stored, {**kept, **caption_content(parameters)}, _inline_markup(parameters, stored))


@method("editMessageMedia")
async def edit_message_media(world: World, parameters: Parameters) -> JsonObject:
    """Another file in place of the old one, with its own caption."""
    stored = _editable(world, parameters)
    item = parameters.object("media")
    if not item:
        raise bad_request("media is empty")
    if not any(key in stored.body for key in (*CAPTIONED, "text")):
        raise bad_request("message can't be edited")
    one = Parameters(item, parameters.uploads)
    kind = one.text("type")
    if kind not in CAPTIONED or kind == "voice":
        raise bad_request("can't parse InputMedia: unsupported media type")
    caption = caption_content(one)
    content = media_content(kind, await world.media.receive(kind, one, "media"))
    return _apply(world, stored, {**content, **caption}, _inline_markup(parameters, stored))


@method("editMessageReplyMarkup")
async def edit_message_reply_markup(world: World, parameters: Parameters) -> JsonObject:
    """Only other buttons."""
    stored = _editable(world, parameters)
    kept = {key: stored.body[key] for key in CONTENT if key in stored.body}
    return _apply(world, stored, kept, _inline_markup(parameters, stored))


@method("deleteMessage")
async def delete_message(world: World, parameters: Parameters) -> bool:
    """Remove one message on both sides."""
    person = world.chats.find(parameters)
    if not world.chats.delete(person.id, parameters.integer("message_id")):
        raise bad_request("message to delete not found")
    return True


@method("deleteMessages")
async def delete_messages(world: World, parameters: Parameters) -> bool:
    """Remove up to a hundred messages; those that are gone are skipped."""
    person = world.chats.find(parameters)
    message_ids = parameters.array("message_ids") or []
    if not 1 <= len(message_ids) <= 100:
        raise bad_request("wrong number of message identifiers specified")
    for message_id in message_ids:
        world.chats.delete(person.id, whole_number(message_id))
    return True

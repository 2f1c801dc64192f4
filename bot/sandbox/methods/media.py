"""Sending files: photos, documents, videos, animations, voice, audio, stickers; and getFile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.sandbox.documents import JsonObject
from bot.sandbox.keyboards import reply_markup
from bot.sandbox.methods.messages import caption_content
from bot.sandbox.methods.registry import method
from bot.sandbox.parameters import Parameters
from bot.sandbox.world import World


def media_content(kind: str, shown: JsonObject) -> JsonObject:
    """The stored file as it stands in a message."""
    if kind == "photo":
        return {"photo": shown["sizes"]}
    if kind == "animation":
        document = {key: shown[key] for key in ("file_id", "file_unique_id", "file_size", "file_name", "mime_type")}
        return {"animation": shown, "document": document}
    return {kind: shown}


def _sender(kind: str) -> Callable[[World, Parameters], Awaitable[JsonObject]]:
    async def send(world: World, parameters: Parameters) -> JsonObject:
        person = world.chats.reachable(parameters)
        markup = reply_markup(parameters)
        caption = caption_content(parameters) if kind != "sticker" else {}
        content = media_content(kind, await world.media.receive(kind, parameters, kind))
        world.flood.spend(person.id)
        return world.chats.post_as_bot(person, {**content, **caption}, parameters, markup)

    return send


for _kind in ("photo", "document", "video", "animation", "voice", "audio", "sticker"):
    method(f"send{_kind.capitalize()}")(_sender(_kind))


@method("getFile")
async def get_file(world: World, parameters: Parameters) -> JsonObject:
    """Where to download a file of at most 20 MB."""
    return world.media.file(parameters.text("file_id"))

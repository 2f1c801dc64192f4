"""sendMediaGroup: two to ten photos and videos, or documents, or audio files."""

from __future__ import annotations

from bot.sandbox import limits
from bot.sandbox.documents import JsonObject
from bot.sandbox.methods.media import media_content
from bot.sandbox.methods.messages import caption_content
from bot.sandbox.methods.registry import method
from bot.sandbox.parameters import Parameters
from bot.sandbox.refusals import bad_request
from bot.sandbox.world import World

KINDS = frozenset({"photo", "video", "document", "audio"})


def _check(items: list[JsonObject]) -> None:
    if len(items) < limits.ALBUM_ITEMS.start:
        raise bad_request("there are too few messages to send as an album; expected 2-10")
    if len(items) >= limits.ALBUM_ITEMS.stop:
        raise bad_request("too many messages to send as an album")
    kinds = {str(item.get("type")) for item in items}
    if not kinds <= KINDS:
        raise bad_request("can't parse InputMedia: unsupported media type in an album")
    for exclusive in ("document", "audio"):
        if exclusive in kinds and len(kinds) > 1:
            raise bad_request(f"{exclusive.capitalize()} can't be mixed with other media types")


@method("sendMediaGroup")
async def send_media_group(world: World, parameters: Parameters) -> list[JsonObject]:
    """An album: messages that share a media_group_id."""
    person = world.chats.reachable(parameters)
    items = parameters.objects("media")
    _check(items)
    contents = []
    for item in items:
        one = Parameters(item, parameters.uploads)
        caption = caption_content(one)
        kind = one.text("type")
        contents.append({**media_content(kind, await world.media.receive(kind, one, "media")), **caption})
    world.flood.spend(person.id)
    group = str(world.state.next_number("album", 13_000_000_000_000_001))
    return [
        world.chats.post_as_bot(person, {**content, "media_group_id": group}, parameters, None) for content in contents
    ]

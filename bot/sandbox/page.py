"""The chat page: static files, a stream of events, and the files that were sent in the chat."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from sanic import Blueprint, HTTPResponse, Request, response
from sanic.handlers import ContentRangeHandler
from sanic.response import ResponseStream

from bot.sandbox import people
from bot.sandbox.files import sent
from bot.sandbox.refusals import DriverError
from bot.sandbox.world import World

STATIC = Path(__file__).parent / "static"
HEARTBEAT_SECONDS = 15.0
_INLINE = ("image/jpeg", "image/png", "image/webp", "image/gif", "video/", "audio/")


def blueprint(world: World) -> Blueprint:
    """Routes that only the page uses."""
    page = Blueprint("page")
    page.static("/static", STATIC, name="static")
    page.static("/", STATIC / "index.html", name="index")
    page.static("/favicon.ico", STATIC / "icon.svg", name="favicon", content_type="image/svg+xml")

    @page.get("/sandbox/v1/files/<file_id:str>")
    async def show_file(request: Request, file_id: str) -> HTTPResponse | ResponseStream:
        found = world.media.find(file_id)
        if found is None:
            return response.json({"error": f"there is no file {file_id}"}, 404)
        path, mime, name = found
        headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, max-age=31536000, immutable"}
        if not mime.startswith(_INLINE) or request.args.get("download"):
            return await sent(path, mime, headers, name=name)
        wanted = ContentRangeHandler(request, path.stat()) if "range" in request.headers else None
        return await sent(path, mime, headers, part=wanted)

    @page.get("/sandbox/v1/chats/<chat_id:int>/events")
    async def stream_events(request: Request, chat_id: int) -> None:
        try:
            people.find(world, chat_id)
        except DriverError as error:
            await request.respond(response.json({"error": str(error)}, error.status))
            return
        stream = await request.respond(content_type="text/event-stream", headers={"Cache-Control": "no-store"})
        assert stream is not None
        with world.events.watch(chat_id) as events:
            await stream.send(": hello\n\n")
            while True:
                try:
                    event = await asyncio.wait_for(events.get(), HEARTBEAT_SECONDS)
                except TimeoutError:
                    await stream.send(": still here\n\n")
                    continue
                if event is None:
                    return
                await stream.send(f"data: {json.dumps(event, ensure_ascii=False)}\n\n")

    return page

"""The world outside for `benchmarks.generations`, in a process of its own: two providers and Telegram.

It speaks as much of Kling's, Gemini's and the Bot API's protocols as jobs need. A video runs until it is told to end
with `POST /end {"within": seconds}`; an image provider makes `SLOTS` pictures at once and refuses more.
`python -m benchmarks.vendor PORT FILM`
"""

from __future__ import annotations

import asyncio
import base64
import io
import random
import re
import sys
import time
from pathlib import Path
from typing import Any

from aiohttp import web
from PIL import Image

SLOTS = 20
PICTURE_SECONDS = (3.0, 5.0)
"""Pictures take between these; the mean is four, so the provider's own limit is five pictures a second: three hundred a
minute, more than vendors let one account have."""

_CHAT = re.compile(rb'(?:name="chat_id"[^\n]*\r\n\r\n|chat_id=|"chat_id":\s*"?)(\d+)')


class Vendor:
    """What was asked, and when what ends."""

    def __init__(self, film: bytes) -> None:
        self._film = film
        self._picture = base64.b64encode(_png()).decode()
        self._ends_within: float | None = None
        self._ending_since = 0.0
        self._ends_at: dict[str, float] = {}
        self.polls = 0
        self.pictures: list[float] = []
        self.asked: list[float] = []
        self.refused = 0
        self._at_once = 0
        self._messages = 0

    def application(self) -> web.Application:
        """Return the web application."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_get("/v1/videos/{endpoint}/{task}", self._poll)
        app.router.add_get("/film/{task}", self._media)
        app.router.add_post("/{version}/models/{call}", self._generate)
        app.router.add_route("*", "/bot{token}/{method}", self._telegram)
        app.router.add_post("/end", self._end)
        app.router.add_get("/figures", self._figures)
        return app

    async def _poll(self, request: web.Request) -> web.Response:
        self.polls += 1
        task = request.match_info["task"]
        data: dict[str, Any] = {"task_id": task, "task_status": "processing"}
        if self._is_over(task):
            url = f"http://{request.host}/film/{task}"
            data |= {"task_status": "succeed", "task_result": {"videos": [{"id": task, "url": url, "duration": "1"}]}}
        return web.json_response({"code": 0, "message": "", "request_id": "r", "data": data})

    def _is_over(self, task: str) -> bool:
        if self._ends_within is None:
            return False
        end = self._ends_at.setdefault(task, self._ending_since + random.uniform(0, self._ends_within))
        return time.time() >= end

    async def _media(self, request: web.Request) -> web.Response:
        del request
        return web.Response(body=self._film, content_type="video/mp4")

    async def _generate(self, request: web.Request) -> web.Response:
        await request.read()
        if self._at_once >= SLOTS:
            self.refused += 1
            error = {"code": 429, "message": "Too many at once", "status": "RESOURCE_EXHAUSTED"}
            return web.json_response({"error": error}, status=429)
        self.asked.append(time.time())
        self._at_once += 1
        try:
            await asyncio.sleep(random.uniform(*PICTURE_SECONDS))
        finally:
            self._at_once -= 1
        self.pictures.append(time.time())
        part = {"inlineData": {"mimeType": "image/png", "data": self._picture}}
        return web.json_response(
            {
                "candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}],
                "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 1290, "totalTokenCount": 1299},
                "modelVersion": "measured",
            }
        )

    async def _telegram(self, request: web.Request) -> web.Response:
        body, method = await request.read(), request.match_info["method"]
        self._messages += 1
        chat = _CHAT.search(body)
        message = {
            "message_id": self._messages,
            "date": int(time.time()),
            "chat": {"id": int(chat[1]) if chat else 1, "type": "private", "first_name": "M"},
        }
        me = {"id": 4242, "is_bot": True, "first_name": "M", "username": "measured_bot"}
        results: dict[str, Any] = {
            "getMe": me,
            "getMyCommands": [],
            "getMyDescription": {"description": ""},
            "getMyShortDescription": {"short_description": ""},
            "getChatMenuButton": {"type": "default"},
        }
        is_message = method.startswith(("send", "edit")) and method != "sendChatAction"
        return web.json_response({"ok": True, "result": results.get(method, message if is_message else True)})

    async def _end(self, request: web.Request) -> web.Response:
        self._ends_within, self._ending_since = float((await request.json())["within"]), time.time()
        return web.json_response({})

    async def _figures(self, request: web.Request) -> web.Response:
        del request
        return web.json_response(
            {"polls": self.polls, "asked": self.asked, "pictures": self.pictures, "refused": self.refused}
        )


def _png() -> bytes:
    file = io.BytesIO()
    Image.effect_noise((512, 512), 60).convert("RGB").save(file, "PNG")
    return file.getvalue()


if __name__ == "__main__":
    web.run_app(
        Vendor(Path(sys.argv[2]).read_bytes()).application(),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        print=None,
        access_log=None,
    )

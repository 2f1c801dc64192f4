"""Google's Gemini API on a loopback port: ``generateContent`` and files, with real shapes, refusals and bad days.

Behaviour is scripted by markers in the prompt (``a fox #finish=IMAGE_OTHER``) or for the next calls through
``POST /emulator/script {"markers": "#status=503", "times": 2}``; ``GET /emulator/calls`` tells what was asked.
Markers: ``#status=N`` ``#retry=17s`` (429 with RetryInfo) ``#quota`` (429 about billing) ``#nokey`` (400 as for a wrong
key) ``#precondition=WORDS`` ``#finish=REASON`` ``#block=REASON`` ``#refuse`` (prose only) ``#drafts`` (thought pictures
round the real one) ``#nothing`` (no candidates) ``#garbage`` (200, no JSON) ``#odd`` (200, JSON of another shape)
``#close`` ``#lose`` (connection closed after the request was read) ``#delay=S`` ``#echo`` (the key in an error) and
``#first=N`` (only the first N calls with this prompt misbehave). Uploads obey scripts only: ``#slow=N`` ``#broken``.
Stand-alone: ``python -m tests.emulators.gemini``.
"""

from __future__ import annotations

import argparse
import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.emulators.bad_days import KINDS, BadDays
from tests.emulators.gemini_files import Files
from tests.emulators.gemini_models import SERVED, Asked, Refused, camel, misbehave, parse, wrong_key

MARKER = re.compile(r"#([a-z]+)(?:=(\S+))?")
BODY_LIMIT = 64 * 1024 * 1024
LARGEST_REQUEST = 20 * 1024 * 1024
REFUSALS = {"status", "busy", "retry", "quota", "nokey", "precondition", "echo"}
MARKERS_OF = {kind: kind for kind in KINDS} | {"#busy": "#retry=1s", "#lost": "#close"}
"""What the common kinds of bad days are called here."""

__all__ = ["ODD", "SERVED", "Asked", "Call", "GeminiEmulator", "Refused", "camel", "serve"]

Body = dict[str, Any]

ODD: Body = {"candidates": "none today", "usageMetadata": []}


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it arrived."""

    version: str
    model: str
    prompt: str
    images: int
    config: Body
    server_timeout: str | None
    body: Body = field(default_factory=dict, repr=False)


@dataclass
class GeminiEmulator:
    """The application and what it has seen. `api_key` is the only key accepted; None accepts any."""

    api_key: str | None = None
    calls: list[Call] = field(default_factory=list)
    most_at_once: int = 0
    seconds: float = 0.0
    bad_days: BadDays = field(default_factory=BadDays)
    made: list[Call] = field(default_factory=list)
    files: Files = field(default_factory=Files)
    _at_once: int = 0
    _script: list[str] = field(default_factory=list)
    _seen: Counter[str] = field(default_factory=Counter)

    def script(self, markers: str, times: int = 1) -> None:
        """Let the next calls behave as the markers say, whatever their prompt."""
        self._script.extend([markers] * times)

    def application(self) -> web.Application:
        """Return the web application."""
        app = web.Application(client_max_size=BODY_LIMIT)
        app.router.add_post("/{version}/models/{call}", self._generate)
        app.router.add_post("/upload/{version}/files", self._start_upload)
        app.router.add_post("/upload/{version}/files/{name}", self._finish_upload)
        app.router.add_route("*", "/{version}/files/{name}", self._file)
        app.router.add_post("/emulator/script", self._post_script)
        app.router.add_get("/emulator/calls", self._get_calls)
        app.router.add_get("/emulator/jobs", self._get_jobs)
        app.router.add_post("/emulator/failures", self._post_failures)
        return app

    async def _post_script(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.script(str(body["markers"]), int(body.get("times", 1)))
        return web.json_response({"ok": True})

    async def _get_calls(self, request: web.Request) -> web.Response:
        return web.json_response(
            {
                "calls": [
                    {"model": call.model, "prompt": call.prompt, "images": call.images, "config": call.config}
                    for call in self.calls
                ]
            }
        )

    async def _post_failures(self, request: web.Request) -> web.Response:
        self.bad_days.share = float((await request.json())["share"])
        return web.json_response({"drawn": self.bad_days.drawn})

    async def _get_jobs(self, request: web.Request) -> web.Response:
        return web.json_response({"jobs": [{"model": call.model, "prompt": call.prompt} for call in self.made]})

    async def _generate(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._answer(request)
        except Refused as refusal:
            return web.json_response(refusal.body, status=refusal.code)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        model, _, method = request.match_info["call"].partition(":")
        if method != "generateContent":
            raise Refused(404, f"method {method} is not known")
        self._authenticate(request)
        given = await request.read()
        if len(given) > LARGEST_REQUEST:
            raise Refused(400, f"Request payload size exceeds the limit: {LARGEST_REQUEST} bytes.")
        body = parse(given)
        config = body.get("generationConfig", {})
        version, limit = request.match_info["version"], request.headers.get("X-Server-Timeout")
        self.calls.append(Call(version, model, words_of(body), pictures_of(body), config, limit, body))
        call, asked = self.calls[-1], Asked.read(model, body, self.files.ready())
        markers = self._markers(asked.prompt)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await asyncio.sleep(float(markers.get("delay", self.seconds)))
        finally:
            self._at_once -= 1
        if not REFUSALS & markers.keys():
            self.made.append(call)
        if markers.keys() & {"close", "lose"}:
            assert request.transport is not None
            request.transport.close()
        if "garbage" in markers:
            return web.Response(text="<html><h1>It works</h1>", content_type="application/json")
        if "odd" in markers:
            return web.json_response(ODD)
        misbehave(markers, request.headers["x-goog-api-key"])
        return web.json_response(asked.answer(markers))

    async def _start_upload(self, request: web.Request) -> web.StreamResponse:
        try:
            self._authenticate(request)
            name = self.files.start(request.headers, self._markers("an upload"))
        except Refused as refusal:
            return web.json_response(refusal.body, status=refusal.code)
        url = f"{request.url.origin()}/upload/{request.match_info['version']}/files/{name}?upload_id={name}"
        return web.json_response({}, headers={"X-Goog-Upload-URL": url, "X-Goog-Upload-Status": "active"})

    async def _finish_upload(self, request: web.Request) -> web.StreamResponse:
        address = f"{request.url.origin()}/{request.match_info['version']}"
        try:
            file = self.files.take(request.match_info["name"], request.headers, await request.read())
        except Refused as refusal:
            return web.json_response(refusal.body, status=refusal.code, headers={"X-Goog-Upload-Status": "cancelled"})
        if not file.is_there:
            return web.json_response({}, headers={"X-Goog-Upload-Status": "active"})
        return web.json_response({"file": file.told(address)}, headers={"X-Goog-Upload-Status": "final"})

    async def _file(self, request: web.Request) -> web.StreamResponse:
        address = f"{request.url.origin()}/{request.match_info['version']}"
        try:
            self._authenticate(request)
            if request.method == "DELETE":
                self.files.delete(request.match_info["name"])
                return web.json_response({})
            return web.json_response(self.files.look(request.match_info["name"]).told(address))
        except Refused as refusal:
            return web.json_response(refusal.body, status=refusal.code)

    def _authenticate(self, request: web.Request) -> None:
        key = request.headers.get("x-goog-api-key")
        if "key" in request.query or key is None:
            raise Refused(403, "Method doesn't allow unregistered callers. Please use the x-goog-api-key header.")
        if self.api_key is not None and key != self.api_key:
            raise wrong_key()

    def _markers(self, prompt: str) -> dict[str, str]:
        words = self._script.pop(0) if self._script else MARKERS_OF.get(self.bad_days.draw(), prompt)
        markers = {name: value or "" for name, value in MARKER.findall(words)}
        self._seen[prompt] += 1
        return {} if "first" in markers and self._seen[prompt] > int(markers["first"]) else markers


def words_of(body: Body) -> str:
    """Return the words of a request, before anything of it is judged."""
    return " ".join(part["text"] for part in body["contents"][0]["parts"] if "text" in part)


def pictures_of(body: Body) -> int:
    """Return how many media lie in a request."""
    return sum("inlineData" in part for part in body["contents"][0]["parts"])


@asynccontextmanager
async def serve(emulator: GeminiEmulator, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Run the emulator and yield its address."""
    runner = web.AppRunner(emulator.application(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def main() -> None:
    """Serve until the process is told to end."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.emulators.gemini", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    async with serve(GeminiEmulator(), options.host, options.port) as address:
        print(address, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())

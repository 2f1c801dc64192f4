"""Google's Gemini image API on a loopback port: ``generateContent`` with its real shapes, refusals and bad days.

Behaviour is scripted by markers in the prompt (``a fox #finish=IMAGE_OTHER``) or for the next calls through
``POST /emulator/script {"markers": "#status=503", "times": 2}``; ``GET /emulator/calls`` tells what was asked.
Markers: ``#status=N`` ``#retry=17s`` (429 with RetryInfo) ``#quota`` (429 about billing) ``#nokey`` (400 as for a wrong
key) ``#precondition=WORDS`` ``#finish=REASON`` ``#block=REASON`` ``#refuse`` (prose only) ``#drafts`` (thought pictures
round the real one) ``#nothing`` (no candidates) ``#garbage`` (200, no JSON) ``#odd`` (200, JSON of another shape)
``#close`` (connection closed after the request was read) ``#delay=S`` ``#echo`` (the key in an error message) and
``#first=N`` (only the first N calls with this prompt misbehave). Stand-alone: ``python -m tests.emulators.gemini``.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import binascii
import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from typing import Any

from aiohttp import web
from PIL import Image, ImageOps

from tests.emulators import media
from tests.emulators.bad_days import KINDS, BadDays

MODELS: dict[str, frozenset[str]] = {
    "gemini-2.5-flash-image": frozenset(),
    "gemini-3.1-flash-lite-image": frozenset(),
    "gemini-3.1-flash-image": frozenset({"512", "1K", "2K", "4K"}),
    "gemini-nano-banana-2.1": frozenset({"1K", "2K", "4K"}),
    "gemini-3-pro-image": frozenset({"1K", "2K", "4K"}),
}
RATIOS = frozenset(["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"])
SIDES = {"512": 512, "1K": 1024, "2K": 2048, "4K": 4096}
IMAGE_TOKENS = {"512": 747, "1K": 1120, "2K": 1680, "4K": 3766}
STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    499: "CANCELLED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
MARKER = re.compile(r"#([a-z]+)(?:=(\S+))?")
REFUSALS = {"status", "retry", "quota", "nokey", "precondition", "echo"}
MARKERS_OF = {kind: kind for kind in KINDS} | {"#busy": "#retry=1s", "#lost": "#close"}
"""What the common kinds of bad days are called here."""

BODY_LIMIT = 20 * 1024 * 1024

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it arrived."""

    version: str
    model: str
    prompt: str
    images: int
    config: Body
    server_timeout: str | None


class Refused(Exception):
    """The request is answered with an error status."""

    def __init__(
        self, code: int, message: str, *, status: str | None = None, details: list[Body] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.body: Body = {
            "error": {"code": code, "message": message, "status": status or STATUSES.get(code, "UNKNOWN")}
        }
        if details is not None:
            self.body["error"]["details"] = details


@dataclass
class GeminiEmulator:
    """The application and what it has seen. `api_key` is the only key accepted; None accepts any."""

    api_key: str | None = None
    calls: list[Call] = field(default_factory=list)
    most_at_once: int = 0
    seconds: float = 0.0
    bad_days: BadDays = field(default_factory=BadDays)
    made: list[Call] = field(default_factory=list)
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
        app.router.add_post("/emulator/script", self._post_script)
        app.router.add_get("/emulator/calls", self._get_calls)
        app.router.add_get("/emulator/jobs", self._get_jobs)
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
        body = parse(await request.read())
        config = body.get("generationConfig", {})
        prompt = " ".join(part["text"] for part in body["contents"][0]["parts"] if "text" in part)
        images = read_images(body)
        version, limit = request.match_info["version"], request.headers.get("X-Server-Timeout")
        call = Call(version, model, prompt, len(images), config, limit)
        self.calls.append(call)
        check(model, config)
        markers = self._markers(prompt)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await asyncio.sleep(float(markers.get("delay", self.seconds)))
        finally:
            self._at_once -= 1
        if not REFUSALS & markers.keys():
            self.made.append(call)
        if "close" in markers:
            assert request.transport is not None
            request.transport.close()
        if "garbage" in markers:
            return web.Response(text="<html><h1>It works</h1>", content_type="application/json")
        if "odd" in markers:
            return web.json_response({"candidates": "none today", "usageMetadata": []})
        misbehave(markers, request.headers["x-goog-api-key"])
        return web.json_response(result(model, prompt, images, config, markers))

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


def parse(raw: bytes) -> Body:
    """Return the request's document, checked as far as Google checks it."""
    try:
        body: Body = json.loads(raw)
    except ValueError:
        raise Refused(400, "Invalid JSON payload received.") from None
    if not body.get("contents") or not body["contents"][0].get("parts"):
        raise Refused(400, "GenerateContentRequest.contents: contents is not specified")
    return body


def read_images(body: Body) -> list[Image.Image]:
    """Return the pictures in the request."""
    images = []
    for part in body["contents"][0]["parts"]:
        if "inlineData" in part:
            try:
                data = base64.b64decode(part["inlineData"]["data"].translate({45: 43, 95: 47}), validate=True)
                images.append(Image.open(BytesIO(data)).convert("RGB"))
            except (binascii.Error, OSError):
                raise Refused(400, "Unable to process input image. Please retry.") from None
    return images


def check(model: str, config: Body) -> None:
    """Refuse what the model refuses."""
    if model not in MODELS:
        raise Refused(404, f"models/{model} is no longer available. Please update your code to use a newer model.")
    image = config.get("imageConfig", {})
    if "IMAGE" not in config.get("responseModalities", []):
        raise Refused(400, "The requested combination of response modalities is not supported by the model.")
    if "aspectRatio" in image and image["aspectRatio"] not in RATIOS:
        raise Refused(400, f"aspect_ratio {image['aspectRatio']} is not supported")
    if "imageSize" in image and image["imageSize"] not in MODELS[model]:
        raise Refused(400, f"image_size {image['imageSize']} is not supported by {model}")


def wrong_key() -> Refused:
    """Return what Google says to a wrong key: 400, not 401."""
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
    }
    return Refused(400, "API key not valid. Please pass a valid API key.", details=[info])


def misbehave(markers: dict[str, str], key: str) -> None:
    """Raise the refusal that the markers ask for."""
    if "retry" in markers:
        delay = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": markers["retry"]}
        raise Refused(
            429,
            f"You exceeded your current quota. Please retry in {markers['retry']}.",
            status="RESOURCE_EXHAUSTED",
            details=[delay],
        )
    if "quota" in markers:
        raise Refused(
            429,
            "Your prepayment credits are depleted. Please go to AI Studio to manage your project and billing.",
            status="RESOURCE_EXHAUSTED",
        )
    if "nokey" in markers:
        raise wrong_key()
    if "precondition" in markers:
        raise Refused(400, markers["precondition"].replace("_", " "), status="FAILED_PRECONDITION")
    if "echo" in markers:
        raise Refused(403, f"Your API key {key} was reported as leaked.")
    if "status" in markers:
        code = int(markers["status"])
        raise Refused(code, f"emulated {STATUSES.get(code, 'failure')}")


def result(model: str, prompt: str, images: list[Image.Image], config: Body, markers: dict[str, str]) -> Body:
    """Return the document of a call that was accepted, with or without a picture in it."""
    answer: Body = {"modelVersion": model, "responseId": sha256(prompt.encode()).hexdigest()[:16]}
    if "block" in markers:
        return {**answer, "promptFeedback": {"blockReason": markers["block"]}, "usageMetadata": usage(0, 0)}
    if "nothing" in markers:
        return {**answer, "usageMetadata": usage(0, 0)}
    if "finish" in markers:
        return {
            **answer,
            "candidates": [{"content": {"role": "model"}, "finishReason": markers["finish"], "index": 0}],
            "usageMetadata": usage(0, 0),
        }
    parts: list[Body] = [{"text": "Here is your picture."}]
    size = config.get("imageConfig", {}).get("imageSize", "1K")
    if "refuse" in markers:
        parts = [{"text": "I cannot make this picture, but I can describe it."}]
    else:
        if "drafts" in markers:
            parts = [
                {"thought": True, "text": "A first sketch."},
                {"thought": True, **picture("draft", [], "1:1", "512")},
                *parts,
            ]
        ratio = config.get("imageConfig", {}).get("aspectRatio", "1:1")
        parts.append(
            {**picture(prompt, images, ratio, size), "thoughtSignature": base64.b64encode(b"signature").decode()}
        )
        if "drafts" in markers:
            parts.append({"thought": True, **picture("draft", [], "1:1", "512")})
    shown = 0 if "refuse" in markers else IMAGE_TOKENS[size]
    return {
        **answer,
        "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": usage(shown, 12),
    }


def usage(image: int, text: int) -> Body:
    """Return the token counts of a call."""
    return {
        "promptTokenCount": 300,
        "candidatesTokenCount": image + text,
        "thoughtsTokenCount": 210,
        "totalTokenCount": 510 + image + text,
        "candidatesTokensDetails": [
            {"modality": "IMAGE", "tokenCount": image},
            {"modality": "TEXT", "tokenCount": text},
        ],
    }


def picture(prompt: str, images: list[Image.Image], ratio: str, size: str) -> Body:
    """Return a part with a real PNG: the first input mirrored, or what the words say."""
    wide, _, high = ratio.partition(":")
    scale = SIDES[size] / max(int(wide), int(high))
    if images:
        made = ImageOps.mirror(images[0])
    else:
        made = media.drawing(prompt, (round(int(wide) * scale), round(int(high) * scale)), label="gemini")
    buffer = BytesIO()
    made.save(buffer, "PNG", compress_level=1)
    return {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(buffer.getvalue()).decode()}}


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

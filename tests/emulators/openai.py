"""OpenAI's API on a loopback port: pictures (generate, edit), moderation, the list of models, and videos as they were.

Beside the markers of `tests.emulators.service`: ``#hardlimit`` (400 billing_hard_limit_reached) ``#verify`` (403: the
organization is not verified) ``#retired`` (404 model_not_found) ``#policy`` (400 content_policy_violation) ``#less=N``
(only N pictures come) ``#bare`` (no usage) ``#empty`` (200 without pictures) ``#torn`` (half a document).
Moderation flags ``#flag=violence``, or several: ``#flag=violence,self-harm/intent``. The service of videos answers as
if it had not been shut down.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
import time
from functools import lru_cache
from io import BytesIO
from typing import Any

from PIL import Image, ImageOps
from sanic import HTTPResponse, Request, Sanic

from tests.emulators import media
from tests.emulators import openai_rules as rules
from tests.emulators.openai_rules import refused
from tests.emulators.openai_videos import Videos
from tests.emulators.service import Body, EmulatedJob, Markers, Refused, Service, main, markers_of

LISTED = {
    "gpt-image-2.6-flare": None,
    "gpt-image-2.6-sunburst": None,
    "gpt-image-2.5-flare": None,
    "gpt-image-2.5-sunburst": None,
    "gpt-image-2": None,
    "gpt-image-1.5": "2026-12-01",
    "gpt-image-1-mini": "2026-12-01",
    "omni-moderation-latest": None,
}
TOKENS = {"low": 272, "medium": 1056, "high": 4160, "xhigh": 6240, "max": 8320, "auto": 1056}
"""Of a picture of 1024×1024; others in proportion."""

CATEGORIES = (
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "self-harm",
    "self-harm/instructions", "self-harm/intent", "sexual", "sexual/minors", "violence", "violence/graphic",
)  # fmt: skip
SEEN_IN_PICTURES = {
    "self-harm", "self-harm/instructions", "self-harm/intent", "sexual", "violence", "violence/graphic",
}  # fmt: skip


class OpenAiEmulator(Videos, Service):
    """The application."""

    name = "openai"

    def routes(self, app: Sanic[Any, Any]) -> None:
        """Add what is emulated of the API. OpenAI holds a connection for as long as a picture takes."""
        app.config.RESPONSE_TIMEOUT = 600
        for path, answer, method, name in (
            ("/v1/images/generations", self._generate, "POST", "generate"),
            ("/v1/images/edits", self._edit, "POST", "edit"),
            ("/v1/moderations", self._moderate, "POST", "moderate"),
            ("/v1/models", self._models, "GET", "models"),
        ):
            app.add_route(self.handler(answer), path, methods=[method], name=name)
        self.video_routes(app)

    def refusal(self, kind: str, value: str = "") -> Refused:
        """Return an error as OpenAI answers it."""
        if kind == "status":
            status = int(value)
            return refused("emulated", status=status, kind="server_error" if status >= 500 else "invalid_request_error")
        if kind == "echo":
            return refused(f"Incorrect API key provided: {value}.", status=401, code="invalid_api_key")
        if kind in ("busy", "retry"):
            headers = {"Retry-After": value} if kind == "retry" else None
            message = "Rate limit reached for images per minute. Please try again later."
            return refused(message, status=429, code="rate_limit_exceeded", kind="requests", headers=headers)
        if kind == "quota":
            message = "You exceeded your current quota, please check your plan and billing details."
            return refused(message, status=429, code="insufficient_quota", kind="insufficient_quota")
        if kind == "nokey":
            return refused("Incorrect API key provided.", status=401, code="invalid_api_key")
        if kind == "block":
            message = "Your request was rejected by the safety system."
            return refused(message, code="moderation_blocked", kind="image_generation_user_error")
        return refused(value or "Invalid request.", code="invalid_value")

    async def misbehave(self, request: Request, markers: Markers, key: str) -> HTTPResponse | None:
        """Know a few more ways than others."""
        if "hardlimit" in markers:
            message = "Billing hard limit has been reached."
            raise refused(message, code="billing_hard_limit_reached", kind="billing_limit_user_error")
        if "verify" in markers:
            message = "Your organization must be verified to use the model `gpt-image-2.6-flare`."
            raise refused(message, status=403)
        if "retired" in markers:
            message = "The model 'gpt-image-2' has been deprecated."
            raise refused(message, status=404, code="model_not_found", param="model")
        if "policy" in markers:
            raise refused("Your request was rejected.", code="content_policy_violation")
        if "torn" in markers:
            return HTTPResponse('{"id": "video_1", "da', content_type="application/json")
        return await super().misbehave(request, markers, key)

    async def _generate(self, request: Request, body: Body) -> Body:
        if not request.headers.get("content-type", "").startswith("application/json"):
            raise refused("Unsupported content type.", code="unsupported_content_type")
        rules.check(body, rules.GENERATE)
        return await self._made(request, body, [])

    async def _edit(self, request: Request, body: Body) -> Body:
        if not request.headers.get("content-type", "").startswith("multipart/form-data"):
            raise refused("Unsupported content type.", code="unsupported_content_type")
        rules.check(body, rules.EDIT)
        masks = rules.files_of(request, "mask")
        given = [*rules.files_of(request, "image[]"), *rules.files_of(request, "image")]
        pictures = rules.check_files(given, masks[0] if masks else None)
        return await self._made(request, body, pictures)

    async def _made(self, request: Request, body: Body, given: list[Image.Image]) -> Body:
        job = await self.accept(
            request, body, str(body["prompt"]), make_id=lambda: f"img_{secrets.token_hex(8)}", kind="image"
        )
        await asyncio.sleep(self.seconds)
        count = int(body.get("n", 1))
        count = 0 if "empty" in job.markers else min(count, int(job.markers.get("less", count)))
        size, form = size_of(body, given), str(body.get("output_format", "png"))
        return {
            "created": int(time.time()),
            "background": "transparent" if body.get("background") == "transparent" else "opaque",
            "output_format": form,
            "quality": {"auto": "medium"}.get(str(body.get("quality", "auto")), str(body.get("quality"))),
            "size": f"{size[0]}x{size[1]}",
            "data": [
                {"b64_json": await asyncio.to_thread(painted, job, given, size, form, number)}
                for number in range(count)
            ],
            **({} if "bare" in job.markers else {"usage": usage(body, given, size, count)}),
        }

    async def _moderate(self, _request: Request, body: Body) -> Body:
        """Flag what the markers in each input name. Several texts get a result each, a list of parts gets one."""
        if set(body) - {"model", "input"}:
            raise refused("Unknown parameter.", code="unknown_parameter")
        if str(body.get("model", "omni-moderation-latest")) not in (
            "omni-moderation-latest",
            "omni-moderation-2024-09-26",
        ):
            raise refused("The model does not exist.", status=404, code="model_not_found", param="model")
        return {
            "id": f"modr-{secrets.token_hex(12)}",
            "model": "omni-moderation-latest",
            "results": [judged(words, seen) for words, seen in inputs_of(body.get("input"))],
        }

    async def _models(self, _request: Request, _body: Body) -> Body:
        listed = [
            {"id": name, "object": "model", "created": 1763000000, "owned_by": "system", "shutdown_date": end}
            for name, end in LISTED.items()
        ]
        return {"object": "list", "data": listed}


def judged(words: str, seen: int) -> Body:
    """Return the verdict on words and pictures. Only words can be flagged here."""
    flagged = set(markers_of(words).get("flag", "").split(",")) & set(CATEGORIES)
    applied = {
        name: [*(["text"] if words else []), *(["image"] if seen and name in SEEN_IN_PICTURES else [])]
        for name in CATEGORIES
    }
    return {
        "flagged": bool(flagged),
        "categories": {name: name in flagged for name in CATEGORIES},
        "category_scores": {name: 0.97 if name in flagged else 0.0001 for name in CATEGORIES},
        "category_applied_input_types": applied,
    }


def inputs_of(given: object) -> list[tuple[str, int]]:
    """Return words and number of pictures of each result that is to be made."""
    if isinstance(given, str):
        return [(given, 0)]
    if not isinstance(given, list) or not given:
        raise refused("'input' is required.", code="missing_required_parameter", param="input")
    if all(isinstance(item, str) for item in given):
        return [(item, 0) for item in given]
    words, seen = [], 0
    for part in given:
        if isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str):
            words.append(part["text"])
        elif isinstance(part, dict) and part.get("type") == "image_url" and "url" in part.get("image_url", {}):
            seen += 1
        else:
            raise refused("Invalid type for 'input'.", code="invalid_type", param="input")
    if seen > 1:
        raise refused("Only one image is supported per request.", code="too_many_images", param="input")
    return [(" ".join(words), seen)]


def size_of(body: Body, given: list[Image.Image]) -> tuple[int, int]:
    """Return the pixels that are made; left to the model, an edit is as upright as its first picture."""
    size = str(body.get("size", "auto"))
    if size == "auto":
        is_wide = bool(given) and given[0].width > given[0].height
        is_high = bool(given) and given[0].width < given[0].height
        size = "1536x1024" if is_wide else "1024x1536" if is_high else "1024x1024"
    width, _, height = size.partition("x")
    return int(width), int(height)


def painted(job: EmulatedJob, given: list[Image.Image], size: tuple[int, int], form: str, number: int) -> str:
    """Return a real picture as base64: the first input mirrored, or one drawn of the words."""
    is_clear = job.body.get("background") == "transparent"
    if given:
        return encoded(ImageOps.mirror(given[0].convert("RGB")).resize(size), form, is_clear)
    return drawn(media.plain(job.prompt), size, number, f"openai · {job.model}", form, is_clear)


@lru_cache(maxsize=32)
def drawn(words: str, size: tuple[int, int], number: int, label: str, form: str, is_clear: bool) -> str:
    """Return a picture of the words. Kept, for it is enlarged and packed for longer than a test has time."""
    return encoded(media.drawing(words, size, number, label).convert("RGB"), form, is_clear)


def encoded(made: Image.Image, form: str, is_clear: bool) -> str:
    """Return a picture as OpenAI hands it over."""
    if is_clear:
        made.putalpha(128)
    buffer = BytesIO()
    if form == "png":
        made.save(buffer, "PNG", compress_level=1)
    else:
        made.save(buffer, form.upper(), quality=60)
    return base64.b64encode(buffer.getvalue()).decode()


def usage(body: Body, given: list[Image.Image], size: tuple[int, int], count: int) -> Body:
    """Return the tokens of a call."""
    text, image = 10 + len(str(body["prompt"])) // 4, 800 * len(given)
    output = TOKENS[str(body.get("quality", "auto"))] * size[0] * size[1] // (1024 * 1024) * count
    return {
        "input_tokens": text + image,
        "input_tokens_details": {"text_tokens": text, "image_tokens": image},
        "output_tokens": output,
        "output_tokens_details": {"image_tokens": output, "text_tokens": 0},
        "total_tokens": text + image + output,
    }


if __name__ == "__main__":
    main(OpenAiEmulator, __doc__)

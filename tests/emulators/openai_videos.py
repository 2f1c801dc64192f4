"""OpenAI's videos as they were until 24 September 2026. Requests and answers are held against the published schema."""

from __future__ import annotations

import json
import secrets
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import jsonschema
from sanic import HTTPResponse, Request, Sanic
from sanic.response import raw

from tests.emulators import media
from tests.emulators.openai_rules import files_of, picture, refused
from tests.emulators.service import Body, EmulatedJob, Service

SCHEMA = json.loads((Path(__file__).parents[1] / "providers" / "sora" / "schema.json").read_text())
KEPT_SECONDS = 3600
FAILED = {"fail", "blocked", "none"}
"""A video is never finished with nothing: it has failed."""

PRO_ONLY = {"1024x1792", "1792x1024"}
NAMES = {"video": "video/mp4", "thumbnail": "image/webp", "spritesheet": "image/jpeg"}


class Videos(Service):
    """The part of the emulator that makes videos."""

    def video_routes(self, app: Sanic[Any, Any]) -> None:
        """Add the routes of videos."""
        one = "/v1/videos/<video_id:str>"
        for path, answer, method, name in (
            ("/v1/videos", self._create, "POST", "create_video"),
            ("/v1/videos", self._list, "GET", "list_videos"),
            (one, self._look, "GET", "look_video"),
            (one, self._delete, "DELETE", "delete_video"),
            (f"{one}/content", self._content, "GET", "video_content"),
        ):
            app.add_route(self.handler(answer), path, methods=[method], name=name)

    def webhook(self, job: EmulatedJob) -> Body:
        """The event that an account's one address would get."""
        kind = "failed" if FAILED & set(job.markers) else "completed"
        return {"id": f"evt_{job.id}", "object": "event", "type": f"video.{kind}", "data": {"id": job.id}}

    async def _create(self, request: Request, body: Body) -> Body:
        check_request(request, body)
        job = await self.accept(
            request, body, str(body["prompt"]), make_id=lambda: f"video_{secrets.token_hex(16)}", kind="video"
        )
        return self._document(job)

    async def _look(self, _request: Request, _body: Body, video_id: str) -> Body:
        job = self.look_at(video_id)
        if job is None or job.is_cancelled:
            raise refused(f"Video with id '{video_id}' not found.", status=404)
        return self._document(job)

    async def _list(self, _request: Request, _body: Body) -> Body:
        videos = [self._document(job) for job in self.jobs.values() if job.kind == "video" and not job.is_cancelled]
        ends = {"first_id": videos[0]["id"], "last_id": videos[-1]["id"]} if videos else {}
        return held("VideoListResource", {"object": "list", "data": videos, "has_more": False, **ends})

    async def _delete(self, _request: Request, _body: Body, video_id: str) -> Body:
        job = self.jobs.get(video_id)
        if job is None or job.is_cancelled:
            raise refused(f"Video with id '{video_id}' not found.", status=404)
        job.is_cancelled = True
        return held("DeletedVideoResource", {"id": video_id, "object": "video.deleted", "deleted": True})

    async def _content(self, request: Request, _body: Body, video_id: str) -> HTTPResponse:
        job, variant = self.jobs.get(video_id), str(request.args.get("variant", "video"))
        if job is None or job.is_cancelled or variant not in NAMES:
            raise refused(f"Video with id '{video_id}' not found.", status=404)
        if not self.is_over(job):
            raise refused("Video is not ready yet, use GET /v1/videos/{video_id} to check status.", status=404)
        if "expired" in job.markers and job.polls <= int(job.markers.get("polls", 0)) + 1:
            raise refused("The assets of this video have expired.", status=403)
        if variant != "video":
            return raw(still(job.prompt, NAMES[variant]), content_type=NAMES[variant])
        made = await media.film(job.prompt, ratio_of(job), job.seconds, f"openai · {job.model}")
        return raw(made, content_type=NAMES[variant])

    def _document(self, job: EmulatedJob) -> Body:
        is_over = self.is_over(job) and job.polls > 0
        has_failed = is_over and bool(FAILED & set(job.markers))
        status = "failed" if has_failed else "completed" if is_over else "in_progress" if job.polls else "queued"
        ended = int(time.time()) if is_over else None
        return held(
            "VideoResource",
            {
                "id": job.id,
                "object": "video",
                "model": job.body.get("model", "sora-2"),
                "status": status,
                "progress": 100 if status == "completed" else round(self.progress(job) * 100) if job.polls else 0,
                "created_at": int(job.created),
                "completed_at": ended,
                "expires_at": ended + KEPT_SECONDS if ended and not has_failed else None,
                "prompt": job.prompt,
                "size": job.body.get("size", "720x1280"),
                "seconds": job.body.get("seconds", "4"),
                "remixed_from_video_id": None,
                "error": failure(job) if has_failed else None,
            },
        )


def failure(job: EmulatedJob) -> Body:
    """Return why a job was given up."""
    if "blocked" in job.markers:
        return {"code": "moderation_blocked", "message": "Your request was blocked by our moderation system."}
    return {"code": "video_generation_failed", "message": "An error occurred while processing your request."}


def check_request(request: Request, body: Body) -> None:
    """Refuse what the schema or the model refuses."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise refused("Unsupported content type.", code="unsupported_content_type")
    try:
        jsonschema.validate(body, {**SCHEMA, "$ref": "#/$defs/CreateVideoBody"})
    except jsonschema.ValidationError as error:
        param = str(error.path[0]) if error.path else None
        if param == "model":
            raise refused("The model does not exist.", status=404, code="model_not_found", param="model") from None
        raise refused(error.message, code="invalid_value", param=param) from None
    size = str(body.get("size", "720x1280"))
    if size in PRO_ONLY and not str(body.get("model", "sora-2")).startswith("sora-2-pro"):
        raise refused(f"Invalid value: '{size}'.", code="invalid_value", param="size")
    for file in files_of(request, "input_reference"):
        if file.type not in ("image/png", "image/jpeg", "image/webp"):
            raise refused("Unsupported mimetype.", code="unsupported_file_mimetype", param="input_reference")
        if "x".join(map(str, picture(file.body).size)) != size:
            raise refused("Inpaint image must match the requested width and height", param="input_reference")


def held(name: str, document: Body) -> Body:
    """Return an answer of our own, held against the schema."""
    jsonschema.validate(document, {**SCHEMA, "$ref": f"#/$defs/{name}"})
    return document


def still(words: str, mime: str) -> bytes:
    """Return a picture of this type."""
    buffer = BytesIO()
    media.drawing(words, (320, 180)).save(buffer, mime.removeprefix("image/").upper())
    return buffer.getvalue()


def ratio_of(job: EmulatedJob) -> str:
    """Return the shape of a video."""
    width, _, height = str(job.body.get("size", "720x1280")).partition("x")
    return "16:9" if int(width) > int(height) else "9:16"

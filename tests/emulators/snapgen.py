"""SnapGen, once GeminiGen, on a loopback port: forms instead of JSON, credits, statuses by number.

Beside the markers of `tests.emulators.service`: ``#system`` (SYSTEM_ERROR: taken or not, it does not say), ``#locked``
(credits are held by other jobs), ``#filtered`` (finished, and the film was taken away), ``#detail`` (a malformed
request, told as a list). `event` makes a webhook, which the real service sends to one address of the whole account.
"""

from __future__ import annotations

import itertools
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from sanic import HTTPResponse, Request, Sanic

from tests.emulators.service import Body, EmulatedJob, Markers, Refused, Service, main

VIDEO_MODELS = {"veo-3.1", "veo-3.1-fast", "veo-3.1-lite", "veo-2", "omni-flash"}
IMAGE_MODELS = {"nano-banana-pro", "nano-banana-2", "imagen-4"}
CODES = {
    "busy": (429, "RATE_LIMIT_ERROR"),
    "retry": (429, "GEMINI_RATE_LIMIT"),
    "quota": (402, "NOT_ENOUGH_CREDIT"),
    "locked": (402, "NOT_ENOUGH_AND_LOCK_CREDIT"),
    "nokey": (401, "API_KEY_NOT_FOUND"),
    "block": (400, "GEMINI_RAI_MEDIA_FILTERED"),
    "echo": (400, "BAD_REQUEST"),
    "invalid": (400, "BAD_REQUEST"),
    "system": (200, "SYSTEM_ERROR"),
}
CREDITS = 20


class SnapGenEmulator(Service):
    """The application."""

    name = "snapgen"

    def __init__(self, *, key: str | None = None, seconds: float = 0.0) -> None:
        super().__init__(key=key, seconds=seconds)
        self._numbers = itertools.count(1)

    def routes(self, app: Sanic[Any, Any]) -> None:
        """Add the routes that are used."""
        section = "/uapi/v1"
        app.add_route(self.handler(self._video), f"{section}/video-gen/veo", methods=["POST"], name="video")
        app.add_route(self.handler(self._extend), f"{section}/video-extend/veo", methods=["POST"], name="extend")
        app.add_route(self.handler(self._picture), f"{section}/generate_image", methods=["POST"], name="picture")
        app.add_route(self.handler(self._history), f"{section}/history/<uuid:str>", methods=["GET"], name="history")

    def authenticate(self, request: Request) -> str:
        """Return the key, which has a header of its own here."""
        given = request.headers.get("x-api-key", "")
        if not given or (self.key is not None and given != self.key):
            raise self.refusal("nokey")
        return given

    def refusal(self, kind: str, value: str = "") -> Refused:
        """Return the document with a complaint."""
        status, code = (int(value), "UNKNOWN") if kind == "status" else CODES[kind]
        name = "message" if kind in ("quota", "busy") else "error_message"  # Both are seen.
        said = f"the key {value} may not" if kind == "echo" else value or f"emulated {code}"
        headers = {"Retry-After": value} if kind == "retry" else None
        return Refused(status, {"detail": {"error_code": code, name: said}}, headers)

    async def misbehave(self, request: Request, markers: Markers, key: str) -> HTTPResponse | None:
        """Know a few more ways than others."""
        for kind in ("system", "locked"):
            if kind in markers:
                raise self.refusal(kind)
        if "detail" in markers:
            raise Refused(422, {"detail": [{"loc": ["body", "model"], "msg": "field required"}]})
        return await super().misbehave(request, markers, key)

    def webhook(self, job: EmulatedJob) -> Body:
        """Return an event, whose signature would cover its own id and nothing of the job."""
        made = {"uuid": job.id, "media_url": "http://169.254.169.254/", "status": 2, "used_credit": CREDITS}
        return {"event": "VIDEO_GENERATION_COMPLETED", "uuid": f"event-{job.id}", "data": made}

    async def _video(self, request: Request, body: Body) -> Body:
        if body.get("model") not in VIDEO_MODELS:
            raise self.refusal("invalid", f"model {body.get('model')} is not supported")
        images = body.get("ref_images", [])
        most = {"frame": 2, "ingredient": 3}.get(str(body.get("mode_image")), 0)
        if (len(images) if isinstance(images, list) else 1) > most:
            raise self.refusal("invalid", "too many ref_images for this mode_image")
        return await self._take(request, body, "video")

    async def _extend(self, request: Request, body: Body) -> Body:
        parent = self.jobs.get(str(body.get("ref_history")))
        if parent is None or not self.is_over(parent):
            raise self.refusal("invalid", "ref_history is not a finished job")
        return await self._take(request, body, "video")

    async def _picture(self, request: Request, body: Body) -> Body:
        if body.get("model") not in IMAGE_MODELS:
            raise self.refusal("invalid", f"model {body.get('model')} is not supported")
        return await self._take(request, body, "image")

    async def _take(self, request: Request, body: Body, kind: str) -> Body:
        if not request.headers.get("content-type", "").startswith("multipart/form-data"):
            raise Refused(422, {"detail": [{"loc": ["body"], "msg": "a form is expected"}]})
        if not body.get("prompt"):
            raise self.refusal("invalid", "prompt is required")
        number = next(self._numbers)
        job = await self.accept(
            request, body, str(body["prompt"]), make_id=lambda: str(uuid5(NAMESPACE_URL, f"job {number}")), kind=kind
        )
        return {
            "id": number,
            "uuid": job.id,
            "user_id": 5,
            "model_name": body.get("model"),
            "input_text": job.prompt,
            "type": kind,
            "status": 1,
            "status_desc": "",
            "status_percentage": 1,
            "error_code": "",
            "estimated_credit": CREDITS,
            "used_credit": 0,
            "generate_result": None,
        }

    async def _history(self, request: Request, body: Body, uuid: str) -> Body:
        job = self.look_at(uuid)
        if job is None:
            raise Refused(404, {"detail": {"error_code": "NOT_FOUND", "error_message": "History not found"}})
        history: Body = {"uuid": job.id, "input_text": job.prompt, "error_code": "", "error_message": ""}
        if not self.is_over(job):
            return {**history, "status": 1, "status_percentage": round(self.progress(job) * 100), "used_credit": 0}
        return {**history, **self._outcome(job)}

    def _outcome(self, job: EmulatedJob) -> Body:
        if "fail" in job.markers:
            return {
                "status": 3,
                "error_code": "SYSTEM_ERROR",
                "error_message": "upstream is unstable",
                "used_credit": 0,
            }
        if "filtered" in job.markers:
            return {"status": 3, "error_code": "GEMINI_RAI_MEDIA_FILTERED", "error_message": "", "used_credit": CREDITS}
        if "blocked" in job.markers:
            return {"status": -2, "error_code": "", "error_message": "against the rules", "used_credit": 0}
        name = "0.mp4" if job.kind == "video" else "0.png"
        link = self.link(job, name)
        made = {"file_download_url": link, "thumbnail_url": f"{link}.jpg", f"{job.kind}_url": f"{link}?show"}
        return {
            "status": 2,
            "status_percentage": 100,
            "used_credit": CREDITS,
            f"generated_{job.kind}": [] if "none" in job.markers else [made],
        }


if __name__ == "__main__":
    main(SnapGenEmulator, __doc__)

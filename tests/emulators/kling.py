"""Kling's own API on a loopback port: signed tokens, one endpoint per kind of task, codes that tell more than statuses.

Beside the markers of `tests.emulators.service`: ``#slots`` (429 with code 1303: no slot for another task), ``#arrears``
``#whitelist`` ``#permission`` (codes 1101, 1304, 1103). `skew` is by how many seconds Kling's clock is ahead of ours.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from email.utils import formatdate
from typing import Any

from sanic import HTTPResponse, Request, Sanic

from tests.emulators.service import Body, EmulatedJob, Markers, Refused, Service, main

ENDPOINTS = ("text2video", "image2video", "omni-video", "video-extend")
MODELS = {
    "text2video": {"kling-v1-6", "kling-v2-master", "kling-v2-1-master", "kling-v2-5-turbo", "kling-v2-6", "kling-v3"},
    "omni-video": {"kling-video-o1", "kling-v3-omni"},
}
MODELS["image2video"] = MODELS["text2video"] | {"kling-v2-1"}
MESSAGES = {
    1000: "Authentication failed",
    1003: "Authorization is not yet valid",
    1004: "Authorization has expired",
    1101: "Account in arrears",
    1102: "Resource pack is used up",
    1103: "Unauthorized access to requested resource",
    1201: "Invalid parameter",
    1203: "The requested resource does not exist",
    1301: "Failed to pass the content security policy",
    1302: "API requests are too frequent",
    1303: "parallel task over resource pack limit",
    1304: "IP is not on the whitelist",
    5000: "Server internal error",
}
STATUS_OF = {1201: 400, 1203: 404, 1301: 400, 1103: 403, 5000: 500}
CODE_OF = {400: 1201, 401: 1000, 403: 1103, 404: 1203, 429: 1302, 500: 5000, 503: 5001, 504: 5002}


class KlingEmulator(Service):
    """The application. `key` is the access key, `secret` what tokens are signed with."""

    name = "kling"

    def __init__(self, *, key: str | None = None, secret: str = "", seconds: float = 0.0, skew: float = 0.0) -> None:
        super().__init__(key=key, seconds=seconds)
        self.secret = secret
        self.skew = skew
        self.tokens: list[str] = []

    def routes(self, app: Sanic[Any, Any]) -> None:
        """Add one route to create and one to look for every kind of task."""
        app.add_route(self.handler(self._create), "/v1/videos/<endpoint:str>", methods=["POST"], name="create")
        app.add_route(self.handler(self._look), "/v1/videos/<endpoint:str>/<task_id:str>", methods=["GET"], name="look")

    def authenticate(self, request: Request) -> str:
        """Check the token as Kling does: signature, then its times by Kling's own clock."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        self.tokens.append(token)
        try:
            head, payload, signature = token.split(".")
            header, claims = decoded(head), decoded(payload)
        except ValueError:
            raise refused(1000) from None
        signed = hmac.new(self.secret.encode(), f"{head}.{payload}".encode(), hashlib.sha256).digest()
        given = base64.urlsafe_b64decode(signature + "==")
        if header != {"alg": "HS256", "typ": "JWT"} or (self.key is not None and claims["iss"] != self.key):
            raise refused(1000)
        if self.secret and not hmac.compare_digest(signed, given):
            raise refused(1000)
        now = time.time() + self.skew
        if claims["nbf"] > now:
            raise refused(1003, date=now)
        if claims["exp"] < now:
            raise refused(1004, date=now)
        return str(claims["iss"])

    def refusal(self, kind: str, value: str = "") -> Refused:
        """Return the envelope with a code."""
        if kind == "status":
            return refused(CODE_OF.get(int(value), 9999), status=int(value))
        if kind == "retry":
            return refused(1302, headers={"Retry-After": value})
        if kind == "echo":
            return refused(1201, f"the key {value} may not do this", status=400)
        codes = {"busy": 1302, "quota": 1102, "nokey": 1000, "block": 1301, "invalid": 1201}
        return refused(codes[kind], value or None)

    async def misbehave(self, request: Request, markers: Markers, key: str) -> HTTPResponse | None:
        """Know a few more ways than others."""
        for name, code in {"slots": 1303, "arrears": 1101, "whitelist": 1304, "permission": 1103}.items():
            if name in markers:
                raise refused(code)
        return await super().misbehave(request, markers, key)

    def webhook(self, job: EmulatedJob) -> Body:
        """The same document as a look at the task; nothing in it is signed."""
        return self._document(job)

    async def _create(self, request: Request, body: Body, endpoint: str) -> Body:
        if endpoint not in ENDPOINTS:
            raise refused(1203)
        check(endpoint, body)
        ours = body.get("external_task_id")
        if ours is not None and any(job.body.get("external_task_id") == ours for job in self.jobs.values()):
            raise self.refusal("invalid", f"external_task_id {ours} exists already")
        if endpoint == "video-extend" and not self._owns(str(body.get("video_id"))):
            raise self.refusal("invalid", "video_id is not known")
        job = await self.accept(
            request,
            body,
            str(body.get("prompt", "")),
            make_id=lambda: str(800_000_000_000 + len(self.jobs)),
            kind=endpoint,
            callback=body.get("callback_url"),
        )
        return envelope({**self._document(job)["data"], "task_status": "submitted"})

    async def _look(self, request: Request, body: Body, endpoint: str, task_id: str) -> Body:
        ours = (job.id for job in self.jobs.values() if job.body.get("external_task_id") == task_id)
        job = self.look_at(next(ours, task_id))
        if job is None or job.kind != endpoint:
            raise refused(1203)
        return self._document(job)

    def _document(self, job: EmulatedJob) -> Body:
        task: Body = {
            "task_id": job.id,
            "task_status": "processing",
            "task_status_msg": "",
            "task_info": {"external_task_id": job.body.get("external_task_id")},
            "created_at": round(job.created * 1000),
            "updated_at": round(time.time() * 1000),
        }
        if not self.is_over(job):
            return envelope(task)
        if "fail" in job.markers or "blocked" in job.markers:
            reason = "Failure to pass the risk control system" if "blocked" in job.markers else "Service busy"
            return envelope({**task, "task_status": "failed", "task_status_msg": reason})
        video = {"id": f"v-{job.id}", "url": self.link(job, "0.mp4"), "watermark_url": "", "duration": "5.1"}
        videos = [] if "none" in job.markers else [video]
        return envelope(
            {**task, "task_status": "succeed", "final_unit_deduction": "3.5", "task_result": {"videos": videos}}
        )

    def _owns(self, video_id: str) -> bool:
        return any(f"v-{job.id}" == video_id for job in self.jobs.values())


def check(endpoint: str, body: Body) -> None:
    """Refuse what Kling refuses."""
    if endpoint == "video-extend":
        return
    if body.get("model_name") not in MODELS[endpoint]:
        raise refused(1203, f"model {body.get('model_name')} does not exist")
    if not isinstance(body.get("duration", "5"), str):
        raise refused(1201, "duration must be a string")
    for name in ("image", "image_tail"):
        if str(body.get(name, "")).startswith("data:"):
            raise refused(1201, f"{name} must be an address or plain base64")
    if endpoint == "image2video" and not body.get("image") and not body.get("image_tail"):
        raise refused(1201, "image is required")
    if endpoint == "text2video" and not body.get("prompt"):
        raise refused(1201, "prompt is required")
    if body.get("image_tail") and body.get("mode") == "std":
        raise refused(1201, "image_tail is not supported in std mode")


def refused(
    code: int,
    message: str | None = None,
    *,
    status: int | None = None,
    headers: dict[str, str] | None = None,
    date: float | None = None,
) -> Refused:
    """Return the envelope of a code with the status that Kling gives it."""
    fallback = 401 if 1000 <= code < 1005 else 429 if 1100 <= code < 1305 else 500
    extra = dict(headers or {})
    if date is not None:
        extra["Date"] = formatdate(date, usegmt=True)
    body = {"code": code, "message": message or MESSAGES.get(code, "unknown"), "request_id": "r-1"}
    return Refused(status or STATUS_OF.get(code, fallback), body, extra)


def envelope(task: Body) -> Body:
    """Return the document round a task."""
    return {"code": 0, "message": "SUCCEED", "request_id": "r-1", "data": task}


def decoded(part: str) -> Body:
    """Return the document in a part of a token."""
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


if __name__ == "__main__":
    main(KlingEmulator, __doc__)

"""KIE.AI's Midjourney on a loopback port: status 200 for everything, and a code in the body that tells.

Beside the markers of `tests.emulators.service`: ``#text`` (results come as JSON in a text), ``#maintenance`` (455),
``#http=N`` (a status instead of a code, as from a proxy on the way).
"""

from __future__ import annotations

import itertools
import json
from typing import Any

from sanic import HTTPResponse, Request, Sanic

from tests.emulators.service import Body, EmulatedJob, Markers, Refused, Service, main

TYPES = {"mj_txt2img", "mj_img2img", "mj_video"}
MESSAGES = {
    401: "You do not have access permissions",
    402: "Credits insufficient",
    422: "parameter error",
    429: "Your call frequency is too high",
    455: "Service is under maintenance",
    500: "Internal error",
}
CODES = {"busy": 429, "retry": 429, "quota": 402, "nokey": 401, "block": 400, "echo": 422, "invalid": 422}


class KieEmulator(Service):
    """The application."""

    name = "kie"

    def __init__(self, *, key: str | None = None, seconds: float = 0.0) -> None:
        super().__init__(key=key, seconds=seconds)
        self._numbers = itertools.count(1)

    def routes(self, app: Sanic[Any, Any]) -> None:
        """Add the routes of the Midjourney part."""
        section = "/api/v1/mj"
        app.add_route(self.handler(self._generate), f"{section}/generate", methods=["POST"], name="generate")
        app.add_route(self.handler(self._follow), f"{section}/generateUpscale", methods=["POST"], name="upscale")
        app.add_route(self.handler(self._follow), f"{section}/generateVary", methods=["POST"], name="vary")
        app.add_route(self.handler(self._record), f"{section}/record-info", methods=["GET"], name="record")

    def refusal(self, kind: str, value: str = "") -> Refused:
        """Return status 200 with a code that says otherwise."""
        code = int(value) if kind == "status" else CODES[kind]
        said = {"block": "Your prompt was flagged as violating content policies", "echo": f"the key {value} may not"}
        message = value if kind == "invalid" else said.get(kind, MESSAGES.get(code, "emulated failure"))
        headers = {"Retry-After": value} if kind == "retry" else None
        return Refused(200, {"code": code, "msg": message, "data": None}, headers)

    async def misbehave(self, request: Request, markers: Markers, key: str) -> HTTPResponse | None:
        """Know a few more ways than others."""
        if "maintenance" in markers:
            raise self.refusal("status", "455")
        if "http" in markers:
            raise Refused(int(markers["http"]), {"error": "a proxy on the way"})
        return await super().misbehave(request, markers, key)

    def webhook(self, job: EmulatedJob) -> Body:
        """A document of its own shape; nothing in it is signed."""
        return {"code": 200, "msg": "success", "data": {"taskId": job.id, "resultUrls": [self.link(job, "0_0.png")]}}

    async def _generate(self, request: Request, body: Body) -> Body:
        if body.get("taskType") not in TYPES:
            raise self.refusal("invalid", "taskType is not supported")
        if body["taskType"] != "mj_txt2img" and not body.get("fileUrls"):
            raise self.refusal("invalid", "fileUrls is required")
        if body["taskType"] != "mj_video" and not body.get("prompt"):
            raise self.refusal("invalid", "prompt is required")
        if "--turbo" in str(body.get("prompt")):
            raise self.refusal("invalid", "speed belongs into its own field")
        return await self._take(request, body, str(body.get("prompt", "")))

    async def _follow(self, request: Request, body: Body) -> Body:
        parent = self.jobs.get(str(body.get("taskId")))
        if parent is None or body.get("imageIndex") not in range(4):
            raise self.refusal("invalid", "taskId or imageIndex is wrong")
        return await self._take(request, body, parent.prompt)

    async def _take(self, request: Request, body: Body, prompt: str) -> Body:
        job = await self.accept(
            request,
            body,
            prompt,
            make_id=lambda: f"4edb3c5{next(self._numbers):04x}",
            kind=str(body.get("taskType", "upscale" if "Upscale" in request.path else "vary")),
            callback=body.get("callBackUrl"),
        )
        return {"code": 200, "msg": "success", "data": {"taskId": job.id}}

    async def _record(self, request: Request, body: Body) -> Body:
        job = self.look_at(str(request.args.get("taskId")))
        if job is None:
            raise self.refusal("invalid", "recordInfo is null")
        record: Body = {"taskId": job.id, "taskType": job.kind, "successFlag": 0, "resultInfoJson": None}
        record |= {"paramJson": json.dumps(job.body), "errorCode": None, "errorMessage": None}
        return {"code": 200, "msg": "success", "data": record | self._outcome(job)}

    def _outcome(self, job: EmulatedJob) -> Body:
        if not self.is_over(job):
            return {}
        if "fail" in job.markers:
            return {"successFlag": 2, "errorCode": 500, "errorMessage": "Internal error"}
        if "blocked" in job.markers:
            return {"successFlag": 3, "errorCode": 400, "errorMessage": "The prompt was moderated"}
        suffix = "mp4" if job.kind == "mj_video" else "png"
        count = {"mj_video": int(job.body.get("videoBatchSize", 4)), "upscale": 1}.get(job.kind, 4)
        made = [{"resultUrl": self.link(job, f"0_{number}.{suffix}")} for number in range(count)]
        results: Body = {"resultUrls": [] if "none" in job.markers else made}
        return {"successFlag": 1, "resultInfoJson": json.dumps(results) if "text" in job.markers else results}


if __name__ == "__main__":
    main(KieEmulator, __doc__)

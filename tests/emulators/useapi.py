"""UseAPI.net on a loopback port: one token, three services behind it, each with a wire protocol of its own.

Beside the markers of `tests.emulators.service`: ``#nomaster`` (Kling has no video without its mark), ``#queued`` (Kling
says submitted while it waits), ``#throttled`` (Runway waits for a slot and says for how long), ``#captcha`` (596:
somebody has to sign in by hand), ``#silent`` (Midjourney does not give our id back).
"""

from __future__ import annotations

import itertools
from typing import Any
from urllib.parse import unquote, urlsplit

from sanic import HTTPResponse, Request, Sanic
from sanic.response import json as as_json

from tests.emulators.service import Body, EmulatedJob, Markers, Refused, Service, hang_up, main

KLING = "/v1/kling"
RUNWAY = "/v1/runwayml"
MIDJOURNEY = "/v3/midjourney"
KLING_MODELS = {
    *("kling-v1-6", "kling-v2-1", "kling-v2-1-master", "kling-v2-5", "kling-v2-6", "kling-v3-0", "kling-v4-0"),
}
PRO_ONLY = {"kling-v2-5", "kling-v2-1-master"}
RUNWAY_MODELS = {"gen4", "gen4-turbo", "gen4.5"}
GRID = ["U1", "U2", "U3", "U4", "V1", "V2", "V3", "V4", "\U0001f504"]
SINGLE = [
    "Upscale (Subtle)",
    "Upscale (Creative)",
    "Vary (Subtle)",
    "Vary (Strong)",
    "Zoom Out 2x",
    "Animate (Low motion)",
]
REFUSALS = {
    "status": "emulated failure",
    "busy": "All configured accounts are running at maximum capacity",
    "retry": "All configured accounts are running at maximum capacity",
    "quota": "Account has no subscription or subscription expired",
    "nokey": "Unauthorized",
    "block": "The prompt was rejected by content moderation",
    "captcha": "CAPTCHA or pending moderation warning",
}
STATUSES = {"busy": 429, "retry": 429, "quota": 402, "nokey": 401, "captcha": 596, "echo": 400, "invalid": 400}
BLOCKED_WITH = {KLING: 500, RUNWAY: 422, MIDJOURNEY: 400}


class UseApiEmulator(Service):
    """The application. `key` is the token."""

    name = "useapi"

    def __init__(self, *, key: str | None = None, seconds: float = 0.0) -> None:
        super().__init__(key=key, seconds=seconds)
        self.assets: dict[str, Body] = {}
        self._numbers = itertools.count(1)

    def routes(self, app: Sanic[Any, Any]) -> None:
        """Add the routes of the three services."""
        post, get = ["POST"], ["GET"]
        for path, handler, methods, name in (
            (f"{KLING}/videos/<kind:str>", self._kling, post, "kling"),
            (f"{KLING}/tasks/<task_id:str>", self._kling_task, get, "kling_task"),
            (f"{KLING}/assets/", self._kling_asset, post, "kling_asset"),
            (f"{KLING}/assets/download", self._kling_master, get, "kling_master"),
            (f"{RUNWAY}/videos/create", self._runway, post, "runway"),
            (f"{RUNWAY}/gen4/video", self._aleph, post, "aleph"),
            (f"{RUNWAY}/tasks/<task_id:str>", self._runway_task, get, "runway_task"),
            (f"{RUNWAY}/assets/", self._runway_asset, post, "runway_asset"),
            (f"{MIDJOURNEY}/jobs/imagine", self._imagine, post, "imagine"),
            (f"{MIDJOURNEY}/jobs/button", self._button, post, "button"),
            (f"{MIDJOURNEY}/jobs", self._running, get, "running"),
            (f"{MIDJOURNEY}/jobs/<job_id:str>", self._midjourney_job, get, "midjourney_job"),
            (f"{MIDJOURNEY}/jobs/<job_id:str>", self._cancel, ["DELETE"], "cancel"),
            (f"{MIDJOURNEY}/proxy/cdn-midjourney", self._proxy, get, "proxy"),
        ):
            app.add_route(self.handler(handler), path, methods=methods, name=name)

    def refusal(self, kind: str, value: str = "") -> Refused:
        """Return the document with an error."""
        status = int(value) if kind == "status" else STATUSES[kind]
        said = (
            f"the token {value} may not do this" if kind == "echo" else value if kind == "invalid" else REFUSALS[kind]
        )
        return Refused(status, {"error": said, "code": status}, {"Retry-After": value} if kind == "retry" else None)

    async def misbehave(self, request: Request, markers: Markers, key: str) -> HTTPResponse | None:
        """Refuse content as the service behind does."""
        if "block" in markers:
            status = next(status for section, status in BLOCKED_WITH.items() if request.path.startswith(section))
            raise Refused(status, {"error": REFUSALS["block"], "code": status})
        if "captcha" in markers:
            raise self.refusal("captcha")
        return await super().misbehave(request, markers, key)

    def webhook(self, job: EmulatedJob) -> Body:
        """The same document as a look at the job; nothing in it is signed."""
        return {KLING: self._kling_document, RUNWAY: self._runway_document, MIDJOURNEY: self._midjourney_document}[
            job.kind
        ](job)

    async def _take(self, request: Request, body: Body, section: str, prompt: str, job_id: str) -> EmulatedJob:
        return await self.accept(
            request, body, prompt, make_id=lambda: job_id, kind=section, callback=body.get("replyUrl")
        )

    # Kling

    async def _kling(self, request: Request, body: Body, kind: str) -> Body:
        self._check_kling(kind, body)
        job = await self._take(request, body, KLING, str(body.get("prompt", "")), str(90000 + next(self._numbers)))
        return {"task": {"id": int(job.id), "status": 5, "status_name": "submitted", "status_final": False}}

    def _check_kling(self, kind: str, body: Body) -> None:
        if kind == "omni":
            if body.get("omni_version") not in ("o1", "v3"):
                raise self.refusal("invalid", "omni_version must be named")
            files = [value for name, value in body.items() if name.startswith(("image_", "frame_", "video_1"))]
        elif kind in ("text2video", "image2video-frames"):
            model = body.get("model_name")
            if model not in KLING_MODELS:
                raise self.refusal("invalid", f"Parameter model_name has incorrect value {model}")
            if model in PRO_ONLY and "mode" in body:
                raise self.refusal("invalid", f"mode is not supported by {model}")
            if kind == "image2video-frames" and "image" not in body:
                raise self.refusal("invalid", "image is required")
            files = [body[name] for name in ("image", "image_tail") if name in body]
        else:
            raise Refused(404, {"error": "Not found", "code": 404})
        if any(file not in self.assets for file in files):
            raise self.refusal("invalid", "an image is not an uploaded asset")

    async def _kling_task(self, request: Request, body: Body, task_id: str) -> Body:
        job = self.look_at(task_id)
        if job is None or job.kind != KLING:
            raise Refused(404, {"error": "Not found", "code": 404})
        return self._kling_document(job)

    def _kling_document(self, job: EmulatedJob) -> Body:
        task: Body = {"status": 10, "status_name": "processing", "status_final": False, "message": ""}
        task |= {"task": {"id": int(job.id)}, "works": []}
        if not self.is_over(job):
            return {**task, "status": 5, "status_name": "submitted"} if "queued" in job.markers else task
        if "fail" in job.markers or "blocked" in job.markers:
            message = "failed content moderation" if "blocked" in job.markers else "generation error"
            return {**task, "status": 53, "status_name": "failed", "status_final": True, "message": message}
        resource = {"resource": self.link(job, "0.mp4"), "width": 1080, "height": 1920, "duration": 5041}
        work = {"workId": int(job.id) + 1, "status": 99, "resource": resource}
        works = [] if "none" in job.markers else [work]
        return {**task, "status": 99, "status_name": "succeed", "status_final": True, "works": works}

    async def _kling_asset(self, request: Request, body: Body) -> Body:
        if body.get("type") not in ("image/png", "image/jpeg", "video/mp4"):
            raise self.refusal("invalid", f"Content-Type {body.get('type')} is not supported")
        is_video = body["type"] == "video/mp4"
        link = f"{self.address}/assets/{next(self._numbers)}"
        self.assets[link] = body
        return {"status": 3, "resourceUrl" if is_video else "url": link, "fileName": "a"}

    async def _kling_master(self, request: Request, body: Body) -> Body:
        job = self.jobs.get(str(int(request.args.get("workIds", "0")) - 1))
        if job is None or "nomaster" in job.markers:
            raise Refused(404, {"error": "Not found", "code": 404})
        return {"status": 1, "cdnUrl": self.link(job, "master.mp4")}

    # Runway

    async def _runway(self, request: Request, body: Body) -> Body:
        if body.get("model") not in RUNWAY_MODELS:
            raise self.refusal("invalid", f"model {body.get('model')} is not supported")
        if body["model"] != "gen4.5" and "imageAssetId1" not in body:
            raise self.refusal("invalid", "imageAssetId1 is required")
        if not isinstance(body.get("duration", 5), int):
            raise self.refusal("invalid", "duration must be a number")
        return await self._runway_take(request, body, [body.get("imageAssetId1"), body.get("imageAssetId2")])

    async def _aleph(self, request: Request, body: Body) -> Body:
        if not body.get("text_prompt") or not body.get("video_assetId"):
            raise self.refusal("invalid", "video_assetId and text_prompt are required")
        return await self._runway_take(request, body, [body["video_assetId"]])

    async def _runway_take(self, request: Request, body: Body, assets: list[Any]) -> Body:
        if any(asset is not None and asset not in self.assets for asset in assets):
            raise Refused(404, {"error": "Asset not found", "code": 404})
        job_id = f"user:1-runwayml:me@example.com-task:{next(self._numbers)}"
        job = await self._take(request, body, RUNWAY, str(body.get("text_prompt", "")), job_id)
        return {"taskId": job.id, "status": "PENDING", "progressRatio": None, "artifacts": []}

    async def _runway_task(self, request: Request, body: Body, task_id: str) -> Body:
        job = self.look_at(unquote(task_id))
        if job is None or job.kind != RUNWAY:
            raise Refused(404, {"error": "Not found.", "code": 404})
        return self._runway_document(job)

    def _runway_document(self, job: EmulatedJob) -> Body:
        task: Body = {"taskId": job.id, "status": "RUNNING", "error": None, "artifacts": []}
        if not self.is_over(job):
            if "throttled" in job.markers:
                return {**task, "status": "THROTTLED", "progressRatio": None, "estimatedTimeToStartSeconds": 42}
            return {**task, "progressRatio": f"{self.progress(job):.2f}", "estimatedTimeToStartSeconds": None}
        if "fail" in job.markers or "blocked" in job.markers:
            reason = "SAFETY.INPUT.TEXT" if "blocked" in job.markers else "INTERNAL.BAD_OUTPUT"
            return {**task, "status": "FAILED", "error": {"errorMessage": "failed", "reason": reason}}
        made = [] if "none" in job.markers else [{"url": self.link(job, "0.mp4"), "metadata": {"duration": 5.2}}]
        return {**task, "status": "SUCCEEDED", "progressRatio": "1", "artifacts": made}

    async def _runway_asset(self, request: Request, body: Body) -> Body:
        asset = f"user:1-runwayml:me@example.com-asset:{next(self._numbers)}"
        self.assets[asset] = body
        return {"assetId": asset, "url": f"{self.address}/assets/{asset}"}

    # Midjourney

    async def _imagine(self, request: Request, body: Body) -> HTTPResponse:
        return await self._midjourney_take(request, body, str(body.get("prompt", "")), "imagine")

    async def _button(self, request: Request, body: Body) -> HTTPResponse:
        parent = self.jobs.get(str(body.get("jobid")))
        if parent is None:
            raise Refused(404, {"error": "Job not found", "code": 404})
        buttons = self._midjourney_document(parent)["response"].get("buttons", [])
        if body.get("button") not in buttons:
            raise self.refusal("invalid", f"Unknown button {body.get('button')}")
        done = [job for job in self.jobs.values() if job.body.get("jobid") == parent.id]
        for job in done:
            if job.body["button"] == body["button"] and str(body["button"]).startswith("U"):
                return as_json(self._midjourney_document(job), status=201)  # Once only: the child that is there.
        return await self._midjourney_take(request, body, str(body.get("prompt") or parent.prompt), "button")

    async def _midjourney_take(self, request: Request, body: Body, prompt: str, verb: str) -> HTTPResponse:
        if body.get("stream", True):
            # Server-sent events go on until the job has ended: longer than a client waits for an answer.
            hang_up(request)
        if not prompt:
            raise self.refusal("invalid", "prompt is required")
        job_id = f"j1122{next(self._numbers):04d}-u1-c1-bot:midjourney"
        job = await self._take(request, body, MIDJOURNEY, prompt, job_id)
        return as_json({"jobid": job.id, "verb": verb, "status": "created", "request": self._asked(job)}, status=201)

    async def _running(self, request: Request, body: Body) -> Body:
        jobs = [job for job in self.jobs.values() if job.kind == MIDJOURNEY and not self.is_over(job)]
        lines = [{"jobId": job.id, "channel": "1", "jobType": "image", "elapsed": "00:32"} for job in jobs]
        return {"total": len(lines), "channels": {"1": {"total": len(lines), "maxJobs": 3, "jobs": lines}}}

    async def _midjourney_job(self, request: Request, body: Body, job_id: str) -> Body:
        job = self.look_at(unquote(job_id))
        if job is None or job.kind != MIDJOURNEY:
            raise Refused(404, {"error": "Job not found", "code": 404})
        return self._midjourney_document(job)

    async def _cancel(self, request: Request, body: Body, job_id: str) -> Body:
        job = self.jobs.get(unquote(job_id))
        if job is None:
            raise Refused(404, {"error": "Job not found", "code": 404})
        job.is_cancelled = True
        return {"jobid": job.id, "status": "cancelled"}

    def _asked(self, job: EmulatedJob) -> Body:
        asked = {"prompt": job.prompt, "replyRef": job.body.get("replyRef")}
        return {"prompt": job.prompt} if "silent" in job.markers else asked

    def _midjourney_document(self, job: EmulatedJob) -> Body:
        document: Body = {"jobid": job.id, "verb": "imagine", "status": "progress", "request": self._asked(job)}
        if job.is_cancelled:
            return {**document, "status": "cancelled", "response": {}}
        if not self.is_over(job):
            percent = round(self.progress(job) * 100)
            return {**document, "response": {"content": f"**{job.prompt}**", "progress_percent": percent}}
        response: Body
        if "blocked" in job.markers:
            return {**document, "status": "moderated", "error": "Banned prompt detected", "response": {}}
        if "fail" in job.markers:
            response = {"content": f"**{job.prompt}**"}
            return {**document, "status": "failed", "error": "Job failed to start", "response": response}
        response = {"content": f"**{job.prompt}** (fast)", "progress_percent": 100, "buttons": SINGLE}
        if "none" in job.markers:
            return {**document, "status": "completed", "response": response | {"imageUx": [], "attachments": []}}
        button = str(job.body.get("button", ""))
        if "--video" in job.prompt or button.startswith("Animate"):
            response |= {"videoUx": self._ux(job, "mp4", 4), "imageUx": []}
        elif button.startswith("U"):
            response |= {"attachments": [{"url": self.link(job, "0.png"), "width": 1024}], "imageUx": []}
        else:
            response |= {"buttons": GRID, "imageUx": self._ux(job, "png", 4), "videoUx": []}
            response["attachments"] = [{"url": self.link(job, "grid.png"), "width": 2048, "height": 2048}]
        return {**document, "status": "completed", "response": response}

    def _ux(self, job: EmulatedJob, kind: str, count: int) -> list[Body]:
        """Return addresses on Midjourney's own host, which lets nobody in but through the proxy."""
        links = [urlsplit(self.link(job, f"0_{number}.{kind}")).path for number in range(count)]
        return [{"id": n, "url": f"https://cdn.midjourney.com{link}"} for n, link in enumerate(links, 1)]

    async def _proxy(self, request: Request, body: Body) -> HTTPResponse:
        address = urlsplit(str(request.args.get("url")))
        if address.hostname != "cdn.midjourney.com":
            raise self.refusal("invalid", "url must be of cdn.midjourney.com")
        _, _, token, job_id = address.path.split("/", 3)
        return await self._media(request, token, job_id)


if __name__ == "__main__":
    main(UseApiEmulator, __doc__)

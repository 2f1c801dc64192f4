"""Runway's own API on a loopback port: orders for videos, tasks, uploads, the organization's credits.

Beside the markers of `tests.emulators.service`: ``#throttled`` (waits for a slot until it is over) ``#code=SAFETY.X``
(given up with this failureCode) ``#daily`` (429: the day's allowance) ``#credits`` (400: none left). ``#fail`` is
INTERNAL, ``#blocked`` SAFETY.OUTPUT.VIDEO. What the SDK's types do not know is refused.
"""

from __future__ import annotations

import base64
import secrets
import time
import uuid
from typing import Any

from sanic import HTTPResponse, Request, Sanic
from sanic.response import empty

from tests.emulators.service import Body, EmulatedJob, Markers, Refused, Service, hang_up, main

VERSION = "2024-11-06"
LONGEST_DATA_URI = 5 * 1024 * 1024
RATIOS = {"1280:720", "720:1280", "1104:832", "832:1104", "960:960", "1584:672"}
SHAPES = {"1280:720": "16:9", "720:1280": "9:16", "1104:832": "4:3", "832:1104": "3:4", "960:960": "1:1"}
TARGETS = {"16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "21:9"}
CREDITS = {"gen4_turbo": 5, "gen4.5": 12, "aleph2": 15}
EDIT_SECONDS = 5
BOTH = {"model", "promptText", "seed", "contentModeration"}
FILM = BOTH | {"ratio", "duration"}
KNOWN = {
    ("image_to_video", "gen4_turbo"): FILM | {"promptImage"},
    ("image_to_video", "gen4.5"): FILM | {"promptImage", "outputFormat", "proresProfile"},
    ("text_to_video", "gen4.5"): FILM | {"outputFormat", "proresProfile"},
    ("video_to_video", "aleph2"): BOTH
    | {"videoUri", "keyframes", "outputFormat", "proresProfile", "ratio", "targetAspectRatio"},
}
REQUIRED = {
    ("image_to_video", "gen4_turbo"): {"promptImage", "ratio"},
    ("image_to_video", "gen4.5"): {"promptImage", "promptText", "duration", "ratio"},
    ("text_to_video", "gen4.5"): {"promptText", "duration", "ratio"},
    ("video_to_video", "aleph2"): {"videoUri"},
}
FAILURES = {
    "fail": ("INTERNAL", "An unexpected error occurred."),
    "blocked": ("SAFETY.OUTPUT.VIDEO", "The output was rejected by content moderation."),
}


class RunwayEmulator(Service):
    """The application. `files` are what was uploaded, by the address that Runway gives them."""

    name = "runway"

    def __init__(self, *, key: str | None = None, seconds: float = 0.0) -> None:
        super().__init__(key=key, seconds=seconds)
        self.files: dict[str, int] = {}
        self._tickets: dict[str, str] = {}

    def routes(self, app: Sanic[Any, Any]) -> None:
        """Add what is emulated of the API."""
        for kind in ("image_to_video", "text_to_video", "video_to_video"):
            app.add_route(self.handler(self._creator(kind)), f"/v1/{kind}", methods=["POST"], name=kind)
        app.add_route(self.handler(self._look), "/v1/tasks/<task_id:str>", methods=["GET"], name="look")
        app.add_route(self.handler(self._delete), "/v1/tasks/<task_id:str>", methods=["DELETE"], name="delete")
        app.add_route(self.handler(self._ticket), "/v1/uploads", methods=["POST"], name="ticket")
        app.add_route(self.handler(self._organization), "/v1/organization", methods=["GET"], name="organization")
        app.add_route(self._receive_file, "/upload/<ticket:str>", methods=["POST"], name="upload")

    def authenticate(self, request: Request) -> str:
        """Check the key, and the version that every call has to name."""
        key = super().authenticate(request)
        if request.headers.get("x-runway-version") != VERSION:
            raise refused(400, f"The X-Runway-Version header must be {VERSION}.")
        return key

    def refusal(self, kind: str, value: str = "") -> Refused:
        """Return an error as Runway answers it."""
        if kind == "status":
            return refused(int(value), "emulated")
        if kind == "retry":
            return refused(429, "Too many requests.", headers={"Retry-After": value})
        if kind == "echo":
            return refused(401, f"The API key {value} is not valid.")
        known = {
            "busy": (429, "Too many requests."),
            "quota": (400, "You do not have enough credits to run this task."),
            "nokey": (401, "Unauthorized"),
            "block": (400, "The prompt was rejected by content moderation."),
        }
        status, message = known.get(kind, (400, "Validation of body failed"))
        return refused(status, message)

    async def misbehave(self, request: Request, markers: Markers, key: str) -> HTTPResponse | None:
        """Know a few more ways than others."""
        if "daily" in markers:
            raise refused(429, "You have reached your daily task limit for this model.")
        if "credits" in markers:
            raise self.refusal("quota")
        return await super().misbehave(request, markers, key)

    def _creator(self, kind: str) -> Any:
        async def create(request: Request, body: Body) -> Body:
            self._check(kind, body)
            job = await self.accept(
                request, body, str(body.get("promptText", "")), make_id=lambda: str(uuid.uuid4()), kind=kind
            )
            shape = SHAPES.get(str(body.get("ratio")), str(body.get("targetAspectRatio", "16:9")))
            job.body = {**body, "aspect_ratio": shape}
            return {"id": job.id, "estimatedCost": {"credits": price(job)}}

        return create

    async def _look(self, _request: Request, _body: Body, task_id: str) -> Body:
        job = self.look_at(task_id)
        if job is None or job.is_cancelled:
            raise refused(404, "Could not find a task with that ID.")
        return self._document(job)

    async def _delete(self, _request: Request, _body: Body, task_id: str) -> HTTPResponse:
        job = self.jobs.get(task_id)
        if job is None or job.is_cancelled:
            raise refused(404, "Could not find a task with that ID.")
        job.is_cancelled = True
        return empty()

    async def _ticket(self, _request: Request, body: Body) -> Body:
        if set(body) != {"filename", "type"} or body["type"] != "ephemeral":
            raise refused(400, "Validation of body failed")
        ticket = secrets.token_hex(8)
        self._tickets[ticket] = f"runway://{secrets.token_urlsafe(24)}"
        return {
            "uploadUrl": f"{self.address}/upload/{ticket}",
            "fields": {"key": f"ephemeral/{ticket}/{body['filename']}", "policy": "emulated"},
            "runwayUri": self._tickets[ticket],
        }

    async def _receive_file(self, request: Request, ticket: str) -> HTTPResponse:
        """Take a file by a form, as the bucket behind Runway does; the key is not sent there."""
        given = request.files.getlist("file") if request.files else None
        if ticket not in self._tickets or not given or "policy" not in (request.form or {}):
            return empty(status=403)
        if request.headers.get("authorization"):
            hang_up(request)
        self.files[self._tickets.pop(ticket)] = len(given[0].body)
        return empty()

    async def _organization(self, _request: Request, _body: Body) -> Body:
        models = {name: {"maxConcurrentGenerations": 5, "maxDailyGenerations": 1000} for name in CREDITS}
        used = {name: {"dailyGenerations": sum(job.model == name for job in self.jobs.values())} for name in CREDITS}
        return {
            "creditBalance": 5000,
            "tier": {"maxMonthlyCreditSpend": 100_000, "models": models},
            "usage": {"models": used},
        }

    def _document(self, job: EmulatedJob) -> Body:
        task: Body = {"id": job.id, "createdAt": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(job.created))}
        if not self.is_over(job):
            status = "THROTTLED" if "throttled" in job.markers else "RUNNING" if job.polls else "PENDING"
            progress = {"progress": self.progress(job)} if status == "RUNNING" else {}
            return {**task, "status": status, "estimatedCost": {"credits": price(job)}, **progress}
        code = job.markers.get("code") or next((FAILURES[name][0] for name in FAILURES if name in job.markers), None)
        if code is not None:
            words = next((FAILURES[name][1] for name in FAILURES if name in job.markers), "The task failed.")
            failure = {"failure": words, "failureCode": code, "cost": {"credits": 0}}
            return {**task, "status": "FAILED", **failure}
        output = [] if "none" in job.markers else [self.link(job, "0.mp4")]
        return {**task, "status": "SUCCEEDED", "output": output, "cost": {"credits": price(job)}}

    def _check(self, kind: str, body: Body) -> None:
        """Refuse what the model refuses."""
        place = (kind, str(body.get("model")))
        if place not in KNOWN:
            raise invalid("model", f"Invalid enum value, received '{body.get('model')}'")
        for name in set(body) - KNOWN[place]:
            raise invalid(name, "Unrecognized key")
        for name in REQUIRED[place] - set(body):
            raise invalid(name, "Required")
        words = body.get("promptText")
        if words is not None and not (isinstance(words, str) and 0 < len(words.encode("utf-16-le")) <= 2000):
            raise invalid("promptText", "String must contain 1 to 1000 UTF-16 code units")
        check_numbers(body)
        check_shape(kind, body)
        for uri in addresses(body):
            self._check_address(uri)

    def _check_address(self, uri: object) -> None:
        if not isinstance(uri, str) or not uri.startswith(("https://", "runway://", "data:")):
            raise invalid("uri", "Must be a HTTPS URL, a Runway upload URI, or a data URI")
        if uri.startswith("runway://") and uri not in self.files:
            raise invalid("uri", "The upload was not found")
        if uri.startswith("data:"):
            if len(uri) > LONGEST_DATA_URI:
                raise invalid("uri", "The data URI is longer than 5MB")
            base64.b64decode(uri.partition(",")[2], validate=True)


def check_numbers(body: Body) -> None:
    """Refuse numbers that are none, or out of bounds."""
    for name, least, most in (("duration", 2, 10), ("seed", 0, 4_294_967_295)):
        value = body.get(name, least)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise invalid(name, f"Number must be an integer from {least} to {most}")
    moderation = body.get("contentModeration", {"publicFigureThreshold": "auto"})
    if not isinstance(moderation, dict) or moderation.get("publicFigureThreshold") not in ("auto", "low"):
        raise invalid("contentModeration", "Invalid enum value")


def check_shape(kind: str, body: Body) -> None:
    """Refuse ratios that the endpoint does not make, and pictures anywhere but at the beginning."""
    ratios = {"1280:720", "720:1280"} if kind == "text_to_video" else RATIOS
    if kind != "video_to_video" and body.get("ratio") not in ratios:
        raise invalid("ratio", f"Invalid enum value, received '{body.get('ratio')}'")
    if body.get("targetAspectRatio", "16:9") not in TARGETS:
        raise invalid("targetAspectRatio", "Invalid enum value")
    pictures = body.get("promptImage", [])
    if isinstance(pictures, list) and any(set(p) != {"uri", "position"} or p["position"] != "first" for p in pictures):
        raise invalid("promptImage", "Invalid enum value for position")
    if isinstance(pictures, list) and (len(pictures) > 1 or ("promptImage" in body and not pictures)):
        raise invalid("promptImage", "Array must contain exactly 1 element")
    frames = body.get("keyframes", [])
    if len(frames) > 5 or any(("at" in frame) == ("seconds" in frame) for frame in frames):
        raise invalid("keyframes", "At most 5 keyframes, each at a time")


def addresses(body: Body) -> list[object]:
    """Return where all inputs are."""
    pictures = body.get("promptImage", [])
    listed = [picture["uri"] for picture in pictures] if isinstance(pictures, list) else [pictures]
    listed += [frame.get("uri") for frame in body.get("keyframes", [])]
    return [*listed, body["videoUri"]] if "videoUri" in body else listed


def price(job: EmulatedJob) -> int:
    """Return the credits of a task."""
    return CREDITS[job.model] * int(job.body.get("duration", EDIT_SECONDS))


def invalid(name: str, message: str) -> Refused:
    """Return the refusal of a field."""
    issues = [{"code": "custom", "path": [name], "message": message}]
    return Refused(400, {"error": f"Validation of body failed: {name}: {message}", "issues": issues})


def refused(status: int, message: str, headers: dict[str, str] | None = None) -> Refused:
    """Return an error."""
    return Refused(status, {"error": message}, headers)


if __name__ == "__main__":
    main(RunwayEmulator, __doc__)

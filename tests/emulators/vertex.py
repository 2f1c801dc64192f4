"""Google Cloud on a loopback port: tokens, Gemini and Veo on Vertex ("Agent Platform"), and the bucket of the videos.

Beside the markers of `tests.emulators.service` for Veo: ``#fail=N`` (given up with a code of google.rpc) ``#rai``
(given up with code 3 for its content) ``#partly=N`` (N videos withheld) ``#forgotten`` (the operation is not known any
more, its videos are there). Pictures and texts of Gemini obey the markers of `tests.emulators.gemini`. Stand-alone it
writes the key of a service account: ``python -m tests.emulators.vertex --port 8410 --account FILE``.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from sanic import HTTPResponse, Request, Sanic
from sanic.response import json as as_json
from sanic.response import raw

from tests.emulators import gemini, google_errors, media, vertex_orders
from tests.emulators.google_errors import refused
from tests.emulators.service import Body, EmulatedJob, Refused, Service, hang_up, serve

MODELS = "/v1beta1/projects/<project:str>/locations/<location:str>/publishers/google/models/<call:str>"
OBJECTS = "/storage/v1/b/<bucket:str>/o"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
AUDIENCE = "https://oauth2.googleapis.com/token"
BUCKET = "emulated-bucket"
WITHHELD = "The video was filtered for Google's Responsible AI practices. Support codes: 15236754"


class VertexEmulator(Service):
    """The application. With `key`, tokens are given for the service account of that name only."""

    name = "vertex"

    def __init__(self, *, key: str | None = None, seconds: float = 0.0, buckets: tuple[str, ...] = (BUCKET,)) -> None:
        super().__init__(key=key, seconds=seconds)
        self.buckets = buckets
        self.tokens: list[str] = []
        self.revoked: set[str] = set()
        self.token_refusals: list[tuple[int, Body]] = []
        self.objects: dict[str, bytes] = {}
        self.broken_methods: set[str] = set()

    def routes(self, app: Sanic[Any, Any]) -> None:
        """Add the token endpoint, the models and the bucket."""
        app.add_route(self._token, "/token", methods=["POST"], name="token")
        app.add_route(self.handler(self._model), MODELS, methods=["POST"], name="model")
        app.add_route(self.handler(self._list), OBJECTS, methods=["GET"], name="list")
        app.add_route(self.handler(self._object), f"{OBJECTS}/<name:path>", methods=["GET", "DELETE"], name="object")
        app.add_route(self.handler(self._put), f"/upload{OBJECTS}", methods=["POST"], name="put")

    def authenticate(self, request: Request) -> str:
        """Take a token that was handed out here, and none that was revoked."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.tokens or token in self.revoked:
            raise self.refusal("nokey")
        return token

    def refusal(self, kind: str, value: str = "") -> Refused:
        """Return Google's shape."""
        return google_errors.refusal(kind, value)

    def webhook(self, job: EmulatedJob) -> Body:
        """Vertex has none."""
        raise NotImplementedError

    def account(self) -> str:
        """Return the JSON key of the service account that this emulator knows."""
        return google_errors.service_account(self.address, key=self.key or "the service's")

    async def _token(self, request: Request) -> HTTPResponse:
        if self.token_refusals:
            status, body = self.token_refusals.pop(0)
            return as_json(body, status=status)
        form: Any = request.form or {}
        if form.get("grant_type") != GRANT or not self._is_signed(str(form.get("assertion"))):
            return as_json({"error": "invalid_grant", "error_description": "Invalid JWT Signature."}, status=400)
        self.tokens.append(f"ya29.emulated-{uuid.uuid4().hex}")
        return as_json({"access_token": self.tokens[-1], "expires_in": 3599, "token_type": "Bearer"})

    def _is_signed(self, assertion: str) -> bool:
        try:
            head, claims, signature = assertion.split(".")
            told = json.loads(base64.urlsafe_b64decode(claims + "=="))
            public = google_errors.private_key(self.key or "the service's").public_key()
            given = base64.urlsafe_b64decode(signature + "==")
            if self.key is not None:
                public.verify(given, f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
        except (ValueError, InvalidSignature):
            return False
        in_time = told["iat"] - 60 <= time.time() <= told["exp"]
        return bool(in_time and told["aud"] == AUDIENCE and told["scope"] == SCOPE)

    async def _model(self, request: Request, body: Body, project: str, location: str, call: str) -> Any:
        model, _, method = unquote(call).partition(":")
        path = f"projects/{project}/locations/{location}/publishers/google/models/{model}"
        is_veo = model in vertex_orders.MODELS
        served = (is_veo and location != "global") or (not is_veo and model in gemini.SERVED and location == "global")
        if not served:
            raise refused(404, f"Publisher Model `{path}` was not found or your project does not have access to it.")
        if is_veo and method == "predictLongRunning":
            return await self._predict(request, body, path)
        if is_veo and method == "fetchPredictOperation":
            return self._fetch(body, path)
        if not is_veo and method == "generateContent":
            return await self._generate(request, body, model)
        raise refused(404, f"method {method} is not known")

    async def _predict(self, request: Request, body: Body, path: str) -> Body:
        instance, parameters = vertex_orders.check(gemini.camel(body), self.buckets, self._has)
        ordered = {
            "model": path.rpartition("/")[2],
            "aspectRatio": parameters.get("aspectRatio"),
            "duration": parameters.get("durationSeconds", 7 if "video" in instance else 8),
            "sampleCount": parameters.get("sampleCount", 1),
            "storageUri": parameters["storageUri"],
        }
        prompt = str(instance.get("prompt", ""))
        job = await self.accept(request, ordered, prompt, make_id=lambda: str(uuid.uuid4()))
        return {"name": f"{path}/operations/{job.id}"}

    def _fetch(self, body: Body, path: str) -> Body:
        name = str(body.get("operationName"))
        parent, _, job_id = name.rpartition("/operations/")
        if parent != path:
            raise refused(400, "The operation is not of this model.")
        job = self.look_at(job_id)
        if job is None or "forgotten" in job.markers:
            raise refused(404, f"Operation {name} was not found.")
        return {"name": name, **(self._outcome(job) if self.is_over(job) else {})}

    def _outcome(self, job: EmulatedJob) -> Body:
        if "fail" in job.markers:
            return {"done": True, "error": {"code": int(job.markers["fail"] or 13), "message": "Internal error."}}
        if "rai" in job.markers:
            return {"done": True, "error": {"code": 3, "message": google_errors.RESPONSIBLE}}
        withheld = self._withheld(job)
        return {
            "done": True,
            "response": {
                "@type": "type.googleapis.com/cloud.ai.large_models.vision.GenerateVideoResponse",
                "raiMediaFilteredCount": withheld,
                **({"raiMediaFilteredReasons": [WITHHELD] * withheld} if withheld else {}),
                "videos": [{"gcsUri": uri, "mimeType": "video/mp4"} for uri in self._videos(job)],
            },
        }

    def _withheld(self, job: EmulatedJob) -> int:
        asked = int(job.body.get("sampleCount", 1))
        return asked if "blocked" in job.markers else min(asked, int(job.markers.get("partly", 0)))

    def _videos(self, job: EmulatedJob) -> list[str]:
        if job.markers.keys() & {"fail", "rai", "none", "gone"} or not self.is_over(job):
            return []
        number = 10**12 + list(self.jobs).index(job.id)
        made = int(job.body.get("sampleCount", 1)) - self._withheld(job)
        return [f"{job.body['storageUri'].rstrip('/')}/{number}/sample_{n}.mp4" for n in range(made)]

    def _all(self) -> dict[str, EmulatedJob | None]:
        """Every object that lies in a bucket: what was put there, and what jobs have made by now."""
        made = {uri: job for job in self.jobs.values() for uri in self._videos(job)}
        return dict.fromkeys(self.objects) | made

    def _has(self, uri: str) -> bool:
        return uri in self._all()

    async def _list(self, request: Request, body: Body, bucket: str) -> Body:
        self._know(bucket)
        prefix = f"gs://{bucket}/{request.args.get('prefix', '')}"
        for job in self.jobs.values():
            job.polls += str(job.body.get("storageUri")).startswith(prefix)
        names = sorted(uri.removeprefix(f"gs://{bucket}/") for uri in self._all() if uri.startswith(prefix))
        return {"kind": "storage#objects"} | ({"items": [{"name": name} for name in names]} if names else {})

    async def _object(self, request: Request, body: Body, bucket: str, name: str) -> HTTPResponse | Body:
        self._know(bucket)
        uri = f"gs://{bucket}/{unquote(name)}"
        found = self._all()
        if uri not in found:
            raise refused(404, f"No such object: {bucket}/{unquote(name)}")
        if request.method in self.broken_methods:
            raise self.refusal("status", "500")
        if request.method == "DELETE":
            self.objects.pop(uri, None)
            return HTTPResponse(status=204)
        if request.args.get("alt") != "media":
            return {"kind": "storage#object", "name": unquote(name), "bucket": bucket}
        job = found[uri]
        if job is None:
            return raw(self.objects[uri], content_type="application/octet-stream")
        if "expired" in job.markers and job.polls <= int(job.markers.get("polls", 0)) + 1:
            raise refused(403, "The caller does not have storage.objects.get access.")
        made = await media.film(job.prompt, job.ratio, job.seconds, f"veo · {job.model}")
        return raw(made, content_type="video/mp4")

    async def _put(self, request: Request, body: Body, bucket: str) -> Body:
        self._know(bucket)
        name = request.args.get("name", "")
        if request.args.get("uploadType") != "media" or not name:
            raise refused(400, "uploadType and name are required.")
        self.objects[f"gs://{bucket}/{name}"] = request.body
        return {"kind": "storage#object", "name": name, "bucket": bucket, "size": str(len(request.body))}

    def _know(self, bucket: str) -> None:
        if bucket not in self.buckets:
            raise refused(404, "The specified bucket does not exist.")

    async def _generate(self, request: Request, body: Body, model: str) -> HTTPResponse | Body:
        try:
            # `#block` means something else here: Gemini refuses contents with a status of 200.
            asked = gemini.Asked.read(model, gemini.camel(body), files=dict.fromkeys(self._all(), ""))
            markers = self._markers(asked.prompt)
            if "odd" in markers:
                return gemini.ODD
            common = {name: value.removesuffix("s") for name, value in markers.items() if name != "block"}
            response = await self.misbehave(request, common, self.authenticate(request))
            if "lose" in markers:
                hang_up(request)
            return response if response is not None else asked.answer(markers)
        except gemini.Refused as error:
            raise refused(error.code, str(error)) from None


def main() -> None:
    """Serve until the process is told to end; jobs take a few seconds, as they do in life."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=5.0, help="how long a job takes")
    parser.add_argument("--account", type=Path, help="where the key of the service account is written")
    options = parser.parse_args()

    async def run() -> None:
        emulator = VertexEmulator(seconds=options.seconds)
        async with serve(emulator, options.host, options.port) as address:
            if options.account is not None:
                options.account.write_text(emulator.account())
            print(address, flush=True)
            await asyncio.Event().wait()

    asyncio.run(run())


if __name__ == "__main__":
    main()

"""What the emulated services have in common: orders in the prompt, jobs that take time, links, webhooks, bad days.

A service's behaviour is ordered by markers in the prompt (``a fox #polls=2``) or for the next calls, whatever they are,
through ``POST /emulator/script {"markers": "#status=503", "times": 2}``. ``GET /emulator/calls`` tells what was asked.

Before the job is accepted: ``#status=N`` ``#busy`` (429) ``#retry=N`` (429 with Retry-After) ``#quota`` (our account is
empty) ``#nokey`` (as for a wrong key) ``#block`` (refused for its content) ``#echo`` (our key in an error) ``#close``
(connection closed) ``#garbage`` ``#odd`` (200, but no JSON or another shape) ``#delay=S`` ``#first=N`` (only the first
N calls with this prompt misbehave). After: ``#lose`` (accepted, and the answer lost) ``#polls=N`` (finished only at the
Nth look) ``#never`` ``#fail`` ``#blocked`` (given up, for its content) ``#none`` (finished with nothing) ``#gone`` (not
known any more) ``#expired`` (the first links are dead, later ones live) ``#twice`` (every webhook comes twice)
``#rubbish`` (the files handed over are no pictures and no films).

``GET /emulator/jobs`` tells what was accepted. With `bad_days` a share of all calls goes wrong without any order;
``POST /emulator/failures {"share": 20}`` says how many of a hundred from now on.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import re
import secrets
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from sanic import HTTPResponse, Request, Sanic
from sanic.response import json as as_json
from sanic.response import raw

from tests.emulators import media
from tests.emulators.bad_days import BadDays

MARKER = re.compile(r"#([a-z]+)(?:=(\S+))?")
BODY_LIMIT = 128 * 1024 * 1024
_names = itertools.count(1)

Body = dict[str, Any]
Markers = dict[str, str]


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it arrived, without its credentials."""

    method: str
    path: str
    body: Body
    query: dict[str, str]


@dataclass
class EmulatedJob:
    """A job that was accepted."""

    id: str
    prompt: str
    body: Body
    markers: Markers
    kind: str = ""
    callback: str | None = None
    created: float = field(default_factory=time.time)
    polls: int = 0
    is_cancelled: bool = False

    @property
    def ratio(self) -> str:
        """The shape that was ordered."""
        return self._ordered("aspect_ratio", "aspectRatio", default="16:9")

    @property
    def seconds(self) -> float:
        """The length that was ordered."""
        try:
            return float(self._ordered("duration", "seconds", default="1"))
        except ValueError:
            return 1.0

    @property
    def model(self) -> str:
        """What the service calls the model that was ordered."""
        return self._ordered("model", "model_name", "omni_version", "taskType", default=self.kind.rpartition("/")[2])

    def _ordered(self, *names: str, default: str) -> str:
        known = (self.body.get(name) for name in names)
        return next((str(value) for value in known if value), default)


class Refused(Exception):
    """The request is answered with an error."""

    def __init__(self, status: int, body: Body, headers: dict[str, str] | None = None) -> None:
        super().__init__(str(body))
        self.response = as_json(body, status=status, headers=headers)


class Service:
    """The application of one service and what it has seen. Each service says how it refuses and how a job looks."""

    name = "service"

    def __init__(self, *, key: str | None = None, seconds: float = 0.0) -> None:
        """`key` is the only one accepted, None accepts any; `seconds` is how long a job takes at least."""
        self.key = key
        self.seconds = seconds
        self.calls: list[Call] = []
        self.jobs: dict[str, EmulatedJob] = {}
        self.dead_links: set[str] = set()
        self.webhooks: list[Body] = []
        self.address = ""
        self.bad_days = BadDays()
        self._script: list[str] = []
        self._seen: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    # What a service says of itself.

    def routes(self, app: Sanic[Any, Any]) -> None:
        """Add the service's own routes."""
        raise NotImplementedError

    def authenticate(self, request: Request) -> str:
        """Return the key that the request brought.

        Raises:
            Refused: it brought none, or a wrong one.
        """
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not given or (self.key is not None and given != self.key):
            raise self.refusal("nokey")
        return given

    def refusal(self, kind: str, value: str = "") -> Refused:
        """Return how the service refuses: `status`, `busy`, `retry`, `quota`, `nokey`, `block`, `echo`, `invalid`."""
        raise NotImplementedError

    def webhook(self, job: EmulatedJob) -> Body:
        """Return what is sent to the callback address of a job that has ended."""
        raise NotImplementedError

    # What the services do with it.

    def script(self, markers: str, times: int = 1) -> None:
        """Let the next calls behave as the markers say, whatever they are."""
        self._script.extend([markers] * times)

    def handler(self, answer: Callable[..., Any]) -> Callable[..., Any]:
        """Return a handler: note the call, check the key, misbehave if told to, else answer."""

        async def handle(request: Request, **arguments: str) -> HTTPResponse:
            body = read_body(request)
            query = {name: request.args.get(name) for name in request.args}
            self.calls.append(Call(request.method, request.path, body, query))
            try:
                key = self.authenticate(request)
                markers = markers_of(self._script.pop(0) if self._script else self.bad_days.draw())
                response = await self.misbehave(request, markers, key)
                if response is not None:
                    return response
                made = await answer(request, body, **arguments)
            except Refused as refused:
                return refused.response
            if "lost" in markers:
                hang_up(request)
            return made if isinstance(made, HTTPResponse) else as_json(made)

        return handle

    async def accept(
        self,
        request: Request,
        body: Body,
        prompt: str,
        *,
        make_id: Callable[[], str],
        kind: str = "",
        callback: str | None = None,
    ) -> EmulatedJob:
        """Take a job as the markers in its prompt say.

        Raises:
            Refused: it was not accepted.
            Answered: something that is no answer was sent.
        """
        markers = self._markers(prompt)
        response = await self.misbehave(request, markers, self.authenticate(request))
        if response is not None:
            raise Answered(response)
        job = EmulatedJob(make_id(), prompt, body, markers, kind, callback)
        self.jobs[job.id] = job
        if callback:
            self._later(self._tell(job))
        if "lose" in markers:
            hang_up(request)
        return job

    async def misbehave(self, request: Request, markers: Markers, key: str) -> HTTPResponse | None:
        """Do what the markers say of a call. Returns an answer that is none, None where the call is in order.

        Raises:
            Refused: they say that it is refused.
        """
        await asyncio.sleep(float(markers.get("delay", 0)))
        if "close" in markers:
            hang_up(request)
            return raw(b"")
        if "garbage" in markers:
            return HTTPResponse("<html><h1>It works</h1>", content_type="text/html")
        if "odd" in markers:
            return as_json({"data": "none today", "task": 5, "uuid": [], "jobid": {}, "taskId": None})
        for kind in ("status", "busy", "retry", "quota", "nokey", "block"):
            if kind in markers:
                raise self.refusal(kind, markers[kind])
        if "echo" in markers:
            raise self.refusal("echo", key)
        return None

    def look_at(self, job_id: str) -> EmulatedJob | None:
        """Return a job that is asked for, None where it is not known any more."""
        job = self.jobs.get(job_id)
        if job is None or "gone" in job.markers:
            return None
        job.polls += 1
        return job

    def is_over(self, job: EmulatedJob) -> bool:
        """Say whether a job has come to its end."""
        if "never" in job.markers or job.is_cancelled:
            return False
        return job.polls >= int(job.markers.get("polls", 0)) and time.time() >= job.created + self.seconds

    def progress(self, job: EmulatedJob) -> float:
        """Return how far a job is, from 0 to 1."""
        steps = int(job.markers.get("polls", 0))
        return min(0.95, job.polls / steps) if steps else 0.5

    def link(self, job: EmulatedJob, name: str) -> str:
        """Return a fresh link to a result; ``#expired`` has the first one dead."""
        token = secrets.token_hex(6)
        if "expired" in job.markers and job.polls <= int(job.markers.get("polls", 0)) + 1:
            self.dead_links.add(token)
        return f"{self.address}/media/{token}/{job.id}/{name}"

    def application(self) -> Sanic[Any, Any]:
        """Return the web application."""
        app: Sanic[Any, Any] = Sanic(f"emulated_{self.name}_{next(_names)}", configure_logging=False)
        app.config.REQUEST_MAX_SIZE = BODY_LIMIT
        app.config.ACCESS_LOG = False
        app.config.FALLBACK_ERROR_FORMAT = "json"
        app.add_route(self._media, "/media/<token:str>/<job_id:path>", methods=["GET"], name="media")
        app.add_route(self._post_script, "/emulator/script", methods=["POST"], name="script")
        app.add_route(self._get_calls, "/emulator/calls", methods=["GET"], name="calls")
        app.add_route(self._get_jobs, "/emulator/jobs", methods=["GET"], name="jobs")
        app.add_route(self._post_failures, "/emulator/failures", methods=["POST"], name="failures")
        app.add_route(self._receive, "/emulator/webhook/<secret:str>", methods=["POST"], name="receive")
        app.exception(Answered)(lambda _request, answered: answered.response)
        self.routes(app)
        return app

    async def settle(self) -> None:
        """Wait until every webhook was sent."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def _post_script(self, request: Request) -> HTTPResponse:
        body = request.json
        self.script(str(body["markers"]), int(body.get("times", 1)))
        return as_json({"ok": True})

    async def _post_failures(self, request: Request) -> HTTPResponse:
        self.bad_days.share = float(request.json["share"])
        return as_json({"drawn": self.bad_days.drawn})

    async def _get_calls(self, _request: Request) -> HTTPResponse:
        calls = [{"method": c.method, "path": c.path, "body": c.body, "query": c.query} for c in self.calls]
        return HTTPResponse(json.dumps({"calls": calls}, default=str), content_type="application/json")

    async def _get_jobs(self, _request: Request) -> HTTPResponse:
        jobs = [
            {"id": job.id, "prompt": job.prompt, "kind": job.kind, "model": job.model} for job in self.jobs.values()
        ]
        return as_json({"jobs": jobs})

    async def _receive(self, request: Request, secret: str) -> HTTPResponse:
        """Be the other end of our own webhooks, for those who have none to listen with."""
        self.webhooks.append(request.json)
        return as_json({"ok": True})

    async def _media(self, request: Request, token: str, job_id: str) -> HTTPResponse:
        if token in self.dead_links:
            return as_json({"error": "this link has expired"}, status=403)
        job_id, _, name = job_id.rpartition("/")
        drawn = self.bad_days.draw()
        if drawn:
            hang_up(request)
        job = self.jobs.get(job_id) or EmulatedJob(job_id, "", {}, {})
        label = f"{self.name} · {job.model}" if job.model else self.name
        if "rubbish" in job.markers:
            return raw(b"neither a picture nor a film", content_type="video/mp4")
        if name.endswith(".mp4"):
            made = await media.film(job.prompt, job.ratio, job.seconds, label)
            return raw(made, content_type="video/mp4")
        number = int(re.sub(r"\D", "", name) or 0)
        return raw(await media.picture(job.prompt, job.ratio, number, label), content_type="image/png")

    async def _tell(self, job: EmulatedJob) -> None:
        await asyncio.sleep(self.seconds)
        assert job.callback is not None
        async with httpx.AsyncClient(verify=False, trust_env=False, timeout=5) as client:
            for _ in range(2 if "twice" in job.markers else 1):
                try:
                    await client.post(job.callback, json=self.webhook(job))
                except httpx.HTTPError:
                    continue

    def _later(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _markers(self, prompt: str) -> Markers:
        markers = markers_of(prompt)
        self._seen[prompt] += 1
        return {} if "first" in markers and self._seen[prompt] > int(markers["first"]) else markers


class Answered(Exception):
    """Something that is no answer was sent already."""

    def __init__(self, response: HTTPResponse) -> None:
        super().__init__("answered")
        self.response = response


def markers_of(words: str) -> Markers:
    """Return the orders in the words."""
    return {name: value or "" for name, value in MARKER.findall(words)}


def read_body(request: Request) -> Body:
    """Return what the request carries: JSON, a form, or the size of bare bytes."""
    kind = request.headers.get("content-type", "")
    if kind.startswith("multipart/form-data"):
        fields: Body = dict(request.form or {})
        for name, files in (request.files or {}).items():
            fields[name] = [f"{len(file.body)} bytes of {file.type}" for file in files]
        return {name: value[0] if len(value) == 1 else value for name, value in fields.items()}
    if kind.startswith("application/json") and request.body:
        try:
            return dict(json.loads(request.body))
        except ValueError:
            return {}
    return {"bytes": len(request.body), "type": kind} if request.body else {}


def hang_up(request: Request) -> None:
    """Close the connection without an answer."""
    transport: Any = request.transport
    transport.abort()


@asynccontextmanager
async def serve(service: Service, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Run the emulator and yield its address."""
    Sanic.test_mode = True  # Sanic rewrites its own methods at a start, and only in this mode from the originals.
    app = service.application()
    listener = socket.create_server((host, port))
    service.address = f"http://{host}:{listener.getsockname()[1]}"
    server: Any = await app.create_server(sock=listener, return_asyncio_server=True)
    await server.startup()
    try:
        await server.before_start()
        await server.after_start()
        await server.start_serving()
        yield service.address
    finally:
        await service.settle()
        await server.before_stop()
        server.close()
        for connection in list(server.connections):
            connection.abort()
        await server.after_stop()
        Sanic.unregister_app(app)


def main(make: Callable[..., Service], doc: str | None) -> None:
    """Serve until the process is told to end; jobs take a few seconds, as they do in life."""
    parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=5.0, help="how long a job takes")
    options = parser.parse_args()

    async def run() -> None:
        async with serve(make(seconds=options.seconds), options.host, options.port) as address:
            print(address, flush=True)
            await asyncio.Event().wait()

    asyncio.run(run())

"""The Kling adapter.

An external id is ``<endpoint>/<task id>``, because a task is asked for where it was made. Our own id goes along as
``external_task_id`` with the endpoint in front, so that a lost task and an unsigned webhook lead to the same place.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from decimal import Decimal

from providers import options
from providers.base import ActionKind, Failed, Finished, Job, Json, Media, MediaKind, Running, Submitted
from providers.errors import Ambiguous, AuthFailed, InvalidRequest, ModelRetired, ProviderError, ProviderUnavailable
from providers.http import TIMEOUT_SECONDS, HttpApi, Reply, parse_webhook, without_nothing
from providers.kling import bodies
from providers.kling.answers import Task, TaskAnswer, TokenRefused, failure
from providers.kling.signature import Signature

BASE_URL = "https://api-singapore.klingai.com"
USD_PER_UNIT = Decimal("0.14")
FIRST_POLL = timedelta(seconds=10)
POLL_AGAIN = timedelta(seconds=15)

TEXT, IMAGE, OMNI, EXTEND = "text2video", "image2video", "omni-video", "video-extend"
ENDPOINTS = (TEXT, IMAGE, OMNI, EXTEND)


class KlingProvider:
    """Makes videos with Kling's own API."""

    name = "kling"

    def __init__(
        self,
        access_key: str,
        secret_key: str,
        *,
        base_url: str | None = None,
        timeout: float = TIMEOUT_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`timeout` is in seconds and for one call; `clock` tells seconds since the epoch.

        Raises:
            ValueError: a key is empty or cannot be one.
        """
        self._signature = Signature(access_key, secret_key, clock)
        self._api = HttpApi(
            base_url or BASE_URL,
            classify=self._failure,
            headers=self._signature.headers,
            secrets=(secret_key, access_key),
            timeout=timeout,
        )

    async def submit(self, job: Job) -> Submitted | Finished:
        """Hand the job over; videos are never finished at once."""
        options.need_kind(job, MediaKind.VIDEO)
        options.need_something(job)
        endpoint, body = await self._request(job)
        body |= without_nothing(external_task_id=f"{endpoint}-{job.client_id}", callback_url=job.callback_url)
        task = await self._order(job, endpoint, body)
        return Submitted(f"{endpoint}/{task.task_id}", FIRST_POLL)

    async def poll(self, external_id: str) -> Running | Finished | Failed:
        """Ask for the task. Kling tells no progress; a task that it does not know any more has failed."""
        endpoint, task_id = _split(external_id)
        task = await self._task(endpoint, task_id)
        if task is None:
            return Failed(ProviderUnavailable(f"Kling knows no task {external_id}"))
        if task.task_status == "failed":
            return Failed(options.given_up(task.task_status_msg or "failed without a reason"))
        if task.task_status != "succeed":
            return Running(None, POLL_AGAIN)
        if not task.videos:
            return Failed(ProviderUnavailable("finished without a video"))
        units = task.final_unit_deduction
        media = tuple(Media("video/mp4", url=video.url) for video in task.videos)
        return Finished(media, None if units is None else units * USD_PER_UNIT)

    async def cancel(self, external_id: str) -> None:
        """Kling offers no way."""

    async def find(self, client_id: str) -> str | None:
        """Ask every endpoint for a task with our id."""
        found = await asyncio.gather(*(self._task(endpoint, f"{endpoint}-{client_id}") for endpoint in ENDPOINTS))
        for endpoint, task in zip(ENDPOINTS, found, strict=True):
            if task is not None:
                return f"{endpoint}/{task.task_id}"
        return None

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> str | None:  # noqa: ARG002 - the contract's names
        """Return the external id of the task that an unsigned webhook speaks of, by the id that we gave it."""
        told = parse_webhook(body, TaskAnswer)
        ours = told.data.task_info.external_task_id if told and told.data.task_info else None
        for endpoint in ENDPOINTS:
            if told and ours and ours.startswith(f"{endpoint}-"):
                return f"{endpoint}/{told.data.task_id}"
        return None

    async def close(self) -> None:
        """Close connections; a later call opens new ones."""
        await self._api.close()

    async def _request(self, job: Job) -> tuple[str, dict[str, Json]]:
        """Return the endpoint and the body of a job.

        Raises:
            InvalidRequest: the model cannot do what is ordered. Nothing is changed silently: the price was fixed.
        """
        if job.action is not None:
            return EXTEND, await self._extension(job)
        traits = bodies.MODELS.get(job.model)
        if traits is not None:
            bodies.check(job, traits)
        if traits is not None and traits.is_omni:
            return OMNI, bodies.omni(job, traits)
        return (IMAGE if job.images else TEXT), bodies.plain(job, traits)

    async def _extension(self, job: Job) -> dict[str, Json]:
        assert job.action is not None
        if job.action.kind is not ActionKind.EXTEND:
            raise InvalidRequest(f"Kling can extend a video, not {job.action.kind.value} it")
        parent = await self._task(*_split(job.action.parent))
        if parent is None or len(parent.videos) < job.action.number:
            raise InvalidRequest(f"{job.action.parent} has no video {job.action.number} to extend")
        video = parent.videos[job.action.number - 1]
        return without_nothing(video_id=video.id, prompt=job.prompt or None, **bodies.wishes(job))

    async def _task(self, endpoint: str, task_id: str) -> Task | None:
        """Return a task by Kling's id or ours, None where there is none."""
        try:
            return await self._signed(lambda: self._api.ask(f"/v1/videos/{endpoint}/{task_id}", TaskAnswer))
        except (ModelRetired, InvalidRequest):
            # The id is all that such a request says, so this is about the id.
            return None

    async def _order(self, job: Job, endpoint: str, body: Mapping[str, Json]) -> Task:
        """Create a task. A request with an id that Kling knows means that an earlier one was accepted unseen."""
        path = f"/v1/videos/{endpoint}"
        try:
            return await self._signed(lambda: self._api.order(path, TaskAnswer, hidden=job.callback_url, json=body))
        except InvalidRequest as error:
            if "external_task_id" not in error.detail:
                raise
            raise Ambiguous(error.detail) from None

    async def _signed(self, send: Callable[[], Awaitable[TaskAnswer]]) -> Task:
        """Send, and once more with another token where Kling refused the first: it looked at nothing else."""
        for _ in range(2):
            try:
                return (await send()).data
            except TokenRefused as error:
                said = error.detail
        raise AuthFailed(said)

    def _failure(self, reply: Reply) -> ProviderError | None:
        found = failure(reply)
        if isinstance(found, TokenRefused):
            self._signature.renew(reply.headers.get("date"))
        return found


def _split(external_id: str) -> tuple[str, str]:
    endpoint, _, task_id = external_id.partition("/")
    if endpoint not in ENDPOINTS:
        raise InvalidRequest(f"{external_id[:100]!r} is no task of Kling")
    return endpoint, options.identifier(task_id)

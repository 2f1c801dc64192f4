"""The Veo adapter.

An external id is ``<operation>@<our id>``: the operation is asked for while Google remembers it, the folder with our id
after that. An order whose answer was lost gets ``lost/<moment>/<our id>``: its folder is watched until that moment.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from providers import options
from providers.base import Failed, Finished, Job, MediaKind, Running, Submitted
from providers.errors import Ambiguous, ContentBlocked, InvalidRequest, ModelRetired, ProviderError, ProviderUnavailable
from providers.google import failures
from providers.google.account import ServiceAccount
from providers.google.bucket import Bucket
from providers.google.sdk import Sdk
from providers.veo import folders, orders

if TYPE_CHECKING:
    from google.genai import types
    from google.genai.client import AsyncClient

LOCATION = "us-central1"
TIMEOUT_SECONDS = 60.0
FIRST_POLL = timedelta(seconds=10)
POLL_AGAIN = timedelta(seconds=10)
WATCH = timedelta(minutes=10)
"""Usual time that the folder of a lost order is watched; a video takes one to six minutes."""

_OPERATION = re.compile(r"projects/[\w.:-]+/locations/[\w-]+/publishers/google/models/[\w.-]+/operations/[\w-]+")
_JOB = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_LOST = re.compile(r"lost/(?P<until>\d{1,12})/(?P<job>.+)")


class VeoProvider:
    """Makes videos with Veo on Vertex; they are put into our bucket and streamed from there."""

    name = "veo"

    def __init__(
        self,
        account: ServiceAccount,
        output: str,
        *,
        project: str | None = None,
        location: str = LOCATION,
        base_url: str | None = None,
        storage_url: str | None = None,
        timeout: float = TIMEOUT_SECONDS,
        watch: timedelta = WATCH,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`output` is ``gs://bucket/folder``; `timeout` is in seconds and for one call; `watch` is how long the folder
        of a lost order is watched; `clock` tells epoch seconds.

        Raises:
            ValueError: `output` names no bucket.
        """
        self._bucket = Bucket(account, output, base_url=storage_url, timeout=timeout)
        self._sdk = Sdk(timeout=timeout, base_url=base_url, account=account, project=project, location=location)
        self._clock = clock
        self._patience = watch

    async def submit(self, job: Job) -> Submitted | Finished:
        """Hand the job over; videos are never finished at once."""
        options.need_kind(job, MediaKind.VIDEO)
        options.need_something(job)
        job_id = _job_id(job.client_id)
        order = orders.read(job)
        parent = await self._parent(job)
        uri = self._bucket.uri(order.path(job_id, job.model))

        async def send(client: AsyncClient) -> types.GenerateVideosOperation:
            return await client.models.generate_videos(
                model=job.model,
                source=orders.source(job, parent),
                config=orders.config(job, order, uri, job_id.lower()),
            )

        operation = await self._sdk.order(send)
        if not operation.name or not _OPERATION.fullmatch(operation.name):
            raise Ambiguous("the answer names no operation")
        return Submitted(f"{operation.name}@{job_id}", FIRST_POLL)

    async def poll(self, external_id: str) -> Running | Finished | Failed:
        """Ask for the operation. Vertex tells no progress."""
        if lost := _LOST.fullmatch(external_id):
            return await self._watch(_job_id(lost["job"]), int(lost["until"]))
        name, job_id = _split(external_id)

        async def send(client: AsyncClient) -> types.GenerateVideosOperation:
            from google.genai import types

            return await client.operations.get(types.GenerateVideosOperation.model_validate({"name": name}))

        try:
            operation = await self._sdk.ask(send)
        except (ModelRetired, InvalidRequest) as error:
            # The name is all that such a request says, so this is about the name. The videos outlive the operation.
            return await self._left_behind(job_id) or Failed(ProviderUnavailable(error.detail))
        if operation.error:
            return Failed(_given_up(operation.error))
        if not operation.done:
            return Running(None, POLL_AGAIN)
        return await self._result(operation.response)

    async def cancel(self, external_id: str) -> None:
        """Vertex offers no way for these operations."""

    async def find(self, client_id: str) -> str | None:
        """Return the id of a watch over the job's folder: Vertex lists no operations and knows no ids of ours.

        Whether the order arrived shows only when its video does, so this never says that it did not.
        """
        return f"lost/{int(self._clock() + self._patience.total_seconds())}/{_job_id(client_id)}"

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> str | None:  # noqa: ARG002 - the contract's names
        """Vertex sends no webhooks."""
        return None

    async def close(self) -> None:
        """Close connections; a later call opens new ones."""
        await self._sdk.close()
        await self._bucket.close()

    async def _parent(self, job: Job) -> str | None:
        """Return the address of the video that is extended. It is looked for in the bucket, where it outlives all."""
        if job.action is None:
            return None
        lost = _LOST.fullmatch(job.action.parent)
        parent = _job_id(lost["job"]) if lost else _split(job.action.parent)[1]
        uris = await self._bucket.films(f"{parent}/")
        if not 1 <= job.action.number <= len(uris):
            raise InvalidRequest(f"{job.action.parent} has no video {job.action.number} to extend")
        return uris[job.action.number - 1]

    async def _watch(self, job_id: str, until: int) -> Running | Finished | Failed:
        found = await self._left_behind(job_id)
        if found is not None:
            return found
        if self._clock() < until:
            return Running(None, POLL_AGAIN)
        return Failed(Ambiguous(f"no video of {job_id} came; whether the order arrived cannot be told"))

    async def _left_behind(self, job_id: str) -> Finished | None:
        """Return what lies in a job's folder, None where there is nothing."""
        uris = await self._bucket.films(f"{job_id}/")
        return await self._finished(uris, 0) if uris else None

    async def _result(self, response: types.GenerateVideosResponse | None) -> Finished | Failed:
        made = (response.generated_videos if response else None) or []
        blocked = (response.rai_media_filtered_count if response else None) or 0
        reasons = "; ".join((response.rai_media_filtered_reasons if response else None) or ())
        uris = tuple(item.video.uri for item in made if item.video and item.video.uri)
        if uris:
            return await self._finished(uris, blocked)
        if blocked or reasons:
            return Failed(ContentBlocked(f"all {blocked} videos were withheld: {reasons}"[: failures.LONGEST_DETAIL]))
        return Failed(ProviderUnavailable("finished without a video"))

    async def _finished(self, uris: tuple[str, ...], blocked: int) -> Finished:
        """An extended film comes back whole, from the first second of its parent: it is never a continuation."""
        media = [await self._bucket.media(uri, "video/mp4") for uri in uris]
        return Finished(tuple(media), folders.cost(uris), blocked=blocked)


def _given_up(error: Mapping[str, object]) -> ProviderError:
    code = error.get("code")
    return failures.from_operation(code if isinstance(code, int) else 2, str(error.get("message") or error))


def _split(external_id: str) -> tuple[str, str]:
    """Return the operation and our own id."""
    name, _, job_id = external_id.partition("@")
    if not _OPERATION.fullmatch(name):
        raise InvalidRequest(f"{external_id[:100]!r} is no operation of Veo")
    return name, _job_id(job_id)


def _job_id(client_id: str) -> str:
    if not _JOB.fullmatch(client_id):
        raise InvalidRequest(f"{client_id[:100]!r} cannot be the name of a folder")
    return client_id

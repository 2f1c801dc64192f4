"""The provider behind the demonstration; `providers.demo` tells what it makes and which orders it obeys."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from providers.base import Failed, Finished, Job, Media, MediaKind, Running, Submitted
from providers.demo import describe, directives, render
from providers.demo.directives import Directives
from providers.demo.store import AcceptedJob, JobStore
from providers.errors import Ambiguous, InvalidRequest, ProviderError, ProviderUnavailable, RateLimited, TimedOut

VIDEO_SECONDS = 1.5
GARBAGE = Media("image/png", b"<html><body>502 Bad Gateway</body></html>")


class DemoProvider:
    """Makes real media without a model, a key or a network, and keeps accepted jobs in `folder`."""

    name = "demo"

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        """`clock` tells seconds since the epoch; it is a wall clock, because several processes share the folder."""
        self._store = JobStore(folder)
        self._clock = clock

    async def submit(self, job: Job) -> Submitted | Finished:
        """Accept the job: a picture is finished at once unless an order says otherwise, a video later."""
        orders, caption = directives.read(job.prompt)
        await asyncio.to_thread(self._refuse, job, orders)
        accepted = await asyncio.to_thread(self._store.accept, job, self._clock())
        if orders.hang is not None:
            await asyncio.sleep(orders.hang)
        if orders.lose:
            raise Ambiguous("the demonstration accepted the job and lost the answer")
        if job.kind is MediaKind.VIDEO or orders.is_polled:
            seconds = _duration(job, orders)
            return Submitted(accepted.external_id, timedelta(seconds=min(2.0, max(0.5, seconds / 4))))
        return await _make(job, orders, caption)

    async def poll(self, external_id: str) -> Running | Finished | Failed:
        """Tell how an accepted job stands; the poll that finds it ready makes the media."""
        accepted = await asyncio.to_thread(self._store.load, external_id)
        if accepted is None:
            return Failed(InvalidRequest(f"the demonstration knows no job {external_id}"))
        if accepted.is_cancelled:
            return Failed(TimedOut("the job was cancelled before it finished"))
        orders, caption = directives.read(accepted.job.prompt)
        if orders.poll_flaky and await asyncio.to_thread(self._store.count, external_id, "polls") <= orders.poll_flaky:
            raise ProviderUnavailable("the demonstration was told to be unavailable for this poll")
        running = self._progress(accepted, orders)
        if running is not None:
            return running
        if orders.fail_later is not None:
            return Failed(directives.failure(orders.fail_later))
        try:
            return await _make(accepted.job, orders, caption)
        except ProviderError as error:
            return Failed(error)

    async def cancel(self, external_id: str) -> None:
        """Mark the job as cancelled: it never finishes."""
        await asyncio.to_thread(self._store.cancel, external_id)

    async def find(self, client_id: str) -> str | None:
        """Return the external id of the job if it was accepted."""
        return await asyncio.to_thread(self._store.find, client_id)

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> str | None:  # noqa: ARG002 - the contract's names
        """The demonstration sends no webhooks."""
        return None

    async def close(self) -> None:
        """Nothing is open."""

    def _refuse(self, job: Job, orders: Directives) -> None:
        """Raise what a vendor would say instead of accepting the job."""
        if not job.prompt.strip() and not job.images and job.kind is not MediaKind.TEXT:
            raise InvalidRequest("neither words nor a picture were given")
        if job.kind is not MediaKind.TEXT:
            render.check(job)
        if orders.fail is not None:
            raise directives.failure(orders.fail)
        if not (orders.flaky or orders.lose_early or orders.limit is not None):
            return
        attempt = self._store.count(job.client_id, "submits")
        if attempt <= orders.flaky:
            raise ProviderUnavailable(f"the demonstration was told to be unavailable: submission {attempt}")
        if attempt <= orders.flaky + orders.lose_early:
            raise Ambiguous("the connection broke before the demonstration accepted the job")
        if orders.limit is not None and attempt == orders.flaky + orders.lose_early + 1:
            raise RateLimited(
                "the demonstration was told to ask for patience", retry_after=timedelta(seconds=orders.limit)
            )

    def _progress(self, accepted: AcceptedJob, orders: Directives) -> Running | None:
        """Return how far an unfinished job is, None if it is finished."""
        seconds, elapsed = _duration(accepted.job, orders), self._clock() - accepted.accepted_at
        if orders.never:
            return Running(min(0.99, elapsed / 60))
        if elapsed >= seconds:
            return None
        left = seconds - elapsed
        return Running(max(0.0, elapsed / seconds), timedelta(seconds=min(2.0, max(0.2, left))))


def _duration(job: Job, orders: Directives) -> float:
    """Return how many seconds the job takes, as the demonstration pretends."""
    if orders.slow is not None:
        return orders.slow
    return VIDEO_SECONDS if job.kind is MediaKind.VIDEO else 0.5 if orders.fail_later else 0.0


async def _make(job: Job, orders: Directives, caption: str) -> Finished:
    """Make the media that are asked for, or the bad ones that are ordered."""
    if orders.none:
        return Finished((), Decimal(0))
    if job.kind is MediaKind.TEXT:
        return Finished((await asyncio.to_thread(describe.text, replace(job, prompt=caption)),), Decimal(0))
    count = render.media_count(job)
    if orders.garbage:
        return Finished((GARBAGE,) * count, Decimal(0))
    if orders.partial:
        count -= 1
    if job.kind is MediaKind.VIDEO:
        return Finished((await render.video(job, caption),) if count else (), Decimal(0))
    pictures = [await asyncio.to_thread(render.picture, job, caption, variant) for variant in range(count)]
    return Finished(tuple(pictures), Decimal(0))

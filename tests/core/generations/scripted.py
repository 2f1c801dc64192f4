"""A provider that answers what a test tells it, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import io
from collections import deque
from collections.abc import Callable, Mapping
from datetime import timedelta

from PIL import Image

from providers.base import Failed, Finished, Job, LookupUnsupported, Media, Running, Submitted
from providers.errors import ProviderError

Answer = Submitted | Finished | ProviderError | BaseException
PollAnswer = Running | Finished | Failed | ProviderError
NOW = timedelta(0)


def picture(colour: str = "red") -> Media:
    """A small PNG."""
    buffer = io.BytesIO()
    Image.new("RGB", (32, 24), colour).save(buffer, "PNG")
    return Media("image/png", data=buffer.getvalue())


class ScriptedProvider:
    """Answers in the order in which the answers were given; without one it finishes with a picture at once."""

    name = "scripted"

    def __init__(self) -> None:
        self.answers: deque[Answer] = deque()
        self.polls: deque[PollAnswer] = deque()
        self.found: str | type[LookupUnsupported] | None = None
        self.jobs: list[Job] = []
        self.polled: list[str] = []
        self.looked_up: list[str] = []
        self.cancelled: list[str] = []
        self.on_submit: Callable[[], None] = lambda: None
        self.gate: asyncio.Event | None = None

    async def submit(self, job: Job) -> Submitted | Finished:
        self.jobs.append(job)
        self.on_submit()
        if self.gate is not None:
            await self.gate.wait()
        answer = self.answers.popleft() if self.answers else Finished((picture(),))
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def poll(self, external_id: str) -> Running | Finished | Failed:
        self.polled.append(external_id)
        answer = self.polls.popleft() if self.polls else Finished((picture(),))
        if isinstance(answer, ProviderError):
            raise answer
        return answer

    async def cancel(self, external_id: str) -> None:
        self.cancelled.append(external_id)

    async def find(self, client_id: str) -> str | None:
        self.looked_up.append(client_id)
        if self.found is LookupUnsupported:
            raise LookupUnsupported
        assert self.found is None or isinstance(self.found, str)
        return self.found

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> str | None:
        return None

    async def close(self) -> None:
        pass

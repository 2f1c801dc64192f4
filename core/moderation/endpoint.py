"""OpenAI's moderation endpoint: how likely a prompt or a picture shows what is not made here.

It is free and answers in a fraction of a second. It takes one picture a request, so that words and pictures are asked
about side by side. When it is away, orders go on without it: the providers look at every order themselves.
"""

from __future__ import annotations

import asyncio
import base64
import io
import time
from collections.abc import Mapping, Sequence
from typing import Final

from PIL import Image
from pydantic import Field

from core.alerts import alert
from core.logs import get_logger
from core.storage import FileNotStored, StoredFile, storage
from providers.base import Json, MediaRole
from providers.errors import AuthFailed, InvalidRequest, ProviderError, ProviderUnavailable, RateLimited
from providers.http import Answer, HttpApi, Reply

logger = get_logger(__name__)

MODEL: Final = "omni-moderation-latest"
BASE_URL: Final = "https://api.openai.com/v1"
TIME_LIMIT: Final = 3.0
"""Seconds that an order waits for all answers together."""

LONGEST_SIDE: Final = 512
MOST_PICTURES: Final = 8
FAILURES_IN_A_ROW: Final = 3
LEFT_ALONE_SECONDS: Final = 30.0
"""Time for which nobody is asked after so many failures, so that a sick service does not slow every order down."""

THRESHOLDS: Final[Mapping[str, tuple[float, str]]] = {
    "sexual/minors": (0.30, "minors"),
    "sexual": (0.92, "sexual"),
    "violence/graphic": (0.97, "violence"),
    "illicit/violent": (0.85, "violence"),
    "self-harm/instructions": (0.70, "self_harm"),
    "self-harm/intent": (0.85, "self_harm"),
    "self-harm": (0.95, "self_harm"),
    "hate/threatening": (0.80, "hate"),
    "harassment/threatening": (0.90, "hate"),
}
"""From which score on a category of OpenAI's is refused, and as what. Categories that are not here are let through:
battles, arguments and art are ordered every day."""


class _Result(Answer):
    scores: dict[str, float | None] = Field(alias="category_scores")


class _Moderation(Answer):
    results: list[_Result] = Field(min_length=1)


class Endpoint:
    """The endpoint with our key."""

    def __init__(self, key: str, *, base_url: str | None = None, time_limit: float = TIME_LIMIT) -> None:
        """`time_limit` is in seconds, for everything that belongs to one order."""
        self._time_limit = time_limit
        self._failures = 0
        self._left_alone_until = 0.0
        self.missed = 0
        """Orders that went on without an answer, since the process started."""
        self._api = HttpApi(
            base_url or BASE_URL,
            classify=_classify,
            headers=lambda: {"Authorization": f"Bearer {key}"},
            secrets=[key],
            timeout=time_limit,
        )

    async def category_of(self, prompt: str, images: Sequence[StoredFile]) -> str | None:
        """Return the category that the words or a picture are refused for, None where none is or nobody answers."""
        if time.monotonic() < self._left_alone_until:
            self.missed += 1
            return None
        questions = [asyncio.create_task(self._look_at_text(prompt))] if prompt.strip() else []
        questions += [asyncio.create_task(self._look_at_picture(image)) for image in _pictures(images)]
        if not questions:
            return None
        try:
            answered, late = await asyncio.wait(questions, timeout=self._time_limit)
        finally:
            for question in questions:
                question.cancel()
        problems = [error for question in answered if (error := question.exception()) is not None]
        await self._count(problems, late=len(late))
        verdicts = [question.result() for question in answered if question.exception() is None]
        return next((verdict for verdict in verdicts if verdict), None)

    async def close(self) -> None:
        """Close connections."""
        await self._api.close()

    async def _look_at_text(self, prompt: str) -> str | None:
        return await self._ask({"type": "text", "text": prompt})

    async def _look_at_picture(self, image: StoredFile) -> str | None:
        try:
            data = await storage().read(image.key)
            small = await asyncio.to_thread(_small, data)
        except (FileNotStored, OSError, ValueError) as error:
            # Whether the file can be used is for the order to find out; here it only cannot be looked at.
            logger.warning("moderation_picture_unreadable", key=image.key, error=type(error).__name__)
            return None
        url = f"data:image/jpeg;base64,{base64.b64encode(small).decode()}"
        return await self._ask({"type": "image_url", "image_url": {"url": url}})

    async def _ask(self, part: dict[str, Json]) -> str | None:
        body = {"model": MODEL, "input": [part]}
        answer = await self._api.ask("/moderations", _Moderation, method="POST", json=body)
        return category_of(answer.results[0].scores)

    async def _count(self, problems: Sequence[BaseException], *, late: int) -> None:
        for problem in problems:
            if not isinstance(problem, ProviderError):
                raise problem
        if not problems and not late:
            self._failures = 0
            return
        self.missed += 1
        self._failures += 1
        codes = sorted({problem.code for problem in problems if isinstance(problem, ProviderError)})
        logger.warning("moderation_away", codes=codes, late=late, missed=self.missed)
        if AuthFailed.code in codes:
            await alert("moderation:auth_failed", "OpenAI refuses our key: orders go on without its moderation.")
        if self._failures >= FAILURES_IN_A_ROW:
            self._left_alone_until = time.monotonic() + LEFT_ALONE_SECONDS
            self._failures = 0


def category_of(scores: Mapping[str, float | None]) -> str | None:
    """Return what scores are refused for: of several categories the first of the table."""
    for name, (threshold, category) in THRESHOLDS.items():
        if (scores.get(name) or 0.0) >= threshold:
            return category
    return None


def _pictures(images: Sequence[StoredFile]) -> list[StoredFile]:
    """Return what can be looked at: the endpoint reads no videos, and a mask shows nothing."""
    shown = [image for image in images if image.mime.startswith("image/") and image.role != MediaRole.MASK]
    return shown[:MOST_PICTURES]


def _small(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as image:
        image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
        image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        buffer = io.BytesIO()
        image.convert("RGB").save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def _classify(reply: Reply) -> ProviderError | None:
    if reply.is_success:
        return None
    if reply.status in {401, 403}:
        return AuthFailed(reply.said)
    if reply.status == 429:
        return RateLimited(reply.said, retry_after=reply.retry_after)
    return InvalidRequest(reply.said) if 400 <= reply.status < 500 else ProviderUnavailable(reply.said)

"""OpenAI's videos (Sora) through the official SDK. OpenAI shut the service down on 24 September 2026.

The adapter is kept for jobs and gateways that still speak it; the catalogue ships its models as retired.
"""

from __future__ import annotations

import asyncio
import re
import warnings
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any, TypeVar

from providers import options
from providers.base import (
    Failed,
    Finished,
    InputMedia,
    Job,
    LookupUnsupported,
    Media,
    MediaKind,
    MediaRole,
    Running,
    Submitted,
)
from providers.errors import InvalidRequest, ProviderUnavailable
from providers.http import Answer, Aside, ExternalId, parse_webhook, without_nothing
from providers.openai.client import OpenAiClient
from providers.openai.failures import given_up

TIMEOUT_SECONDS = 120.0
FIRST_POLL = timedelta(seconds=15)
POLL_AGAIN = timedelta(seconds=10)
LONGEST_PROMPT = 32_000
DURATIONS = (4, 8, 12)
SIZES = {
    ("16:9", "720p"): "1280x720",
    ("9:16", "720p"): "720x1280",
    ("16:9", "1024p"): "1792x1024",
    ("9:16", "1024p"): "1024x1792",
}
OPTIONS = frozenset({"aspect_ratio", "resolution", "duration"})
USD_PER_SECOND = {
    ("sora-2", "720p"): Decimal("0.10"),
    ("sora-2-pro", "720p"): Decimal("0.30"),
    ("sora-2-pro", "1024p"): Decimal("0.50"),
}
"""The last list prices of https://developers.openai.com/api/docs/pricing."""

_SECONDS = re.compile(r"[0-9]{1,4}")

T = TypeVar("T")


class Problem(Answer):
    """Why a video was given up."""

    code: str | None = None
    message: str = ""


class Video(Answer):
    """A job as it stands."""

    id: ExternalId
    status: str
    model: Aside[str] = None
    progress: Aside[float] = None
    seconds: Aside[str] = None
    size: Aside[str] = None
    error: Aside[Problem] = None


class Subject(Answer):
    """What an event speaks of."""

    id: ExternalId


class Event(Answer):
    """A webhook of the account."""

    type: str
    data: Subject


@dataclass(frozen=True, slots=True)
class _Order:
    fields: dict[str, Any]
    picture: InputMedia | None


class SoraProvider:
    """Makes videos with OpenAI's Sora models."""

    name = "sora"

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str | None = None,
        timeout: float = TIMEOUT_SECONDS,
        organization: str | None = None,
        project: str | None = None,
    ) -> None:
        """`timeout` is in seconds and for one call; `base_url` replaces OpenAI's address, ``/v1`` included.

        Raises:
            ValueError: the key cannot be sent in a header.
        """
        self._api = OpenAiClient(
            api_key, base_url=base_url, timeout=timeout, organization=organization, project=project
        )

    async def submit(self, job: Job) -> Submitted | Finished:
        """Hand the job over; videos are never finished at once."""
        order = _order(job)
        fields = order.fields
        if order.picture is not None:
            data = await asyncio.to_thread(_fitted, order.picture, fields["size"])
            fields = {**fields, "input_reference": ("picture.jpg", data, "image/jpeg")}
        fields = {**fields, "extra_headers": {"X-Client-Request-Id": job.client_id}}
        client = await self._api.connect()
        made = await self._api.calls.order(_quietly(lambda: client.videos.create(**fields)), Video)
        return Submitted(made.id, FIRST_POLL)

    async def poll(self, external_id: str) -> Running | Finished | Failed:
        """Ask for the video. The link to its content stays; what it leads to is deleted after `expires_at`."""
        video_id = options.identifier(external_id)
        client = await self._api.connect()
        video = await self._api.calls.look(_quietly(lambda: client.videos.retrieve(video_id)), Video)
        if video is None:
            return Failed(ProviderUnavailable(f"OpenAI knows no video {external_id}"))
        if video.status == "completed":
            return Finished((self._content(video),), _cost(video))
        if video.status == "failed":
            problem = video.error or Problem()
            return Failed(given_up(problem.code, problem.message))
        percent = video.progress or 0
        return Running(min(0.99, percent / 100) if percent > 0 else None, POLL_AGAIN)

    async def cancel(self, external_id: str) -> None:
        """Delete the video, which stops it where it has not begun."""
        video_id = options.identifier(external_id)
        client = await self._api.connect()
        await self._api.calls.tell(_quietly(lambda: client.videos.delete(video_id)))

    async def find(self, client_id: str) -> str | None:
        """Raise `LookupUnsupported`: the list of videos does not hold our ids."""
        raise LookupUnsupported(f"OpenAI cannot tell what became of {client_id}")

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> str | None:  # noqa: ARG002 - the contract's names
        """Return the id of the video that an event of the account speaks of."""
        told = parse_webhook(body, Event)
        return told.data.id if told and told.type.startswith("video.") else None

    async def close(self) -> None:
        """Close connections; a later call opens new ones."""
        await self._api.close()

    def _content(self, video: Video) -> Media:
        """Return the link that `download_content` of the SDK fetches: the service streams it into storage itself."""
        return Media("video/mp4", url=f"{self._api.base_url}/videos/{video.id}/content", headers=self._api.headers())


def _quietly(call: Callable[[], Awaitable[T]]) -> Awaitable[T]:
    """Make a call that the SDK marks deprecated as a whole. Nothing is awaited while warnings are held back."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The Sora API", category=DeprecationWarning)
        return call()


def _order(job: Job) -> _Order:
    """Return what is sent, refusing what the model cannot do."""
    options.need_kind(job, MediaKind.VIDEO)
    options.need_words(job)
    options.only_roles(job, MediaRole.IMAGE, MediaRole.START)
    strangers = sorted(set(job.params) - OPTIONS)
    if strangers:
        raise InvalidRequest(f"{job.model} has no option {', '.join(strangers)}")
    if job.action is not None:
        raise InvalidRequest(f"{job.model} cannot {job.action.kind.value} a video here")
    if len(job.prompt) > LONGEST_PROMPT:
        raise InvalidRequest(f"{job.model} reads {LONGEST_PROMPT} characters, not {len(job.prompt)}")
    start, end = options.start_and_end(job)
    if end is not None:
        raise InvalidRequest(f"{job.model} takes one picture, not {len(job.images)}")
    shape, resolution = options.text(job, "aspect_ratio") or "16:9", options.text(job, "resolution") or "720p"
    duration = options.whole(job, "duration", DURATIONS[0])
    options.one_of("duration", duration, DURATIONS, job.model)
    if (_family(job.model), resolution) not in USD_PER_SECOND or (shape, resolution) not in SIZES:
        raise InvalidRequest(f"{job.model} makes no {shape} in {resolution}")
    return _Order(
        dict(without_nothing(model=job.model, prompt=job.prompt, seconds=str(duration), size=SIZES[shape, resolution])),
        start,
    )


def _family(model: str) -> str:
    """Return a model without the date of its snapshot."""
    return "sora-2-pro" if model.startswith("sora-2-pro") else "sora-2" if model.startswith("sora-2") else model


def _cost(video: Video) -> Decimal | None:
    resolution = next((scale for (_, scale), size in SIZES.items() if size == video.size), "")
    price, seconds = USD_PER_SECOND.get((_family(video.model or ""), resolution)), video.seconds or ""
    return price * int(seconds) if price is not None and _SECONDS.fullmatch(seconds) else None


def _fitted(picture: InputMedia, size: str) -> bytes:
    """Return the picture cut to exactly the size of the video: others are refused."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    width, _, height = size.partition("x")
    try:
        image = Image.open(BytesIO(picture.data)).convert("RGB")
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError):
        raise InvalidRequest("a picture cannot be opened") from None
    buffer = BytesIO()
    ImageOps.fit(image, (int(width), int(height))).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()

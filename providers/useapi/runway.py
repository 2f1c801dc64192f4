"""Runway over UseAPI.net: Gen-4 and Gen-4.5, and Aleph, which edits a video. It cannot find a job by our id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote

from pydantic import AliasChoices, AliasPath, Field, FiniteFloat

from providers import options
from providers.base import (
    Failed,
    Finished,
    InputMedia,
    Job,
    Json,
    LookupUnsupported,
    Media,
    MediaKind,
    MediaRole,
    Running,
    Submitted,
)
from providers.errors import InvalidRequest, ProviderError, ProviderUnavailable
from providers.http import Answer, Aside, ExternalId, parse_webhook, without_nothing
from providers.useapi import client

ALEPH = "gen4-aleph"
FIRST_POLL = timedelta(seconds=15)
POLL_AGAIN = timedelta(seconds=10)
LONGEST_WAIT_FOR_A_SLOT = timedelta(seconds=60)
LONGEST_WORDS = 1000
PICTURES = frozenset({"image/png", "image/jpeg", "image/webp"})
VIDEOS = frozenset({"video/mp4", "video/webm", "video/quicktime"})


@dataclass(frozen=True, slots=True)
class Traits:
    """What a model takes. A model that is not listed is sent what was ordered."""

    durations: frozenset[int]
    needs_image: bool


MODELS: dict[str, Traits] = {
    "gen4": Traits(frozenset({5, 10}), needs_image=True),
    "gen4-turbo": Traits(frozenset({5, 10}), needs_image=True),
    "gen4.5": Traits(frozenset({5, 8, 10}), needs_image=False),
}


class Created(Answer):
    """The answer to an order, and the least of every webhook."""

    task_id: ExternalId = Field(validation_alias=AliasChoices("taskId", AliasPath("task", "taskId")))


class Artifact(Answer):
    """One finished video."""

    url: str = ""


class Task(Answer):
    """A task as it stands. `error` is words or a document, `progressRatio` a number or its text."""

    status: str
    error: object = None
    progress: Aside[float] = Field(default=None, alias="progressRatio")
    starts_in: Aside[FiniteFloat] = Field(default=None, alias="estimatedTimeToStartSeconds")
    artifacts: tuple[Artifact, ...] | None = None


class Asset(Answer):
    """An uploaded file."""

    asset_id: str = Field(alias="assetId", min_length=1)


class UseApiRunwayProvider:
    """Makes and edits videos with a Runway account over UseAPI.net."""

    name = "useapi-runway"

    def __init__(
        self,
        token: str,
        *,
        base_url: str | None = None,
        timeout: float = client.TIMEOUT_SECONDS,
        explore: bool = True,
    ) -> None:
        """`timeout` is in seconds and for one call; `explore` takes the slower mode that costs no credits.

        Raises:
            ValueError: the token is empty or cannot be one.
        """
        self._api = client.connect(token, "/v1/runwayml", base_url, timeout)
        self._explore = explore

    async def submit(self, job: Job) -> Submitted | Finished:
        """Upload the inputs, then hand the job over; videos are never finished at once."""
        _check(job)
        path, body = await (self._edit(job) if job.model == ALEPH else self._film(job))
        body |= without_nothing(exploreMode=self._explore, replyUrl=job.callback_url, replyRef=job.client_id)
        created = await self._api.order(path, Created, hidden=job.callback_url, json=body)
        return Submitted(created.task_id, FIRST_POLL)

    async def poll(self, external_id: str) -> Running | Finished | Failed:
        """Ask for the task. `THROTTLED` is not an error: the task waits for one of our slots."""
        task = await self._api.look(f"/tasks/{quote(options.identifier(external_id), safe='')}", Task)
        if task is None:
            return Failed(ProviderUnavailable(f"Runway knows no task {external_id}"))
        if task.status == "SUCCEEDED":
            media = tuple(Media("video/mp4", url=made.url) for made in task.artifacts or () if made.url)
            return Finished(media) if media else Failed(ProviderUnavailable("finished without a video"))
        if task.status in ("FAILED", "CANCELLED"):
            return Failed(_given_up(f"{task.status}: {task.error or 'no reason'}"))
        return Running(_share(task.progress), _pause(task.starts_in))

    async def cancel(self, external_id: str) -> None:
        """The service offers no way."""

    async def find(self, client_id: str) -> str | None:
        """Raise `LookupUnsupported`: the list of tasks does not hold our ids."""
        raise LookupUnsupported(f"Runway over UseAPI cannot tell what became of {client_id}")

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> str | None:  # noqa: ARG002 - the contract's names
        """Return the id of the task that an unsigned webhook speaks of."""
        told = parse_webhook(body, Created)
        return told.task_id if told else None

    async def close(self) -> None:
        """Close connections; a later call opens new ones."""
        await self._api.close()

    async def _film(self, job: Job) -> tuple[str, dict[str, Json]]:
        start, end = options.start_and_end(job)
        return "/videos/create", without_nothing(
            model=job.model,
            text_prompt=job.prompt or None,
            duration=options.whole(job, "duration"),
            aspect_ratio=options.text(job, "aspect_ratio"),
            seed=options.whole(job, "seed"),
            imageAssetId1=await self._upload(start, job, 1) if start else None,
            imageAssetId2=await self._upload(end, job, 2) if end else None,
        )

    async def _edit(self, job: Job) -> tuple[str, dict[str, Json]]:
        (video,) = options.of_role(job, MediaRole.VIDEO)
        return "/gen4/video", without_nothing(
            video_assetId=await self._upload(video, job, 1),
            text_prompt=job.prompt,
            aspect_ratio=options.text(job, "aspect_ratio"),
            seed=options.whole(job, "seed"),
        )

    async def _upload(self, media: InputMedia, job: Job, number: int) -> str:
        asset = await self._api.ask(
            "/assets/",
            Asset,
            method="POST",
            params={"name": f"{job.client_id}-{number}"},
            content=media.data,
            headers={"Content-Type": media.mime},
        )
        return asset.asset_id


def _check(job: Job) -> None:
    """Refuse what the model cannot do, before anything is uploaded."""
    options.need_kind(job, MediaKind.VIDEO)
    options.need_something(job)
    if job.action is not None:
        raise InvalidRequest(f"Runway over UseAPI cannot {job.action.kind.value} a video")
    if len(job.prompt) > LONGEST_WORDS:
        raise InvalidRequest(f"{job.model} reads {LONGEST_WORDS} characters, not {len(job.prompt)}")
    if job.model == ALEPH:
        _check_edit(job)
        return
    options.only_roles(job, MediaRole.IMAGE, MediaRole.START, MediaRole.END)
    start, end = options.start_and_end(job)
    for media in job.images:
        client.check_file(media, PICTURES)
    traits = MODELS.get(job.model)
    duration = options.whole(job, "duration")
    if traits is not None and traits.needs_image and start is None:
        raise InvalidRequest(f"{job.model} needs a picture to begin with")
    if start is None:
        options.need_words(job)
    if end is not None and start is None:
        raise InvalidRequest(f"{job.model} takes a last frame only after a first one")
    if traits is not None and duration is not None:
        options.one_of("duration", duration, traits.durations, job.model)


def _check_edit(job: Job) -> None:
    options.need_words(job)
    options.only_roles(job, MediaRole.VIDEO)
    if len(job.images) != 1:
        raise InvalidRequest(f"{job.model} edits one video, not {len(job.images)}")
    client.check_file(job.images[0], VIDEOS)


def _given_up(words: str) -> ProviderError:
    return InvalidRequest(words) if "ASSET.INVALID" in words else options.given_up(words)


def _share(progress: float | None) -> float | None:
    return None if progress is None else min(1.0, max(0.0, progress))


def _pause(starts_in: float | None) -> timedelta:
    """Return when to look again: when a slot is promised, if that is soon."""
    if starts_in is None or starts_in <= 0:
        return POLL_AGAIN
    return min(max(timedelta(seconds=min(starts_in, 3600)), POLL_AGAIN), LONGEST_WAIT_FOR_A_SLOT)

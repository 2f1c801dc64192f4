"""Kling over UseAPI.net: the consumer's site, driven with our own account. It cannot find a job by our id."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from pydantic import Field

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

POLL_AGAIN = timedelta(seconds=20)
LONGEST_OMNI_WORDS = 1700
MOST_REFERENCES = 7
SUCCEEDED = "succeed"
UPLOADS = frozenset({"image/png", "image/jpeg", "video/mp4"})
OMNI = {"omni-o1": "o1", "omni-v3": "v3"}
_TAG = re.compile(r"<<<(image|video|element)_(\d)>>>")


@dataclass(frozen=True, slots=True)
class Traits:
    """What a model takes. A model that is not listed is sent what was ordered.

    Attributes:
        takes_mode: False where the site makes only the better quality and refuses the field.
        takes_negative: whether unwanted things can be named.
        end_frame: whether a last frame can be given, in mode `pro`.
        sound: whether it can have sound, in mode `pro`.
    """

    takes_mode: bool = True
    takes_negative: bool = False
    takes_scale: bool = False
    end_frame: bool = True
    sound: bool = False
    needs_image: bool = False


MODELS: dict[str, Traits] = {
    "kling-v1-6": Traits(takes_negative=True, takes_scale=True),
    "kling-v2-1": Traits(takes_negative=True, needs_image=True),
    "kling-v2-1-master": Traits(takes_mode=False, takes_negative=True, end_frame=False),
    "kling-v2-5": Traits(takes_mode=False, end_frame=False),
    "kling-v2-6": Traits(sound=True),
    "kling-v3-0": Traits(sound=True),
}


class Work(Answer):
    """One finished video."""

    class Resource(Answer):
        """Where it lies, with Kling's mark on it."""

        resource: str = ""

    work_id: str = Field(default="", alias="workId")
    resource: Resource | None = None


class TaskId(Answer):
    """The part of a task that is always there."""

    id: ExternalId


class Created(Answer):
    """The answer to an order, and the least of every webhook."""

    task: TaskId


class Task(Answer):
    """A task as it stands. Numbers of `status` other than success are not documented."""

    status_name: str = ""
    status_final: bool = False
    message: Aside[str] = None
    works: tuple[Work, ...] | None = None


class Asset(Answer):
    """An uploaded file. Of a picture the address is in `url`, of a video in `resource_url`."""

    url: str | None = None
    resource_url: str | None = Field(default=None, alias="resourceUrl")


class Master(Answer):
    """The link to a video without a mark."""

    cdn_url: str = Field(alias="cdnUrl", min_length=1)


class UseApiKlingProvider:
    """Makes videos with a Kling account over UseAPI.net."""

    name = "useapi-kling"

    def __init__(self, token: str, *, base_url: str | None = None, timeout: float = client.TIMEOUT_SECONDS) -> None:
        """`timeout` is in seconds and for one call.

        Raises:
            ValueError: the token is empty or cannot be one.
        """
        self._api = client.connect(token, "/v1/kling", base_url, timeout)

    async def submit(self, job: Job) -> Submitted | Finished:
        """Upload the inputs, then hand the job over; videos are never finished at once."""
        _check(job)
        if job.model in OMNI:
            path, body = "/videos/omni", await self._omni(job)
        else:
            path, body = await self._plain(job)
        body |= without_nothing(replyUrl=job.callback_url, replyRef=job.client_id)
        created = await self._api.order(path, Created, hidden=job.callback_url, json=body)
        return Submitted(created.task.id, POLL_AGAIN)

    async def poll(self, external_id: str) -> Running | Finished | Failed:
        """Ask for the task. One that is gone was deleted, refused, or ran out of credit: the service does not say."""
        task = await self._api.look(f"/tasks/{options.identifier(external_id)}", Task)
        if task is None:
            return Failed(ProviderUnavailable(f"Kling knows no task {external_id}: deleted, refused or out of credit"))
        if not task.status_final:
            return Running(None, POLL_AGAIN)
        if task.status_name != SUCCEEDED:
            return Failed(options.given_up(f"{task.status_name}: {task.message or 'no reason'}"))
        links = [link for work in task.works or () if (link := await self._link(work))]
        if not links:
            return Failed(ProviderUnavailable("finished without a video"))
        return Finished(tuple(Media("video/mp4", url=link) for link in links))

    async def cancel(self, external_id: str) -> None:
        """The service offers no way."""

    async def find(self, client_id: str) -> str | None:
        """Raise `LookupUnsupported`: the list of tasks does not hold our ids."""
        raise LookupUnsupported(f"Kling over UseAPI cannot tell what became of {client_id}")

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> str | None:  # noqa: ARG002 - the contract's names
        """Return the id of the task that an unsigned webhook speaks of."""
        told = parse_webhook(body, Created)
        return told.task.id if told else None

    async def close(self) -> None:
        """Close connections; a later call opens new ones."""
        await self._api.close()

    async def _plain(self, job: Job) -> tuple[str, dict[str, Json]]:
        traits = MODELS.get(job.model)
        start, end = options.start_and_end(job)
        sound = options.flag(job, "sound")
        body = without_nothing(
            model_name=job.model,
            prompt=job.prompt or None,
            duration=options.text(job, "duration"),
            mode=options.text(job, "mode") if traits is None or traits.takes_mode else None,
            aspect_ratio=None if start else options.text(job, "aspect_ratio"),
            enable_audio=sound if traits is None or traits.sound else None,
            negative_prompt=options.text(job, "negative_prompt") if traits is None or traits.takes_negative else None,
            cfg_scale=options.number(job, "cfg_scale") if traits is None or traits.takes_scale else None,
        )
        if start is None:
            return "/videos/text2video", body
        body |= without_nothing(image=await self._upload(start), image_tail=await self._upload(end) if end else None)
        return "/videos/image2video-frames", body

    async def _omni(self, job: Job) -> dict[str, Json]:
        """Return the body. The version is always named: left out, it is the newest, at another price."""
        body = without_nothing(
            omni_version=OMNI[job.model],
            prompt=_TAG.sub(r"@\1_\2", job.prompt),
            mode=options.text(job, "mode"),
            duration=options.text(job, "duration"),
            aspect_ratio=options.text(job, "aspect_ratio"),
        )
        numbers = {"image": 0, "video": 0}
        names = {MediaRole.START: "frame_start", MediaRole.END: "frame_end"}
        for media in job.images:
            kind = "video" if media.role is MediaRole.VIDEO else "image"
            if media.role not in names:
                numbers[kind] += 1
            body[names.get(media.role, f"{kind}_{numbers[kind]}")] = await self._upload(media)
        if numbers["video"]:
            body["video_mode"] = options.text(job, "video_mode") or "reference"
        return body

    async def _upload(self, media: InputMedia) -> str:
        headers = {"Content-Type": media.mime}
        asset = await self._api.ask("/assets/", Asset, method="POST", content=media.data, headers=headers)
        link = asset.url or asset.resource_url
        if not link:
            raise ProviderUnavailable("the upload was answered without an address")
        return link

    async def _link(self, work: Work) -> str | None:
        """Return the link to the video without a mark, or to the marked one where there is no other."""
        marked = work.resource.resource if work.resource else ""
        if not work.work_id:
            return marked or None
        params = {"workIds": work.work_id, "fileTypes": "MP4"}
        try:
            return (await self._api.ask("/assets/download", Master, params=params)).cdn_url
        except ProviderError:
            if marked:
                return marked
            raise


def _check(job: Job) -> None:
    """Refuse what the model cannot do, before anything is uploaded."""
    options.need_kind(job, MediaKind.VIDEO)
    options.need_something(job)
    if job.action is not None:
        raise InvalidRequest(f"Kling over UseAPI cannot {job.action.kind.value} a video")
    for media in job.images:
        client.check_file(media, UPLOADS)
    if job.model in OMNI:
        _check_omni(job)
        return
    options.only_roles(job, MediaRole.IMAGE, MediaRole.START, MediaRole.END)
    traits = MODELS.get(job.model, Traits(sound=True))
    start, end = options.start_and_end(job)
    is_pro = not traits.takes_mode or options.text(job, "mode") == "pro"
    if traits.needs_image and start is None:
        raise InvalidRequest(f"{job.model} needs a picture to begin with")
    if start is None:
        options.need_words(job)
    if end is not None and (start is None or not traits.end_frame or not is_pro):
        raise InvalidRequest(f"{job.model} takes a last frame only after a first one and in mode pro, if at all")
    if options.flag(job, "sound") and not (traits.sound and is_pro):
        raise InvalidRequest(f"{job.model} makes sound only in mode pro, if at all")


def _check_omni(job: Job) -> None:
    options.only_roles(job, *(role for role in MediaRole if role is not MediaRole.MASK))
    if len(options.need_words(job)) > LONGEST_OMNI_WORDS:
        raise InvalidRequest(f"{job.model} reads {LONGEST_OMNI_WORDS} characters, not {len(job.prompt)}")
    for role, most in ((MediaRole.START, 1), (MediaRole.END, 1), (MediaRole.VIDEO, 1)):
        if len(options.of_role(job, role)) > most:
            raise InvalidRequest(f"{job.model} takes one {role.value}")
    references = len(options.of_role(job, MediaRole.IMAGE, MediaRole.REFERENCE))
    if references > MOST_REFERENCES:
        raise InvalidRequest(f"{job.model} takes {MOST_REFERENCES} pictures, not {references}")
    if options.flag(job, "sound"):
        raise InvalidRequest(f"{job.model} makes no sound over UseAPI")

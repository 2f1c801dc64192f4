"""Midjourney over UseAPI.net v3: pictures, the buttons under them, and videos.

Its list shows running jobs only, so a lost job is found while it runs and cannot be ruled out later.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import quote, urlsplit

from pydantic import Field

from providers import midjourney, options
from providers.base import (
    Action,
    ActionKind,
    Failed,
    Finished,
    Job,
    Json,
    LookupUnsupported,
    Media,
    MediaKind,
    MediaRole,
    Running,
    Submitted,
)
from providers.errors import ContentBlocked, InvalidRequest, ProviderUnavailable, TimedOut
from providers.http import Answer, Aside, ExternalId, parse_webhook, without_nothing
from providers.useapi import client

POLL_AGAIN = timedelta(seconds=10)
LONGEST_WORDS = 5000
MOST_LOOKED_AT = 30
"""Running jobs that a lookup opens: an account runs a handful at once."""

GUARDED_HOST = "cdn.midjourney.com"
_TYPES = {"png": "image/png", "webp": "image/webp", "mp4": "video/mp4"}


class Link(Answer):
    """One finished picture or video."""

    url: str = ""


class Request(Answer):
    """What we sent."""

    reply_ref: str | None = Field(default=None, alias="replyRef")


class Response(Answer):
    """What Midjourney said so far."""

    content: Aside[str] = None
    progress_percent: Aside[float] = None
    attachments: tuple[Link, ...] | None = None
    buttons: Aside[tuple[str, ...]] = None
    pictures: tuple[Link, ...] | None = Field(default=None, alias="imageUx")
    videos: tuple[Link, ...] | None = Field(default=None, alias="videoUx")
    reply_ref: str | None = Field(default=None, alias="replyRef")


class Created(Answer):
    """The answer to an order, and the least of every webhook."""

    jobid: ExternalId


class MidjourneyJob(Answer):
    """A job as it stands."""

    status: str
    error: object = None
    request: Request | None = None
    response: Response | None = None

    def is_ours(self, client_id: str) -> bool:
        """Say whether the job carries our id, which comes back in one of two places."""
        places = (self.request.reply_ref if self.request else None, self.response.reply_ref if self.response else None)
        return client_id in places

    @property
    def links(self) -> tuple[str, ...]:
        """Addresses of what was made: videos, else single pictures, else the sheet with all of them."""
        made = self.response or Response()
        for group in (made.videos, made.pictures, made.attachments):
            found = tuple(link.url for link in group or () if link.url)
            if found:
                return found
        return ()


class RunningJob(Answer):
    """One line of the list."""

    job_id: str = Field(alias="jobId")


class Channel(Answer):
    """The running jobs of one account."""

    jobs: tuple[RunningJob, ...] = ()


class RunningJobs(Answer):
    """The list of running jobs."""

    channels: dict[str, Channel] = Field(default_factory=dict)


class UseApiMidjourneyProvider:
    """Makes pictures and videos with a Midjourney account over UseAPI.net."""

    name = "useapi-midjourney"

    def __init__(self, token: str, *, base_url: str | None = None, timeout: float = client.TIMEOUT_SECONDS) -> None:
        """`timeout` is in seconds and for one call.

        Raises:
            ValueError: the token is empty or cannot be one.
        """
        self._api = client.connect(token, "/v3/midjourney", base_url, timeout)
        self._headers = {"Authorization": f"Bearer {token}"}

    async def submit(self, job: Job) -> Submitted | Finished:
        """Imagine, or press a button of an earlier job. Streaming is always off: it is on where nobody says so."""
        if job.action is not None:
            path, body = "/jobs/button", await self._button(job, job.action)
        else:
            path, body = "/jobs/imagine", {"prompt": _prompt(job)}
        body |= without_nothing(stream=False, replyUrl=job.callback_url, replyRef=job.client_id)
        created = await self._api.order(path, Created, hidden=job.callback_url, json=body)
        return Submitted(created.jobid, POLL_AGAIN)

    async def poll(self, external_id: str) -> Running | Finished | Failed:
        """Ask for the job. Jobs are kept for two months."""
        made = await self._job(external_id)
        if made is None:
            return Failed(ProviderUnavailable(f"Midjourney knows no job {external_id}"))
        response = made.response or Response()
        # Not `content`: it repeats the user's words, which would be taken for the reason.
        said = f"{made.status}: {made.error or 'no reason'}"
        if made.status == "moderated":
            return Failed(ContentBlocked(said))
        if made.status == "cancelled":
            return Failed(TimedOut(said))
        if made.status == "failed":
            return Failed(options.given_up(said))
        if made.status != "completed":
            percent = response.progress_percent
            return Running(None if percent is None else min(1.0, max(0.0, percent / 100)), POLL_AGAIN)
        if not made.links:
            return Failed(ProviderUnavailable("finished with nothing"))
        return Finished(tuple(self._media(link) for link in made.links), actions=response.buttons or ())

    async def cancel(self, external_id: str) -> None:
        """Ask for the job to be stopped."""
        await self._api.tell("DELETE", _path(external_id))

    async def find(self, client_id: str) -> str | None:
        """Look through the running jobs for the one with our id.

        Raises:
            LookupUnsupported: it is not among them, which a job that has ended would not be either.
        """
        running = await self._api.ask("/jobs", RunningJobs)
        ids = [line.job_id for channel in running.channels.values() for line in channel.jobs]
        for external_id in ids[:MOST_LOOKED_AT]:
            made = await self._job(external_id)
            if made is not None and made.is_ours(client_id):
                return external_id
        raise LookupUnsupported(f"Midjourney lists running jobs only, and {client_id} is not among them")

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> str | None:  # noqa: ARG002 - the contract's names
        """Return the id of the job that an unsigned webhook speaks of."""
        told = parse_webhook(body, Created)
        return told.jobid if told else None

    async def close(self) -> None:
        """Close connections; a later call opens new ones."""
        await self._api.close()

    async def _job(self, external_id: str) -> MidjourneyJob | None:
        return await self._api.look(_path(external_id), MidjourneyJob, absent=(404, 410))

    async def _button(self, job: Job, action: Action) -> dict[str, Json]:
        """Return the body for a button, which must be one of those that the parent offers."""
        label = _label(action)
        parent = await self._job(action.parent)
        offered = (parent.response.buttons if parent and parent.response else None) or ()
        if label not in offered:
            raise InvalidRequest(f"{action.parent} offers no button {label!r}, only {', '.join(offered) or 'none'}")
        words = midjourney.plain_words(job.prompt)
        return without_nothing(jobid=action.parent, button=label, prompt=words or None)

    def _media(self, link: str) -> Media:
        """Return a result. Midjourney's own host turns strangers away; the service fetches from it in our name."""
        address = urlsplit(link)
        mime = _TYPES.get(address.path.rpartition(".")[2].lower(), "image/jpeg")
        if address.hostname != GUARDED_HOST:
            return Media(mime, url=link)
        proxied = f"{self._api.base_url}/proxy/cdn-midjourney?url={quote(link, safe='')}"
        return Media(mime, url=proxied, headers=self._headers)


def _prompt(job: Job) -> str:
    """Return words and flags, with links to the inputs in front."""
    words = midjourney.plain_words(job.prompt)
    if job.kind is MediaKind.VIDEO:
        options.only_roles(job, MediaRole.IMAGE, MediaRole.START, MediaRole.END)
        start, end = options.start_and_end(job)
        if start is None:
            raise InvalidRequest(f"{job.model} makes a video of a picture, and there is none")
        flags = midjourney.video_flags(job, options.link_to(end) if end else None)
        parts = [options.link_to(start), words, *flags]
    else:
        options.only_roles(job, MediaRole.IMAGE, MediaRole.REFERENCE)
        if not words:
            raise InvalidRequest(f"{job.model} needs a description")
        pictures = [options.link_to(image) for image in options.of_role(job, MediaRole.IMAGE)]
        references = [f"--oref {options.link_to(image)}" for image in options.of_role(job, MediaRole.REFERENCE)]
        parts = [*pictures, words, *midjourney.flags(job), *references]
    prompt = " ".join(part for part in parts if part)
    if len(prompt) > LONGEST_WORDS:
        raise InvalidRequest(f"{job.model} reads {LONGEST_WORDS} characters, not {len(prompt)}")
    return prompt


def _label(action: Action) -> str:
    if action.kind is ActionKind.BUTTON and action.button:
        return action.button
    letters = {ActionKind.UPSCALE: "U", ActionKind.VARY: "V"}
    if action.kind not in letters:
        raise InvalidRequest(f"Midjourney has no button for {action.kind.value}; press one that the job offers")
    return f"{letters[action.kind]}{action.number}"


def _path(external_id: str) -> str:
    return f"/jobs/{quote(options.identifier(external_id), safe='')}"

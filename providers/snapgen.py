"""SnapGen, once GeminiGen: a reseller of Veo and Gemini pictures. Optional, paid in credits, without a promise.

An order is charged and cannot be repeated safely, so whatever is not a clear refusal counts as a lost answer. There is
no id of ours to find it by: the list of jobs holds only words, which two jobs may share.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from pydantic import Field

from providers import options
from providers.base import (
    ActionKind,
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
from providers.errors import (
    Ambiguous,
    AuthFailed,
    ContentBlocked,
    InvalidRequest,
    ModelRetired,
    ProviderError,
    ProviderUnavailable,
    QuotaExhausted,
    RateLimited,
)
from providers.http import Answer, Aside, ExternalId, HttpApi, Reply, Units, parse_webhook

BASE_URL = "https://api.snapgen.ai"
SECTION = "/uapi/v1"
TIMEOUT_SECONDS = 120.0
POLL_AGAIN = timedelta(seconds=12)
VIDEO_SECONDS = 8
ONE_SIZE = "1K"
MOST_FRAMES = 2
MOST_REFERENCES = 3
DONE, FAILED, REFUSED = 2, 3, -2
VIDEOS = ("veo-", "omni-")
PICTURES = ("nano-banana", "imagen-")
CODES: Mapping[str, type[ProviderError]] = {
    "API_KEY_REQUIRED": AuthFailed,
    "API_KEY_NOT_FOUND": AuthFailed,
    "FORBIDDEN": AuthFailed,
    "NOT_ENOUGH_CREDIT": QuotaExhausted,
    "NOT_ENOUGH_AND_LOCK_CREDIT": QuotaExhausted,
    "GEMINI_RAI_MEDIA_FILTERED": ContentBlocked,
    "SYSTEM_ERROR": Ambiguous,
}
STATUSES: Mapping[int, type[ProviderError]] = {
    401: AuthFailed,
    402: QuotaExhausted,
    403: AuthFailed,
    404: ModelRetired,
}

Fields = list[tuple[str, tuple[str | None, bytes, str | None]]]


class Created(Answer):
    """The answer to an order."""

    uuid: ExternalId


class Event(Answer):
    """A webhook. Its own `uuid` is that of the event; the job's is inside."""

    data: Created


class Picture(Answer):
    """One finished picture or video: a link to save it, and one to show it."""

    download: str | None = Field(default=None, alias="file_download_url")
    video: str | None = Field(default=None, alias="video_url")
    image: str | None = Field(default=None, alias="image_url")


class History(Answer):
    """A job as it stands."""

    status: int
    status_percentage: Aside[float] = None
    error_code: Aside[str] = None
    error_message: Aside[str] = None
    used_credit: Aside[Units] = None
    generated_video: tuple[Picture, ...] | None = None
    generated_image: tuple[Picture, ...] | None = None

    @property
    def media(self) -> tuple[Media, ...]:
        """What was made."""
        videos = [Media("video/mp4", url=link) for made in self.generated_video or () if (link := _link(made))]
        pictures = [Media("image/png", url=link) for made in self.generated_image or () if (link := _link(made))]
        return (*videos, *pictures)


class Complaint(Answer):
    """Why an order was refused."""

    error_code: str = ""


class Refusal(Answer):
    """The envelope of a complaint; of a malformed request the detail is a list."""

    detail: Complaint


class SnapGenProvider:
    """Makes videos and pictures with SnapGen."""

    name = "snapgen"

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str | None = None,
        timeout: float = TIMEOUT_SECONDS,
        usd_per_credit: Decimal | None = None,
    ) -> None:
        """`timeout` is in seconds and for one call. Without `usd_per_credit` no cost is told: packs differ in price.

        Raises:
            ValueError: the key is empty or cannot be one.
        """
        address = (base_url or BASE_URL).rstrip("/").removesuffix(SECTION)
        self._api = HttpApi(
            f"{address}{SECTION}",
            classify=failure,
            headers=lambda: {"x-api-key": api_key},
            secrets=[api_key],
            timeout=timeout,
        )
        self._usd_per_credit = usd_per_credit

    async def submit(self, job: Job) -> Submitted | Finished:
        """Hand the job over as a form; nothing is finished at once."""
        path, fields = _order(job)
        created = await self._api.order(path, Created, files=fields)
        return Submitted(created.uuid, POLL_AGAIN)

    async def poll(self, external_id: str) -> Running | Finished | Failed:
        """Ask for the job."""
        job = await self._api.look(f"/history/{options.identifier(external_id)}", History)
        if job is None:
            return Failed(ProviderUnavailable(f"SnapGen knows no job {external_id}"))
        if job.status in (FAILED, REFUSED):
            return Failed(_given_up(job))
        if job.status != DONE:
            percent = job.status_percentage
            return Running(None if percent is None else min(1.0, max(0.0, percent / 100)), POLL_AGAIN)
        if not job.media:
            return Failed(ProviderUnavailable("finished with nothing"))
        return Finished(job.media, self._cost(job.used_credit))

    async def cancel(self, external_id: str) -> None:
        """SnapGen offers no way."""

    async def find(self, client_id: str) -> str | None:
        """Raise `LookupUnsupported`: SnapGen knows no ids of ours."""
        raise LookupUnsupported(f"SnapGen cannot tell what became of {client_id}")

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> str | None:  # noqa: ARG002 - the contract's names
        """Return the id of the job that a webhook speaks of, and nothing else of it.

        Its signature covers the id of the event only: who has seen one can send it again with any other content, so
        that checking it would prove nothing of the job. The links in it are never followed.
        """
        told = parse_webhook(body, Event)
        return told.data.uuid if told else None

    async def close(self) -> None:
        """Close connections; a later call opens new ones."""
        await self._api.close()

    def _cost(self, credits_used: Decimal | None) -> Decimal | None:
        if self._usd_per_credit is None or credits_used is None:
            return None
        return credits_used * self._usd_per_credit


def failure(reply: Reply) -> ProviderError | None:
    """Return the failure that a reply stands for. A broken server may have taken the order before it broke."""
    refusal = reply.try_to_read(Refusal)
    code = refusal.detail.error_code if refusal else ""
    if reply.is_success and not code:
        return None
    if reply.status == 429 or code.endswith(("RATE_LIMIT", "RATE_LIMIT_ERROR")):
        return RateLimited(reply.said, retry_after=reply.retry_after)
    if code in CODES:
        return CODES[code](reply.said)
    if reply.status in STATUSES:
        return STATUSES[reply.status](reply.said)
    if 400 <= reply.status < 500:
        return ContentBlocked(reply.said) if options.refused(reply.said) else InvalidRequest(reply.said)
    return Ambiguous(reply.said)


def _order(job: Job) -> tuple[str, Fields]:
    """Return path and form of a job."""
    options.need_something(job)
    if job.action is not None:
        if job.action.kind is not ActionKind.EXTEND:
            raise InvalidRequest(f"SnapGen can extend a video, not {job.action.kind.value} it")
        parent = options.identifier(job.action.parent)
        return "/video-extend/veo", _form(prompt=options.need_words(job), ref_history=parent)
    if job.model.startswith(VIDEOS):
        return "/video-gen/veo", _video(job)
    if job.model.startswith(PICTURES):
        return "/generate_image", _picture(job)
    raise InvalidRequest(f"SnapGen is not used for {job.model}")


def _video(job: Job) -> Fields:
    """Return the form of a video. Its length is fixed, so another one must not be sold."""
    options.need_kind(job, MediaKind.VIDEO)
    options.only_roles(job, MediaRole.IMAGE, MediaRole.START, MediaRole.END, MediaRole.REFERENCE)
    if options.whole(job, "duration", VIDEO_SECONDS) != VIDEO_SECONDS:
        raise InvalidRequest(f"{job.model} makes {VIDEO_SECONDS} seconds")
    references = options.of_role(job, MediaRole.REFERENCE)
    if references and (len(references) > MOST_REFERENCES or len(references) != len(job.images)):
        raise InvalidRequest(f"{job.model} takes {MOST_REFERENCES} references, or {MOST_FRAMES} frames, never both")
    start, end = (None, None) if references else options.start_and_end(job)
    if start is None and end is not None:
        raise InvalidRequest(f"{job.model} takes a last frame only after a first one")
    mode = "ingredient" if references else "frame" if start else None
    frames = [frame for frame in (start, end) if frame is not None]
    return [
        *_form(
            prompt=options.need_words(job),
            model=job.model,
            resolution=options.text(job, "resolution"),
            aspect_ratio=options.text(job, "aspect_ratio"),
            mode_image=mode,
        ),
        *_files("ref_images", references or tuple(frames)),
    ]


def _picture(job: Job) -> Fields:
    options.need_kind(job, MediaKind.IMAGE)
    options.only_roles(job, MediaRole.IMAGE, MediaRole.REFERENCE)
    if options.whole(job, "quantity", 1) != 1:
        raise InvalidRequest(f"{job.model} makes one picture an order at SnapGen")
    # The size cannot be chosen there; a larger one that was paid for would come out small.
    options.one_of("image_size", options.text(job, "image_size") or ONE_SIZE, {ONE_SIZE}, job.model)
    form = _form(prompt=options.need_words(job), model=job.model, aspect_ratio=options.text(job, "aspect_ratio"))
    return [*form, *_files("files", job.images)]


def _form(**fields: str | None) -> Fields:
    """Return plain fields as parts of a form: without a file httpx would send them in another way."""
    return [(name, (None, value.encode(), None)) for name, value in fields.items() if value is not None]


def _files(name: str, files: tuple[InputMedia, ...]) -> Fields:
    return [
        (name, (f"{number}.{media.mime.rpartition('/')[2]}", media.data, media.mime))
        for number, media in enumerate(files)
    ]


def _given_up(job: History) -> ProviderError:
    said = f"{job.error_code or job.status}: {job.error_message or 'no reason'}"
    if job.status == REFUSED or CODES.get(job.error_code or "") is ContentBlocked:
        return ContentBlocked(said)
    return options.given_up(said)


def _link(made: Picture) -> str | None:
    return made.download or made.video or made.image

"""Runway's own API through its SDK: Gen-4 Turbo, Gen-4.5, and Aleph 2, which edits a video. It keeps no ids of ours."""

from __future__ import annotations

import base64
import re
from collections.abc import Awaitable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pydantic import AliasChoices, Field

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
from providers.http import LOST_ON_THE_WAY, Answer, Aside, ExternalId, Reply, Units, without_nothing
from providers.sdk import Sdk, limits

if TYPE_CHECKING:
    from runwayml import AsyncRunwayML

BASE_URL = "https://api.dev.runwayml.com"
TIMEOUT_SECONDS = 120.0
FIRST_POLL = timedelta(seconds=15)
POLL_AGAIN = timedelta(seconds=10)
"""Runway asks for no more than a look in five seconds; a video takes a minute."""

USD_PER_CREDIT = Decimal("0.01")
LONGEST_WORDS = 1000
LONGEST_SEED = 4_294_967_295
DURATIONS = range(2, 11)
USUAL_DURATION = 5
ALEPH = "aleph2"
RETIRED = frozenset({"gen3a_turbo", "gen4", "gen4_aleph"})
RATIOS = {
    "16:9": "1280:720",
    "9:16": "720:1280",
    "4:3": "1104:832",
    "3:4": "832:1104",
    "1:1": "960:960",
    "21:9": "1584:672",
}
WITHOUT_PICTURE = ("16:9", "9:16")
"""The ratios of Gen-4.5 from words alone; Gen-4 Turbo always needs a picture."""

TARGETS = ("16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "21:9")
PICTURES = frozenset({"image/png", "image/jpeg", "image/webp"})
VIDEOS = {"video/mp4": "mp4", "video/webm": "webm", "video/quicktime": "mov"}
LARGEST_BY_LINK = {"image": 16 * 1024 * 1024, "video": 32 * 1024 * 1024}
LONGEST_DATA_URI = 5 * 1024 * 1024
OPTIONS = frozenset({"aspect_ratio", "duration", "seed", "moderation"})

_OUT_OF_MONEY = re.compile(r"\bcredits?\b|\bbilling\b|\bpayment\b", re.IGNORECASE)
_DAILY = re.compile(r"\bdaily\b|per day|\bmonthly\b|24.?h", re.IGNORECASE)
_NO_MODEL = re.compile(r"\bmodel\b.*(?:not (?:available|found|supported)|deprecated|no longer)", re.IGNORECASE)


class Cost(Answer):
    """What a task cost us, in credits."""

    credits: Units = Decimal(0)


class Created(Answer):
    """The answer to an order."""

    id: ExternalId


class Task(Answer):
    """A task as it stands."""

    status: str
    progress: Aside[float] = None
    output: tuple[str, ...] | None = None
    failure: Aside[str] = None
    failure_code: str | None = Field(default=None, validation_alias=AliasChoices("failureCode", "failure_code"))
    cost: Aside[Cost] = None


class Refusal(Answer):
    """The document of an error."""

    error: str = ""


class RunwayProvider:
    """Makes and edits videos with Runway's API."""

    name = "runway"

    def __init__(self, api_key: str, *, base_url: str | None = None, timeout: float = TIMEOUT_SECONDS) -> None:
        """`timeout` is in seconds and for one call; `base_url` replaces Runway's address.

        Raises:
            ValueError: the key cannot be sent in a header.
        """
        self._calls = Sdk("runwayml", "httpx", classify=classify, secrets=[api_key], timeout=timeout)
        self._api_key = api_key
        self._base_url = (base_url or BASE_URL).rstrip("/")
        self._timeout = timeout
        self._client: AsyncRunwayML | None = None

    async def submit(self, job: Job) -> Submitted | Finished:
        """Upload the inputs where needed, then hand the job over; videos are never finished at once."""
        _check(job)
        client = await self._connect()
        call = await (self._edit(client, job) if job.model == ALEPH else self._film(client, job))
        created = await self._calls.order(call, Created)
        return Submitted(created.id, FIRST_POLL)

    async def poll(self, external_id: str) -> Running | Finished | Failed:
        """Ask for the task. `THROTTLED` is not an error: the task waits for one of our slots."""
        task_id = options.identifier(external_id)
        client = await self._connect()
        task = await self._calls.look(client.tasks.with_raw_response.retrieve(task_id), Task)
        if task is None:
            return Failed(ProviderUnavailable(f"Runway knows no task {external_id}"))
        if task.status == "SUCCEEDED":
            # The links live for a day or two; another look makes fresh ones.
            media = tuple(Media("video/mp4", url=link) for link in task.output or () if link)
            return Finished(media, _cost(task)) if media else Failed(ProviderUnavailable("finished without a video"))
        if task.status in ("FAILED", "CANCELLED"):
            return Failed(given_up(task.failure_code, task.failure or task.status))
        return Running(_share(task), POLL_AGAIN)

    async def cancel(self, external_id: str) -> None:
        """Delete the task. What is running already is paid for."""
        task_id = options.identifier(external_id)
        client = await self._connect()
        await self._calls.tell(client.tasks.delete(task_id))

    async def find(self, client_id: str) -> str | None:
        """Raise `LookupUnsupported`: Runway lists no tasks."""
        raise LookupUnsupported(f"Runway cannot tell what became of {client_id}")

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> str | None:  # noqa: ARG002 - the contract's names
        """Runway sends no webhooks."""
        return None

    async def close(self) -> None:
        """Close connections; a later call opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _film(self, client: AsyncRunwayML, job: Job) -> Awaitable[object]:
        start, _ = options.start_and_end(job)
        fields = _fields(job, duration=options.whole(job, "duration", USUAL_DURATION), ratio=RATIOS[_shape(job)])
        if start is None:
            return client.text_to_video.with_raw_response.create(**fields)
        picture = {"uri": await self._address(client, start), "position": "first"}
        return client.image_to_video.with_raw_response.create(prompt_image=[picture], **fields)

    async def _edit(self, client: AsyncRunwayML, job: Job) -> Awaitable[object]:
        (video,) = options.of_role(job, MediaRole.VIDEO)
        start, end = options.start_and_end(job)
        frames: list[Json] = [
            {"uri": await self._address(client, frame), "at": at}
            for frame, at in ((start, 0.0), (end, 1.0))
            if frame is not None
        ]
        fields = _fields(job, keyframes=frames or None, target_aspect_ratio=options.text(job, "aspect_ratio"))
        return client.video_to_video.with_raw_response.create(video_uri=await self._address(client, video), **fields)

    async def _address(self, client: AsyncRunwayML, media: InputMedia) -> str:
        """Return where Runway takes an input from: our link, the input itself, or an upload that lives for a day."""
        kind = media.mime.partition("/")[0]
        if media.url and media.url.startswith("https://") and len(media.data) <= LARGEST_BY_LINK[kind]:
            return media.url
        head = f"data:{media.mime};base64,"
        if len(head) + (len(media.data) + 2) // 3 * 4 <= LONGEST_DATA_URI:
            return head + base64.b64encode(media.data).decode()
        file = (f"input.{VIDEOS.get(media.mime, kind)}", media.data, media.mime)
        return (await self._calls.ask(_uploaded(client, file), _Uploaded)).uri

    async def _connect(self) -> AsyncRunwayML:
        """Return the SDK's client, made on the first call."""
        if self._client is None:
            sdk, transport = await self._calls.load()
            if self._client is None:
                self._client = sdk.AsyncRunwayML(
                    api_key=self._api_key,
                    base_url=self._base_url,
                    # An order that was repeated after a broken connection would be paid for twice.
                    max_retries=0,
                    http_client=transport.AsyncClient(**limits(transport, self._timeout)),
                )
        assert self._client is not None
        return self._client


class _Uploaded(Answer):
    uri: str = Field(pattern="^runway://")


async def _uploaded(client: AsyncRunwayML, file: tuple[str, bytes, str]) -> object:
    from runwayml import APIStatusError

    try:
        return await client.uploads.create_ephemeral(file=file)
    except APIStatusError as error:
        if not error.message.startswith("Upload failed"):
            raise
        # It is the bucket behind Runway that refused, which knows nothing of our key.
        raise ProviderUnavailable(f"{error.message}: {error.response.text[:500]}") from None
    except (AttributeError, TypeError) as error:
        # The SDK takes what it is told for a form without looking whether it is one.
        raise ProviderUnavailable(f"the place for an upload cannot be read: {error}") from None


def classify(reply: Reply) -> ProviderError | None:
    """Return the failure that an answer stands for, None for success."""
    if reply.is_success:
        return None
    document = reply.try_to_read(Refusal)
    words = document.error if document else ""
    if reply.status == 429:
        # Tasks beyond our slots wait as THROTTLED; what is refused is too many requests, or the day's allowance.
        return QuotaExhausted(reply.said) if _DAILY.search(words) else _busy(reply)
    if reply.status == 402 or (reply.status in (400, 403) and _OUT_OF_MONEY.search(words)):
        return QuotaExhausted(reply.said)
    if reply.status in (401, 403):
        return AuthFailed(reply.said)
    if reply.status in LOST_ON_THE_WAY:
        return Ambiguous(reply.said)
    if not 400 <= reply.status < 500:
        return ProviderUnavailable(reply.said)
    if _NO_MODEL.search(words):
        return ModelRetired(reply.said)
    return ContentBlocked(reply.said) if options.refused(words) else InvalidRequest(reply.said)


def given_up(code: str | None, words: str) -> ProviderError:
    """Return why an accepted task was given up: https://docs.dev.runwayml.com/errors/task-failures/."""
    said = f"{code or 'no code'}: {words}"
    if code is None:
        return options.given_up(said)
    if code.startswith(("SAFETY", "INPUT_PREPROCESSING.SAFETY")):
        return ContentBlocked(said)
    # INTERNAL, INTERNAL.BAD_OUTPUT, INPUT_PREPROCESSING.INTERNAL, THIRD_PARTY, and what is to come: nobody's doing.
    return InvalidRequest(said) if code.startswith("ASSET") else ProviderUnavailable(said)


def _busy(reply: Reply) -> RateLimited:
    return RateLimited(reply.said, retry_after=reply.retry_after)


def _check(job: Job) -> None:
    """Refuse what the model cannot do, before anything is uploaded."""
    options.need_kind(job, MediaKind.VIDEO)
    options.need_something(job)
    if job.model in RETIRED:
        raise ModelRetired(f"Runway's API takes no orders for {job.model} any more")
    if job.model not in (ALEPH, "gen4_turbo", "gen4.5"):
        raise InvalidRequest(f"{job.model} is no model of Runway that makes videos here")
    if job.action is not None:
        raise InvalidRequest(f"Runway cannot {job.action.kind.value} a video")
    strangers = sorted(set(job.params) - OPTIONS)
    if strangers:
        raise InvalidRequest(f"{job.model} has no option {', '.join(strangers)}")
    words = len(job.prompt.encode("utf-16-le")) // 2
    if words > LONGEST_WORDS:
        raise InvalidRequest(f"{job.model} reads {LONGEST_WORDS} units of UTF-16, not {words}")
    seed = options.whole(job, "seed")
    if seed is not None and not 0 <= seed <= LONGEST_SEED:
        raise InvalidRequest(f"seed {seed} is not from 0 to {LONGEST_SEED}")
    options.one_of("moderation", options.text(job, "moderation") or "auto", ("auto", "low"), job.model)
    _check_edit(job) if job.model == ALEPH else _check_film(job)


def _check_film(job: Job) -> None:
    options.only_roles(job, MediaRole.IMAGE, MediaRole.START)
    start, end = options.start_and_end(job)
    if end is not None:
        raise InvalidRequest(f"{job.model} takes no last frame")
    if start is None and job.model == "gen4_turbo":
        raise InvalidRequest(f"{job.model} needs a picture to begin with")
    if job.model == "gen4.5":
        options.need_words(job)
    for media in job.images:
        options.one_of("picture", media.mime, PICTURES, job.model)
    options.one_of("duration", options.whole(job, "duration", USUAL_DURATION), DURATIONS, job.model)
    options.one_of("aspect_ratio", _shape(job), RATIOS if start else WITHOUT_PICTURE, job.model)


def _check_edit(job: Job) -> None:
    options.only_roles(job, MediaRole.VIDEO, MediaRole.IMAGE, MediaRole.START, MediaRole.END)
    videos = options.of_role(job, MediaRole.VIDEO)
    if len(videos) != 1 or "duration" in job.params:
        raise InvalidRequest(f"{job.model} edits one video, as long as it is, not {len(videos)}")
    options.one_of("video", videos[0].mime, VIDEOS, job.model)
    for frame in options.start_and_end(job):
        if frame is not None:
            options.one_of("picture", frame.mime, PICTURES, job.model)
    shape = options.text(job, "aspect_ratio")
    if shape is not None:
        options.one_of("aspect_ratio", shape, TARGETS, job.model)


def _fields(job: Job, **more: Json) -> dict[str, Any]:
    """Return what all orders have in common, under the SDK's names."""
    moderation = options.text(job, "moderation")
    return dict(
        without_nothing(
            model=job.model,
            prompt_text=job.prompt if job.prompt.strip() else None,
            seed=options.whole(job, "seed"),
            content_moderation={"publicFigureThreshold": moderation} if moderation else None,
            **more,
        )
    )


def _shape(job: Job) -> str:
    return options.text(job, "aspect_ratio") or "16:9"


def _share(task: Task) -> float | None:
    if task.status != "RUNNING" or task.progress is None:
        return None
    return min(0.99, max(0.01, task.progress))


def _cost(task: Task) -> Decimal | None:
    return task.cost.credits * USD_PER_CREDIT if task.cost else None

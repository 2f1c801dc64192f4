"""Midjourney over KIE.AI: pictures, videos of pictures, upscales and variations by number.

Every answer comes with status 200 and a code of its own in the body. It cannot find a job by our id.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlsplit

from pydantic import Field, field_validator

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
from providers.http import (
    LOST_ON_THE_WAY,
    TIMEOUT_SECONDS,
    Answer,
    ExternalId,
    HttpApi,
    Reply,
    parse_webhook,
    without_nothing,
)

BASE_URL = "https://api.kie.ai"
POLL_AGAIN = timedelta(seconds=10)
LONGEST_WORDS = 2000
BATCHES = frozenset({1, 2, 4})
MOST_NUMBER = 4
DONE, FAILURES = 1, frozenset({2, 3})
_TYPES = {"png": "image/png", "webp": "image/webp", "mp4": "video/mp4"}
_CODES: Mapping[int, type[ProviderError]] = {
    401: AuthFailed,
    402: QuotaExhausted,
    403: AuthFailed,
    455: ProviderUnavailable,
    505: ModelRetired,
}


class TaskId(Answer):
    """The part of a task that is always there."""

    task_id: ExternalId = Field(alias="taskId")


class Created(Answer):
    """The answer to an order, and the least of every webhook."""

    data: TaskId


class Result(Answer):
    """One finished file."""

    url: str = Field(default="", alias="resultUrl")


class Results(Answer):
    """All finished files."""

    urls: tuple[Result, ...] | None = Field(default=None, alias="resultUrls")


class Task(Answer):
    """A task as it stands."""

    success: int | None = Field(default=None, alias="successFlag")
    results: Results | None = Field(default=None, alias="resultInfoJson")
    error_code: str | None = Field(default=None, alias="errorCode")
    error: str | None = Field(default=None, alias="errorMessage")

    @field_validator("results", mode="before")
    @classmethod
    def _unpack(cls, value: object) -> object:
        """Read results that come as text, as the name of the field promises and the documents do not."""
        try:
            return json.loads(value or "null") if isinstance(value, str) else value
        except RecursionError:
            raise ValueError("lists in lists without an end") from None

    @property
    def links(self) -> tuple[str, ...]:
        """Addresses of what was made."""
        made = self.results.urls if self.results else None
        return tuple(result.url for result in made or () if result.url)


class TaskAnswer(Answer):
    """The envelope of a look at a task."""

    data: Task | None = None


class Envelope(Answer):
    """The code that every answer has."""

    code: int
    msg: str | None = None


class KieProvider:
    """Makes pictures and videos with Midjourney over KIE.AI."""

    name = "kie"

    def __init__(self, api_key: str, *, base_url: str | None = None, timeout: float = TIMEOUT_SECONDS) -> None:
        """`timeout` is in seconds and for one call.

        Raises:
            ValueError: the key is empty or cannot be one.
        """
        self._api = HttpApi(
            f"{(base_url or BASE_URL).rstrip('/')}/api/v1/mj",
            classify=failure,
            headers=lambda: {"Authorization": f"Bearer {api_key}"},
            secrets=[api_key],
            timeout=timeout,
        )

    async def submit(self, job: Job) -> Submitted | Finished:
        """Hand the job over; nothing is finished at once."""
        path, body = _action(job.action) if job.action else ("/generate", _generation(job))
        body |= without_nothing(callBackUrl=job.callback_url)
        created = await self._api.order(path, Created, hidden=job.callback_url, json=body)
        return Submitted(created.data.task_id, POLL_AGAIN)

    async def poll(self, external_id: str) -> Running | Finished | Failed:
        """Ask for the task. KIE tells no progress."""
        params = {"taskId": options.identifier(external_id)}
        try:
            task = (await self._api.ask("/record-info", TaskAnswer, params=params)).data
        except InvalidRequest as error:
            # The id is all that was asked with, so this is about the id.
            return Failed(ProviderUnavailable(error.detail))
        if task is None:
            return Failed(ProviderUnavailable(f"KIE knows no task {external_id}"))
        if task.success in FAILURES:
            return Failed(options.given_up(f"{task.error_code or ''} {task.error or 'no reason'}".strip()))
        if task.success != DONE:
            return Running(None, POLL_AGAIN)
        if not task.links:
            return Failed(ProviderUnavailable("finished with nothing"))
        return Finished(tuple(Media(_type(link), url=link) for link in task.links))

    async def cancel(self, external_id: str) -> None:
        """KIE offers no way."""

    async def find(self, client_id: str) -> str | None:
        """Raise `LookupUnsupported`: KIE knows no ids of ours."""
        raise LookupUnsupported(f"KIE cannot tell what became of {client_id}")

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> str | None:  # noqa: ARG002 - the contract's names
        """Return the id of the task that an unsigned webhook speaks of."""
        told = parse_webhook(body, Created)
        return told.data.task_id if told else None

    async def close(self) -> None:
        """Close connections; a later call opens new ones."""
        await self._api.close()


def failure(reply: Reply) -> ProviderError | None:
    """Return the failure that a reply stands for: by the code in the body, by the status where there is none."""
    envelope = reply.try_to_read(Envelope)
    code = envelope.code if envelope and (reply.is_success or 400 <= envelope.code < 600) else reply.status
    if reply.is_success and (envelope is None or envelope.code == 200):
        return None
    if code in _CODES:
        return _CODES[code](reply.said)
    if code == 429:
        return RateLimited(reply.said, retry_after=reply.retry_after)
    if code in LOST_ON_THE_WAY:
        return Ambiguous(reply.said)
    if options.refused(reply.said):
        return ContentBlocked(reply.said)
    return InvalidRequest(reply.said) if 400 <= code < 500 else ProviderUnavailable(reply.said)


def _generation(job: Job) -> dict[str, Json]:
    """Return the body of a picture or a video."""
    words = midjourney.plain_words(job.prompt)
    if len(words) > LONGEST_WORDS:
        raise InvalidRequest(f"{job.model} reads {LONGEST_WORDS} characters, not {len(words)}")
    options.only_roles(job, MediaRole.IMAGE, MediaRole.START)
    links: list[Json] = [options.link_to(image) for image in job.images]
    body = without_nothing(
        prompt=words or None,
        aspectRatio=options.text(job, "aspect_ratio"),
        version=midjourney.version(job),
        fileUrls=links or None,
        # Midjourney reads English; words in another language are translated on the way.
        enableTranslation=None if words.isascii() else True,
    )
    return body | (_video(job) if job.kind is MediaKind.VIDEO else _picture(job, words))


def _picture(job: Job, words: str) -> dict[str, Json]:
    if not words:
        raise InvalidRequest(f"{job.model} needs a description")
    return without_nothing(
        taskType="mj_img2img" if job.images else "mj_txt2img",
        speed=midjourney.speed(job),
        stylization=midjourney.amount(job, "stylization", 1000),
        weirdness=midjourney.amount(job, "weirdness", 3000),
        variety=midjourney.amount(job, "variety", 100),
    )


def _video(job: Job) -> dict[str, Json]:
    if len(job.images) != 1:
        raise InvalidRequest(f"{job.model} makes a video of one picture, not of {len(job.images)}")
    count = options.whole(job, "quantity", 1)
    options.one_of("quantity", count, BATCHES, job.model)
    return {"taskType": "mj_video", "motion": midjourney.motion(job), "videoBatchSize": count}


def _action(action: Action) -> tuple[str, dict[str, Json]]:
    """Return path and body of what is made from one of the four pictures of a task."""
    paths = {ActionKind.UPSCALE: "/generateUpscale", ActionKind.VARY: "/generateVary"}
    if action.kind not in paths:
        raise InvalidRequest(f"Midjourney over KIE cannot {action.kind.value}")
    if not 1 <= action.number <= MOST_NUMBER:
        raise InvalidRequest(f"a task has {MOST_NUMBER} pictures; there is no {action.number}")
    return paths[action.kind], {"taskId": options.identifier(action.parent), "imageIndex": action.number - 1}


def _type(link: str) -> str:
    return _TYPES.get(urlsplit(link).path.rpartition(".")[2].lower(), "image/jpeg")

"""What Kling answers: tasks, and refusals with a code that tells more than the status."""

from __future__ import annotations

from datetime import timedelta

from providers.errors import (
    AuthFailed,
    ContentBlocked,
    InvalidRequest,
    ModelRetired,
    ProviderError,
    ProviderUnavailable,
    QuotaExhausted,
    RateLimited,
)
from providers.http import Answer, Aside, ExternalId, Reply, Units

SLOTS_ARE_TAKEN = timedelta(seconds=20)
"""Pause while as many tasks run as the account has slots for; Kling names none."""


class TaskInfo(Answer):
    """What Kling keeps of our request."""

    external_task_id: str | None = None


class Video(Answer):
    """One finished video."""

    id: str = ""
    url: str = ""


class TaskResult(Answer):
    """What a task made."""

    videos: tuple[Video, ...] | None = None


class Task(Answer):
    """A task as it stands."""

    task_id: ExternalId
    task_status: str = "submitted"
    task_status_msg: Aside[str] = None
    task_info: Aside[TaskInfo] = None
    task_result: TaskResult | None = None
    final_unit_deduction: Aside[Units] = None

    @property
    def videos(self) -> tuple[Video, ...]:
        """Finished videos that have an address."""
        made = self.task_result.videos if self.task_result else None
        return tuple(video for video in made or () if video.url)


class TaskAnswer(Answer):
    """The envelope of every answer and of every webhook."""

    data: Task


class Refusal(Answer):
    """The envelope of an answer without data."""

    code: int
    message: str = ""


class TokenRefused(AuthFailed):
    """The token was not accepted; another one may be."""


CODES: dict[int, type[ProviderError]] = {
    1100: AuthFailed,
    1101: QuotaExhausted,
    1102: QuotaExhausted,
    1103: AuthFailed,
    1200: InvalidRequest,
    1201: InvalidRequest,
    1202: InvalidRequest,
    1203: ModelRetired,
    1300: ContentBlocked,
    1301: ContentBlocked,
    1304: AuthFailed,
}
"""Kling answers 429 for an empty account as well: only the code in the body tells."""


def failure(reply: Reply) -> ProviderError | None:
    """Return the failure that a reply stands for."""
    refusal = reply.try_to_read(Refusal)
    if refusal is None:
        return None if reply.is_success else _by_status(reply)
    if refusal.code == 0 and reply.is_success:
        return None
    if refusal.code in range(1000, 1005):
        return TokenRefused(reply.said)
    if refusal.code in (1302, 1303):
        pause = reply.retry_after or (SLOTS_ARE_TAKEN if refusal.code == 1303 else None)
        return RateLimited(reply.said, retry_after=pause)
    kind = CODES.get(refusal.code)
    return kind(reply.said) if kind else _by_status(reply)


def _by_status(reply: Reply) -> ProviderError:
    """Return the failure of an answer whose code says nothing, such as that of a proxy on the way."""
    if reply.status == 429:
        return RateLimited(reply.said, retry_after=reply.retry_after)
    known: dict[int, type[ProviderError]] = {401: AuthFailed, 402: QuotaExhausted, 403: AuthFailed, 404: ModelRetired}
    if reply.status in known:
        return known[reply.status](reply.said)
    return InvalidRequest(reply.said) if 400 <= reply.status < 500 else ProviderUnavailable(reply.said)

"""What the services behind UseAPI.net have in common: the token, the statuses, uploads."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta

from providers import options
from providers.base import InputMedia
from providers.errors import (
    AuthFailed,
    ContentBlocked,
    InvalidRequest,
    ProviderError,
    ProviderUnavailable,
    QuotaExhausted,
    RateLimited,
)
from providers.http import HttpApi, Reply

BASE_URL = "https://api.useapi.net"
TIMEOUT_SECONDS = 180.0
"""For one call: an upload waits until the service behind has taken the file."""

LARGEST_PICTURE = 10 * 1024 * 1024
LARGEST_VIDEO = 100 * 1024 * 1024
ACCOUNTS_ARE_BUSY = timedelta(seconds=10)

_STATUSES: Mapping[int, type[ProviderError]] = {
    401: AuthFailed,
    402: QuotaExhausted,
    403: AuthFailed,
    404: AuthFailed,
    412: QuotaExhausted,
    422: ContentBlocked,
    596: AuthFailed,
}
"""404 speaks of an account or channel that is not set up there, 596 of one that somebody has to sign in to again."""


def connect(token: str, section: str, base_url: str | None, timeout: float) -> HttpApi:
    """Return a client of one service, such as ``/v1/kling``.

    Raises:
        ValueError: the token cannot be sent in a header.
    """
    return HttpApi(
        f"{(base_url or BASE_URL).rstrip('/')}{section}",
        classify=failure,
        headers=lambda: {"Authorization": f"Bearer {token}"},
        secrets=[token],
        timeout=timeout,
    )


def failure(reply: Reply) -> ProviderError | None:
    """Return the failure that a reply stands for."""
    if reply.is_success:
        return None
    if reply.status == 429:
        return RateLimited(reply.said, retry_after=reply.retry_after or ACCOUNTS_ARE_BUSY)
    if reply.status in _STATUSES:
        return _STATUSES[reply.status](reply.said)
    # A refusal of the service behind comes as a wrong request or, from Kling, as a broken server.
    if reply.status in (400, 500) and options.refused(reply.said):
        return ContentBlocked(reply.said)
    return InvalidRequest(reply.said) if 400 <= reply.status < 500 else ProviderUnavailable(reply.said)


def check_file(media: InputMedia, known: Collection[str]) -> None:
    """Refuse a file that the service cannot take, before anything is uploaded."""
    if media.mime not in known:
        raise InvalidRequest(f"a file of {media.mime} cannot be uploaded, only {', '.join(sorted(known))}")
    most = LARGEST_VIDEO if media.mime.startswith("video/") else LARGEST_PICTURE
    if len(media.data) > most:
        raise InvalidRequest(f"a file of {len(media.data)} bytes cannot be uploaded, only up to {most}")
